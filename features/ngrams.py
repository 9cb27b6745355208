"""Hashed character n-grams, and the kernel that scores them.

An n-gram is one to four code points in a row. Its hash is rolled from left to right, so that the n-grams that start
at one character cost one multiplication each, and its top `BITS` bits are the bucket. In training the buckets
become a sparse matrix; in scoring hashing and the linear model are fused, and no matrix is made.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from .text import CodePoints

__all__ = ["BITS", "MAX_N", "MAX_TIMES", "Ranks", "hash_ngrams", "linear_scores", "rank_table"]

Array = npt.NDArray[Any]

BITS = 22
"""Four million buckets: on real messages of 30,000 distinct n-grams a thousand, few that matter share one."""
MAX_N = 4

MAX_TIMES = 100
"""A repeat of an n-gram in one text beyond this one adds nothing."""

SEED = np.uint64(0x9E3779B97F4A7C15)
MULTIPLIER = np.uint64(0xFF51AFD7ED558CCD)
HALF = np.uint64(32)
TOP = np.uint64(64 - BITS)
ONE, SIX, LOW_SIX = np.uint64(1), np.uint64(6), np.uint64(63)
VALUES = np.concatenate(([0.0], 1.0 + np.log(np.arange(1, MAX_TIMES + 1)), [1.0 + np.log(MAX_TIMES)]))
VALUE_STEP = np.diff(VALUES)  # what the next occurrence adds to 1 + ln(times)
SQUARE_STEP = np.diff(VALUES**2)


@nb.njit(inline="always")
def _roll(state: np.uint64, code: np.uint32) -> np.uint64:
    """Mix one more code point into a hash (the multiply-xorshift step of SplitMix64; Steele et al., 2014)."""
    state = (state ^ np.uint64(code)) * MULTIPLIER
    return state ^ (state >> HALF)


@nb.njit(cache=True, nogil=True)
def _hash_kernel(codes: Array, offsets: Array, out: Array, ends: Array) -> None:
    at = 0
    for i in range(offsets.size - 1):
        stop = offsets[i + 1]
        for start in range(offsets[i], stop):
            state = SEED
            for j in range(start, min(start + MAX_N, stop)):
                state = _roll(state, codes[j])
                out[at] = np.int32((state * MULTIPLIER) >> TOP)
                at += 1
        ends[i + 1] = at


def hash_ngrams(texts: CodePoints) -> tuple[Array, Array]:
    """Hash every n-gram of every text.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.

    Returns
    -------
    buckets : ndarray of int32, shape (n_ngrams,)
        The bucket of every n-gram, text after text; an n-gram that occurs twice is there twice.
    ends : ndarray of int64, shape (n_texts + 1,)
        The n-grams of text ``i`` are ``buckets[ends[i]:ends[i + 1]]``.

    Examples
    --------
    >>> from fraudsieve.features.text import pack
    >>> buckets, ends = hash_ngrams(pack(["abc", "ab"]))
    >>> ends.tolist(), buckets[0] == buckets[6], len(set(buckets.tolist()))
    ([0, 6, 9], np.True_, 6)
    """
    lengths = np.diff(texts.offsets)
    total = sum(int(np.maximum(lengths - n, 0).sum()) for n in range(MAX_N))
    buckets = np.empty(total, np.int32)
    ends = np.zeros(len(texts) + 1, np.int64)
    _hash_kernel(texts.codes, texts.offsets, buckets, ends)
    return buckets, ends


class Ranks(NamedTuple):
    """Which row of weights a bucket has: a bit a bucket, and how many bits are set before each word of 64.

    It takes three quarters of a megabyte, so that it stays in the second-level cache, where a plain table of four
    million rows would go to memory for every n-gram (measured: half the time a message).

    Parameters
    ----------
    words : ndarray of uint64, shape (2**(BITS - 6),)
        Bit ``b % 64`` of word ``b // 64`` is set when bucket ``b`` has weights.
    before : ndarray of int32, shape (2**(BITS - 6),)
        The number of bits set in all earlier words.
    """

    words: Array
    before: Array


def rank_table(buckets: Array) -> Ranks:
    """Return the look-up table from a bucket to its row of weights.

    Parameters
    ----------
    buckets : ndarray of int32, shape (n_kept,)
        The buckets that have weights, ascending, as their rows are.

    Returns
    -------
    Ranks

    Examples
    --------
    >>> ranks = rank_table(np.array([3, 7, 200], np.int32))
    >>> ranks.words[0], ranks.before[:5].tolist()
    (np.uint64(136), [0, 2, 2, 2, 3])
    """
    words = np.zeros(1 << (BITS - 6), np.uint64)
    np.bitwise_or.at(words, buckets >> 6, np.uint64(1) << (buckets & 63).astype(np.uint64))
    counts = np.bitwise_count(words).astype(np.int32)
    return Ranks(words, np.cumsum(counts, dtype=np.int32) - counts)


@intrinsic  # type: ignore[untyped-decorator]
def _popcount(_: Any, word: Any) -> Any:
    """Count the bits that are set, in one instruction."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


