"""Fitting the text model, and scoring its training messages out of fold.

The model is a linear support vector machine, one class against the rest, over TF-IDF n-grams. Its margins are a better
start for boosting than those of a logistic regression (DESIGN.md, 4). One temperature, fitted on out-of-fold margins,
converts them to log-odds (Platt scaling without the intercept; for several classes Guo et al., 2017).
"""

import warnings
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, logsumexp
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, select_texts

from .folds import campaign_folds
from .model import TextModel
from .ngrams import BITS, MAX_TIMES, hash_ngrams

__all__ = ["campaign_weights", "count_ngrams", "fit_text_model", "out_of_fold", "softmax_loss"]


ABSENT_MARGIN = -1.0  # for a class that is not in a fold: the margin of a support vector on the other side


def count_ngrams(texts: CodePoints) -> sparse.csr_array:
    """Count the hashed n-grams of every text.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (n_texts, 2**BITS)
        ``1 + ln(times)`` of each n-gram.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> sorted(count_ngrams(pack(["aa"])).data.astype(float).round(3).tolist())[-2:]  # "a" occurs twice
    [1.0, 1.693]
    """
    buckets, ends = hash_ngrams(texts)
    ones = np.ones(len(buckets), np.float32)
    counts = sparse.csr_array((ones, buckets, ends), shape=(len(texts), 1 << BITS))
    counts.sum_duplicates()
    counts.data = 1 + np.log(np.minimum(counts.data, MAX_TIMES))
    return counts


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
    counts: sparse.csr_array,
    y: Array,
    classes: tuple[str, ...],
    *,
    C: float,
    min_messages: int,
    random_state: int,
    max_iter: int = 1000,
) -> TextModel:
    """Fit a text model with a scale of one.

    Parameters
    ----------
    counts : csr_array, shape (n_texts, 2**BITS)
        From `count_ngrams`.
    y : ndarray of int, shape (n_texts,)
        Indices into `classes`; a class may be absent.
    classes : tuple of str
        All classes.
    C : float
        Inverse strength of the regularisation.
    min_messages : int
        N-grams that occur in fewer messages get no weight.
    random_state : int
        Seed of the solver.
    max_iter : int, default=1000
        Maximum passes of the solver; full convergence does not improve the margins.

    Returns
    -------
    TextModel
        The fitted model.
    """
    messages = np.bincount(counts.indices, minlength=counts.shape[1])
    buckets = np.flatnonzero(messages >= min(min_messages, counts.shape[0]))
    idf = np.log((1 + counts.shape[0]) / (1 + messages[buckets])) + 1
    vectors = sparse.csr_matrix(counts[:, buckets].multiply(idf))
    present = np.unique(y)
    coef, intercept = _fit_svm(vectors, y, C, random_state, max_iter)
    if len(classes) > 2:
        coef, intercept = _expand_outputs(coef, intercept, present, len(classes))
    elif len(present) == 1:
        intercept = intercept * np.where(present == 1, 1, -1)
    weights = np.column_stack([idf, (coef * idf).T]).astype(np.float32)
    return TextModel(classes[-len(intercept) :], buckets.astype(np.int32), weights, intercept, 1.0)


def _fit_svm(vectors: Any, y: Array, C: float, random_state: int, max_iter: int) -> tuple[Array, Array]:
    """Return coefficients and intercepts: one row for two classes, otherwise one row per class."""
    n_present = len(np.unique(y))
    if n_present == 1:
        return np.zeros((1, vectors.shape[1])), np.array([1.0])
    if not vectors.shape[1]:  # no n-gram occurs in enough messages
        n_outputs = 1 if n_present == 2 else n_present
        return np.zeros((n_outputs, 0)), np.zeros(n_outputs)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Liblinear failed to converge")
        svm = LinearSVC(C=C, random_state=random_state, max_iter=max_iter).fit(normalize(vectors), y)
    return svm.coef_, svm.intercept_


def _expand_outputs(coef: Array, intercept: Array, present: Array, n_classes: int) -> tuple[Array, Array]:
    """Give every class an output: two classes share a margin, and an absent class never has the largest."""
    if len(present) == 2:
        coef, intercept = np.vstack([-coef, coef]), np.concatenate([-intercept, intercept])
    all_coef, all_intercept = np.zeros((n_classes, coef.shape[1])), np.full(n_classes, ABSENT_MARGIN)
    all_coef[present], all_intercept[present] = coef, intercept
    return all_coef, all_intercept


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
) -> tuple[TextModel, Array, Array]:
    """Fit a text model, and score its training texts out of fold.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.
    y, classes, C, min_messages, random_state
        As in `fit_text_model`.
    groups : ndarray, shape (n_texts,)
        Campaigns; each is kept in one fold.
    n_folds : int
        Number of folds, at least two.
    n_jobs : int or None
        Number of folds fitted in parallel, as in joblib.

    Returns
    -------
    model : TextModel
        Fitted on all texts.
    log_odds : ndarray of float64, shape (n_texts, n_outputs)
        Log-odds out of fold.
    known_share : ndarray of float64, shape (n_texts,)
        Share of the n-grams of each text that the model of its fold knows.

    Raises
    ------
    ValueError
        If all texts belong to one campaign.
    """
    counts = count_ngrams(texts)
    settings = {"C": C, "min_messages": min_messages, "random_state": random_state}
    fold_of = campaign_folds(y, groups, n_folds, random_state)
    folds = [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in np.unique(fold_of)]
    if len(folds) < 2:
        raise ValueError(
            "All messages belong to one campaign; the text model needs at least 2. Pass more messages, or groups."
        )
    tasks = [delayed(fit_text_model)(counts[train], y[train], classes, **settings) for train, _ in folds]
    tasks.append(delayed(fit_text_model)(counts, y, classes, **settings))
    *fold_models, model = Parallel(n_jobs=n_jobs)(tasks)
    margins, known_share = np.zeros((len(y), len(model.intercept))), np.zeros(len(y))
    for (_, test), fold_model in zip(folds, fold_models, strict=True):
        margins[test], known_share[test] = fold_model.log_odds(select_texts(texts, test))
    scale = _fit_scale(margins, y, campaign_weights(groups))
    scaled = TextModel(model.classes, model.buckets, model.weights, model.intercept, scale)
    return scaled, scale * margins, known_share
