"""Expected precision and recall against the true ones of calibrated scores, and their limits."""

import numpy as np
import pytest

from fraudsieve.training.monitoring.report import ExpectedPerformance


def scores(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return calibrated probabilities, and a truth drawn from them."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.15, 1.2, n)
    return p, rng.random(n) < p


def true_metrics(p: np.ndarray, is_fraud: np.ndarray, threshold: float) -> tuple[float, float]:
    flagged = p >= threshold
    return float(is_fraud[flagged].mean()), float(flagged[is_fraud].mean())


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.8])
def test_the_truth_is_within_the_interval_as_often_as_declared(threshold: float) -> None:
    inside = np.zeros(2)
    for seed in range(400):
        p, is_fraud = scores(1000, seed)
        expected = ExpectedPerformance.of(p, p >= threshold)
        assert expected.precision is not None
        assert expected.recall is not None
        truth = true_metrics(p, is_fraud, threshold)
        for place, between in enumerate((expected.precision_interval, expected.recall_interval)):
            assert between is not None
            inside[place] += between[0] <= truth[place] <= between[1]
    assert (inside / 400 >= 0.92).all()
    assert (inside / 400 <= 0.98).all()
    p, is_fraud = scores(400_000, 0)
    expected = ExpectedPerformance.of(p, p >= threshold)
    assert (expected.precision, expected.recall) == pytest.approx(true_metrics(p, is_fraud, threshold), abs=0.01)


def test_estimates_hold_under_covariate_shift_and_fail_under_concept_drift() -> None:
    p, _ = scores(20_000, 1)
    rng = np.random.default_rng(2)
    chosen = rng.random(len(p)) < 0.1 + 0.9 * (p > 0.2)  # more suspicious records: covariate shift
    p, drawn = p[chosen], rng.random(len(p))[chosen]
    expected = ExpectedPerformance.of(p, p >= 0.5)
    assert (expected.precision, expected.recall) == pytest.approx(true_metrics(p, drawn < p, 0.5), abs=0.02)
    hidden = (drawn < p) | ((p < 0.05) & (drawn > 0.3))  # fraud that looks legitimate: concept drift
    recall = true_metrics(p, hidden, 0.5)[1]
    assert expected.recall_interval is not None
    assert recall < expected.recall_interval[0] - 0.1


def test_estimates_that_cannot_be_computed_are_none() -> None:
    nothing = ExpectedPerformance.of(np.array([0.1, 0.2]), np.zeros(2, bool))
    assert (nothing.alerts, nothing.precision, nothing.precision_interval) == (0, None, None)
    assert nothing.recall == 0.0
    none = ExpectedPerformance.of(np.zeros(3), np.ones(3, bool))
    assert (none.alerts, none.precision, none.recall, none.recall_interval) == (3, 0.0, None, None)
    certain = ExpectedPerformance.of(np.array([1.0, 0.0]), np.array([True, False]))
    assert (certain.precision_interval, certain.recall_interval) == ([1.0, 1.0], [1.0, 1.0])
