"""Hashed character n-grams, and the kernel that scores them.

An n-gram is one to four code points in a row, of the text with a mark at its begin and at its end: how a message opens
and closes says much. Its hash is a sum of products, one a place, mixed once; the top `BITS` bits are the bucket. In
training the buckets become a sparse matrix; in scoring hashing and the linear model are fused, and no matrix is made.
"""

import threading
from typing import Any

import numba as nb
import numpy as np
from numba import types
from numba.extending import intrinsic

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

__all__ = ["BITS", "MAX_N", "MAX_TIMES", "aligned_rows", "hash_ngrams", "linear_scores", "rank_table"]


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
BEGIN, END = np.uint32(0x110000), np.uint32(0x110001)  # beyond Unicode: no text holds them
VALUES = np.concatenate(([0.0], 1.0 + np.log(np.arange(1, MAX_TIMES + 1)), [1.0 + np.log(MAX_TIMES)]))
VALUE_STEP = np.diff(VALUES)  # what the next occurrence adds to 1 + ln(times)
SQUARE_STEP = np.diff(VALUES**2)
LINE = 16
"""Numbers of four bytes in a cache line."""
_own = threading.local()


@nb.njit(inline="always")
def _bucket(state: np.uint64) -> np.int32:
    return np.int32(((state ^ (state >> HALF)) * FINAL) >> TOP)


@nb.njit(inline="always")
def _bucket_edge(marked: Array, at: int, stop: int, buckets: Array, n: int) -> int:
    """Fill in the n-grams that start at a place near the begin or the end of a text; a mark alone is none."""
    one = np.uint64(marked[at]) * FIRST + FINAL
    if 0 < at < stop - 1:
        buckets[n] = _bucket(one)
        n += 1
    if at + 1 < stop:
        one += np.uint64(marked[at + 1]) * SECOND
        buckets[n] = _bucket(one ^ FIRST)
        n += 1
    if at + 2 < stop:
        one += np.uint64(marked[at + 2]) * THIRD
        buckets[n] = _bucket(one ^ SECOND)
        n += 1
    if at + 3 < stop:
        one += np.uint64(marked[at + 3]) * FOURTH
        buckets[n] = _bucket(one ^ THIRD)
        n += 1
    return n


@nb.njit(inline="always")
def _bucket_text(codes: Array, first: int, last: int, marked: Array, buckets: Array) -> int:
    """Fill in the bucket of every n-gram of one text and return how many there are; `marked` is room for the text.

    The sums of one start are extended from n-gram to n-gram and need not wait for each other, which rolled hashes do.
    """
    if first == last:
        return 0
    stop = last - first + 2
    marked[0] = BEGIN
    marked[1 : stop - 1] = codes[first:last]
    marked[stop - 1] = END
    n = _bucket_edge(marked, 0, stop, buckets, 0)
    for at in range(1, stop - 3):
        one = np.uint64(marked[at]) * FIRST + FINAL
        two = one + np.uint64(marked[at + 1]) * SECOND
        three = two + np.uint64(marked[at + 2]) * THIRD
        four = three + np.uint64(marked[at + 3]) * FOURTH
        buckets[n] = _bucket(one)
        buckets[n + 1] = _bucket(two ^ FIRST)  # two characters are not one with a NUL after it
        buckets[n + 2] = _bucket(three ^ SECOND)
        buckets[n + 3] = _bucket(four ^ THIRD)
        n += 4
    for at in range(max(stop - 3, 1), stop):
        n = _bucket_edge(marked, at, stop, buckets, n)
    return n


@nb.njit(inline="always")
def _longest(offsets: Array) -> int:
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    return longest


