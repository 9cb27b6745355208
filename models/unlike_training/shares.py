"""`UnlikeTraining`: the share of training records that are less unfamiliar than a record."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve._typing import Array

from .distance import TrainingDistance

MAX_VALUES: Final = 1024
"""Number of values of the calibration rows that are kept: half are the most unfamiliar ones, half are quantiles."""
UPPER_SHARE: Final = 0.9
SMALLEST_SCALE: Final = 1e-3
UNFAMILIAR: Final = 0.99
"""The share above which reports count a record as unlike training."""


@compile_part()
def _last_below(values: Array, distance: float) -> int:
    """Return the position of the last value that is at most a distance; ``np.searchsorted`` compiles for longer."""
    low, high = 0, values.size
    while low < high:
        middle = (low + high) >> 1
        if values[middle] <= distance:
            low = middle + 1
        else:
            high = middle
    return low - 1


@compile_kernel()
def _share_kernel(distances: Array, values: Array, shares: Array, scale: float) -> None:
    """Replace distances by shares: between two values by interpolation, beyond the last by an exponential tail."""
    last = values.size - 1
    for i in range(distances.size):
        distance = distances[i]
        if distance >= values[last]:
            distances[i] = 1 - (1 - shares[last]) * np.exp((values[last] - distance) / scale)
        elif distance <= values[0]:
            distances[i] = shares[0]
        else:
            position = _last_below(values, distance)
            part = (distance - values[position]) / (values[position + 1] - values[position])
            distances[i] = shares[position] + part * (shares[position + 1] - shares[position])


@dataclass(frozen=True)
class UnlikeTraining:
    """The calibrated distance of feature rows from the training rows.

    Parameters
    ----------
    distance : TrainingDistance
        From feature rows to their distance from the training rows.
    values : ndarray of float64, shape (n_values,)
        Distances of the calibration rows, ascending and distinct.
    shares : ndarray of float64, shape (n_values,)
        The share of the calibration rows below each value, ascending.
    scale : float
        Distance beyond the last value after which the remaining share is smaller by a factor of e.
    usual : ndarray of float64, shape (n_columns,)
        The median of every column of the training rows; NaN for a column without values. Reasons name them.

    Examples
    --------
    >>> from fraudsieve.models.unlike_training.distance import fit_distance
    >>> X = np.random.default_rng(0).normal(size=(4000, 3))
    >>> distance = fit_distance(X[:2000], np.arange(3))
    >>> unlike = calibrate_distance(distance, distance.apply(X[2000:]), np.median(X[:2000], axis=0))
    >>> usual, unusual = unlike.apply(np.array([[0.5, -0.4, 0.3], [9.0, 9.0, 9.0]]))
    >>> bool(usual < 0.5), bool(unusual > 0.999)
    (True, True)
    """

    distance: TrainingDistance
    values: Array
    shares: Array
    scale: float
    usual: Array

    def apply(self, X: Array) -> Array:
        """Return the share of training records that are less unfamiliar than each row.

        Parameters
        ----------
        X : ndarray of float64, shape (n_rows, n_columns)
            Feature rows.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
            From 0 to 1; 0.999 for a row that is more unfamiliar than 99.9 % of the training records.
        """
        return self.shares_of(self.distance.apply(X))

    def shares_of(self, distances: Array) -> Array:
        """Return the share of training records that are less unfamiliar, from distances of rows."""
        shares = distances.copy()
        _share_kernel(shares, self.values, self.shares, self.scale)
        return shares


def calibrate_distance(distance: TrainingDistance, distances: Array, usual: Array) -> UnlikeTraining:
    """Calibrate the distance on rows that the means and correlations were not computed from.

    Beyond the most unfamiliar row, the share approaches 1 like the tail of an exponential distribution.
    """
    values, counts = np.unique(distances, return_counts=True)
    last = np.cumsum(counts)
    shares = (last - (counts - 1) / 2) / (len(distances) + 1)  # equal rows share the middle of their ranks
    bound = np.quantile(distances, UPPER_SHARE)
    scale = float(np.mean(distances[distances >= bound] - bound))
    if len(values) > MAX_VALUES:
        half = MAX_VALUES // 2
        kept = np.unique(np.linspace(0, len(values) - half - 1, half).astype(np.int64))
        kept = np.concatenate([kept, np.arange(len(values) - half, len(values))])
        values, shares = values[kept], shares[kept]
    return UnlikeTraining(distance, values, shares, max(scale, SMALLEST_SCALE), usual)
