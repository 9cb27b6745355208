"""Hashed n-grams, and scores compared with a plain implementation."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.wording.model import BITS, MAX_N, MAX_TIMES, hash_ngrams, linear_scores, rank_table

ANYTHING = st.text(st.characters(exclude_categories=()))
REPETITIVE = st.text("ab中\0", max_size=60)
TEXTS = st.lists(ANYTHING | REPETITIVE, min_size=1, max_size=6)


BEGIN, END = 0x110000, 0x110001
PLACES = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63)
FINAL, WORD = 0xFF51AFD7ED558CCD, (1 << 64) - 1
Gram = tuple[int, ...]


def ngrams(text: str) -> list[Gram]:
    """Return the n-grams of a text with its marks, without single marks; an empty text has none."""
    codes = (BEGIN, *map(ord, text), END) if text else ()
    grams = [codes[at : at + n] for n in range(1, MAX_N + 1) for at in range(len(codes) - n + 1)]
    return [gram for gram in grams if gram not in ((BEGIN,), (END,))]


def bucket(gram: Gram | str) -> int:
    """Return the bucket of an n-gram, computed with Python integers."""
    codes = tuple(map(ord, gram)) if isinstance(gram, str) else gram
    state = FINAL + sum(code * place for code, place in zip(codes, PLACES, strict=False))
    state = (state & WORD) ^ (0, *PLACES)[len(codes) - 1]
    return (((state ^ (state >> 32)) * FINAL) & WORD) >> (64 - BITS)


def random_model(texts: list[str], n_outputs: int, seed: int) -> tuple[Array, Array]:
    """Return buckets and weights for about half of the n-grams of texts, and for some other n-grams."""
    rng = np.random.default_rng(seed)
    seen = np.unique(hash_ngrams(pack(texts))[0])
    strange = rng.integers(0, 1 << BITS, 50)
    buckets = np.union1d(seen[rng.random(len(seen)) < 0.5], strange).astype(np.int32)
    idf = rng.uniform(1, 8, len(buckets))
    coef = rng.normal(size=(len(buckets), n_outputs))
    return buckets, np.column_stack([idf, idf[:, None] * coef]).astype(np.float32)


def reference(text: str, buckets: Array, weights: Array) -> tuple[list[float], float]:
    """Score one text with dictionaries."""
    rows = {int(b): weights[row].astype(float) for row, b in enumerate(buckets)}
    grams = hash_ngrams(pack([text]))[0].tolist()
    times = Counter(b for b in grams if b in rows)
    values = {b: 1 + math.log(min(n, MAX_TIMES)) for b, n in times.items()}
    length = math.sqrt(sum((value * rows[b][0]) ** 2 for b, value in values.items())) or 1.0
    scores = [
        sum(value * rows[b][1 + output] for b, value in values.items()) / length
        for output in range(weights.shape[1] - 1)
    ]
    return scores, sum(times.values()) / max(len(grams), 1)


@pytest.mark.parametrize("length", range(11))
def test_every_ngram_is_counted(length: int) -> None:
    text = "abcdefghij"[:length]
    buckets, ends = hash_ngrams(pack(["xyz", text, "xyz"]))
    assert np.diff(ends).tolist() == [12, 4 * length, 12]
    assert len(set(buckets[12:-12].tolist())) == 4 * length


@given(TEXTS)
def test_an_ngram_has_the_same_bucket_at_every_position(texts: list[str]) -> None:
    buckets, ends = hash_ngrams(pack(texts))
    for i, text in enumerate(texts):
        own = buckets[ends[i] : ends[i + 1]].tolist()
        assert Counter(own) == Counter(map(bucket, ngrams(text)))
        assert all(0 <= b < 1 << BITS for b in own)


def test_nul_is_a_character_like_any_other() -> None:
    letters = [chr(code) for code in range(97, 123)]
    for gram in letters + [a + b for a in letters for b in letters]:
        family = [gram + "\0" * n for n in range(MAX_N + 1 - len(gram))]
        assert len({bucket(member) for member in family}) == len(family)
    assert len({bucket(gram) for gram in ("ab", "\0ab", "a\0b", "ab\0")}) == 4


def test_order_and_position_matter() -> None:
    assert len({bucket(gram) for gram in ("abc", "acb", "bac", "bca", "cab", "cba")}) == 6
    opening, closing = (set(hash_ngrams(pack([text]))[0].tolist()) for text in ("ab", "cab"))
    assert bucket((BEGIN, *map(ord, "ab"))) in opening - closing
    assert bucket((*map(ord, "ab"), END)) in opening & closing


def test_distinct_ngrams_rarely_share_a_bucket() -> None:
    grams = [chr(0x4E00 + i) + chr(0x4E00 + 7 * i % 9000) for i in range(9000)]
    packed = pack([gram * 2 for gram in grams])
    distinct = len({gram for text in packed.unpack() for gram in ngrams(text)})
    buckets = len(np.unique(hash_ngrams(packed)[0]))
    expected = (1 << BITS) * -math.expm1(-distinct / (1 << BITS))
    assert buckets == pytest.approx(expected, abs=4 * math.sqrt(distinct - expected))


@given(st.sets(st.integers(0, (1 << BITS) - 1) | st.integers(0, 100), max_size=200))
def test_the_rank_table_finds_the_row_of_every_bucket(kept: set[int]) -> None:
    rows = {b: row for row, b in enumerate(sorted(kept))}
    table = rank_table(np.array(sorted(kept), np.int32))
    assert table.shape == (1 << (BITS - 5),)
    for b in kept | {b ^ 1 for b in kept} | {0, 31, 32, (1 << BITS) - 1}:
        word, bit = int(table[b >> 5]), b & 31
        assert (word >> bit) & 1 == (b in rows)
        if b in rows:
            assert (word >> 32) + (word & ((1 << bit) - 1)).bit_count() == rows[b]


@pytest.mark.parametrize("n_outputs", [1, 2, 5])
@given(texts=TEXTS, seed=st.integers(0, 1000))
def test_scores_equal_the_reference(n_outputs: int, texts: list[str], seed: int) -> None:
    buckets, weights = random_model(texts, n_outputs, seed)
    scores, known = linear_scores(pack(texts), rank_table(buckets), weights)
    assert scores.shape == (len(texts), n_outputs)
    for i, text in enumerate(texts):
        expected_scores, expected_known = reference(text, buckets, weights)
        assert scores[i].tolist() == pytest.approx(expected_scores, abs=1e-6)
        assert known[i] == expected_known


@pytest.mark.parametrize("n_outputs", [1, 5])
def test_counts_are_limited_to_one_hundred(n_outputs: int) -> None:
    buckets = np.sort(np.array([bucket("a"), bucket("b")], np.int32))
    a = buckets.tolist().index(bucket("a"))
    weights = np.ones((2, 1 + n_outputs), np.float32)
    weights[1 - a, 1:] = 0  # "b" affects only the length of the vector
    counts = [MAX_TIMES - 1, MAX_TIMES, MAX_TIMES + 1, 255, 256, 257, 1000, 70_000]
    scores, _ = linear_scores(pack(["a" * n + "b" for n in counts]), rank_table(buckets), weights)
    max_value = 1 + math.log(MAX_TIMES)
    assert scores[0, 0] < scores[1, 0]
    assert scores[1].tolist() == pytest.approx([max_value / math.hypot(max_value, 1)] * n_outputs)
    assert (scores[1:] == scores[1]).all()


def test_the_known_share_counts_repeats() -> None:
    buckets = np.array([bucket("a")], np.int32)
    _, known = linear_scores(pack(["aab", "b", "a"]), rank_table(buckets), np.ones((1, 2), np.float32))
    assert known.tolist() == [2 / 12, 0, 1 / 4]
