"""Distance of feature rows from the training rows: the squared Mahalanobis distance, with a cost for missing values.

Unlike the tails of single columns, the distance notices unusual combinations: a short text may have improbable
characters, a long one may not. Columns are on a logarithmic scale, so that sums of money do not outweigh shares, and no
column counts for more than `MAX_DEVIATION`. The correlations are shrunk towards none: columns that hardly differ from
each other in training would otherwise decide alone.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel
from fraudsieve._typing import Array

MAX_DEVIATION: Final = 8.0
"""Maximum deviation of a column from its mean, in standard deviations."""
SMALLEST_SCALE: Final = 1e-3
SHRINKAGE: Final = 0.3
BLOCK: Final = 50_000
SMALLEST_SHARE: Final = 0.0005
"""Smaller shares of missing values, or of present ones, count as this share."""


@compile_inlined()
def _logarithm(value: float) -> float:
    magnitude: float = np.log1p(abs(value))
    return magnitude if value >= 0 else -magnitude


@compile_kernel()
def _distance_kernel(
    X: Array, center: Array, scale: Array, precision: Array, absent: Array, present: Array, out: Array
) -> None:
    n = X.shape[1]
    z = np.empty(n)
    for i in range(X.shape[0]):
        total = 0.0
        for k in range(n):
            if np.isnan(X[i, k]):
                z[k] = 0.0
                total += absent[k]
            else:
                z[k] = min(max((_logarithm(X[i, k]) - center[k]) / scale[k], -MAX_DEVIATION), MAX_DEVIATION)
                total += present[k]
        for k in range(n):
            row = precision[k, k] * z[k]
            for j in range(k):
                row += 2 * precision[k, j] * z[j]
            total += row * z[k]
        out[i] = total


@dataclass(frozen=True)
class TrainingDistance:
    """Means, scales and correlations of the columns of training rows."""

    # Shape (n_used,). Positions of the columns that are used.
    columns: Array
    # Shape (n_used,). Mean and standard deviation of the signed logarithm of each column.
    center: Array
    scale: Array
    # Shape (n_used, n_used). The inverse of the shrunk correlations.
    precision: Array
    # Shape (n_used,). The share of missing values.
    missing: Array

    @cached_property
    def _costs(self) -> tuple[Array, Array]:
        """The cost of a missing and of a present value of each column: minus twice the logarithm of its share."""
        shares = (self.missing, 1 - self.missing)
        absent, present = (-2 * np.log(np.maximum(share, SMALLEST_SHARE)) for share in shares)
        return absent, present

    def apply(self, X: Array) -> Array:
        """Compute the distance of feature rows."""
        out, used = np.empty(len(X)), X.take(self.columns, axis=1)
        _distance_kernel(used, self.center, self.scale, self.precision, *self._costs, out)
        return out


def fit_distance(X: Array, columns: Array) -> TrainingDistance:
    """Compute means, scales and correlations of columns of training rows."""
    n_values = np.zeros(len(columns), np.int64)
    for rows in _blocks(len(X)):
        n_values += np.count_nonzero(~np.isnan(X[rows][:, columns]), axis=0)
    columns = columns[n_values > 0].astype(np.int64)
    z = np.empty((len(X), len(columns)))
    for rows in _blocks(len(X)):
        used = X[rows][:, columns]
        z[rows] = np.copysign(np.log1p(np.abs(used)), used)
    center, scale, missing = np.empty((3, len(columns)))
    for part in np.array_split(np.arange(len(columns)), max(len(columns) // 8, 1)):  # each of these makes copies
        center[part], missing[part] = np.nanmean(z[:, part], axis=0), np.isnan(z[:, part]).mean(axis=0)
        scale[part] = np.maximum(np.nanstd(z[:, part], axis=0), SMALLEST_SCALE)
    for rows in _blocks(len(X)):
        z[rows] = np.nan_to_num((z[rows] - center) / scale).clip(-MAX_DEVIATION, MAX_DEVIATION)
    correlations = z.T @ z / max(len(z), 1) + SHRINKAGE * np.eye(len(columns))
    return TrainingDistance(columns, center, scale, np.linalg.inv(correlations), missing)


def _blocks(n_rows: int) -> list[slice]:
    """Return slices of rows that are computed at a time: a matrix of all training rows is not copied more than once."""
    return [slice(first, first + BLOCK) for first in range(0, n_rows, BLOCK)]
