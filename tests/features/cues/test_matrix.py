"""Cues and shape of handmade texts, and comparison with regular expressions."""

import re
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.crypto import CRYPTO, count_crypto
from fraudsieve.features.cues.custom_lists import CATEGORIES, CustomLists, count_words
from fraudsieve.features.cues.links import LINK_SHAPES, LINKS, measure_links
from fraudsieve.features.cues.matrix import BASIC_CUES, BASIC_SHAPES, CUES, SHAPES, cues_and_shape
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes
from tests.profiles import examples

PAYBIRD = CustomLists.of(brands=["paybird"])
NAMES = (*CUES, *SHAPES)
SCRIPTS = ("digits", "latin", "han", "blanks", "symbols", "other")
ANYTHING = st.text(st.characters(exclude_categories=()))
CUE_LIKE = st.text(st.sampled_from("aw.:/1391元$!?@%【 中"), max_size=40)
EVERYTHING = (
    "ＨＴＴＰ：／／ａ.ｂ １３８００００００００ ９５５８８ ￥５０％！？＠【 bit.ly/a?b "
    "http://1.2.3.4/ xn--a.com my-paybird-x.com me@shop.com 010-12345678 +44 20 7946 0958 "
    "4111111111111111 11010519491231002X 91350100M000100Y43 微信abc123 qq123456 t.me/somebody "
    "wa.me/2348012345678 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa "
    "0x52908400098527886E0F7030069857D2E4169EE7 TA4Y62o6YC2Zsck9rZVGTvqW1AQ7X9zTnj code 1234 "
    "发票号码12345678 立即 公安 中奖 冻结 保密 转账 验证码 加我 贷款 博彩 裸聊 兼职 发票"
)


def measured(text: str) -> dict[str, float]:
    return dict(zip(NAMES, cues_and_shape(pack([text]))[0].tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("", {}),
        ("see you at six", {}),
        ("http://a", {"links": 1}),
        ("https://x1.example/p", {"links": 1, "dotted": 1, "numbers": 1}),
        ("www.prize", {"links": 1, "dotted": 1}),
        ("点www.a", {"links": 1, "dotted": 1}),
        ("http://www.a", {"links": 1, "dotted": 1}),
        ("http://a www.b", {"links": 2, "dotted": 1}),
        ("http:/a", {}),
        ("awww. how sweet", {}),
        ("wwww.a", {"dotted": 1}),
        ("ww.a", {"dotted": 1}),
        ("www", {}),
        ("://", {"links": 1}),
        (":/", {}),
        ("a.b 1.b .b", {"dotted": 2, "numbers": 1}),
        ("3.50 end. a.", {"numbers": 2}),
        ("13800000000", {"mobiles": 1, "long_numbers": 1, "numbers": 1}),
        ("call19912345678now", {"mobiles": 1, "long_numbers": 1, "numbers": 1}),
        ("12800000000", {"long_numbers": 1, "numbers": 1}),
        ("23800000000", {"long_numbers": 1, "numbers": 1}),
        ("138000000001", {"long_numbers": 1, "numbers": 1}),
        ("1380000000", {"long_numbers": 1, "numbers": 1}),
        ("1234567", {"long_numbers": 1, "numbers": 1}),
        ("123456 1234", {"short_numbers": 2, "numbers": 2}),
        ("123 1", {"numbers": 2}),
        ("5元", {"money": 1, "numbers": 1}),
        ("$ £ ¥ € ₹ ₩ ₽ ₺ ₦ ฿ 元", {"money": 11}),
        ("50%!", {"percents": 1, "numbers": 1, "exclamations": 1}),
        ("!!?", {"exclamations": 2, "questions": 1}),
        ("a@b.c", {"ats": 1, "dotted": 1}),
        ("【bank】", {"brackets": 1}),
    ],
)
def test_cues_of_handmade_texts(text: str, cues: dict[str, int]) -> None:
    row = measured(text)
    assert {name: row[name] for name in BASIC_CUES if row[name]} == cues


@pytest.mark.parametrize("name", CUES)
def test_every_cue_can_be_counted_after_folding(name: str) -> None:
    raw = pack([EVERYTHING])
    row = cues_and_shape(fold_codes(raw)[0], raw, PAYBIRD)[0]
    assert row[NAMES.index(name)] > 0


