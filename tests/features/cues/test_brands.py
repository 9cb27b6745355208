"""Look-alikes of brands: handmade texts and comparison with plain Python."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.custom_lists import BRANDS, CustomLists, check_brands
from tests.profiles import examples

from .columns import columns

NAMES = ("paybird", "icbk")


def counts(texts: list[str], brands: tuple[str, ...] = NAMES) -> list[float]:
    found: list[float] = columns(texts, BRANDS, CustomLists.of(brands=brands))[:, 0].tolist()
    return found


def edits(word: str) -> set[str]:
    """Return all words one edit from a word."""
    letters = "abdiprycke1"
    cuts = [(word[:k], word[k:]) for k in range(len(word) + 1)]
    near = {a + c + b for a, b in cuts for c in letters} | {a + b[1:] for a, b in cuts if b}
    return (near | {a + c + b[1:] for a, b in cuts if b for c in letters}) - {word}


OF_NUMBER = {
    0: "|paybird.com|www.paybird.co.uk/x|icbk.paybird.com|paybidr.com|payb.com|shop.com/paybird|paybird at shop.com"
    "|paybirds at shop.com|icbl at shop.com|paybi1d|paybi1d me@shop.com|me@paybi1d.com|http://1.2.3.4/ paybi1d",
    1: "paybird-login.com|mypaybird.com|paybird24.com|paybird.shop.com|paybird.com.shop.com|paybird-x.shop.com"
    "|paybrd.com|paybirdd.com|paybird1.com|paybi1d.com|paybi1d-help.com|shop.com/paybi1d|paybi1d at shop.com"
    "|shop.com, paybi1d|paybi1d 1.2.3.4/ me@shop.com, 请看shop.com",
    2: "icbk-pay.com icbl.com",
}


@pytest.mark.parametrize(("text", "n"), [(text, n) for n, texts in OF_NUMBER.items() for text in texts.split("|")])
def test_lookalikes_of_handmade_texts(text: str, n: int) -> None:
    assert counts([text]) == [n]


def test_without_brands_there_are_no_lookalikes_and_texts_are_independent() -> None:
    assert counts(["paybi1d.com"], ()) == [0]
    assert counts(["paybi1d", "shop.com", "paybi1d.com", "paybi1d"]) == [0, 0, 1, 0]


@examples(300)
@given(st.sampled_from(sorted(edits("paybird"))) | st.text(st.sampled_from("paybird1"), min_size=5, max_size=9))
def test_a_label_counts_if_it_contains_the_brand_or_is_one_edit_from_it(word: str) -> None:
    like = word != "paybird" and ("paybird" in word or word in edits("paybird"))
    is_near = word in edits("paybird") and word != "paybirds"
    assert counts([f"{word}.com", f"{word}: shop.com"], ("paybird",)) == [like, is_near]


def test_brands_are_folded_and_checked() -> None:
    assert check_brands(["ＰayBird", "paybird", "a-b"]) == ("paybird", "a-b")
    assert check_brands(()) == ()
    with pytest.raises(TypeError, match=r"Pass a tuple"):
        check_brands("paybird")
    with pytest.raises(TypeError, match=r"sequence of brands as strings"):
        check_brands([1])  # type: ignore[list-item]
    for bad in ("ab", "", "a" * 64, "-ab", "ab-", "pay bird", "某银行", "pay.bird"):
        with pytest.raises(ValueError, match=re.escape("1 of 2 are not. Remove these brands.")):
            check_brands(["paybird", bad])
