"""Fitting the text model, and scoring its training messages out of fold.

The model is a linear support vector machine, one class against the rest, over TF-IDF n-grams. Boosting starts from its
margins. One temperature, fitted on out-of-fold margins, converts them to log-odds (Platt scaling without the intercept;
for several classes Guo et al., 2017).
"""

from collections.abc import Callable

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, logsumexp

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, select_texts

from .counts import NgramCounts, count_ngrams
from .folds import campaign_folds
from .model import TextModel, output_classes
from .ngrams import aligned_rows
from .svm import count_messages, fit_svm

__all__ = ["campaign_weights", "fit_text_model", "out_of_fold", "softmax_loss"]

MAX_PASSES = 50
"""Noisy labels take 30 passes, others 10 to 20 (measured)."""


def campaign_weights(groups: Array) -> Array:
    """Return row weights with which every campaign counts as one message.

    Parameters
    ----------
    groups : ndarray, shape (n_rows,)
        The campaign of each row.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        One over the size of the row's campaign, scaled to a mean of one.

    Examples
    --------
    >>> campaign_weights(np.array([4, 4, 4, 9])).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
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
    max_iter : int, default=50
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
    """Return the negative log-likelihood of every row.

    Parameters
    ----------
    log_odds : ndarray, shape (n_rows, n_outputs)
        One column for two classes, otherwise one column per class.
    y : ndarray of int, shape (n_rows,)
        Indices of the classes.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        In nats.

    Examples
    --------
    >>> softmax_loss(np.array([[0.0], [2.0]]), np.array([0, 1])).round(3).tolist()
    [0.693, 0.127]
    """
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
    *,
    C: float,
    min_messages: int,
    n_folds: int,
    random_state: int,
    n_jobs: int | None,
    on_fit: Callable[[], None] | None = None,
) -> tuple[TextModel, Array, Array]:
    """Fit a text model, and score its training texts out of fold.

    Raises
    ------
    ValueError
        If all texts belong to one campaign.
    """
    settings = {"C": C, "min_messages": min_messages, "random_state": random_state}
    fold_of = campaign_folds(y, groups, n_folds, random_state)
    folds = [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in np.unique(fold_of)]
    if len(folds) < 2:
        raise ValueError(
            "All messages belong to one campaign; the text model needs at least 2. Pass more messages, or groups."
        )
    counts = count_ngrams(texts, min(min_messages, *(len(train) for train, _ in folds)))
    margins, known_share = np.zeros((len(y), len(output_classes(classes)))), np.zeros(len(y))
    every = np.arange(len(y))
    slices = [*folds, (every, every[:0])]  # the last is the model that is kept
    # Threads share the counts, and kernels run without the interpreter's lock. A model of a fold is freed once used.
    fits = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(fit_text_model)(counts, y, classes, rows=train, **settings) for train, _ in slices
    )
    for (_, test), model in zip(slices, fits, strict=True):
        margins[test], known_share[test] = model.log_odds(select_texts(texts, test))
        if on_fit is not None:
            on_fit()
    scale = _fit_scale(margins, y, campaign_weights(groups))
    scaled = TextModel(model.classes, model.buckets, model.weights, model.intercept, scale)
    return scaled, scale * margins, known_share
