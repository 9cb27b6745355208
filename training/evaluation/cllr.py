"""Cllr, the cost of log-likelihood ratios, and the minimum that a better calibration could reach.

Brümmer and du Preez, Application-independent evaluation of speaker detection, Computer Speech and Language 20 (2006).
0 is perfect; 1 is the cost of a ratio of one, which carries no information; above 1, ratios mislead. The difference
from the minimum is the loss by calibration, and the minimum is the loss by ranking.
"""

import numpy as np
from sklearn.isotonic import IsotonicRegression

from fraudsieve._typing import Array


def log_ratio_cost(log10_ratio: Array, is_fraud: Array, weight: Array | None = None) -> float:
    """Return Cllr in bits.

    Parameters
    ----------
    log10_ratio : ndarray of float64, shape (n_rows,)
        Likelihood ratios in powers of ten.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth, with rows of both kinds.
    weight : ndarray of float64, shape (n_rows,), default=None
        Number of records that each row stands for; None for 1.

    Returns
    -------
    float
        Fraudulent and legitimate rows each count half.

    Examples
    --------
    >>> log_ratio_cost(np.zeros(4), np.array([True, False, False, False]))
    1.0
    """
    natural = np.asarray(log10_ratio, np.float64) * np.log(10)
    costs = np.logaddexp(0, np.where(is_fraud, -natural, natural))
    kinds = is_fraud, ~is_fraud
    frauds, others = (np.average(costs[kind], weights=None if weight is None else weight[kind]) for kind in kinds)
    return float((frauds + others) / 2 / np.log(2))


def min_log_ratio_cost(score: Array, is_fraud: Array, weight: Array | None = None) -> float:
    """Return the lowest Cllr that a monotone transformation of the scores can reach, by isotonic regression (PAV).

    Parameters
    ----------
    score : ndarray of float64, shape (n_rows,)
        Scores that increase with the probability of fraud.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth, with rows of both kinds.
    weight : ndarray of float64, shape (n_rows,), default=None
        Number of records that each row stands for; None for 1.

    Returns
    -------
    float
        In bits, at most 1.

    Examples
    --------
    >>> min_log_ratio_cost(np.array([0.1, 0.2, 0.3]), np.array([False, False, True]))
    0.0
    """
    _, rank = np.unique(score, return_inverse=True)
    truth, regression = is_fraud.astype(np.float64), IsotonicRegression(y_min=0, y_max=1)
    posterior = regression.fit(rank, truth, sample_weight=weight).predict(rank)
    posterior = np.clip(posterior, 0.0, 1.0)
    share = np.average(is_fraud, weights=weight)
    with np.errstate(divide="ignore"):
        ratio = (np.log(posterior) - np.log1p(-posterior) - np.log(share / (1 - share))) / np.log(10)
    return log_ratio_cost(ratio, is_fraud, weight)
