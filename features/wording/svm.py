"""A linear support vector machine on packed n-gram counts, one class against the rest, all classes in one pass.

This is dual coordinate descent (Hsieh et al., A Dual Coordinate Descent Method for Large-scale Linear SVM, 2008) on the
weights as a `TextModel` holds them: a row per n-gram, with its inverse document frequency and a number per class. The
n-grams of a text are read once for all classes, and nothing is copied per class or per fold.
"""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel
from fraudsieve._typing import Array

from .counts import COUNT_BITS, COUNT_MASK, COUNT_VALUES, NgramCounts
from .instructions import prefetch

TOLERANCE = 0.1
"""The range of the gradients of an output at which it is fitted, as in LIBLINEAR. Losses out of fold do not improve
below it, but above it scores of unfamiliar texts depend on the seed (measured)."""
SETTLED = 0.1
"""The share of the tolerance below which gradients leave a row as it is, and set it aside. A fit takes a third less
(measured)."""
SHIFT = np.uint32(COUNT_BITS)


@compile_kernel()
def _count_kernel(packed: Array, ends: Array, rows: Array, messages: Array) -> None:
    for i in rows:
        for k in range(ends[i], ends[i + 1]):
            messages[packed[k] >> SHIFT] += 1


def count_messages(counts: NgramCounts, rows: Array) -> Array:
    """Count the texts that have each n-gram."""
    messages = np.zeros(len(counts.buckets), np.int64)
    _count_kernel(counts.packed, counts.ends, rows, messages)
    return messages


@compile_kernel()
def _length_kernel(
    packed: Array, ends: Array, rows: Array, weights: Array, values: Array, diagonal: float, lengths: Array
) -> None:
    """Fill in one over the length of each TF-IDF vector, and the second derivative (with the constant)."""
    for r in range(rows.size):
        square = 0.0
        for k in range(ends[rows[r]], ends[rows[r] + 1]):
            value = values[packed[k] & COUNT_MASK] * weights[packed[k] >> SHIFT, 0]
            square += value * value
        lengths[r, 0] = 1.0 / np.sqrt(square) if square > 0.0 else 0.0
        lengths[r, 1] = diagonal + (2.0 if square > 0.0 else 1.0)


@compile_inlined()
def _fetch(packed: Array, ends: Array, i: int, weights: Array) -> None:
    """Fetch the weights of a text's n-grams while another text is looked at: a pass takes a quarter less (measured)."""
    for k in range(ends[i], ends[i + 1]):
        prefetch(weights, np.int64(packed[k] >> SHIFT))


@compile_inlined()
def _dot(packed: Array, first: int, last: int, weights: Array, values: Array, margins: Array) -> None:
    """Sum the rows of the n-grams of a text."""
    if margins.size == 2:
        total = np.float32(0.0)
        for k in range(first, last):
            total += values[packed[k] & COUNT_MASK] * weights[packed[k] >> SHIFT, 1]
        margins[1] = total
        return
    margins[:] = 0.0
    for k in range(first, last):
        row, value = packed[k] >> SHIFT, values[packed[k] & COUNT_MASK]
        for c in range(margins.size):
            margins[c] += value * weights[row, c]


@compile_inlined()
def _move(packed: Array, first: int, last: int, weights: Array, values: Array, steps: Array) -> None:
    """Add a text's TF-IDF vector, times the idf that weights include, to the rows of its n-grams."""
    for k in range(first, last):
        row = packed[k] >> SHIFT
        value = values[packed[k] & COUNT_MASK] * weights[row, 0] * weights[row, 0]
        for c in range(steps.size):  # the step of column 0, the idf, is 0
            weights[row, c] += value * steps[c]


