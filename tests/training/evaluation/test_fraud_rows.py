"""Metrics of a slice, and the common threshold."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from fraudsieve.training.evaluation.fraud_rows import FraudRows, threshold_at


def made_up(n: int = 300) -> FraudRows:
    rng = np.random.default_rng(0)
    truth = rng.random(n) < 0.3
    return FraudRows(1 / (1 + np.exp(-rng.normal(truth, 1.0))), truth, rng.integers(0, 60, n), 50)


def test_metrics_of_a_slice() -> None:
    rows = made_up()
    half = np.arange(300) < 150
    metrics: Any = rows.part(half).slice_metrics(rows.probability[half] >= 0.6)
    p, truth = rows.probability[half], rows.is_fraud[half]
    assert (metrics.rows, metrics.frauds) == (150, truth.sum())
    assert metrics.average_precision == pytest.approx(average_precision_score(truth, p), abs=1e-12)
    assert metrics.roc_auc == pytest.approx(roc_auc_score(truth, p), abs=1e-12)
    assert metrics.recall == pytest.approx((p[truth] >= 0.6).mean())
    assert metrics.false_positive_rate == pytest.approx((p[~truth] >= 0.6).mean())
    assert metrics.observed_over_expected == pytest.approx(truth.sum() / p.sum())
    assert metrics.precision == pytest.approx(truth[p >= 0.6].mean())
    assert metrics.interval[0] < metrics.average_precision < metrics.interval[1]
    assert metrics.recall_interval[0] < metrics.recall < metrics.recall_interval[1]
    assert metrics.precision_interval[0] < metrics.precision < metrics.precision_interval[1]
    for name in ("false_positive_rate", "observed_over_expected"):
        low, high = getattr(metrics, f"{name}_interval")
        assert low < getattr(metrics, name) < high


def test_a_slice_of_one_kind_has_what_can_be_computed() -> None:
    rows = made_up()
    clean_rows, frauds = rows.part(~rows.is_fraud), rows.part(rows.is_fraud)
    clean: Any = clean_rows.slice_metrics(clean_rows.probability >= 0.6)
    assert [getattr(clean, name) for name in ("average_precision", "interval", "roc_auc", "recall")] == [None] * 4
    assert clean.observed_over_expected == 0.0
    assert frauds.slice_metrics(frauds.probability >= 0.6).false_positive_rate is None


@pytest.mark.parametrize("groups", [None, np.zeros(2)])
def test_without_groups_there_is_no_interval(groups: np.ndarray | None) -> None:
    rows = FraudRows(np.array([0.9, 0.2]), np.array([True, False]), groups)
    metrics = rows.slice_metrics(rows.is_fraud)
    assert metrics.interval is metrics.recall_interval is metrics.precision_interval is None
    assert rows.share_interval(rows.is_fraud) is None


def test_the_threshold_flags_no_more_than_the_rate() -> None:
    rows = made_up()
    for rate in (0.0, 0.01, 0.2, 1.0):
        threshold, recall = threshold_at(rows.probability, rows.is_fraud, rate)
        flagged = rows.probability >= threshold
        assert flagged[~rows.is_fraud].mean() <= rate
        assert flagged[rows.is_fraud].mean() == recall
        if not flagged.all():  # it is the lowest: with the next legitimate row the rate is exceeded
            lower = rows.probability >= rows.probability[~flagged & ~rows.is_fraud].max()
            assert lower[~rows.is_fraud].mean() > rate
    assert threshold_at(np.array([0.5, 0.5]), np.array([True, False])) == (np.inf, 0.0)
