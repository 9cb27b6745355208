"""A linear support vector machine on packed n-gram counts, by dual coordinate descent.

This is the algorithm of LIBLINEAR (Hsieh et al., A Dual Coordinate Descent Method for Large-scale Linear SVM, 2008) in
the order in which scikit-learn's `LinearSVC` runs it, and its result is the same to the last bit. LIBLINEAR copies
every matrix into 16 bytes per number, in addition to the 12 bytes of the matrix itself. Here TF-IDF values are computed
from the counts as they are read once they are many, so that all folds share four bytes per n-gram.
"""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel
from fraudsieve._typing import Array

from .counts import COUNT_BITS, COUNT_MASK, COUNT_VALUES, NgramCounts

__all__ = ["MAX_SCALED", "count_messages", "fit_svm"]

TOLERANCE = 1e-4
NO_STEP = 1e-12
SHIFT = np.uint32(COUNT_BITS)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
ONE = np.uint32(1)
MAX_SCALED = 1 << 24
"""Most n-grams of texts whose values are kept, in 8 bytes each. For more, they are computed as they are read, and each
weight has its inverse document frequency beside it, in the same cache line."""
MAX_OLD, N_ACTIVE, BIAS = range(3)
"""The state between passes: the gradient above which a row is set aside, the number of active rows, the intercept."""


@compile_kernel()
def _count_kernel(packed: Array, ends: Array, rows: Array, messages: Array) -> None:
    for i in rows:
        for k in range(ends[i], ends[i + 1]):
            messages[packed[k] >> SHIFT] += 1


def count_messages(counts: NgramCounts, rows: Array) -> Array:
    """Count the texts that have each n-gram.

    Parameters
    ----------
    counts : NgramCounts
        The n-grams of all texts.
    rows : ndarray of int64
        Positions of the texts that count.

    Returns
    -------
    ndarray of int64, shape (n_columns,)

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> from fraudsieve.features.wording.counts import count_ngrams
    >>> sorted(count_messages(count_ngrams(pack(["a", "a", "b"])), np.array([0, 1])).tolist())[-3:]
    [2, 2, 2]
    """
    messages = np.zeros(len(counts.buckets), np.int64)
    _count_kernel(counts.packed, counts.ends, rows, messages)
    return messages


@compile_kernel()
def _length_kernel(
    packed: Array, ends: Array, rows: Array, idf: Array, values: Array, diagonal: float, lengths: Array, scaled: Array
) -> None:
    """Fill in the length of each TF-IDF vector, the second derivative (with the constant), and values that are kept."""
    for r in range(rows.size):
        i = rows[r]
        square = 0.0
        for k in range(ends[i], ends[i + 1]):
            value = values[packed[k] & COUNT_MASK] * idf[packed[k] >> SHIFT]
            square += value * value
        length = np.sqrt(square) if square > 0.0 else 1.0
        lengths[r, 0], lengths[r, 1] = length, diagonal
        for k in range(ends[i], ends[i + 1]):
            value = values[packed[k] & COUNT_MASK] * idf[packed[k] >> SHIFT] / length
            lengths[r, 1] += value * value
            if scaled.size:
                scaled[k] = value
        lengths[r, 1] += 1.0


@compile_kernel()
def _shuffle_kernel(order: Array, n: int, words: Array, first: int) -> int:
    """Shuffle from a position on, and return the position at which the random words ran out."""
    # A word of 32 bits chooses one of `size` positions by the high half of its product with `size`, without a division:
    #
    #   order       [ 5  8 | 2  9  4 ]        at 2, size 3
    #   word 0xC0000000: times 3 is 0x2_40000000, so `other` is 2 + 2
    #   order       [ 5  8  4 | 9  2 ]        at 3
    position = first
    for k in range(words.size):
        if position == n:
            break
        size = np.uint64(n - position)
        product = np.uint64(words[k]) * size
        low = product & LOW
        # Words that would favour some positions are rejected (Lemire, Fast Random Integer Generation in an Interval).
        if low < size and low < ((LOW + np.uint64(1)) - size) % size:
            continue
        other = position + np.int64(product >> HALF)
        order[position], order[other] = order[other], order[position]
        position += 1
    return position


@compile_inlined()
def _dot(packed: Array, first: int, last: int, weights: Array, values: Array, scaled: Array, length: float) -> float:
    # `weights` has a number per column if the values are kept, and otherwise two: w0 idf0 w1 idf1 ... (`MAX_SCALED`).
    total = 0.0
    if scaled.size:
        for k in range(first, last):
            total += weights[packed[k] >> SHIFT] * scaled[k]
    else:
        for k in range(first, last):
            position = packed[k] >> SHIFT << ONE
            total += weights[position] * (values[packed[k] & COUNT_MASK] * weights[position + ONE] / length)
    return total


