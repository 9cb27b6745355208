"""Records that look like nothing in training: counts that add up, and metrics without them."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.report_parts.weighting import UnlikeMetrics


def made_up(n: int = 2000) -> tuple[FraudRows, np.ndarray]:
    """Return rows, and how unfamiliar they are; the model knows nothing of the last hundred."""
    rng = np.random.default_rng(0)
    truth, unfamiliar = rng.random(n) < 0.2, np.arange(n) >= n - 100
    score = np.where(unfamiliar, rng.random(n), np.clip(0.5 * truth + 0.6 * rng.random(n), 0, 1))
    rows = FraudRows(score, truth, rng.integers(0, 300, n), 100)
    return rows, np.where(unfamiliar, 0.999, 0.98 * rng.random(n))


def test_counts_and_metrics_are_those_of_the_rows() -> None:
    rows, unlike = made_up()
    metrics = UnlikeMetrics.of(rows, unlike)
    assert metrics is not None
    assert (metrics.rows, metrics.share, metrics.expected) == (100, 0.05, 0.01)
    assert metrics.frauds == rows.is_fraud[-100:].sum()
    expected = average_precision_score(rows.is_fraud[:-100], rows.probability[:-100])
    assert metrics.average_precision == pytest.approx(expected)
    assert metrics.average_precision > average_precision_score(rows.is_fraud, rows.probability)
    assert metrics.interval is not None
    assert metrics.interval[0] < 0.05 < metrics.interval[1]
    assert sum(metrics.distribution) == pytest.approx(1.0)
    assert metrics.distribution[-1] == pytest.approx((unlike >= 0.95).mean())


def test_only_a_share_that_is_clearly_higher_is_more_than_expected() -> None:
    rows, unlike = made_up()
    metrics = UnlikeMetrics.of(rows, unlike)
    assert metrics is not None
    assert metrics.is_clearly_more
    usual = UnlikeMetrics.of(rows, np.linspace(0, 1, 2000))
    assert usual is not None
    assert usual.share == pytest.approx(0.01)
    assert not usual.is_clearly_more


def test_rows_without_a_value_are_not_counted() -> None:
    rows, unlike = made_up()
    assert UnlikeMetrics.of(rows, np.full(2000, np.nan)) is None
    metrics = UnlikeMetrics.of(rows, np.where(np.arange(2000) < 1000, np.nan, unlike))
    assert metrics is not None
    assert metrics.share == 0.1


def test_records_of_one_kind_have_no_metrics_of_fraud() -> None:
    rows = FraudRows(np.full(3, np.nan), np.ones(3, bool))
    metrics = UnlikeMetrics.of(rows, np.array([0.1, 0.5, 0.999]))
    assert metrics is not None
    assert (metrics.rows, metrics.frauds, metrics.average_precision) == (1, None, None)
