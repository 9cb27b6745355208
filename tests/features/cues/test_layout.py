"""Layout: handmade texts and comparison with plain Python."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.matrix import LAYOUT, LAYOUT_SHAPES
from tests.profiles import examples

from .columns import columns

NAMES = LAYOUT + LAYOUT_SHAPES
WORD_LIKE = st.text(st.sampled_from("ab1中 【】[]"), max_size=60)
REPEATING = st.lists(st.sampled_from(["abcd", "bcda", "ab", "中", "1"]), max_size=20).map("".join)


def measured(text: str) -> dict[str, float]:
    return dict(zip(NAMES, columns([text], NAMES)[0].tolist(), strict=True))


def repeats(text: str) -> tuple[float, float]:
    """Return repetition and compression, from a dictionary of the last position of every four characters."""
    last: dict[str, int] = {}
    covered: set[int] = set()
    cost, done = 0, 0
    for at in range(len(text)):
        gram = text[at : at + 4]
        seen = last.get(gram, -1) if len(gram) == 4 else -1
        last[gram] = at
        if seen >= 0:
            covered |= set(range(at, at + 4))
        if at < done:
            continue
        size = 0
        while seen >= 0 and at + size < len(text) and text[seen + size] == text[at + size]:
            size += 1
        cost += 3 if size else 1
        done = at + max(size, 1)
    return len(covered) / max(len(text), 1), cost / max(len(text), 1)


@pytest.mark.parametrize(
    ("text", "head", "tail"),
    [
        ("", 0, 0),
        ("【某银行】您好", 3, 0),
        ("您好【某银行】", 0, 3),
        ("【某银行】", 3, 3),
        ("[bank] hi", 4, 0),
        ("hi [bank]", 0, 0),
        ("x【某】x", 0, 0),
        ("【】", 0, 0),
        ("【某]", 0, 0),
        ("【", 0, 0),
        ("】", 0, 0),
        ("【" + "某" * 40 + "】", 40, 40),
        ("【" + "某" * 41 + "】", 0, 0),
        ("【一】二【三三】", 1, 2),
    ],
)
def test_signatures_in_brackets(text: str, head: int, tail: int) -> None:
    row = measured(text)
    assert (row["bracketed_head"], row["bracketed_tail"]) == (head, tail)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("ab 12 中", 0), ("ab12", 1), ("a1b2 c3", 2), ("我的wifi密码", 1), ("中1", 0), ("a中", 1), ("a-1", 0)],
)
def test_mixed_words(text: str, words: int) -> None:
    assert measured(text)["mixed_words"] == words


def test_repetition_and_compression_of_handmade_texts() -> None:
    assert measured("abcdefgh")["repetition"] == 0
    assert measured("abcdefgh")["compression"] == 1
    assert measured("abcdxabcd")["repetition"] == pytest.approx(4 / 9)
    assert measured("abcdxabcd")["compression"] == pytest.approx((5 + 3) / 9)
    assert measured("a" * 100)["repetition"] == pytest.approx(0.99)
    assert measured("a" * 100)["compression"] == pytest.approx(0.04)
    assert measured("abc")["compression"] == 1
    assert measured("")["compression"] == 0


@examples(500)
@given(WORD_LIKE | REPEATING)
def test_measures_equal_plain_python(text: str) -> None:
    row = measured(text)
    words = re.findall(r"[a-z0-9中]+", text)
    assert row["mixed_words"] == sum(bool(re.search(r"[a-z][0-9中]|[0-9中][a-z]", word)) for word in words)
    head = re.match(r"【([^】]{0,40})】|\[([^\]]{0,40})\]", text)
    assert row["bracketed_head"] == (len(head.group()) - 2 if head else 0)
    tail = re.search(r"【([^【]{0,40})】$", text)
    assert row["bracketed_tail"] == (len(tail.group()) - 2 if tail else 0)
    assert (row["repetition"], row["compression"]) == pytest.approx(repeats(text))


def test_long_texts_are_exact_too() -> None:
    text = "".join(chr(0x4E00 + 7 * k % 3001) for k in range(3000)) * 2
    row = measured(text)
    assert (row["repetition"], row["compression"]) == pytest.approx(repeats(text))