@compile_inlined()
def _step(
    packed: Array, first: int, last: int, weights: Array, values: Array, scaled: Array, length: float, step: float
) -> None:
    if scaled.size:
        for k in range(first, last):
            weights[packed[k] >> SHIFT] += step * scaled[k]
    else:
        for k in range(first, last):
            position = packed[k] >> SHIFT << ONE
            weights[position] += step * (values[packed[k] & COUNT_MASK] * weights[position + ONE] / length)


@compile_kernel()
def _pass_kernel(
    packed: Array,
    ends: Array,
    rows: Array,
    signs: Array,
    weights: Array,
    values: Array,
    scaled: Array,
    lengths: Array,
    diagonal: float,
    alpha: Array,
    order: Array,
    state: Array,
) -> float:
    """Update every active row once, set aside those at their bound, and return the range of the gradients."""
    # `order` holds positions in `rows`; the first `n_active` are active. A row whose alpha is 0, and whose gradient
    # says that it stays 0, is exchanged with the last active one, which is looked at next (shrinking):
    #
    #   order      4   1   3   0   2 |            index 1, n_active 5: row 1 is set aside
    #   order      4   2   3   0 | 1              index 1, n_active 4: row 2 is next
    #
    # Rows set aside are only looked at again once the active ones agree (see `_descend`).
    highest, lowest, n_active = -np.inf, np.inf, np.int64(state[N_ACTIVE])
    index = 0
    while index < n_active:
        r = order[index]
        first, last = ends[rows[r]], ends[rows[r] + 1]
        margin = _dot(packed, first, last, weights, values, scaled, lengths[r, 0]) + state[BIAS]
        gradient = margin * signs[r] - 1.0 + alpha[r] * diagonal
        projected = gradient
        if alpha[r] == 0.0:
            if gradient > state[MAX_OLD]:
                n_active -= 1
                order[index], order[n_active] = order[n_active], order[index]
                continue
            projected = min(gradient, 0.0)
        highest, lowest = max(highest, projected), min(lowest, projected)
        if abs(projected) > NO_STEP:
            before = alpha[r]
            alpha[r] = max(before - gradient / lengths[r, 1], 0.0)
            step = (alpha[r] - before) * signs[r]
            _step(packed, first, last, weights, values, scaled, lengths[r, 0], step)
            state[BIAS] += step
        index += 1
    state[N_ACTIVE] = n_active
    state[MAX_OLD] = highest if highest > 0.0 else np.inf
    return highest - lowest


def fit_svm(counts: NgramCounts, rows: Array, idf: Array, y: Array, *, C: float, seed: int, max_iter: int) -> Array:
    """Fit a linear support vector machine with squared hinge loss, one class against the rest.

    Returns the coefficients of each class, and last its intercept. Two classes have one output, for the second.
    """
    classes = np.unique(y)
    order = np.argsort(y, kind="stable")  # as `LinearSVC` orders its rows
    rows, y = np.asarray(rows, np.int64)[order], y[order]
    keeps_values = len(counts.packed) <= MAX_SCALED
    scaled = np.empty(len(counts.packed) if keeps_values else 0)
    lengths = np.zeros((len(rows), 2))
    _length_kernel(counts.packed, counts.ends, rows, idf, COUNT_VALUES, 0.5 / C, lengths, scaled)
    weights = np.zeros(len(idf)) if keeps_values else np.column_stack([np.zeros(len(idf)), idf]).ravel()
    own = weights if keeps_values else weights[::2]
    outputs = classes[1:] if len(classes) == 2 else classes
    coef = np.empty((len(outputs), len(idf) + 1))
    rng = np.random.RandomState(np.random.RandomState(seed).randint(np.iinfo("i").max))
    for c, name in enumerate(outputs):
        signs = np.where(y == name, 1.0, -1.0)
        own[:] = 0.0
        coef[c, -1] = _descend(counts, rows, signs, weights, scaled, lengths, C, rng, max_iter)
        coef[c, :-1] = own
    return coef


def _descend(
    counts: NgramCounts,
    rows: Array,
    signs: Array,
    weights: Array,
    scaled: Array,
    lengths: Array,
    C: float,
    rng: np.random.RandomState,
    max_iter: int,
) -> float:
    """Find the weights of one output, in place, and return its intercept."""
    alpha, order = np.zeros(len(rows)), np.arange(len(rows))
    state = np.array([np.inf, len(rows), 0.0])
    for _ in range(max_iter):
        _shuffle(order, int(state[N_ACTIVE]), rng)
        spread = _pass_kernel(
            counts.packed,
            counts.ends,
            rows,
            signs,
            weights,
            COUNT_VALUES,
            scaled,
            lengths,
            0.5 / C,
            alpha,
            order,
            state,
        )
        if spread > TOLERANCE:
            continue
        if state[N_ACTIVE] == len(rows):
            break
        state[N_ACTIVE], state[MAX_OLD] = len(rows), np.inf  # one more pass over all rows must agree
    return float(state[BIAS])


def _shuffle(order: Array, n: int, rng: np.random.RandomState) -> None:
    position = 0
    while position < n:
        position = _shuffle_kernel(order, n, rng.randint(0, 1 << 32, n - position, np.uint32), position)
