"""Texts as code points and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import pack
from tests.profiles import examples

ANYTHING = st.text(st.characters(exclude_categories=()))  # lone surrogates and NUL too


@examples(150)
@given(st.lists(ANYTHING))
def test_every_string_round_trips(texts: list[str]) -> None:
    packed = pack(texts)
    assert packed.unpack() == texts
    assert len(packed) == len(texts)
    assert packed.codes.tolist() == [ord(char) for text in texts for char in text]
    assert np.diff(packed.offsets).tolist() == [len(text) for text in texts]
    assert packed.offsets[0] == 0
    assert packed.codes.dtype == np.uint32
    assert packed.offsets.dtype == np.int64


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["", "", ""],
        ["\0", "a\0", "\0\0"],
        ["\ud800"],
        ["\udfff\ud800"],
        ["\U0010ffff", "𠮷", "é", "e\u0301"],
        ["\ufeffbom", "\ufffe"],
    ],
    ids=ascii,
)
def test_unusual_strings_round_trip(texts: list[str]) -> None:
    assert pack(texts).unpack() == texts


def test_halves_of_a_surrogate_pair_in_neighbouring_texts_are_not_joined() -> None:
    halves = ["\ud83d", "\ude00"]
    assert pack(halves).unpack() == halves
    assert pack(["".join(halves)]).offsets.tolist() == [0, 2]


def test_offsets_separate_the_texts() -> None:
    packed = pack(["ab", "", "中文字"])
    assert packed.offsets.tolist() == [0, 2, 2, 5]
    assert packed.codes[packed.offsets[2] : packed.offsets[3]].tolist() == [ord(char) for char in "中文字"]


@pytest.mark.slow
def test_every_code_point_round_trips() -> None:
    everything = [chr(code) for code in range(0x110000)]
    packed = pack(everything)
    assert np.array_equal(packed.codes, np.arange(0x110000))
    assert packed.unpack() == everything
