"""Calibration on weighted labels, and bounds of its error that hold although few frauds have low scores."""

import numpy as np
import pytest

from fraudsieve.models.calibration import fit_calibration
from fraudsieve.training.recalibration.outcomes import bound_calibration

from .drawn import draw


def test_weights_undo_the_draw_where_the_calibration_cannot_follow_the_truth() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(-3, 2, 20_000)
    y = (rng.random(20_000) < np.where(z < -1, 0.02, 0.6)).astype(int)  # no calibration has a step
    frauds = []
    for seed in range(4):
        inclusion = np.where(z < -1, 0.05, 0.5)
        rows = np.flatnonzero(np.random.default_rng(seed).random(20_000) < inclusion)
        weight = 1 / inclusion[rows]
        fits = (fit_calibration(z[rows, None], y[rows], w) for w in (weight * len(rows) / weight.sum(), None))
        frauds.append([(1 / (1 + np.exp(-fit.apply(z[:, None])[:, 0]))).sum() for fit in fits])
    weighted, plain = np.mean(frauds, axis=0)
    assert weighted == pytest.approx(y.sum(), rel=0.05)
    assert abs(plain - y.sum()) > 2 * abs(weighted - y.sum())


@pytest.mark.slow
def test_the_bounds_hold_in_at_least_nineteen_audits_of_twenty() -> None:
    rng, inside, errors = np.random.default_rng(0), [], []
    for seed in range(200):
        is_fraud = rng.random(4000) < 0.05
        missed = rng.random(4000) < 0.05  # such frauds look like legitimate records
        p = np.where(is_fraud & ~missed, rng.uniform(0.5, 1, 4000), rng.uniform(0, 0.02, 4000))
        rows, inclusion = draw(p, 300, seed=seed)
        bounds = bound_calibration(p, rows, inclusion, is_fraud[rows])
        low, high = bounds.observed_over_expected
        inside.append(low <= is_fraud.sum() / p.sum() <= high)
        deciles = np.array_split(np.argsort(p), 10)
        error = sum(abs(p[part].sum() - is_fraud[part].sum()) for part in deciles) / 4000
        errors.append(error <= bounds.max_error)
    assert np.mean(inside) >= 0.95
    assert np.mean(errors) >= 0.95


def test_more_labels_make_the_bounds_narrower() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(5000) ** 6
    is_fraud = rng.random(5000) < p

    def bounds(n: int) -> float:
        rows, inclusion = draw(p, n)
        return bound_calibration(p, rows, inclusion, is_fraud[rows]).max_error

    assert bounds(3000) < bounds(600) < bounds(150)
    low, high = bound_calibration(p, np.arange(5000), np.ones(5000), is_fraud).observed_over_expected
    assert low < is_fraud.sum() / p.sum() < high
