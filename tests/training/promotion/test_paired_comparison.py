"""Metrics of two models on the same rows, with the same draws for both."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.ranking import Ranking
from fraudsieve.training.promotion.model_comparison import Pair, paired_metrics
from fraudsieve.training.recipe.recipe import EvaluateRecipe

DAYS = np.datetime64("2026-01-01", "us") + np.arange(2000) * np.timedelta64(36, "m")  # fifty days


def made_up(noise: float, seed: int = 0, n: int = 2000) -> FraudRows:
    """Return scores of the same truth; more noise makes them worse."""
    rng = np.random.default_rng(0)
    fraud, groups = rng.random(n) < 0.1, rng.integers(0, n // 4, n)
    odds = 3 * fraud - 2 + np.random.default_rng(seed).normal(0, noise, n)
    return FraudRows(1 / (1 + np.exp(-odds)), fraud, groups, 200)


def figures(old: FraudRows, new: FraudRows, **settings: Any) -> dict[str, Any]:
    return dict(paired_metrics(old, new, EvaluateRecipe(**settings)).figures)


def test_metrics_are_those_of_each_model() -> None:
    old, new = made_up(2.0), made_up(1.0, 1)
    metrics = figures(old, new)
    for name, score in {"average_precision": average_precision_score, "roc_auc": roc_auc_score}.items():
        expected = [score(rows.is_fraud, rows.probability) for rows in (old, new)]
        assert [metrics[name].champion, metrics[name].challenger] == pytest.approx(expected)
        assert metrics[name].difference == pytest.approx(expected[1] - expected[0])
        low, high = metrics[name].interval
        assert low < metrics[name].difference < high


def test_a_model_does_not_differ_from_itself() -> None:
    one = made_up(1.0)
    assert all(pair.interval == (0.0, 0.0) for pair in figures(one, one).values())


def test_records_hard_for_both_models_do_not_widen_intervals() -> None:
    old = made_up(1.0)
    new = FraudRows(np.clip(old.probability + 1e-3 * old.is_fraud, 0, 1), old.is_fraud, old.groups, 200)
    pair = figures(old, new)["average_precision"]
    alone = old.bootstrap(Ranking.of(old.probability, old.is_fraud))
    assert alone is not None
    low, high = alone.intervals()["average_precision"] or (0, 0)
    assert pair.interval[1] - pair.interval[0] < (high - low) / 20


def test_the_order_of_the_rows_does_not_matter() -> None:
    old, new = made_up(2.0), made_up(1.0, 1)
    order = np.random.default_rng(2).permutation(len(old.is_fraud))
    assert old.groups is not None
    mixed = [FraudRows(r.probability[order], r.is_fraud[order], old.groups[order], 200) for r in (old, new)]
    assert figures(*mixed)["average_precision"].interval == pytest.approx(
        figures(old, new)["average_precision"].interval
    )


def test_both_models_have_the_same_number_of_alerts() -> None:
    old, new = made_up(2.0), made_up(1.0, 1)
    timed_old, timed_new = (replace(rows, cutoff_times=DAYS) for rows in (old, new))
    metrics: Any = paired_metrics(timed_old, timed_new, EvaluateRecipe(alerts_a_day=2))
    assert metrics.capacity.alerts == 100
    for role, rows in (("champion", old), ("challenger", new)):
        top = np.argsort(-rows.probability)[:100]
        expected = rows.is_fraud[top].sum() / rows.is_fraud.sum()
        assert getattr(metrics.figures["recall_at_capacity"], role) == pytest.approx(expected)
        assert getattr(metrics.figures["precision_at_capacity"], role) == pytest.approx(rows.is_fraud[top].mean())
    points = metrics.capacity.recall
    assert [point.alerts for point in points] == pytest.approx(np.arange(1, 21) * 10)
    assert points[9].difference == pytest.approx(metrics.figures["recall_at_capacity"].difference)


def test_costs_depend_on_amounts() -> None:
    old, new = made_up(2.0), made_up(1.0, 1)
    amounts = np.where(old.is_fraud, 100.0, 1.0)
    by_amount = figures(*(replace(rows, amounts=amounts) for rows in (old, new)))["cost_per_1000"]
    assert by_amount.champion != figures(old, new)["cost_per_1000"].champion
    assert by_amount.difference < 0


def test_alerts_per_day_without_times_give_no_capacity() -> None:
    metrics = paired_metrics(made_up(2.0), made_up(1.0), EvaluateRecipe(alerts_a_day=2))
    assert metrics.capacity is None
    assert metrics.figures["recall_at_capacity"] == Pair()


def test_without_groups_there_is_no_interval() -> None:
    old, new = (FraudRows(r.probability, r.is_fraud) for r in (made_up(2.0), made_up(1.0)))
    assert figures(old, new)["average_precision"].interval is None


def test_different_rows_are_an_error() -> None:
    old, new = made_up(2.0), made_up(1.0)
    with pytest.raises(ValueError, match="scores of the same rows"):
        paired_metrics(old, FraudRows(new.probability, ~new.is_fraud), EvaluateRecipe())


def test_whole_weights_are_repeated_rows() -> None:
    rng = np.random.default_rng(3)
    old, new = made_up(2.0, n=300), made_up(1.0, 1, n=300)
    weight = rng.choice([1.0, 4.0], 300)
    repeated, settings = np.repeat(np.arange(300), weight.astype(int)), EvaluateRecipe(replicates=0)
    sides = [FraudRows(rows.probability, rows.is_fraud, None, 0, weight) for rows in (old, new)]
    expanded = [FraudRows(rows.probability[repeated], rows.is_fraud[repeated], None, 0) for rows in (old, new)]
    metrics, expected = (paired_metrics(first, last, settings) for first, last in (sides, expanded))
    for name, pair in expected.figures.items():
        assert metrics.figures[name].difference == pytest.approx(pair.difference), name
    assert metrics.base_rate == pytest.approx(expected.base_rate)
    assert metrics.weights is not None
    assert metrics.weights.records == len(repeated)
    plain = paired_metrics(sides[0].plain, sides[1].plain, settings)
    assert metrics.plain == plain.figures
    assert (plain.weights, plain.plain) == (None, {})
