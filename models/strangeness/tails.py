"""Strangeness of feature rows: how far each column is in the tails of the training rows, added up over the columns.

The strangeness of a row is the sum, over its columns, of the negative logarithm of the smaller tail probability of the
value (ECOD; Li et al., ECOD: Unsupervised Outlier Detection Using Empirical Cumulative Distribution Functions, 2022).
A missing value has the probability of being missing instead. No column can add more than the logarithm of the smallest
probability that is told apart, so that one extreme number is not stranger than a row that is unusual throughout.
"""

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np

from fraudsieve._typing import Array

__all__ = ["LEVELS", "Tails", "fit_tails"]

LOWER: Final = (0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35)
LEVELS: Final = np.array([*LOWER, 0.5, *(1 - level for level in reversed(LOWER))])
"""The quantiles of a column that are kept."""
SMALLEST: Final = 0.0005
"""The smallest probability that is told apart: half of the smallest quantile."""
LOW_COSTS: Final = -np.log(np.maximum(LEVELS, SMALLEST))
HIGH_COSTS: Final = LOW_COSTS[::-1].copy()
N_LEVELS: Final = len(LEVELS)
MAX_COST: Final = float(LOW_COSTS[0])


@nb.njit(inline="always")
def _cost(value: float, knots: Array, low: Array, high: Array) -> float:
    """Return the negative logarithm of the smaller tail probability of a value."""
    at = 0  # knots below the value
    while at < N_LEVELS and knots[at] < value:
        at += 1
    upto = at  # knots below the value or equal to it
    while upto < N_LEVELS and knots[upto] == value:
        upto += 1
    if at == N_LEVELS or upto == 0:
        return MAX_COST
    cost = 0.0
    if upto < N_LEVELS:
        part = (value - knots[upto - 1]) / (knots[upto] - knots[upto - 1])
        cost = low[upto - 1] + part * (low[upto] - low[upto - 1])
    if at > 0:
        part = (value - knots[at - 1]) / (knots[at] - knots[at - 1])
        cost = max(cost, high[at - 1] + part * (high[at] - high[at - 1]))
    return cost


@nb.njit(cache=True, nogil=True)
def _strangeness_kernel(X: Array, knots: Array, missing: Array, low: Array, high: Array, out: Array) -> None:
    for i in range(X.shape[0]):
        total = 0.0
        for k in range(X.shape[1]):
            value = X[i, k]
            if np.isnan(value):
                total -= np.log(max(missing[k], SMALLEST))
            else:
                total += _cost(value, knots[k], low, high) - np.log(max(1 - missing[k], SMALLEST))
        out[i] = total


@dataclass(frozen=True)
class Tails:
    """Quantiles of the columns of training rows.

    Parameters
    ----------
    columns : ndarray of int64, shape (n_used,)
        Positions of the columns that are used.
    knots : ndarray of float64, shape (n_used, n_levels)
        The quantiles `LEVELS` of the values that are not missing, ascending.
    missing : ndarray of float64, shape (n_used,)
        The share of missing values.

    Examples
    --------
    >>> tails = fit_tails(np.arange(1000.0)[:, None], np.array([0]))
    >>> tails.strangeness(np.array([[500.0], [5.0], [2000.0], [np.nan]])).round(1).tolist()
    [0.7, 5.3, 7.6, 7.6]
    """

    columns: Array
    knots: Array
    missing: Array

    def strangeness(self, X: Array) -> Array:
        """Compute the strangeness of feature rows.

        Parameters
        ----------
        X : ndarray of float64, shape (n_rows, n_columns)
            Feature rows.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
            At least 0.
        """
        out = np.empty(len(X))
        used = X.take(self.columns, axis=1)
        _strangeness_kernel(used, self.knots, self.missing, LOW_COSTS, HIGH_COSTS, out)
        return out


def fit_tails(X: Array, columns: Array) -> Tails:
    """Compute the quantiles of columns of training rows.

    Parameters
    ----------
    X : ndarray of float64, shape (n_rows, n_columns)
        Training rows; at least one.
    columns : ndarray of int64
        Positions of the columns to use; those without any value are left out.

    Returns
    -------
    Tails

    Examples
    --------
    >>> fit_tails(np.array([[1.0, np.nan], [2.0, np.nan]]), np.array([0, 1])).columns.tolist()
    [0]
    """
    used = X[:, columns]
    present = ~np.isnan(used)
    has_values = present.any(axis=0)
    # A quantile that is a value of the data keeps counts whole.
    knots = [np.quantile(used[present[:, k], k], LEVELS, method="nearest") for k in np.flatnonzero(has_values)]
    shares = 1 - present.mean(axis=0)[has_values]
    return Tails(columns[has_values].astype(np.int64), np.array(knots).reshape(-1, N_LEVELS), shares)
