"""Fitting the text model, and scoring its training messages out of fold.

The model is a linear support vector machine, one class against the rest, over TF-IDF n-grams. Boosting starts from its
margins. One temperature, fitted on out-of-fold margins, converts them to log-odds (Platt scaling without the intercept;
for several classes Guo et al., 2017).

Folding removes what may be a signal: capital letters, full-width signs and blanks. The n-grams of the raw text that
have one count beside the folded ones if the scores of the training messages out of fold are better with them.

The machine is fitted by dual coordinate descent (Hsieh et al., A Dual Coordinate Descent Method for Large-scale Linear
SVM, 2008) on the weights as a `TextModel` holds them: a row per n-gram, with its inverse document frequency and a
number per class. The n-grams of a text are read once for all classes, and nothing is copied per class or per fold.

Counts of the hashed n-grams of training texts, four bytes per n-gram of a text.

One pass over the texts counts the n-grams, and all folds read the same counts. A float matrix would take eight more
bytes per n-gram, and a copy per fold.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, logsumexp

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, select_texts

from .model import BITS, MAX_TIMES, TextModel, aligned_rows, hash_ngrams, output_classes, prefetch, without_texts

COUNT_BITS = 7
"""Low bits of a packed n-gram: how often the text has it. The other bits are its column."""
COUNT_MASK = np.uint32((1 << COUNT_BITS) - 1)
COUNT_VALUES = np.concatenate([[0], 1 + np.log(np.arange(1, MAX_TIMES + 1, dtype=np.float32))]).astype(np.float32)
"""``1 + ln(times)`` by the number of times."""
CHUNK = 1 << 20  # characters whose n-grams are packed at a time


@dataclass(frozen=True, eq=False)
class NgramCounts:
    """The n-grams of texts, each with its number of occurrences, text after text."""

    # Shape (n_ngrams,). The column of an n-gram and, in the lowest `COUNT_BITS` bits, how often the text has it, at
    # most `MAX_TIMES`. The columns of a text ascend.
    packed: Array
    # Shape (n_texts + 1,). The n-grams of text `i` are `packed[ends[i]:ends[i + 1]]`.
    ends: Array
    # Shape (n_columns,). The bucket of each column, ascending.
    buckets: Array

    def __len__(self) -> int:
        return len(self.ends) - 1


def count_ngrams(texts: CodePoints, min_messages: int = 1, raw: CodePoints | None = None) -> NgramCounts:
    """Count the hashed n-grams of every text, with its raw n-grams if there are raw texts: see `hash_ngrams`."""
    raw = without_texts(len(texts)) if raw is None else raw
    chunks = [_count_chunk(texts, raw, first, last) for first, last in pairwise(_bounds(texts.offsets))]
    messages = np.zeros(1 << BITS, np.int64)
    for packed, _ in chunks:
        messages += np.bincount(packed >> COUNT_BITS, minlength=len(messages))
    is_kept = messages >= max(1, min(min_messages, len(texts)))
    return _keep_columns(chunks, is_kept, int(messages[is_kept].sum()))


def _bounds(offsets: Array) -> list[int]:
    """Return the positions of texts at which chunks of about `CHUNK` characters begin, and their number."""
    n_chunks = max(int(offsets[-1]) // CHUNK, 1)
    begins = np.searchsorted(offsets, np.arange(n_chunks) * (offsets[-1] / n_chunks))
    bounds: list[int] = np.unique([0, *np.minimum(begins, len(offsets) - 1), len(offsets) - 1]).tolist()
    return bounds


@compile_kernel()
def _pack_kernel(buckets: Array, ends: Array, packed: Array, begins: Array) -> None:
    """Sort the n-grams of each text, and pack those that are equal into one with its number of occurrences."""
    # `packed` is the column, here still the bucket, and the number of occurrences; `n` runs on over all texts.
    #
    #   buckets    7  3  7 |  3          ends      0  3  4
    #   sorted     3  7  7 |  3
    #   packed    3,1  7,2 | 3,1         begins    0  2  3
    #
    # The slice of `buckets` is sorted in place: the caller needs it no longer.
    n = INT_0
    for i in range(ends.size - 1):
        begins[i] = n
        own = buckets[ends[i] : ends[i + 1]]
        own.sort()
        times = 0
        for k in range(own.size):
            times += 1
            if k + 1 == own.size or own[k + 1] != own[k]:
                packed[n] = np.uint32(own[k] << COUNT_BITS | min(times, MAX_TIMES))
                n += 1
                times = 0
    begins[ends.size - 1] = n


def _count_chunk(texts: CodePoints, raw: CodePoints, first: int, last: int) -> tuple[Array, Array]:
    """Return the packed n-grams of some texts, with buckets for columns, and where those of each text begin."""
    buckets, ends = hash_ngrams(_slice(texts, first, last), _slice(raw, first, last))
    packed, begins = np.empty(ends[-1], np.uint32), np.empty(len(ends), np.int64)
    _pack_kernel(buckets, ends, packed, begins)
    return packed[: begins[-1]].copy(), begins


def _slice(texts: CodePoints, first: int, last: int) -> CodePoints:
    offsets = texts.offsets[first : last + 1]
    return CodePoints(texts.codes[offsets[0] : offsets[-1]], offsets - offsets[0])


def _keep_columns(chunks: list[tuple[Array, Array]], is_kept: Array, n_kept: int) -> NgramCounts:
    """Number the buckets that are kept, and join the chunks; each is freed as it is joined."""
    column_of = (np.cumsum(is_kept) - 1).astype(np.uint32)
    packed, ends, position = np.empty(n_kept, np.uint32), [np.zeros(1, np.int64)], 0
    while chunks:
        chunk, begins = chunks.pop(0)
        kept = is_kept[chunk >> COUNT_BITS]
        ends.append(position + np.concatenate([[0], np.cumsum(kept)])[begins[1:]])
        chunk = chunk[kept]
        packed[position : position + len(chunk)] = column_of[chunk >> COUNT_BITS] << COUNT_BITS | chunk & COUNT_MASK
        position += len(chunk)
    return NgramCounts(packed, np.concatenate(ends), np.flatnonzero(is_kept).astype(np.int32))


MAX_PASSES = 100
"""Noisy labels take as many, others 30 to 40; most passes are over few rows (measured)."""
LEAST_GAIN = 0.01
"""The share by which raw n-grams must reduce the loss: a smaller gain did not hold on texts of other sources."""
TINY = 1e-12
TRIED = 2
"""Folds on which raw n-grams are tried. If they are worse there by a standard error, the other folds are left out."""


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


def campaign_folds(y: Array, groups: Array, n_folds: int, random_state: int) -> Array:
    """Assign campaigns to folds.

    Campaigns are assigned in turn, class by class and the large ones first. Each fold gets its share of each class, as
    far as whole campaigns allow. scikit-learn's `StratifiedGroupKFold` loops over groups in Python, which
    takes longer than fitting the model if there are 70,000 groups.
    """
    _, first, inverse, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    _, classes = np.unique(y, return_inverse=True)
    rng = np.random.default_rng(random_state)
    order = np.lexsort((rng.random(len(first)), -sizes, classes[first]))
    fold_of = np.empty(len(first), np.int64)
    fold_of[order] = rng.permutation(n_folds)[np.arange(len(first)) % n_folds]
    return np.asarray(fold_of[inverse])


def campaign_weights(groups: Array) -> Array:
    """Return row weights with which every campaign counts as one message."""
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1.0 / sizes[inverse]
    return np.asarray(weights / weights.mean())


def fit_text_model(
    counts: NgramCounts,
    y: Array,
    classes: tuple[str, ...],
    *,
    C: float,
    min_messages: int,
    random_state: int,
    max_iter: int = MAX_PASSES,
    rows: Array | None = None,
) -> TextModel:
    """Fit a text model with a scale of one.

    Parameters
    ----------
    counts : NgramCounts
        From `count_ngrams`.
    y : ndarray of int, shape (n_texts,)
        Indices into `classes`; a class may be absent.
    classes : tuple of str
    C : float
        Inverse strength of the regularisation.
    min_messages : int
        N-grams that occur in fewer messages get no weight.
    random_state : int
        Seed of the solver.
    max_iter : int, default=100
        Maximum passes of the solver over the texts.
    rows : ndarray of int64, default=None
        Positions of the texts to fit on; None for all.

    Returns
    -------
    TextModel
        The fitted model.
    """
    rows = np.arange(len(counts)) if rows is None else rows
    messages = count_messages(counts, rows)
    is_kept = messages >= max(1, min(min_messages, len(rows)))
    outputs = output_classes(range(len(classes)))
    weights = aligned_rows(np.zeros((len(messages), 1 + len(outputs)), np.float32))
    weights[is_kept, 0] = np.log((1 + len(rows)) / (1 + messages[is_kept])) + 1
    own = y[rows] - (len(classes) - len(outputs))
    intercept = fit_svm(counts, rows, own, weights, len(outputs), C=C, seed=random_state, max_iter=max_iter)
    kept = weights[is_kept, : 1 + len(outputs)]
    return TextModel(classes[-len(outputs) :], counts.buckets[is_kept], kept, intercept, 1.0)


def softmax_loss(log_odds: Array, y: Array) -> Array:
    """Return the negative log-likelihood of every row."""
    if log_odds.shape[1] == 1:
        return -np.asarray(log_expit(np.where(y == 1, 1, -1) * log_odds[:, 0]))
    return np.asarray(logsumexp(log_odds, axis=1) - log_odds[np.arange(len(y)), y])


def _fit_scale(margins: Array, y: Array, weights: Array) -> float:
    """Return the temperature that maximises the likelihood of the scaled margins."""

    def loss(log_scale: float) -> float:
        return float(np.average(softmax_loss(np.exp(log_scale) * margins, y), weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x))


def out_of_fold(
    texts: CodePoints,
    y: Array,
    classes: tuple[str, ...],
    groups: Array,
    fold_of: Array,
    *,
    C: float,
    min_messages: int,
    random_state: int,
    n_jobs: int | None,
    raw: CodePoints | None = None,
    on_fit: Callable[[], None] | None = None,
) -> tuple[TextModel, Array, Array]:
    """Fit a text model, and score its training texts out of fold.

    With raw texts, a model that also has raw n-grams is used if its loss is smaller by more than a standard error and
    `LEAST_GAIN`.
    """
    folds = [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in np.unique(fold_of)]
    if len(folds) < 2:
        raise ValueError(
            "All messages belong to one campaign; the text model needs at least 2. Pass more messages, or groups."
        )
    least = min(min_messages, *(len(train) for train, _ in folds))
    fit_model = partial(fit_text_model, C=C, min_messages=min_messages, random_state=random_state)
    every = np.arange(len(y)), np.arange(0)  # the model that is kept
    used = _Fits(texts, None, y, classes, least)
    model = used.fit(fit_model, [*folds, every], n_jobs, on_fit)
    del used.counts  # those of all fits would take as much memory again
    if raw is not None:
        tried = np.isin(fold_of, np.unique(fold_of)[:TRIED])
        with_raw = _Fits(texts, raw, y, classes, least)
        with_raw.fit(fit_model, folds[:TRIED], n_jobs, on_fit)
        if _gain(with_raw, used, groups, tried)[0] > -1:
            model_with_raw = with_raw.fit(fit_model, [*folds[TRIED:], every], n_jobs, on_fit)
            errors, share = _gain(with_raw, used, groups)
            if errors > 1 and share > LEAST_GAIN:
                used, model = with_raw, model_with_raw
        elif on_fit is not None:
            for _ in range(len(folds[TRIED:]) + 1):
                on_fit()
    scale = _fit_scale(used.margins, y, campaign_weights(groups))
    return replace(model, scale=scale), scale * used.margins, used.known_share


class _Fits:
    """Fits on some forms of the texts, and the margins of the texts out of fold."""

    def __init__(
        self, texts: CodePoints, raw: CodePoints | None, y: Array, classes: tuple[str, ...], min_messages: int
    ) -> None:
        self.texts, self.raw, self.y, self.classes = texts, raw, y, classes
        self.counts = count_ngrams(texts, min_messages, raw)
        self.margins, self.known_share = np.zeros((len(y), len(output_classes(classes)))), np.zeros(len(y))

    def fit(
        self,
        fit_model: Callable[..., TextModel],
        slices: list[tuple[Array, Array]],
        n_jobs: int | None,
        on_fit: Callable[[], None] | None,
    ) -> TextModel:
        """Fit a model on the first part of each slice, score the second part, and return the last model."""
        # Threads share the counts, and kernels run without the interpreter's lock. A model is freed once used.
        fits = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
            delayed(fit_model)(self.counts, self.y, self.classes, rows=train) for train, _ in slices
        )
        for (_, test), fitted in zip(slices, fits, strict=True):
            model: TextModel = replace(fitted, has_raw=self.raw is not None)
            raw = None if self.raw is None else select_texts(self.raw, test)
            self.margins[test], self.known_share[test] = model.log_odds(select_texts(self.texts, test), raw)
            if on_fit is not None:
                on_fit()
        return model


def _gain(fits: _Fits, others: _Fits, groups: Array, rows: Array | slice = slice(None)) -> tuple[float, float]:
    """Return how much smaller a loss is than another, in standard errors and as a share. A campaign counts once."""
    y, weights = fits.y[rows], campaign_weights(groups[rows])
    losses = [
        softmax_loss(_fit_scale(margins, y, weights) * margins, y)
        for margins in (others.margins[rows], fits.margins[rows])
    ]
    _, campaign, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
    gains = np.bincount(campaign, losses[0] - losses[1]) / sizes
    errors = gains.mean() / max(gains.std() / np.sqrt(len(gains)), TINY)
    return float(errors), float(gains.mean() / max(np.average(losses[0], weights=weights), TINY))