def test_the_shape_of_a_handmade_text() -> None:
    row = measured("ab 中12!!!é")
    assert {name: row[name] for name in BASIC_SHAPES} == {
        "length": 10,
        "digits": 0.2,
        "latin": 0.2,
        "han": 0.1,
        "blanks": 0.1,
        "symbols": 0.3,
        "other": 0.1,
        "distinct": 0.8,
        "longest_run": 3,
        "longest_number": 2,
    }


def test_an_empty_text_has_zeros_and_no_texts_have_no_rows() -> None:
    assert not any(measured("").values())
    assert cues_and_shape(pack([])).shape == (0, len(NAMES))


def test_column_names_are_unique_and_complete() -> None:
    assert len(set(NAMES)) == len(NAMES) == 67
    assert CUES[: len(BASIC_CUES)] == BASIC_CUES
    assert SHAPES[: len(BASIC_SHAPES)] == BASIC_SHAPES


def test_each_block_is_under_its_names() -> None:
    raw = pack([EVERYTHING, "nothing"])
    folded = fold_codes(raw)[0]
    whole = cues_and_shape(folded, raw)
    linked = measure_links(folded)[0]
    blocks = [(LINKS + LINK_SHAPES, linked), (CRYPTO, count_crypto(raw)), (CATEGORIES, count_words(folded))]
    for names, block in blocks:
        assert np.array_equal(whole[:, [NAMES.index(name) for name in names]], block)


def test_brands_and_raw_texts_are_used_if_passed() -> None:
    folded = pack(["paybi1d.com 1a1zp1ep5qgefi2dmptftl5slmv7divfna"])
    raw = pack(["paybi1d.com 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"])
    for columns, some in (({"bitcoin": 0.0, "lookalike_brands": 0.0}, ()), ({"bitcoin": 1.0}, (raw,))):
        row = dict(zip(NAMES, cues_and_shape(folded, *some)[0].tolist(), strict=True))
        assert {name: row[name] for name in columns} == columns
    assert cues_and_shape(folded, None, PAYBIRD)[0, NAMES.index("lookalike_brands")] == 1


def test_characters_that_agree_modulo_4096_count_once() -> None:
    assert measured("a" + chr(ord("a") + 4096))["distinct"] == 0.5


def test_cues_do_not_span_texts() -> None:
    row = cues_and_shape(pack(["138000", "00000 www", ".a http:", "//b", "a", ".b"]))
    assert row[:, NAMES.index("mobiles")].tolist() == [0] * 6
    assert row[:, NAMES.index("links")].tolist() == [0] * 6
    assert row[:, NAMES.index("dotted")].tolist() == [0] * 6
    assert row[:, NAMES.index("longest_run")].tolist() == [3, 5, 2, 2, 1, 1]


@examples(200)
@given(st.lists(ANYTHING | CUE_LIKE, max_size=5))
def test_any_text_gets_finite_counts_and_shares(texts: list[str]) -> None:
    rows = cues_and_shape(pack(texts))
    assert np.isfinite(rows).all()
    assert (rows >= 0).all()
    for text, row in zip(texts, rows, strict=True):
        assert np.array_equal(cues_and_shape(pack([text]))[0], row)
        named = dict(zip(NAMES, row.tolist(), strict=True))
        assert all(named[name] <= 1 for name in (*SCRIPTS, "distinct"))
        assert sum(named[name] for name in SCRIPTS) == pytest.approx(1.0 if text else 0.0)
        assert all(named[name] == int(named[name]) <= 2 * len(text) for name in CUES)  # words within words


@examples(300)
@given(CUE_LIKE)
def test_counts_equal_regular_expressions(text: str) -> None:
    numbers = re.findall(r"[0-9]+", text)
    row = measured(text)
    assert row["links"] == len(re.findall(r"://", text)) + len(re.findall(r"(?<![a-z])(?<!://)www\.", text))
    assert row["dotted"] == len(re.findall(r"(?<=[a-z0-9])\.(?=[a-z])", text))
    assert row["numbers"] == len(numbers)
    assert row["mobiles"] == sum(re.fullmatch(r"1[3-9][0-9]{9}", number) is not None for number in numbers)
    assert row["long_numbers"] == sum(len(number) >= 7 for number in numbers)
    assert row["short_numbers"] == sum(4 <= len(number) <= 6 for number in numbers)
    assert row["money"] == len(re.findall(r"[$元]", text))
    assert row["longest_number"] == max(map(len, numbers), default=0)
    assert row["longest_run"] == max((len(list(run)) for _, run in groupby(text)), default=0)
    assert row["distinct"] * len(text) == pytest.approx(len(set(text)))
