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
PIECES = (
    "86 0086 138 0013 8000 13800138000 010 0755 1234567 12345678 400 95588 4111 1111 110105 19491231 002x "
    "11010519491231002x 91350100m000100y43 10086"
)
NUMBER_LIKE = st.lists(st.sampled_from([*"18046 -()+x.元a中3", *PIECES.split()]), max_size=9).map("".join)


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


OF_KIND = {
    "phones_cn": "13800138000|加13800138000吧|138 0013 8000|138-0013-8000|1380 0138 000|138 00138000|+86 138 0013 8000"
    "|+8613800138000|(+86)13800138000|(+86) 138-0013-8000|0086-13800138000|86 13800138000|1380013 8000",
    "landlines": "010-12345678|01012345678|(0755)1234567|0755 1234 5678|021-1234-5678",
    "hotlines": "400-123-4567|4001234567|4008-123-456|800-1234-567|请致电95588|call 95588.|10086",
    # The last four digits would make sixteen.
    "phones_international": "+44 20 7946 0958|+1 (415) 555-0100|+2348012345678|+44 20 7946 0958 1234",
    "bank_cards": "4111111111111111|4111 1111 1111 1111|4111-1111-1111-1111 999",  # with a code behind it
    "chinese_ids": "11010519491231002x|身份证110105 19491231 002x",
    "company_numbers": "91350100m000100y43|代码91350100m000100y43。|n2350100m000100y4j",
    "": "12800138000|138 0013 80000|138.0013.8000|138001380001|138   0013   8000|011-12345678|00-12345678|010-1234567"
    "|500-123-4567|10000|95588元|¥95588|95588.5|1.95588|a95588|97588|+123 4567|+0234567890|5+12345678"
    "|+1234567890123456|6222020000000000004|4111 1111 1111 1112|a4111111111111111|4111111111111111a"
    "|1700000000000"  # a time
    "|110105194912310021|11010519491231002xa|a11010519491231002x"
    "|91350100m000100y44|91350100m000100y43a|a91350100m000100y43",
}


@pytest.mark.slow
@pytest.mark.parametrize(("text", "kind"), [(text, kind) for kind in OF_KIND for text in OF_KIND[kind].split("|")])
def test_numbers_of_handmade_texts(text: str, kind: str) -> None:
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
