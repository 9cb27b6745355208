"""`UnlikeTraining`: the share of training records that are less strange than a record."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from fraudsieve._typing import Array

from .tails import Tails

__all__ = ["UnlikeTraining", "calibrate_strangeness"]

MAX_VALUES: Final = 1024
"""How many values of the calibration rows are kept: the strangest half of them, and quantiles of the others."""
UPPER_SHARE: Final = 0.9


@dataclass(frozen=True)
class UnlikeTraining:
    """The calibrated strangeness of feature rows.

    Parameters
    ----------
    tails : Tails
        From feature rows to their strangeness.
    values : ndarray of float64, shape (n_values,)
        Values of the strangeness of the calibration rows, ascending and distinct.
    shares : ndarray of float64, shape (n_values,)
        The share of the calibration rows below each value, ascending.
    scale : float
        How much stranger a row beyond the last value must be for its remaining share to fall by a factor of e.
    usual : ndarray of float64, shape (n_columns,)
        The median of every column of the training rows; NaN for a column without values. Reasons name them.

    Examples
    --------
    >>> from fraudsieve.models.strangeness.tails import fit_tails
    >>> X = np.random.default_rng(0).normal(size=(4000, 3))
    >>> tails = fit_tails(X[:2000], np.arange(3))
    >>> unlike = calibrate_strangeness(tails, tails.strangeness(X[2000:]), np.median(X[:2000], axis=0))
    >>> usual, unusual = unlike.apply(np.array([[0.5, -0.4, 0.3], [9.0, 9.0, 9.0]]))
    >>> bool(usual < 0.5), bool(unusual > 0.999)
    (True, True)
    """

    tails: Tails
    values: Array
    shares: Array
    scale: float
    usual: Array

    @cached_property
    def _ends(self) -> tuple[float, float]:
        return float(self.values[-1]), float(self.shares[-1])

    def apply(self, X: Array) -> Array:
        """Return the share of training records that are less strange than each row.

        Parameters
        ----------
        X : ndarray of float64, shape (n_rows, n_columns)
            Feature rows.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
            From 0 to 1; 0.999 for a row that is stranger than 99.9 % of the training records.
        """
        strangeness = self.tails.strangeness(X)
        largest, share = self._ends
        known = np.interp(strangeness, self.values, self.shares)
        beyond = 1 - (1 - share) * np.exp((largest - strangeness) / self.scale)
        return np.asarray(np.where(strangeness > largest, beyond, known))


def calibrate_strangeness(tails: Tails, strangeness: Array, usual: Array) -> UnlikeTraining:
    """Calibrate the strangeness on rows that the quantiles were not computed from.

    Beyond the strangest row, the share approaches 1 like the tail of an exponential distribution.

    Parameters
    ----------
    tails : Tails
        From feature rows to their strangeness.
    strangeness : ndarray of float64, shape (n_rows,)
        The strangeness of the calibration rows; at least one.
    usual : ndarray of float64, shape (n_columns,)
        The median of every column of the training rows.

    Returns
    -------
    UnlikeTraining

    Examples
    --------
    >>> tails = Tails(np.array([0]), np.zeros((1, 21)), np.array([0.0]))
    >>> calibrate_strangeness(tails, np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.0])).shares.tolist()
    [0.2, 0.5, 0.8]
    """
    values, counts = np.unique(strangeness, return_counts=True)
    last = np.cumsum(counts)
    shares = (last - (counts - 1) / 2) / (len(strangeness) + 1)  # equal rows share the middle of their ranks
    bound = np.quantile(strangeness, UPPER_SHARE)
    scale = float(np.mean(strangeness[strangeness >= bound] - bound))
    if len(values) > MAX_VALUES:
        half = MAX_VALUES // 2
        kept = np.unique(np.linspace(0, len(values) - half - 1, half).astype(np.int64))
        kept = np.concatenate([kept, np.arange(len(values) - half, len(values))])
        values, shares = values[kept], shares[kept]
    return UnlikeTraining(tails, values, shares, max(scale, 1e-3), usual)
