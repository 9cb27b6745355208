"""Rows with weights: whole weights are repeated rows, in every metric and interval; unseen frauds widen intervals."""

import re
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest

from fraudsieve.models.points import OperatingPoint
from fraudsieve.training.evaluation.bootstrap import (
    bootstrap_ranking,
    draw_weights,
    effective_size,
    share_intervals,
    variation_of,
)
from fraudsieve.training.evaluation.fraud import FraudMetrics, fraud_metrics
from fraudsieve.training.evaluation.fraud_rows import FraudRows, type_metrics
from fraudsieve.training.evaluation.ranking import Ranking, UnseenFrauds
from fraudsieve.training.evaluation.report import evaluate
from fraudsieve.training.evaluation.report_parts.weighting import UNWEIGHTED, decision_metrics
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import EvaluateRecipe
from fraudsieve.training.report_page.evaluation import render_report

COUNTS = ("curves", "frauds", "by_month")
"""Parts that count rows."""


def made_up(n: int = 60, digits: int = 1) -> tuple[FraudRows, np.ndarray]:
    """Return rows with whole weights and many ties, and the positions of the rows repeated as often."""
    rng = np.random.default_rng(4)
    truth = rng.random(n) < 0.3
    scores = np.round(1 / (1 + np.exp(-rng.normal(2.0 * truth - 1, 1.0))), digits)
    weight = rng.choice([1.0, 1.0, 2.0, 5.0], n)
    rows = FraudRows(scores, truth, rng.integers(0, 12, n), 0, weight)
    return rows, np.repeat(np.arange(n), weight.astype(int))


def test_whole_weights_are_repeated_rows_in_the_metrics_of_fraud() -> None:
    rows, repeated = made_up()
    times = np.datetime64("2026-05-01", "us") + np.arange(60) * np.timedelta64(30, "h")
    amounts = np.random.default_rng(0).uniform(1, 9, 60)
    settings = EvaluateRecipe(alerts_a_day=0.5, replicates=0)
    for of in (settings, EvaluateRecipe(replicates=0)):
        rows = replace(rows, cutoff_times=times, amounts=amounts)
        weighted = fraud_metrics(rows, of)
        expected = fraud_metrics(replace(rows.plain.part(repeated), groups=None), of)
        for name in [part.name for part in fields(FraudMetrics) if part.name not in COUNTS]:
            found, true = (to_json_types(getattr(metrics, name)) for metrics in (weighted, expected))
            assert _flat(found) == pytest.approx(_flat(true), abs=1e-9), name
        curves, of_expanded = weighted.curves, expected.curves
        assert curves is not None
        assert of_expanded is not None
        for name in ("precision_recall", "roc", "gains"):
            np.testing.assert_allclose(getattr(curves, name), getattr(of_expanded, name), atol=1e-12)


def _flat(content: Any) -> list[Any]:
    if isinstance(content, dict):
        return [item for value in content.values() for item in _flat(value)]
    if isinstance(content, list | tuple):
        return [item for value in content for item in _flat(value)]
    return [content]


def test_whole_weights_are_repeated_rows_at_points_and_in_slices() -> None:
    rows, repeated = made_up()
    expanded = FraudRows(rows.probability[repeated], rows.is_fraud[repeated], None, 0)
    for threshold in (0.2, 0.5, 0.8):
        found, expected = (asdict(decision_metrics(part, "half", threshold)) for part in (rows, expanded))
        assert found == pytest.approx(expected)
        found, expected = (asdict(part.slice_metrics(part.probability >= threshold)) for part in (rows, expanded))
        counted = {"rows", "frauds"}
        assert {name: found[name] for name in found if name not in counted} == pytest.approx(
            {name: expected[name] for name in expected if name not in counted}
        )


