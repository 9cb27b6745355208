"""Numbers that identify somebody: handmade texts and comparison with regular expressions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.numbers import NUMBERS, find_numbers, is_chinese_id, is_company_number, passes_luhn
from fraudsieve.features.text.codepoints import pack
from tests.profiles import examples

from .columns import columns

GAP = r"[ ()-]{1,2}"
PHONES = {
    "phones_cn": rf"(?:(?:00)?86(?:{GAP})?)?1[3-9]"
    rf"(?:\d{{9}}|\d{GAP}\d{{4}}{GAP}\d{{4}}|\d\d{GAP}\d{{4}}{GAP}\d{{3}}|\d{GAP}\d{{8}}|\d{{5}}{GAP}\d{{4}})",
    "phones_international": rf"(?<!\d\+)(?<=\+)[1-9](?:(?:{GAP})?\d){{7,14}}",
    "landlines": rf"(?:010|02\d)(?:\d{{8}}|{GAP}\d{{8}}|{GAP}\d{{4}}{GAP}\d{{4}})"
    rf"|0[3-9]\d\d(?:\d{{7,8}}|{GAP}\d{{7,8}}|{GAP}\d{{3,4}}{GAP}\d{{4}})",
    "hotlines": rf"[48]00{GAP}(?:\d{{3}}{GAP}\d{{4}}|\d{{4}}{GAP}\d{{3}})|[48]00\d{GAP}\d{{3}}{GAP}\d{{3}}"
    r"|(?<![a-z$£¥€₹₩₦฿元块万亿./])(?:[48]00\d{7}|9[56]\d{3}|10086|10010|12315)(?![a-z$£¥€₹₩₦฿元块万亿%]|[./][a-z0-9])",
}
CARDS = [
    rf"(?:\d{{4}}{GAP}){{{k}}}\d{{{last}}}" for k, last in ((4, 3), (4, 2), (4, 1), (3, 4), (3, 3), (3, 2), (3, 1))
]
IDENTITY = rf"(?<![a-z])(?:\d{{17}}(?:\d|x)|\d{{6}}{GAP}\d{{8}}{GAP}\d{{3}}[\dx])(?![a-z0-9])"
DIGITS = "0123456789"
PIECES = st.sampled_from(
    [
        *"18046 -()+x.元a中3",
        "86",
        "0086",
        "138",
        "0013",
        "8000",
        "13800138000",
        "010",
        "0755",
        "1234567",
        "12345678",
        "400",
        "95588",
        "4111",
        "1111",
        "110105",
        "19491231",
        "002x",
        "11010519491231002x",
        "91350100m000100y43",
        "10086",
    ]
)
NUMBER_LIKE = st.lists(PIECES, max_size=9).map("".join)


def expected(text: str) -> dict[str, int]:
    """Count as the kernel should: group by group, the most specific kind first."""
    counts = dict.fromkeys(NUMBERS, 0)
    done = 0
    for group in re.finditer(r"[0-9]+", text):
        at = group.start()
        if at >= done:
            kind, end = kind_at(text, at)
            counts[kind] = counts.get(kind, 0) + 1
            done = end
    counts.pop("", None)
    return counts


def kind_at(text: str, at: int) -> tuple[str, int]:
    found = re.compile(IDENTITY).match(text, at)
    if found and is_chinese_id(pack([found.group()]).codes, 0, len(found.group())):
        return "chinese_ids", found.end()
    begin = at - (at > 0 and text[at - 1] in "abcdefghijklmnopqrstuvwxyz")
    found = re.compile(r"(?<![a-z0-9])[a-z0-9]?\d{7}[a-z0-9]{10}(?![a-z0-9])").match(text, begin)
    if found and is_company_number(pack([found.group()]).codes, 0):
        return "company_numbers", found.end()
    for kind, pattern in PHONES.items():
        found = re.compile(rf"(?:{pattern})(?!\d)", re.ASCII).match(text, at)
        if found:
            return kind, found.end()
    for pattern in [r"\d{13,19}", *CARDS]:
        found = re.compile(rf"(?<![a-z])(?=[2-69])(?:{pattern})(?![a-z0-9])", re.ASCII).match(text, at)
        if found and passes_luhn(pack([found.group()]).codes, 0, len(found.group())):
            return "bank_cards", found.end()
    return "", at + 1


def counted(text: str) -> dict[str, int]:
    return {name: int(n) for name, n in zip(NUMBERS, columns([text], NUMBERS)[0], strict=True) if n}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("13800138000", "phones_cn"),
        ("加13800138000吧", "phones_cn"),
        ("138 0013 8000", "phones_cn"),
        ("138-0013-8000", "phones_cn"),
        ("1380 0138 000", "phones_cn"),
        ("138 00138000", "phones_cn"),
        ("+86 138 0013 8000", "phones_cn"),
        ("+8613800138000", "phones_cn"),
        ("(+86)13800138000", "phones_cn"),
        ("(+86) 138-0013-8000", "phones_cn"),
        ("0086-13800138000", "phones_cn"),
        ("86 13800138000", "phones_cn"),
        ("1380013 8000", "phones_cn"),
        ("12800138000", None),
        ("138 0013 80000", None),
        ("138.0013.8000", None),
        ("138001380001", None),
        ("138   0013   8000", None),
        ("010-12345678", "landlines"),
        ("01012345678", "landlines"),
        ("(0755)1234567", "landlines"),
        ("0755 1234 5678", "landlines"),
        ("021-1234-5678", "landlines"),
        ("011-12345678", None),
        ("00-12345678", None),
        ("010-1234567", None),
        ("400-123-4567", "hotlines"),
        ("4001234567", "hotlines"),
        ("4008-123-456", "hotlines"),
        ("800-1234-567", "hotlines"),
        ("500-123-4567", None),
        ("请致电95588", "hotlines"),
        ("call 95588.", "hotlines"),
        ("10086", "hotlines"),
        ("10000", None),
        ("95588元", None),
        ("¥95588", None),
        ("95588.5", None),
        ("1.95588", None),
        ("a95588", None),
        ("97588", None),
        ("+44 20 7946 0958", "phones_international"),
        ("+1 (415) 555-0100", "phones_international"),
        ("+2348012345678", "phones_international"),
        ("+44 20 7946 0958 1234", "phones_international"),  # the last four would make sixteen digits
        ("+123 4567", None),
        ("+0234567890", None),
        ("5+12345678", None),
        ("+1234567890123456", None),
        ("4111111111111111", "bank_cards"),
        ("4111 1111 1111 1111", "bank_cards"),
        ("4111-1111-1111-1111 999", "bank_cards"),  # a code behind it
        ("6222020000000000004", None),
        ("4111 1111 1111 1112", None),
        ("1700000000000", None),  # a time
        ("a4111111111111111", None),
        ("4111111111111111a", None),
        ("11010519491231002x", "chinese_ids"),
        ("身份证110105 19491231 002x", "chinese_ids"),
        ("110105194912310021", None),
        ("11010519491231002xa", None),
        ("a11010519491231002x", None),
        ("91350100m000100y43", "company_numbers"),
        ("代码91350100m000100y43。", "company_numbers"),
        ("n2350100m000100y4j", "company_numbers"),
        ("91350100m000100y44", None),
        ("91350100m000100y43a", None),
        ("a91350100m000100y43", None),
    ],
)
def test_numbers_of_handmade_texts(text: str, kind: str | None) -> None:
    assert counted(text) == ({kind: 1} if kind else {})
    assert {name: n for name, n in expected(text).items() if n} == counted(text)


def test_a_number_has_one_kind_and_is_counted_once() -> None:
    text = "13800138000 010-12345678,95588 +8613900139000; 4111 1111 1111 1111"
    spans = find_numbers(pack(["", text]))
    assert [(NUMBERS[kind], text[a:b]) for _, kind, a, b in spans.tolist()] == [
        ("phones_cn", "13800138000"),
        ("landlines", "010-12345678"),
        ("hotlines", "95588"),
        ("phones_cn", "8613900139000"),
        ("bank_cards", "4111 1111 1111 1111"),
    ]


def test_a_card_has_at_most_19_digits_even_if_20_pass_the_check() -> None:
    text = "4111 1111 1111 1111 0018"
    assert [text[a:b] for _, _, a, b in find_numbers(pack([text])).tolist()] == ["4111 1111 1111 1111"]


@examples(1000)
@given(NUMBER_LIKE)
def test_counts_equal_regular_expressions(text: str) -> None:
    assert counted(text) == {name: n for name, n in expected(text).items() if n}
