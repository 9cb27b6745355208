"""Hashed character n-grams.

An n-gram is one to four consecutive code points of a text. The text has a mark at its start and at its end, since the
first and last words of a message are informative. The hash is a sum of products, one per position, mixed once; the top
`BITS` bits are the bucket. Training counts the buckets. Scoring fuses hashing and the linear model (`linear_scores`).
"""

from typing import TypeAlias

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints
from fraudsieve.features.text.fold import styled_characters

Raw: TypeAlias = tuple[Array, Array, Array]
"""Raw texts as kernels read them: their code points, where each begins, and which code points are styled."""
BITS = 22
"""Four million buckets: few important n-grams of real messages collide (30,000 distinct per thousand messages)."""
MAX_N = 4
MAX_TIMES = 100
"""Further repeats of an n-gram in a text add nothing."""

# One odd multiplier per position, from the primes of xxHash (Collet), and the finaliser of MurmurHash3 (Appleby).
FIRST, SECOND = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)
THIRD, FOURTH = np.uint64(0x165667B19E3779F9), np.uint64(0x85EBCA77C2B2AE63)
FINAL = np.uint64(0xFF51AFD7ED558CCD)
HALF, TOP = np.uint64(32), np.uint64(64 - BITS)
BEGIN, END = np.uint32(0x110000), np.uint32(0x110001)  # beyond Unicode, so no text contains them
VALUES = np.concatenate(([0.0], 1.0 + np.log(np.arange(1, MAX_TIMES + 1)), [1.0 + np.log(MAX_TIMES)]))


@compile_inlined()
def _bucket(state: np.uint64) -> np.int32:
    return np.int32(((state ^ (state >> HALF)) * FINAL) >> TOP)


@compile_inlined()
def _bucket_from(marked: Array, position: int, stop: int, least: int, buckets: Array, n: int) -> int:
    """Fill in the n-grams of at least so many characters that begin at a position."""
    one = np.uint64(marked[position]) * FIRST + FINAL
    if least <= 1:
        buckets[n] = _bucket(one)
        n += 1
    if position + 1 < stop:
        one += np.uint64(marked[position + 1]) * SECOND
        if least <= 2:
            buckets[n] = _bucket(one ^ FIRST)  # so that "a" and "a\0" differ
            n += 1
    if position + 2 < stop:
        one += np.uint64(marked[position + 2]) * THIRD
        if least <= 3:
            buckets[n] = _bucket(one ^ SECOND)
            n += 1
    if position + 3 < stop and least <= 4:
        one += np.uint64(marked[position + 3]) * FOURTH
        buckets[n] = _bucket(one ^ THIRD)
        n += 1
    return n


@compile_inlined()
def _mark(codes: Array, first: int, last: int, marked: Array) -> int:
    """Copy a text between its marks, and return the length with them."""
    marked[0] = BEGIN
    for k in range(last - first):  # compiles in a twentieth of the time of slices, which check shapes
        marked[k + 1] = codes[first + k]
    marked[last - first + 1] = END
    return last - first + 2


@compile_inlined()
def bucket_text(codes: Array, first: int, last: int, marked: Array, buckets: Array) -> int:
    """Fill in the buckets of all n-grams of one text and return their number; `marked` is a buffer for the text.

    The sums of one position extend each other and do not depend on those of other positions, unlike rolling hashes.
    """
    if first == last:
        return 0
    stop = _mark(codes, first, last, marked)
    n = _bucket_from(marked, INT_0, stop, INT_0 + 2, buckets, INT_0)  # without the single mark
    for position in range(1, stop - 3):
        one = np.uint64(marked[position]) * FIRST + FINAL
        two = one + np.uint64(marked[position + 1]) * SECOND
        three = two + np.uint64(marked[position + 2]) * THIRD
        four = three + np.uint64(marked[position + 3]) * FOURTH
        buckets[n] = _bucket(one)
        buckets[n + 1] = _bucket(two ^ FIRST)
        buckets[n + 2] = _bucket(three ^ SECOND)
        buckets[n + 3] = _bucket(four ^ THIRD)
        n += 4
    for position in range(max(stop - 3, 1), stop - 1):
        n = _bucket_from(marked, position, stop, INT_0 + 1, buckets, n)
    return n


@compile_inlined()
def least_raw(raw: Raw, i: int, least: Array) -> int:
    """For each position of a raw text, fill in the length of its shortest n-gram with a styled character.

    Positions count the mark at the start. Returns the length with both marks.
    """
    #   marked   ^  f  r  e  e  ,  N  O  W  $
    #   least    7  6  5  4  3  2  1  1  1  6      lengths above `MAX_N` are no n-grams
    codes, offsets, styled = raw
    first: int = offsets[i]
    stop: int = offsets[i + 1] - first + 2
    following = stop + MAX_N
    for k in range(stop):
        position = stop - 1 - k
        if 0 < position < stop - 1 and styled[codes[first + position - 1]]:
            following = position
        least[position] = following - position + 1
    return stop


@compile_inlined()
def bucket_raw(raw: Raw, i: int, marked: Array, least: Array, buckets: Array, n: int) -> int:
    """Fill in the n-grams of a raw text that have a styled character, after the n that are there."""
    codes, offsets, _ = raw
    if offsets[i] == offsets[i + 1]:
        return n
    stop = least_raw(raw, i, least)
    _mark(codes, offsets[i], offsets[i + 1], marked)
    for position in range(stop):
        if least[position] <= MAX_N:
            n = _bucket_from(marked, position, stop, least[position], buckets, n)
    return n


@compile_inlined()
def longest(offsets: Array) -> int:
    """Return the length of the longest text."""
    length = 0
    for i in range(offsets.size - 1):
        length = max(length, offsets[i + 1] - offsets[i])
    return length


@compile_kernel()
def _hash_kernel(codes: Array, offsets: Array, raw: Raw, out: Array, ends: Array) -> None:
    size = max(longest(offsets), longest(raw[1])) + 2
    marked, least = np.empty(size, np.uint32), np.empty(size, np.int64)
    for i in range(offsets.size - 1):
        own = out[ends[i] :]
        n = bucket_text(codes, offsets[i], offsets[i + 1], marked, own)
        n = bucket_raw(raw, i, marked, least, own, n)
        ends[i + 1] = ends[i] + n


def hash_ngrams(texts: CodePoints, raw: CodePoints | None = None) -> tuple[Array, Array]:
    """Hash every n-gram of every text."""
    raw = without_texts(len(texts)) if raw is None else raw
    # n + (n + 1) + n + (n - 1) for a text of n letters
    buckets = np.empty(MAX_N * (len(texts.codes) + len(raw.codes)), np.int32)
    ends = np.zeros(len(texts) + 1, np.int64)
    _hash_kernel(texts.codes, texts.offsets, raw_texts(raw), buckets, ends)
    return buckets[: ends[-1]], ends


def raw_texts(raw: CodePoints) -> Raw:
    """Return raw texts as kernels read them."""
    return raw.codes, raw.offsets, styled_characters()


def without_texts(n: int) -> CodePoints:
    """Return so many empty texts, for no raw n-grams."""
    return CodePoints(np.empty(0, np.uint32), np.zeros(n + 1, np.int64))
