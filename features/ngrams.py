"""Hashed character n-grams, and the kernel that scores them.

An n-gram is one to four code points in a row. Its hash is a sum of products, one a place, mixed once; the top `BITS`
bits are the bucket. In training the buckets become a sparse matrix; in scoring hashing and the linear model are fused,
and no matrix is made.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from .text import CodePoints

__all__ = ["BITS", "MAX_N", "MAX_TIMES", "hash_ngrams", "linear_scores", "rank_table"]

Array = npt.NDArray[Any]

BITS = 22
"""Four million buckets: on real messages of 30,000 distinct n-grams a thousand, few that matter share one."""
MAX_N = 4

MAX_TIMES = 100
"""A repeat of an n-gram in one text beyond this one adds nothing."""

# One odd multiplier a place, from the primes of xxHash (Collet), and the finaliser of MurmurHash3 (Appleby).
FIRST, SECOND = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)
THIRD, FOURTH = np.uint64(0x165667B19E3779F9), np.uint64(0x85EBCA77C2B2AE63)
FINAL = np.uint64(0xFF51AFD7ED558CCD)
HALF, TOP = np.uint64(32), np.uint64(64 - BITS)
ONE = np.uint64(1)
VALUES = np.concatenate(([0.0], 1.0 + np.log(np.arange(1, MAX_TIMES + 1)), [1.0 + np.log(MAX_TIMES)]))
VALUE_STEP = np.diff(VALUES)  # what the next occurrence adds to 1 + ln(times)
SQUARE_STEP = np.diff(VALUES**2)


@nb.njit(inline="always")
def _bucket(state: np.uint64) -> np.int32:
    return np.int32(((state ^ (state >> HALF)) * FINAL) >> TOP)


@nb.njit(inline="always")
def _bucket_text(codes: Array, start: int, stop: int, buckets: Array) -> int:
    """Fill in the bucket of every n-gram of one text and return how many there are.

    The sums of one start are extended from n-gram to n-gram and need not wait for each other, which rolled hashes do.
    """
    n = 0
    for at in range(start, stop - 3):
        one = np.uint64(codes[at]) * FIRST + FINAL
        two = one + np.uint64(codes[at + 1]) * SECOND
        three = two + np.uint64(codes[at + 2]) * THIRD
        four = three + np.uint64(codes[at + 3]) * FOURTH
        buckets[n] = _bucket(one)
        buckets[n + 1] = _bucket(two ^ FIRST)  # two characters are not one with a NUL after it
        buckets[n + 2] = _bucket(three ^ SECOND)
        buckets[n + 3] = _bucket(four ^ THIRD)
        n += 4
    for at in range(max(stop - 3, start), stop):
        one = np.uint64(codes[at]) * FIRST + FINAL
        buckets[n] = _bucket(one)
        n += 1
        if at + 1 < stop:
            two = one + np.uint64(codes[at + 1]) * SECOND
            buckets[n] = _bucket(two ^ FIRST)
            n += 1
        if at + 2 < stop:
            three = two + np.uint64(codes[at + 2]) * THIRD
            buckets[n] = _bucket(three ^ SECOND)
            n += 1
    return n


@nb.njit(cache=True, nogil=True)
def _hash_kernel(codes: Array, offsets: Array, out: Array, ends: Array) -> None:
    for i in range(offsets.size - 1):
        ends[i + 1] = ends[i] + _bucket_text(codes, offsets[i], offsets[i + 1], out[ends[i] :])


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


def rank_table(buckets: Array) -> Array:
    """Return the look-up table from a bucket to its row of weights.

    A word covers 32 buckets: a bit for each that has a row, and above them how many rows come before. It takes a
    megabyte and one load an n-gram, where a plain table of four million rows goes to memory (measured: twice the time).

    Parameters
    ----------
    buckets : ndarray of int32, shape (n_kept,)
        The buckets that have weights, ascending, as their rows are.

    Returns
    -------
    ndarray of uint64, shape (2**(BITS - 5),)

    Examples
    --------
    >>> table = rank_table(np.array([3, 7, 200], np.int32))
    >>> [(int(word) >> 32, int(word) & 0xFFFFFFFF) for word in table[[0, 1, 6]]]
    [(0, 136), (2, 0), (2, 256)]
    """
    bits = np.zeros(1 << (BITS - 5), np.uint32)
    np.bitwise_or.at(bits, buckets >> 5, np.uint32(1) << (buckets & 31).astype(np.uint32))
    counts = np.bitwise_count(bits).astype(np.uint64)
    return np.asarray(((np.cumsum(counts) - counts) << HALF) | bits)


@intrinsic
def _popcount_intrinsic(_: Any, word: Any) -> Any:
    """Count the bits that are set, in one instruction."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


