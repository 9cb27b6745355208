"""Removal of obfuscation by context, in texts that are folded code point by code point."""

import itertools

import pytest

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import (
    LATIN_MARKS,
    LETTER_DIGITS,
    MARKS,
    RESEMBLED,
    SEPARATORS,
    SPELLED,
    SPELLED_DIGITS,
    undo_by_context,
)


def undo(*texts: str) -> tuple[list[str], list[list[int]]]:
    packed = pack(texts)
    codes, offsets, undone = undo_by_context(packed.codes.copy(), packed.offsets)
    ends = offsets.tolist()
    return ["".join(map(chr, codes[a:b])) for a, b in itertools.pairwise(ends)], undone.tolist()


def test_a_character_spells_one_digit() -> None:
    assert len(SPELLED) == len(SPELLED_DIGITS) == len(set(SPELLED))


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
def test_a_mark_between_chinese_characters_is_removed(mark: str) -> None:
    assert undo(f"加{mark}微") == (["加微"], [[1, 0, 0]])
    assert undo(f"{mark}加微{mark}a") == ([f"{mark}加微{mark}a"], [[0, 0, 0]])


@pytest.mark.parametrize("mark", SEPARATORS, ids=ascii)
def test_signs_between_latin_letters_are_kept_if_words_have_them(mark: str) -> None:
    expected = "ab" if mark in LATIN_MARKS else f"a{mark}b"
    assert undo(f"a{mark}b")[0] == [expected]
    assert undo(f"1{mark}2")[0] == [f"1{mark}2"]


@pytest.mark.parametrize("sign", SEPARATORS, ids=ascii)
@pytest.mark.parametrize(("letters", "min_length"), [("free", 4), ("138000", 6)])
def test_separated_letters_are_joined_from_a_minimum_length(sign: str, letters: str, min_length: int) -> None:
    assert undo(sign.join(letters)) == ([letters], [[len(letters) - 1, 0, 0]])
    fewer = letters[: min_length - 1]
    expected = fewer if sign in LATIN_MARKS and not fewer.isdigit() else sign.join(fewer)
    assert undo(sign.join(fewer))[0] == [expected]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("f.r-e.e", "f.r-e.e"),  # two signs
        ("xf.r.e.e", "xf.r.e.e"),  # the first belongs to a word
        ("a b c d e f gh", "abcdef gh"),
        ("f r e e  w i n n", "free  winn"),
        ("1.2.3.4.5.6.78", "123456.78"),
        ("1.2.3.4.5.67", "1.2.3.4.5.67"),
        ("f r e 1 e", "f r e 1 e"),
    ],
)
def test_edges_of_runs_of_single_letters(text: str, left: str) -> None:
    assert undo(text)[0] == [left]


@pytest.mark.parametrize(("spelled", "digit"), list(zip(SPELLED, SPELLED_DIGITS, strict=True)), ids=ascii)
def test_spelled_digits_of_long_numbers_become_digits(spelled: str, digit: str) -> None:
    assert undo(f"12345{spelled}") == ([f"12345{digit}"], [[0, 1, 0]])
    assert undo(f"1234{spelled}") == ([f"1234{spelled}"], [[0, 0, 0]])


@pytest.mark.parametrize(("sign", "letter"), list(zip(LETTER_DIGITS, RESEMBLED, strict=True)), ids=ascii)
def test_digits_that_stand_for_letters_in_words_become_letters(sign: str, letter: str) -> None:
    assert undo(f"xy{sign}z") == ([f"xy{letter}z"], [[0, 0, 1]])
    assert undo(f"x{sign}yz{sign}z") == ([f"x{letter}yz{letter}z"], [[0, 0, 2]])
    for ordinary in (
        f"x{sign}z",
        f"{sign}xyz",
        f"xyz{sign}",
        f"xy{sign}{sign}z",
        f"{sign}xy{sign}z",
        f"xy{sign}z{sign}",
    ):
        assert undo(ordinary) == ([ordinary], [[0, 0, 0]])


@pytest.mark.parametrize(
    "text",
    [
        "x1y2z code a1b2c3 at 10am, 5pm, 2nd, 24hrs, covid19, mp3, b2b",
        "http://shop.example/w1nn shop.example/w1nn?w1nn w1nn.example a_w1nn ann.w1nn@mail.example",
        "0xab5801a7d398351b8be11c439e05c5b3259aec9b",
    ],
)
def test_numbers_codes_and_links_keep_their_digits(text: str) -> None:
    assert undo(text)[0] == [text]


def test_a_word_at_the_end_of_a_sentence_is_in_no_link() -> None:
    assert undo("you w1nn. w1nn: w1nn")[0] == ["you winn. winn: winn"]


def test_identifiers_keep_their_digits() -> None:
    packed = pack(["ab1cd"])
    codes, _, _ = undo_by_context(packed.codes.copy(), packed.offsets, letter_digits=False)
    assert "".join(map(chr, codes)) == "ab1cd"


def test_a_table_beyond_the_first_plane_is_not_needed() -> None:
    assert undo("𠀀*𠀁 🙂*🙂")[0] == ["𠀀𠀁 🙂*🙂"]
