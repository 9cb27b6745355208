"""The scores of a linear model over the n-grams of texts: hashing and the model in one kernel, without a matrix."""

import threading
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

from .ngrams import BITS, MAX_N, MAX_TIMES, VALUES, Raw, bucket_raw, bucket_text, longest, raw_texts, without_texts

HALF, ONE, WORD, BIT = np.uint64(32), np.uint64(1), np.uint64(5), np.uint64(31)
VALUE_STEP = np.diff(VALUES)  # the increase of 1 + ln(count) by the next occurrence
SQUARE_STEP = np.diff(VALUES**2)
LINE = 16
"""Numbers of four bytes in a cache line."""
_thread_local = threading.local()


llvm: Any = cgutils  # without types


@intrinsic
def _popcount_intrinsic(_: Any, word: Any) -> Any:
    """Count the set bits in one instruction."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


popcount: Any = _popcount_intrinsic  # compiled code calls it without the typing context


@intrinsic
def _prefetch_intrinsic(_: Any, rows: Any, _row: Any) -> Any:
    """Fetch the first cache line of a row of a two-dimensional array without waiting; the row need not exist."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        first = builder.mul(args[1], builder.extract_value(array.shape, 1))
        address = builder.bitcast(builder.gep(array.data, [first]), llvm.voidptr_t)
        settings = [llvm.int32_t(0), llvm.int32_t(3), llvm.int32_t(1)]  # to read, into every cache, data
        kind = llvm.ir.FunctionType(llvm.ir.VoidType(), [llvm.voidptr_t, *(setting.type for setting in settings)])
        builder.call(builder.module.declare_intrinsic("llvm.prefetch", [llvm.voidptr_t], kind), [address, *settings])
        return context.get_dummy_value()

    return types.void(rows, types.int64), codegen


prefetch: Any = _prefetch_intrinsic


def rank_table(buckets: Array) -> Array:
    """Return the look-up table from a bucket to its row of weights.

    A word covers 32 buckets: the low half has one bit per bucket with a row, and the high half counts the rows before.
    The table takes one megabyte and one load per n-gram. A plain table of four million rows does not fit into the
    cache and takes twice the time (measured).
    """
    bits = np.zeros(1 << (BITS - 5), np.uint32)
    np.bitwise_or.at(bits, buckets >> 5, np.uint32(1) << (buckets & 31).astype(np.uint32))
    counts = np.bitwise_count(bits).astype(np.uint64)
    return np.asarray(((np.cumsum(counts) - counts) << HALF) | bits)


