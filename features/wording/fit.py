"""Fitting the text model, and scoring its training messages out of fold.

The model is a linear support vector machine, one class against the rest, over TF-IDF n-grams. Boosting starts from its
margins. One temperature, fitted on out-of-fold margins, converts them to log-odds (Platt scaling without the intercept;
for several classes Guo et al., 2017).

Folding removes what may be a signal: capital letters, full-width signs and blanks. The n-grams of the raw text that
have one count beside the folded ones if the scores of the training messages out of fold are better with them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, logsumexp

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, select_texts

from .counts import NgramCounts, count_ngrams
from .linear_scores import aligned_rows
from .model import TextModel, output_classes
from .svm import count_messages, fit_svm

MAX_PASSES = 100
"""Noisy labels take as many, others 30 to 40; most passes are over few rows (measured)."""
LEAST_GAIN = 0.01
"""The share by which raw n-grams must reduce the loss: a smaller gain did not hold on texts of other sources."""
TINY = 1e-12
TRIED = 2
"""Folds on which raw n-grams are tried. If they are worse there by a standard error, the other folds are left out."""


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
    settings: dict[str, Any] = {"C": C, "min_messages": min_messages, "random_state": random_state}
    settings |= {"n_jobs": n_jobs, "on_fit": on_fit}
    every = np.arange(len(y)), np.arange(0)  # the model that is kept
    used = _Fits(texts, None, y, classes, least)
    model = used.fit([*folds, every], **settings)
    del used.counts  # those of all fits would take as much memory again
    if raw is not None:
        tried = np.isin(fold_of, np.unique(fold_of)[:TRIED])
        with_raw = _Fits(texts, raw, y, classes, least)
        with_raw.fit(folds[:TRIED], **settings)
        if _gain(with_raw, used, groups, tried)[0] > -1:
            model_with_raw = with_raw.fit([*folds[TRIED:], every], **settings)
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
        slices: list[tuple[Array, Array]],
        *,
        n_jobs: int | None,
        on_fit: Callable[[], None] | None,
        **settings: Any,
    ) -> TextModel:
        """Fit a model on the first part of each slice, score the second part, and return the last model."""
        # Threads share the counts, and kernels run without the interpreter's lock. A model is freed once used.
        fits = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
            delayed(fit_text_model)(self.counts, self.y, self.classes, rows=train, **settings) for train, _ in slices
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