@compile_kernel()
def _pass_kernel(
    packed: Array,
    ends: Array,
    rows: Array,
    y: Array,
    weights: Array,
    values: Array,
    lengths: Array,
    diagonal: float,
    settled: float,
    alpha: Array,
    order: Array,
    n_active: int,
    outputs: Array,
    intercept: Array,
    gradients: Array,
) -> int:
    """Update every active row once, set aside those that are settled, and return how many stay active."""
    # `order` holds positions in `rows`; the first `n_active` are active. A row that no output would change is exchanged
    # with the last active one, which is looked at next (shrinking):
    #
    #   order      4   1   3   0   2 |            index 1, n_active 5: row 1 is set aside
    #   order      4   2   3   0 | 1              index 1, n_active 4: row 2 is next
    #
    # Rows set aside are only looked at again once the active ones agree (see `fit_svm`).
    margins, steps = np.zeros(weights.shape[1], np.float32), np.zeros(weights.shape[1], np.float32)
    bounds = np.where(gradients[:, 1] > 0.0, gradients[:, 1], np.inf)
    gradients[:, 0], gradients[:, 1] = np.inf, -np.inf
    index = 0
    while index < n_active:
        r = order[index]
        first, last = ends[rows[r]], ends[rows[r] + 1]
        if index + 1 < n_active:
            _fetch(packed, ends, rows[order[index + 1]], weights)
        _dot(packed, first, last, weights, values, margins)
        is_active = False
        for c in outputs:
            steps[c + 1] = 0.0
            sign = 1.0 if y[r] == c else -1.0
            gradient = (margins[c + 1] * lengths[r, 0] + intercept[c]) * sign - 1.0 + alpha[r, c] * diagonal
            projected = gradient
            if alpha[r, c] == 0.0:
                if gradient > bounds[c]:
                    continue
                projected = min(gradient, 0.0)
            gradients[c, 0], gradients[c, 1] = min(gradients[c, 0], projected), max(gradients[c, 1], projected)
            if abs(projected) > settled:
                is_active = True
                before = alpha[r, c]
                alpha[r, c] = max(before - gradient / lengths[r, 1], 0.0)
                step = (alpha[r, c] - before) * sign
                intercept[c] += step
                steps[c + 1] = step * lengths[r, 0]
        if is_active:
            _move(packed, first, last, weights, values, steps)
            index += 1
        else:
            n_active -= 1
            order[index], order[n_active] = order[n_active], order[index]
    return n_active


def fit_svm(
    counts: NgramCounts, rows: Array, y: Array, weights: Array, n_outputs: int, *, C: float, seed: int, max_iter: int
) -> Array:
    """Fit a linear support vector machine with squared hinge loss, one class against the rest.

    `y` has the output of each row, or -1 for none. The first column of `weights` has the inverse document frequencies;
    their products with the coefficients of each output are filled in. Returns the intercepts. An output that no row
    has, or that all have, gets no coefficients, and the margin of a support vector of its side.
    """
    n_rows = np.bincount(y[y >= 0], minlength=n_outputs)
    intercept = np.where(n_rows > 0, 1.0, -1.0)
    outputs = np.flatnonzero((n_rows > 0) & (n_rows < len(rows)))
    intercept[outputs] = 0.0
    lengths, alpha = np.empty((len(rows), 2)), np.zeros((len(rows), n_outputs), np.float32)
    _length_kernel(counts.packed, counts.ends, rows, weights, COUNT_VALUES, 0.5 / C, lengths)
    gradients = np.zeros((n_outputs, 2))
    order, n_active, rng = np.arange(len(rows)), len(rows), np.random.default_rng(seed)
    for _ in range(max_iter):
        rng.shuffle(order[:n_active])
        is_full = n_active == len(rows)
        n_active = _pass_kernel(
            counts.packed,
            counts.ends,
            rows,
            y,
            weights,
            COUNT_VALUES,
            lengths,
            0.5 / C,
            SETTLED * TOLERANCE,
            alpha,
            order,
            n_active,
            outputs,
            intercept,
            gradients,
        )
        if (gradients[outputs, 1] - gradients[outputs, 0]).max(initial=0.0) > TOLERANCE:
            continue
        if is_full:
            break
        n_active, gradients[:] = len(rows), 0.0  # one more pass over all rows must agree
    return intercept