def aligned_rows(weights: Array) -> Array:
    """Align rows of weights so that each spans few cache lines, since fetching them dominates scoring."""
    n, columns = weights.shape
    width = -(-columns // LINE) * LINE if columns > LINE else 1 << max(columns - 1, 0).bit_length()
    buffer = np.zeros(n * width + LINE, np.float32)
    first = -buffer.ctypes.data % (4 * LINE) // 4
    rows = buffer[first : first + n * width].reshape(n, width)
    rows[:, :columns] = weights
    return rows


@compile_inlined()
def _look_up(bucket: np.int32, table: Array) -> tuple[np.int64, np.uint64]:
    """Return the row of an n-gram, and 1 if it has one; otherwise the next row, and 0."""
    number = np.uint64(bucket)  # unsigned, so that no index is checked for being negative
    word, bit = table[number >> WORD], number & BIT
    return np.int64((word >> HALF) + popcount(word & ((ONE << bit) - ONE))), (word >> bit) & ONE


@compile_kernel()
def find_rows(buckets: Array, table: Array) -> Array:
    """Return the rows of n-grams.

    Parameters
    ----------
    buckets : ndarray of int32, shape (n_ngrams,)
        From `hash_ngrams`.
    table : ndarray of uint64, shape (2**(BITS - 5),)
        From `rank_table`.

    Returns
    -------
    ndarray of int32, shape (n_ngrams,)
        -1 for an n-gram that has none.

    Examples
    --------
    >>> find_rows(np.array([7, 3, 4], np.int32), rank_table(np.array([3, 7], np.int32))).tolist()
    [1, 0, -1]
    """
    rows = np.empty(buckets.size, np.int32)
    for k in range(buckets.size):
        row, is_known = _look_up(buckets[k], table)
        rows[k] = row if is_known else -1
    return rows


@compile_inlined()
def _find_narrow_rows(buckets: Array, n_all: int, table: Array, weights: Array, rows: Array) -> int:
    """Fill in the rows of the known n-grams and return their number, without branches to mispredict.

    The weights of the known n-grams are prefetched. For one output, prefetching those of unknown n-grams too takes a
    tenth longer, and no prefetching a few per cent longer (measured).
    """
    n = 0
    for k in range(n_all):
        row, is_known = _look_up(buckets[k], table)
        rows[n] = row
        n += int(is_known)
    for k in range(n):
        prefetch(weights, np.int64(rows[k]))
    return n


@compile_inlined()
def _find_wide_rows(buckets: Array, n_all: int, table: Array, weights: Array, rows: Array) -> int:
    """Do the same for several outputs, whose rows take up to a cache line each.

    Prefetching each row as soon as it is found takes a tenth less, and no prefetching twice the time (measured with 14
    outputs).
    """
    n = 0
    for k in range(n_all):
        row, is_known = _look_up(buckets[k], table)
        prefetch(weights, row)
        rows[n] = row
        n += int(is_known)
    return n


@compile_inlined()
def _add_one(rows: Array, n: int, times: Array, weights: Array, scores: Array) -> float:
    """Sum the single output of one text and return the squared length of its vector."""
    square, score = 0.0, 0.0  # unlike array elements, these stay in registers
    for k in range(n):
        row = np.uint64(rows[k])  # unsigned, as in _look_up
        seen = times[row]
        times[row] = seen + (seen < MAX_TIMES)
        square += SQUARE_STEP[seen] * weights[row, 0] * weights[row, 0]
        score += VALUE_STEP[seen] * weights[row, 1]
    scores[0] = score
    return square


@compile_inlined()
def _add_many(rows: Array, n: int, times: Array, weights: Array, scores: Array) -> float:
    """Sum the outputs of one text and return the squared length of its vector."""
    square = 0.0
    for k in range(n):
        row = np.uint64(rows[k])  # unsigned, as in _look_up
        seen = times[row]
        times[row] = seen + (seen < MAX_TIMES)
        square += SQUARE_STEP[seen] * weights[row, 0] * weights[row, 0]
        value = VALUE_STEP[seen]
        for c in range(scores.size):
            scores[c] += value * weights[row, c + 1]
    return square


@compile_inlined()
def _find_any_rows(buckets: Array, n_all: int, table: Array, weights: Array, n_outputs: int, rows: Array) -> int:
    if n_outputs == 1:
        return _find_narrow_rows(buckets, n_all, table, weights, rows)
    return _find_wide_rows(buckets, n_all, table, weights, rows)


@compile_kernel()
def _score_kernel(
    codes: Array, offsets: Array, raw: Raw, table: Array, weights: Array, times: Array, out: Array, known_share: Array
) -> None:
    size = max(longest(offsets), longest(raw[1])) + 2
    marked, least = np.empty(size, np.uint32), np.empty(size, np.int64)
    buckets, rows = np.empty(MAX_N * size, np.int32), np.empty(2 * MAX_N * size, np.uint32)
    for i in range(offsets.size - 1):
        n_all = bucket_text(codes, offsets[i], offsets[i + 1], marked, buckets)
        n_known = _find_any_rows(buckets, n_all, table, weights, out.shape[1], rows)
        n_raw = bucket_raw(raw, i, marked, least, buckets, INT_0)
        n = n_known + _find_any_rows(buckets, n_raw, table, weights, out.shape[1], rows[n_known:])
        if out.shape[1] == 1:
            square = _add_one(rows, n, times, weights, out[i])
        else:
            square = _add_many(rows, n, times, weights, out[i])
        for k in range(n):
            times[np.uint64(rows[k])] = 0
        if square > 0.0:
            length = np.sqrt(square)
            for c in range(out.shape[1]):
                out[i, c] /= length
        known_share[i] = n_known / max(n_all, 1)


def _thread_counts(n: int) -> Array:
    """Return zeros of this thread, which a kernel resets after use: a new array takes longer than scoring a text."""
    counts: Array | None = getattr(_thread_local, "counts", None)
    if counts is None or len(counts) < n:
        counts = _thread_local.counts = np.zeros(n, np.uint8)
    return counts


def linear_scores(
    texts: CodePoints, table: Array, weights: Array, n_outputs: int | None = None, raw: CodePoints | None = None
) -> tuple[Array, Array]:
    """Score texts with a linear model over their TF-IDF vectors, without building the vectors.

    The value of an n-gram is ``(1 + ln(count)) * idf``, and the vector of a text has length one (sublinear term
    frequency and cosine normalisation; Salton and Buckley, 1988). Counts are limited to 100.
    """
    out = np.zeros((len(texts), weights.shape[1] - 1 if n_outputs is None else n_outputs))
    known_share, times = np.zeros(len(texts)), _thread_counts(len(weights))
    raw = without_texts(len(texts)) if raw is None else raw
    _score_kernel(texts.codes, texts.offsets, raw_texts(raw), table, weights, times, out, known_share)
    return out, known_share
