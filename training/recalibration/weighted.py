"""Calibration on labels that were drawn, weighted by inverse probabilities, and how far it can be wrong.

Sums over the labels are weighted by the inverse of the inclusion probability (Horvitz and Thompson, 1952, "A
generalization of sampling without replacement from a finite universe"), and shares divide by the sum of the weights
(Hajek, 1971).
"""

from dataclasses import dataclass

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import Calibration, fit_calibration

TOP_SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""The lower ends of the strata, as shares of the records from the highest score down."""
NORMAL_QUANTILE = 1.96
"""The quantile of the normal distribution for two-sided intervals of 95 %."""
UNSEEN = 0.5
"""Squared errors that are added to those of every stratum (as Jeffreys adds to a count). A sample of the many records
with low scores often has none of the few frauds among them, and would then seem to be certain."""


@dataclass(frozen=True)
class CalibrationBounds:
    """Bounds of the error of calibrated probabilities on the traffic."""

    # Upper bound of the calibration error over the strata of the score: the difference between frauds and the sum of
    # probabilities in a stratum, as a share of all records, at the end of its 95 % interval; summed over strata.
    max_error: float
    # The 95 % interval of the frauds over the sum of the probabilities.
    observed_over_expected: tuple[float, float]


def fit_weighted(model: Model, log_odds: Array, inclusion: Array, labels: Array) -> Calibration:
    """Fit a calibration on labelled records."""
    kept = np.isin(labels.astype(str), model.classes)
    codes, weight = np.searchsorted(model.classes, labels[kept].astype(str)), 1 / inclusion[kept]
    # The weights sum to the number of labels, so that the prior weighs as much as in training.
    return fit_calibration(log_odds[kept], codes, weight * (len(weight) / weight.sum()))


def bound_calibration(probability: Array, rows: Array, inclusion: Array, is_fraud: Array) -> CalibrationBounds:
    """Bound the error of the probabilities of all records by those with a label: their rows, and what they are.

    The frauds of the traffic are estimated by the sum of the probabilities and the weighted errors of the labels: the
    difference estimator (Sarndal, Swensson and Wretman, 1992, "Model assisted survey sampling", section 6.3). Its
    variance is the sum of those of the strata (Cochran, 1977, "Sampling techniques", section 5.3).
    """
    weight = 1 / inclusion
    errors = weight * (is_fraud - probability[rows])
    strata = _strata(probability)[rows]
    sums = np.bincount(strata, errors)
    counts = np.maximum(np.bincount(strata), 1)
    deviations = np.sqrt(np.bincount(strata, errors**2) + UNSEEN * np.bincount(strata, weight**2) / counts)
    ends = np.abs(sums) + NORMAL_QUANTILE * deviations
    expected, width = probability.sum(), NORMAL_QUANTILE * np.sqrt((deviations**2).sum())
    low, high = (1 + (errors.sum() + end) / expected for end in (-width, width))
    return CalibrationBounds(float(min(ends.sum() / len(probability), 1.0)), (float(max(low, 0.0)), float(high)))


def _strata(probability: Array) -> Array:
    """Return the stratum of the score of every record."""
    ranks = np.empty(len(probability))
    ranks[np.argsort(-probability, kind="stable")] = np.arange(len(probability)) / len(probability)
    return np.searchsorted(np.array(TOP_SHARES[:-1]), ranks, side="right")
