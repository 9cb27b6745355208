"""Calibration on an audited sample, weighted by inverse probabilities, and how far it can be wrong."""

from dataclasses import dataclass

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import Calibration, fit_calibration
from fraudsieve.models.scoring.scores import fraud_probability

from .audit import Audit

__all__ = ["WeightedCalibration", "fit_weighted"]

REPLICATES = 100
"""Bootstrap replicates."""


@dataclass(frozen=True)
class WeightedCalibration:
    """A calibration and the uncertainty of its probabilities.

    Parameters
    ----------
    calibration : Calibration
        The fit.
    max_error : float or None
        Mean absolute error of the probabilities of the traffic that 95 % of the replicates do not exceed. None for more
        than two classes: the one parameter of their calibration cannot follow another share of fraud.
    observed_over_expected : (float, float)
        The 95 % interval of the frauds of the traffic over the sum of its probabilities, by the difference estimator
        (Sarndal, Swensson and Wretman, 1992, "Model assisted survey sampling", section 6.3).
    """

    calibration: Calibration
    max_error: float | None
    observed_over_expected: tuple[float, float]


def fit_weighted(model: Model, log_odds: Array, audit: Audit, labels: Array, *, seed: int = 0) -> WeightedCalibration:
    """Fit a calibration on audited records.

    Parameters
    ----------
    model : Model
        Its classes are those of the labels; records of other classes do not count.
    log_odds : ndarray of float64, shape (n_records, n_outputs)
        The traffic, before calibration.
    audit : Audit
        The audited records and their probabilities.
    labels : ndarray of object, shape (n_audited,)
        Their classes; None without a label.
    seed : int, default=0
        Seed of the replicates.

    Returns
    -------
    WeightedCalibration
        Replicates draw audited records with replacement, those of a stratum for each other.
    """
    kept = np.isin(labels.astype(str), model.classes) & (labels != None)  # noqa: E711 - compares every element
    odds, codes = log_odds[audit.rows[kept]], np.searchsorted(model.classes, labels[kept].astype(str))
    weight, strata = 1 / audit.probability[kept], np.round(audit.group_probability[kept], 9)
    rng = np.random.default_rng(seed)
    fitted = _fit(odds, codes, weight)
    probability = _fraud(model, fitted, log_odds)
    residual = (labels[kept] != model.legitimate).astype(np.float64) - probability[audit.rows[kept]]
    errors, ratios = [], []
    for _ in range(REPLICATES):
        drawn = _redraw(strata, rng)
        again = _fraud(model, _fit(odds[drawn], codes[drawn], weight[drawn]), log_odds)
        errors.append(np.abs(again - probability).mean())
        ratios.append(1 + weight[drawn] @ residual[drawn] / probability.sum())
    low, high = np.quantile(ratios, [0.025, 0.975])
    error = float(np.quantile(errors, 0.95)) if len(model.classes) == 2 else None
    return WeightedCalibration(fitted, error, (float(low), float(high)))


def _fit(log_odds: Array, codes: Array, weight: Array) -> Calibration:
    # The weights sum to the number of audited records, so that the prior weighs as much as in training.
    return fit_calibration(log_odds, codes, weight * (len(weight) / weight.sum()))


def _fraud(model: Model, calibration: Calibration, log_odds: Array) -> Array:
    return fraud_probability(calibration.apply(log_odds), model.classes, model.legitimate)


def _redraw(strata: Array, rng: np.random.Generator) -> Array:
    """Return positions of a replicate: as many of each stratum as there are."""
    order = np.argsort(strata, kind="stable")
    starts = np.flatnonzero(np.diff(strata[order], prepend=-1.0))
    sizes = np.diff(np.append(starts, len(order)))
    offsets = (rng.random(len(order)) * np.repeat(sizes, sizes)).astype(np.int64)
    return np.asarray(order[np.repeat(starts, sizes) + offsets])