_popcount: Any = _popcount_intrinsic  # compiled code calls it without the typing context


@nb.njit(inline="always")
def _find_rows(buckets: Array, n_all: int, table: Array, rows: Array) -> int:
    """Fill in the rows of the n-grams that have one and return how many do; no branch to mispredict."""
    n = 0
    for k in range(n_all):
        word = table[buckets[k] >> 5]
        bit = np.uint64(buckets[k] & 31)
        rows[n] = np.int32(word >> HALF) + np.int32(_popcount(word & ((ONE << bit) - ONE)))
        n += int((word >> bit) & ONE)
    return n


@nb.njit(inline="always")
def _add_one(rows: Array, n: int, times: Array, weights: Array, scores: Array) -> float:
    """Add up the only output of one text and return the squared length of its vector."""
    square, score = 0.0, 0.0  # kept in registers, which an array is not
    for k in range(n):
        row = rows[k]
        seen = times[row]
        times[row] = seen + (seen < MAX_TIMES)
        square += SQUARE_STEP[seen] * weights[row, 0] * weights[row, 0]
        score += VALUE_STEP[seen] * weights[row, 1]
    scores[0] = score
    return square


@nb.njit(inline="always")
def _add_many(rows: Array, n: int, times: Array, weights: Array, scores: Array) -> float:
    """Add up the outputs of one text and return the squared length of its vector."""
    square = 0.0
    for k in range(n):
        row = rows[k]
        seen = times[row]
        times[row] = seen + (seen < MAX_TIMES)
        square += SQUARE_STEP[seen] * weights[row, 0] * weights[row, 0]
        value = VALUE_STEP[seen]
        for c in range(scores.size):
            scores[c] += value * weights[row, c + 1]
    return square


@nb.njit(cache=True, nogil=True)
def _score_kernel(codes: Array, offsets: Array, table: Array, weights: Array, out: Array, known: Array) -> None:
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    buckets = np.empty(MAX_N * longest + 1, np.int32)
    rows = np.empty(MAX_N * longest + 1, np.int32)
    times = np.zeros(weights.shape[0], np.uint8)
    for i in range(offsets.size - 1):
        n_all = _bucket_text(codes, offsets[i], offsets[i + 1], buckets)
        n_known = _find_rows(buckets, n_all, table, rows)
        if out.shape[1] == 1:
            square = _add_one(rows, n_known, times, weights, out[i])
        else:
            square = _add_many(rows, n_known, times, weights, out[i])
        for k in range(n_known):
            times[rows[k]] = 0
        if square > 0.0:
            out[i] /= np.sqrt(square)
        known[i] = n_known / max(n_all, 1)


def linear_scores(texts: CodePoints, table: Array, weights: Array) -> tuple[Array, Array]:
    """Score texts with a linear model over their TF-IDF vectors, without making the vectors.

    The value of an n-gram is ``(1 + ln(times)) * idf``, and a text's vector has length one (sublinear term
    frequency and cosine normalisation; Salton and Buckley, 1988). A repeat counts up to the 100th.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.
    table : ndarray of uint64, shape (2**(BITS - 5),)
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
    _score_kernel(texts.codes, texts.offsets, table, weights, out, known)
    return out, known