@nb.njit(cache=True, nogil=True)
def _hash_kernel(codes: Array, offsets: Array, out: Array, ends: Array) -> None:
    marked = np.empty(_longest(offsets) + 2, np.uint32)
    for i in range(offsets.size - 1):
        ends[i + 1] = ends[i] + _bucket_text(codes, offsets[i], offsets[i + 1], marked, out[ends[i] :])


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
    >>> from fraudsieve.features.text.codepoints import pack
    >>> buckets, ends = hash_ngrams(pack(["abc", "ab"]))
    >>> ends.tolist(), (buckets[:2] == buckets[12:14]).tolist()
    ([0, 12, 20], [True, True])
    """
    buckets = np.empty(MAX_N * len(texts.codes), np.int32)  # n + (n + 1) + n + (n - 1) for a text of n letters
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


def aligned_rows(weights: Array) -> Array:
    """Lay rows of weights so that each lies in as few cache lines as it can: to fetch them is most of scoring a text.

    Parameters
    ----------
    weights : ndarray of float32, shape (n_kept, n_columns)
        The weights.

    Returns
    -------
    ndarray of float32, shape (n_kept, n_columns or more)
        The weights, and zeros after them; measured with 13 columns, 16 are scored in half the time.

    Examples
    --------
    >>> rows = aligned_rows(np.ones((2, 3), np.float32))
    >>> rows.tolist(), rows.ctypes.data % 64
    ([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]], 0)
    """
    n, columns = weights.shape
    width = -(-columns // LINE) * LINE if columns > LINE else 1 << max(columns - 1, 0).bit_length()
    room = np.zeros(n * width + LINE, np.float32)
    first = -room.ctypes.data % (4 * LINE) // 4
    rows = room[first : first + n * width].reshape(n, width)
    rows[:, :columns] = weights
    return rows


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
def _score_kernel(
    codes: Array, offsets: Array, table: Array, weights: Array, times: Array, out: Array, known: Array
) -> None:
    longest = _longest(offsets) + 2
    marked = np.empty(longest, np.uint32)
    buckets = np.empty(MAX_N * longest, np.int32)
    rows = np.empty(MAX_N * longest, np.int32)
    for i in range(offsets.size - 1):
        n_all = _bucket_text(codes, offsets[i], offsets[i + 1], marked, buckets)
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


def _times(n: int) -> Array:
    """Return zeros that this thread counts in and leaves as zeros: to make them anew takes longer than a text."""
    times: Array | None = getattr(_own, "times", None)
    if times is None or len(times) < n:
        times = _own.times = np.zeros(n, np.uint8)
    return times


def linear_scores(texts: CodePoints, table: Array, weights: Array, n_outputs: int | None = None) -> tuple[Array, Array]:
    """Score texts with a linear model over their TF-IDF vectors, without making the vectors.

    The value of an n-gram is ``(1 + ln(times)) * idf``, and a text's vector has length one (sublinear term
    frequency and cosine normalisation; Salton and Buckley, 1988). A repeat counts up to the 100th.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.
    table : ndarray of uint64, shape (2**(BITS - 5),)
        From `rank_table`.
    weights : ndarray of float32, shape (n_kept, 1 + n_outputs or more)
        A row an n-gram: its inverse document frequency, then that times its coefficient for each output. The rows of
        `aligned_rows` are the fastest.
    n_outputs : int, default=None
        How many outputs there are; None for all columns after the first.

    Returns
    -------
    scores : ndarray of float64, shape (n_texts, n_outputs)
        Zero for a text without a known n-gram; intercepts are not added.
    known : ndarray of float64, shape (n_texts,)
        The share of the text's n-grams that have weights.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> buckets = np.unique(hash_ngrams(pack(["a"]))[0])
    >>> weights = np.tile(np.array([2, 6], np.float32), (len(buckets), 1))
    >>> scores, known = linear_scores(pack(["a", "b"]), rank_table(buckets), weights)
    >>> scores.round(6).tolist(), known.tolist()
    ([[6.0], [0.0]], [1.0, 0.0])
    """
    out = np.zeros((len(texts), weights.shape[1] - 1 if n_outputs is None else n_outputs))
    known = np.zeros(len(texts))
    _score_kernel(texts.codes, texts.offsets, table, weights, _times(len(weights)), out, known)
    return out, known
