"""The text model: per-class log-odds of a text, from a linear model over its hashed n-grams.

A few known n-grams are weak evidence: at full weight, a filter trained on advertisements flags ordinary chat. But a
lack of evidence of fraud is not evidence of fraud. So the lead of fraud over the legitimate class is multiplied by a
power of the known share, and a text that speaks for the legitimate class keeps its log-odds, or unknown text would get
even odds. Which type of fraud it is was not in doubt: all types move alike.

    log-odds      legitimate 1     gambling 5    loans 4       the lead is 4; the weight of the evidence .25
    weighed       legitimate 1     gambling 2    loans 1       the lead is 1

An n-gram is one to four consecutive code points of a text. The text has a mark at its start and at its end, since the
first and last words of a message are informative. The hash is a sum of products, one per position, mixed once; the top
`BITS` bits are the bucket. Training counts the buckets. Scoring fuses hashing and the linear model in one kernel.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final, TypeAlias, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

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


T = TypeVar("T")


_arrays: WeakValueDictionary[int, Array] = WeakValueDictionary()


TRUST: Final = 4.0
"""The exponent for models with a legitimate class: higher values flag less ordinary chat at equal recall."""
USUAL: Final = 0.95
"""The share of the training texts whose known share is not above the usual one. A set of a few hundred texts knows few
n-grams of any text; without this, evidence of fraud would lose most of its weight there."""
LEAST_SHARE: Final = 0.05
"""The lowest usual share: below it, hardly any n-gram occurs in two texts."""


def weigh_by_known_share(log_odds: Array, known_share: Array, trust: float, legitimate: int) -> Array:
    """Weigh the evidence of fraud in log-odds by a power of the share of n-grams that the model knows."""
    if not trust:
        return log_odds.copy()
    weights = known_share**trust
    if log_odds.shape[1] == 1:
        return np.asarray(np.where(_is_fraud(log_odds, legitimate), weights[:, None] * log_odds, log_odds))
    base = log_odds[:, legitimate]
    lost = (1.0 - weights) * np.maximum(log_odds.max(axis=1) - base, 0.0)
    weighed = log_odds - lost[:, None]
    weighed[:, legitimate] = base
    return np.asarray(weighed)


def trusted_shares(shares: Array, log_odds: Array, known_share: Array, trust: float, legitimate: int) -> Array:
    """Return the shares of log-odds in a sum of weighed log-odds, which says what an n-gram adds to that sum."""
    if not trust:
        return shares
    weights = known_share**trust
    if log_odds.shape[1] == 1:
        return shares * np.where(_is_fraud(log_odds, legitimate), weights[:, None], 1.0)
    texts, highest = np.arange(len(log_odds)), log_odds.argmax(axis=1)
    moved = (1.0 - weights) * (shares.sum(axis=1) - shares[:, legitimate])
    trusted = shares.copy()
    trusted[texts, highest] -= moved
    trusted[:, legitimate] += moved
    return trusted


def _is_fraud(log_odds: Array, legitimate: int) -> Array:
    """Return whether the log-odds of one output speak for fraud; the output may be that of the legitimate class."""
    return np.asarray(log_odds < 0 if legitimate == 0 else log_odds > 0)


def remember_unnamed(rows: Array) -> Array:
    """Remember that an array has wording columns, as long as it exists, and return it."""
    _arrays[id(rows)] = rows
    return rows


def is_unnamed(rows: Any) -> bool:
    """Return whether these rows are an array that was remembered."""
    return _arrays.get(id(rows)) is rows


def output_classes(classes: Sequence[T]) -> Sequence[T]:
    """Return the classes that have an output of their own."""
    return classes[1:] if len(classes) == 2 else classes


@dataclass(frozen=True)
class TextModel:
    """A linear model of the texts of each class.

    Parameters
    ----------
    classes : tuple of str, length n_outputs
        The class of each output. A model of two classes has one output, for the second class.
    buckets : ndarray of int32, shape (n_kept,)
        The n-gram buckets that have weights, ascending.
    weights : ndarray of float32, shape (n_kept, 1 + n_outputs)
        The inverse document frequency, and its product with the coefficient of each output.
    intercept : ndarray of float64, shape (n_outputs,)
        Added to the scores of `linear_scores`.
    scale : float
        Factor that converts margins to log-odds; a single number, so that it does not change their order.
    trust : float, default=0.0
        Exponent of the known share by which evidence of fraud is weighted as a feature; 0 for full weight.
    legitimate : int, default=-1
        The output of the legitimate class; -1 if it is the class of two that has no output.
    has_raw : bool, default=False
        Whether raw n-grams have weights too: see `hash_ngrams`.
    usual_share : float, default=1.0
        The known share above which evidence of fraud has its full weight: hardly any training text, out of fold, is
        known better.

    Attributes
    ----------
    rows : ndarray of float32, shape (n_kept, 1 + n_outputs or more)
        The weights, as laid out by `aligned_rows`.

    Examples
    --------
    >>> import numpy as np
    >>> from fraudsieve.features.text.codepoints import pack
    >>> model = TextModel(("spam",), np.empty(0, np.int32), np.empty((0, 2), np.float32), np.array([1.0]), 0.5)
    >>> model.log_odds(pack(["a"]))[0].tolist()  # no n-gram has a weight: the intercept alone
    [[0.5]]
    """

    classes: tuple[str, ...]
    buckets: Array
    weights: Array
    intercept: Array
    scale: float
    trust: float = 0.0
    legitimate: int = -1
    has_raw: bool = False
    usual_share: float = 1.0
    rows: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Other forms are rejected later, by the reader of the model folder.
        if self.weights.ndim == 2 and self.weights.dtype == np.float32:
            columns = self.weights.shape[1]
            object.__setattr__(self, "rows", aligned_rows(self.weights))
            object.__setattr__(self, "weights", self.rows[:, :columns])  # one copy in memory

    def __reduce__(self) -> tuple[type["TextModel"], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self) if field.init)

    @cached_property
    def table(self) -> Array:
        """The look-up table from buckets to rows, built at first use."""
        return rank_table(self.buckets)

    def log_odds(self, texts: CodePoints, raw: CodePoints | None = None) -> tuple[Array, Array]:
        """Score folded texts.

        Parameters
        ----------
        texts : CodePoints
            Folded texts.
        raw : CodePoints, default=None
            The same texts before folding, which only a model with raw n-grams reads.

        Returns
        -------
        log_odds : ndarray of float64, shape (n_texts, n_outputs)
            Natural logarithms. With more than two classes they are the terms of a softmax.
        known_share : ndarray of float64, shape (n_texts,)
            Share of the n-grams of each folded text that the model knows.
        """
        raw = raw if self.has_raw else None
        margins, known_share = linear_scores(texts, self.table, self.rows, len(self.intercept), raw)
        margins += self.intercept
        margins *= self.scale
        return margins, known_share

    def weigh(self, log_odds: Array, known_share: Array) -> Array:
        """Return what the log-odds count as a feature: evidence of fraud by the share of n-grams that are known."""
        return weigh_by_known_share(log_odds, self.familiarity(known_share), self.trust, self.legitimate)

    def familiarity(self, known_share: Array) -> Array:
        """Return the known share as a part of the usual one, at most 1."""
        return np.minimum(known_share / self.usual_share, 1.0)