def test_whole_weights_are_repeated_rows_in_the_metrics_of_types() -> None:
    rows, repeated = made_up()
    names, rng = np.array(["ham", "scam", "spam"], object), np.random.default_rng(1)
    labels = np.where(rows.is_fraud, names[rng.integers(1, 3, 60)], "ham")
    predicted = np.where(rng.random(60) < 0.7, labels, names[rng.integers(0, 3, 60)])
    rows = replace(rows, replicates=20)
    found = type_metrics(labels, predicted, rows, legitimate="ham")
    expected = type_metrics(labels[repeated], predicted[repeated], rows.plain.part(repeated), legitimate="ham")
    assert (found.macro_f1, found.accuracy) == pytest.approx((expected.macro_f1, expected.accuracy))
    for name in names:
        one, other = (asdict(of.by_type[name]) for of in (found, expected))
        assert one.pop("rows") == (labels == name).sum()
        assert one.pop("interval") is not None
        assert one == pytest.approx({key: other[key] for key in one})


def test_drawn_groups_keep_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without unseen frauds and with replacement, the draws are those of the repeated rows."""
    monkeypatch.setattr(UnseenFrauds, "of", lambda weight, is_fraud: None)
    monkeypatch.setattr("fraudsieve.training.evaluation.bootstrap.variation_of", lambda weight: None)
    rows, repeated = made_up(digits=3)
    assert rows.groups is not None
    assert rows.weight is not None
    alerts = np.array([5.0, 20.0])
    found = bootstrap_ranking(rows.ranking(), rows.groups, alerts=alerts, per_fraud=True, replicates=20)
    groups = rows.groups[repeated]
    expanded = Ranking.of(rows.probability[repeated], rows.is_fraud[repeated])
    expected = bootstrap_ranking(expanded, groups, alerts=alerts, per_fraud=True, replicates=20)
    for name in ("values", "metrics", "at_alerts"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-12)
    flagged = rows.probability >= 0.5
    parts, wholes = np.column_stack([flagged]), np.ones((len(flagged), 1), bool)
    monkeypatch.setattr("fraudsieve.training.evaluation.bootstrap.MIN_GROUPS", 2)
    (interval,) = share_intervals(parts, wholes, rows.groups, weight=rows.weight)
    assert interval == pytest.approx(share_intervals(parts[repeated], wholes[repeated], groups)[0])


def test_rows_vary_as_a_sample_without_replacement() -> None:
    """The variance of a weighted sum over draws is that of a sample of independent rows, and certain rows are fixed."""
    weight = np.append(np.ones(5), np.random.default_rng(0).uniform(1.1, 30, 400))
    draws = np.array([*draw_weights(np.arange(405), 4_000, variation=variation_of(weight))])
    assert (draws[:, :5] == 1).all()
    assert (draws > 0).all()
    value = np.random.default_rng(1).uniform(0, 1, 405) - 0.5
    expected = float(((1 - 1 / weight) * (weight * value) ** 2).sum())
    assert (draws @ (weight * value)).var() == pytest.approx(expected, rel=0.1)
    assert variation_of(np.ones(3)) is None


def test_unseen_frauds_are_mostly_of_the_kinds_that_were_seen_once_many_were() -> None:
    weight, is_fraud = np.full(1_000, 9.0), np.arange(1_000) < 30
    unseen = UnseenFrauds.of(weight, is_fraud)
    assert unseen is not None
    places, _ = unseen.draw(4_000, 0)
    assert (places < 30).mean() == pytest.approx(0.75 + 0.25 * 0.03, abs=0.02)


def audited(n_alerts: int = 80, n_audited: int = 400, weight: float = 50.0) -> tuple[FraudRows, np.ndarray]:
    """Return alerts, half of them fraud, and audited records without any fraud."""
    scores = np.append(np.linspace(0.99, 0.6, n_alerts), np.linspace(0.3, 0.001, n_audited))
    truth = np.append(np.arange(n_alerts) % 2 == 0, np.zeros(n_audited, bool))
    weights = np.append(np.ones(n_alerts), np.full(n_audited, weight))
    return FraudRows(scores, truth, np.arange(len(scores)), 400, weights), scores >= 0.5


def test_frauds_that_the_audit_has_not_seen_widen_the_intervals() -> None:
    """An audit without a fraud bounds the missed frauds as the quantile of a gamma distribution of shape 1/2 does."""
    rows, flagged = audited()
    recall, precision = rows.flagged_intervals(flagged)
    assert recall is not None
    assert recall[1] == pytest.approx(1.0, abs=0.01)
    assert recall[0] == pytest.approx(40 / (40 + 50 * 2.51), abs=0.05)  # the 97.5 % quantile is 2.51
    plain, plain_precision = rows.plain.flagged_intervals(flagged)
    assert plain is not None
    assert plain[0] > 0.9
    assert precision == pytest.approx(plain_precision, abs=0.01)  # all alerts are labelled
    replicates = rows.bootstrap(rows.ranking(), np.array([80.0]))
    assert replicates is not None
    at_alerts = np.quantile(replicates.at_alerts[:, 0, 0], 0.025)
    assert at_alerts == pytest.approx(recall[0], abs=0.08)


def test_two_models_have_unseen_frauds_in_the_same_rows() -> None:
    rows, _ = audited()
    assert rows.groups is not None
    assert rows.weight is not None
    other = FraudRows(rows.probability[::-1].copy(), rows.is_fraud, rows.groups, 400, rows.weight)
    first, second = (bootstrap_ranking(part.ranking(), rows.groups, replicates=30) for part in (rows, other))
    np.testing.assert_allclose(first.metrics[:, 0], second.metrics[:, 0])  # the base rate of every draw


def test_equal_weights_change_no_share() -> None:
    rows, _ = made_up(digits=4)
    of_three = FraudRows(rows.probability, rows.is_fraud, rows.groups, 0, np.full(60, 3.0))
    np.testing.assert_allclose(of_three.ranking().metrics(), rows.plain.ranking().metrics())
    assert effective_size(np.full(60, 3.0)) == pytest.approx(60)


def test_a_report_says_what_it_is_computed_from_and_has_the_plain_figures() -> None:
    rows, _ = audited()
    labels = np.where(rows.is_fraud, "scam", "ham").astype(object)
    by_class = np.column_stack([1 - rows.probability, rows.probability])
    point = OperatingPoint("half", 0.5, false_positive_rate=0.0, recall=1.0, flagged=0.1)
    arguments: dict[str, Any] = {"groups": rows.groups, "points": [point], "settings": EvaluateRecipe(replicates=50)}
    arguments["cutoff_times"] = np.full(len(labels), np.datetime64("2026-05-01", "us"))
    given = rows.probability, ("ham", "scam"), by_class, labels, "ham"
    report, plain = (evaluate(*given, **arguments, weight=weight) for weight in (rows.weight, None))
    assert plain.weighting is None
    assert report.weighting is not None
    assert report.weighting.records == 80 + 400 * 50
    assert report.weighting.effective_rows == pytest.approx((80 + 20_000) ** 2 / (80 + 400 * 2500))
    assert report.base_rate == pytest.approx(40 / 20_080)
    assert report.weighting.plain["base_rate"] == plain.base_rate
    assert report.weighting.plain["recall"] == 1.0
    assert report.weighting.plain["log_loss"] == plain.log_loss != report.log_loss
    assert report.macro_f1 != report.weighting.plain["macro_f1"] == plain.macro_f1
    assert report.weighting.plain_intervals["macro_f1"] == plain.intervals["macro_f1"]
    page = render_report(report)
    assert "400 records were drawn" in page
    assert "Without weights, recall is 100 %" in page
    assert UNWEIGHTED in page
    assert re.search(r"log loss</th><td>[\d.]+</td><td>–</td><td>[\d.]+</td>", page) is not None
    assert "weights" not in render_report(plain)
    assert "包含概率" in render_report(report, language="zh")


def test_records_to_come_vary_also_where_all_were_reviewed() -> None:
    rows, _ = audited()
    of_these, to_come = (rows.bootstrap(rows.ranking(), np.array([80.0]), later=later) for later in (False, True))
    assert of_these is not None
    assert to_come is not None
    assert of_these.at_alerts[:, 1].std() == pytest.approx(0.0)  # the precision of the alerts is known
    assert to_come.at_alerts[:, 1].std() > 0.05