@nb.njit(inline="always")
def _bucket_text(codes: Array, start: int, stop: int, buckets: Array) -> int:
    """Fill in the bucket of every n-gram of one text and return how many there are."""
    n_all = 0
    for first in range(start, stop):
        state = SEED
        for j in range(first, min(first + MAX_N, stop)):
            state = _roll(state, codes[j])
            buckets[n_all] = (state * MULTIPLIER) >> TOP
            n_all += 1
    return n_all


@nb.njit(inline="always")
def _rank_known(buckets: Array, n_all: int, words: Array, before: Array, rows: Array) -> int:
    """Fill in the rows of the n-grams that have one and return how many do; no branch to mispredict."""
    n_known = 0
    for k in range(n_all):
        word = words[buckets[k] >> SIX]
        bit = buckets[k] & LOW_SIX
        rows[n_known] = before[buckets[k] >> SIX] + np.int32(_popcount(word & ((ONE << bit) - ONE)))
        n_known += np.int64((word >> bit) & ONE)
    return n_known


@nb.njit(cache=True, nogil=True)
def _score_kernel(
    codes: Array, offsets: Array, words: Array, before: Array, weights: Array, out: Array, known: Array
) -> None:
    n_outputs = weights.shape[1] - 1
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    buckets = np.empty(MAX_N * longest + 1, np.uint64)
    rows = np.empty(MAX_N * longest + 1, np.int32)
    times = np.zeros(weights.shape[0], np.uint8)
    for i in range(offsets.size - 1):
        n_all = _bucket_text(codes, offsets[i], offsets[i + 1], buckets)
        n_known = _rank_known(buckets, n_all, words, before, rows)
        square = 0.0
        for k in range(n_known):
            row = rows[k]
            seen = times[row]
            times[row] = seen + (seen < MAX_TIMES)
            square += SQUARE_STEP[seen] * weights[row, 0] ** 2
            for c in range(n_outputs):
                out[i, c] += VALUE_STEP[seen] * weights[row, c + 1]
        for k in range(n_known):
            times[rows[k]] = 0
        if square > 0.0:
            for c in range(n_outputs):
                out[i, c] /= np.sqrt(square)
        known[i] = n_known / max(n_all, 1)


def linear_scores(texts: CodePoints, ranks: Ranks, weights: Array) -> tuple[Array, Array]:
    """Score texts with a linear model over their TF-IDF vectors, without making the vectors.

    The value of an n-gram is ``(1 + ln(times)) * idf``, and a text's vector has length one (sublinear term
    frequency and cosine normalisation; Salton and Buckley, 1988). A repeat counts up to the 100th.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.
    ranks : Ranks
        From `rank_table`.
    weights : ndarray of float32, shape (n_kept, 1 + n_outputs)
        A row an n-gram: its inverse document frequency, then that times its coefficient for each output.

    Returns
    -------
    scores : ndarray of float64, shape (n_texts, n_outputs)
        Zero for a text without a known n-gram; intercepts are not added.
    known : ndarray of float64, shape (n_texts,)
        The share of the text's n-grams that have weights.

    Examples
    --------
    >>> from fraudsieve.features.text import pack
    >>> text = pack(["a", "b"])
    >>> buckets = hash_ngrams(text)[0]
    >>> weights = np.array([[2, 6], [1, -1]], np.float32)[np.argsort(buckets)]
    >>> scores, known = linear_scores(text, rank_table(np.sort(buckets)), weights)
    >>> scores.ravel().tolist(), known.tolist()
    ([3.0, -1.0], [1.0, 1.0])
    """
    out = np.zeros((len(texts), weights.shape[1] - 1))
    known = np.zeros(len(texts))
    _score_kernel(texts.codes, texts.offsets, ranks.words, ranks.before, weights, out, known)
    return out, known
