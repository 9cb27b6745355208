"""Metrics of fraud: at the review capacity, by month, at a cold start, and costs."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from fraudsieve.training.evaluation.capacity import POINTS
from fraudsieve.training.evaluation.fraud import fraud_metrics
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import EvaluateRecipe

N = 3000
MAIN = (
    "average_precision",
    "roc_auc",
    "recall_at_1pct_fpr",
    "recall_at_capacity",
    "precision_at_capacity",
    "cost_per_1000",
    "ece",
    "brier",
    "observed_over_expected",
    "base_rate",
)


@pytest.fixture(scope="module")
def rows() -> FraudRows:
    rng = np.random.default_rng(0)
    odds = rng.normal(-2.5, 1.5, N)
    p = 1 / (1 + np.exp(-odds))
    return FraudRows(p, rng.random(N) < p, rng.integers(0, 400, N), 100)


def context() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    days = np.sort(rng.integers(0, 60 * 86_400, N)).astype("m8[s]")
    return {
        "cutoff_times": np.datetime64("2026-05-01", "us") + days,
        "amounts": rng.lognormal(3, 1, N),
        "has_history": rng.random(N) < 0.8,
    }


def measure(rows: FraudRows, settings: EvaluateRecipe | None = None, **given: Any) -> Any:
    has_history = given.pop("has_history")
    return fraud_metrics(replace(rows, **given), settings or EvaluateRecipe(), has_history=has_history)


@pytest.fixture(scope="module")
def metrics(rows: FraudRows) -> Any:
    return measure(rows, **context())


def test_every_main_metric_has_an_interval_around_it(metrics: Any) -> None:
    json.dumps(to_json_types(metrics), allow_nan=False)
    for name in MAIN:
        low, high = metrics.intervals[name]
        assert low < high, name
        assert low < getattr(metrics, name) < high, name


def test_recall_and_precision_at_the_capacity(rows: FraudRows, metrics: Any) -> None:
    capacity = metrics.capacity
    frauds = int(rows.is_fraud.sum())
    assert (capacity.alerts, capacity.days, capacity.why) == (frauds, 60, "as many as there are frauds")
    assert capacity.alerts_a_day == frauds / 60
    assert capacity.flagged == metrics.base_rate
    assert metrics.recall_at_capacity == pytest.approx(metrics.precision_at_capacity)
    assert len(capacity.points) == POINTS
    found = np.cumsum(np.r_[0, rows.is_fraud[np.argsort(-rows.probability)]])
    for point in capacity.points:
        caught = np.interp(point.alerts, np.arange(N + 1), found)  # a part of an alert finds a part of a fraud
        assert point.recall == pytest.approx(caught / frauds)
        assert point.precision == pytest.approx(caught / point.alerts)
        assert point.recall_interval[0] <= point.recall <= point.recall_interval[1]
    assert metrics.recall_at_capacity == capacity.points[9].recall
    assert metrics.precision_at_capacity == capacity.points[9].precision
    assert capacity.points[-1].alerts == 2 * frauds


def test_a_capacity_that_is_given(rows: FraudRows) -> None:
    given = measure(rows, EvaluateRecipe(alerts_a_day=2, replicates=0), **context())
    assert given.capacity.alerts == 120.0
    untimed: Any = fraud_metrics(rows, EvaluateRecipe(alerts_a_day=2))
    assert (untimed.capacity, untimed.recall_at_capacity) == (None, None)
    assert untimed.intervals["recall_at_capacity"] is None


def test_rows_of_one_score_are_one_point_of_the_reliability_whatever_their_order() -> None:
    fraud = np.arange(300) < 150
    for truth in (fraud, fraud[::-1]):
        metrics: Any = fraud_metrics(FraudRows(np.full(300, 0.5), truth), EvaluateRecipe())
        assert [reliability_bin.observed for reliability_bin in metrics.curves.reliability] == pytest.approx([0.5] * 15)
        assert metrics.ece == 0


def test_costs(rows: FraudRows, metrics: Any) -> None:
    amounts = context()["amounts"]
    loss = 10 * amounts / amounts[rows.is_fraud].mean()
    flagged = rows.probability * loss >= 1
    spent = flagged.sum() + loss[rows.is_fraud & ~flagged].sum()
    assert metrics.cost_per_1000 == pytest.approx(1000 * spent / N)
    costs = metrics.costs
    assert costs.without_review == pytest.approx(1000 * loss[rows.is_fraud].sum() / N)
    assert costs.points[0].cost == pytest.approx(costs.without_review)
    last, top = costs.points[-1], np.argsort(-rows.probability)
    missed = top[round(last.alerts) :]
    spent = last.alerts + loss[missed][rows.is_fraud[missed]].sum()
    assert last.cost == pytest.approx(1000 * spent / N, rel=2e-3)
    assert metrics.cost_per_1000 < min(point.cost for point in costs.points)  # because scores are calibrated


def test_months_and_cold_start_add_up(rows: FraudRows, metrics: Any) -> None:
    assert [month.month for month in metrics.by_month] == ["2026-05", "2026-06"]
    may = context()["cutoff_times"] < np.datetime64("2026-06-01")
    expected = average_precision_score(rows.is_fraud[may], rows.probability[may])
    assert metrics.by_month[0].average_precision == pytest.approx(expected, abs=1e-12)
    has_history = context()["has_history"]
    assert metrics.cold_start.no_history.rows == (~has_history).sum()
    for parts in (metrics.by_month, list(vars(metrics.cold_start).values())):
        assert sum(part.rows for part in parts) == N
        assert sum(part.frauds for part in parts) == rows.is_fraud.sum()
        caught = sum(part.recall * part.frauds for part in parts) / rows.is_fraud.sum()
        assert caught == pytest.approx(metrics.recall_at_1pct_fpr)  # one threshold for all


def test_rows_without_a_cutoff_time_have_no_month(rows: FraudRows) -> None:
    named = context()
    named["cutoff_times"] = named["cutoff_times"].copy()
    named["cutoff_times"][:100] = "NaT"
    result = measure(rows, EvaluateRecipe(replicates=0), **named)
    assert sum(month.rows for month in result.by_month) == N - 100
    named["cutoff_times"][:] = "NaT"
    result = measure(rows, EvaluateRecipe(replicates=0), **named)
    assert (result.by_month, result.capacity.days) == (None, None)


def test_curves(rows: FraudRows, metrics: Any) -> None:
    precision, recall, _ = precision_recall_curve(rows.is_fraud, rows.probability)
    curve = metrics.curves.precision_recall
    expected_points = set(zip(recall.tolist(), precision.tolist(), strict=True))
    assert len(curve) > 100
    assert all((r, p) in expected_points for r, p in curve)
    assert curve[-1][0] == 1.0
    bins = metrics.curves.reliability
    assert sum(b.rows for b in bins) == N
    expected = [b.expected for b in bins]
    assert expected == sorted(expected)
    gap = sum(b.rows * abs(b.expected - b.observed) for b in bins) / N
    assert gap == pytest.approx(metrics.ece, abs=1e-9)  # 3,000 rows: bins of equal size


def test_all_rows_with_a_history() -> None:
    rows = FraudRows(np.array([0.9, 0.2]), np.array([True, False]))
    result: Any = fraud_metrics(rows, EvaluateRecipe(), has_history=np.array([True, True]))
    assert result.cold_start.no_history is None
    assert result.cold_start.with_history.rows == 2


def test_rows_of_one_kind() -> None:
    rows = FraudRows(np.array([0.9, 0.2]), np.array([False, False]), np.array([1, 2]), 20)
    result = measure(rows, **{k: v[:2] for k, v in context().items()})
    json.dumps(to_json_types(result), allow_nan=False)
    assert result.recall_at_capacity is None
    assert result.precision_at_capacity == 0.0
    assert result.curves.precision_recall is None
