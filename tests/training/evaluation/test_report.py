"""The report agrees with scikit-learn, and with definitions on small examples."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss, roc_auc_score, roc_curve

from fraudsieve.models.points import OperatingPoint
from fraudsieve.training.evaluation.fraud_rows import threshold_at
from fraudsieve.training.evaluation.report import EvaluationReport, calibration_error, evaluate
from fraudsieve.training.recipe.recipe import EvaluateRecipe

CLASSES = ("ham", "scam", "spam")


def made_up(n: int = 500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    by_class = rng.dirichlet([2, 1, 1], n)
    labels = np.array(CLASSES, object)[[rng.choice(3, p=p) for p in by_class]]
    return 1 - by_class[:, 0], by_class, labels


def test_standard_metrics_are_those_of_scikit_learn() -> None:
    probability, by_class, labels = made_up()
    report: Any = evaluate(probability, CLASSES, by_class, labels, "ham")
    truth = labels != "ham"
    predicted = np.array(CLASSES, object)[by_class.argmax(axis=1)]
    assert report.average_precision == pytest.approx(average_precision_score(truth, probability), abs=1e-12)
    assert report.roc_auc == pytest.approx(roc_auc_score(truth, probability), abs=1e-12)
    assert report.brier == pytest.approx(brier_score_loss(truth, probability), abs=1e-12)
    assert report.log_loss == pytest.approx(log_loss(truth, probability), abs=1e-12)
    rates, recalls, _ = roc_curve(truth, probability)
    assert report.recall_at_1pct_fpr == pytest.approx(recalls[rates <= 0.01].max(), abs=1e-12)
    assert report.observed_over_expected == pytest.approx(truth.sum() / probability.sum(), abs=1e-12)
    assert report.macro_f1 == pytest.approx(f1_score(labels, predicted, average="macro"), abs=1e-12)
    assert report.base_rate == pytest.approx(truth.mean())
    assert report.by_type["spam"].rows == (labels == "spam").sum()
    json.dumps(report.to_dict(), allow_nan=False)


def test_without_a_legitimate_class_only_types_are_evaluated() -> None:
    _, by_class, labels = made_up()
    report: Any = evaluate(np.full(len(labels), np.nan), CLASSES, by_class, labels, None)
    numbers = {name for name, value in report.to_dict().items() if isinstance(value, int | float)}
    assert numbers == {"rows", "macro_f1", "accuracy", "unscorable"}
    assert report.capacity is report.costs is report.curves is report.by_month is report.cold_start is None
    assert report.by_type["spam"].caught is None


def test_a_label_that_the_model_does_not_know_is_fraud() -> None:
    probability, by_class, labels = made_up()
    labels[:10] = "new"
    report: Any = evaluate(probability, CLASSES, by_class, labels, "ham")
    new = report.by_type["new"]
    assert [getattr(new, name) for name in ("precision", "recall", "f1", "rows")] == [0.0, 0.0, 0.0, 10]
    assert report.base_rate == pytest.approx((labels != "ham").mean())


def test_rows_of_one_kind_leave_out_metrics_that_cannot_be_computed() -> None:
    probability, by_class, _ = made_up(20)
    report: Any = evaluate(probability, CLASSES, by_class, np.full(20, "ham", object), "ham")
    assert report.average_precision is None
    assert report.roc_auc is None
    assert report.brier >= 0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60), st.floats(0, 1))
def test_recall_never_exceeds_the_rate(rows: list[tuple[float, bool]], rate: float) -> None:
    scores, truth = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if truth.all() or not truth.any():
        return
    best = 0.0
    for threshold in [*scores, 2.0]:
        flagged = scores >= threshold
        if flagged[~truth].mean() <= rate:
            best = max(best, flagged[truth].mean())
    assert threshold_at(scores, truth, rate)[1] == pytest.approx(best)


def test_calibration_error_by_hand() -> None:
    probability = np.array([0.1, 0.1, 0.9, 0.9])
    truth = np.array([False, True, True, True])
    assert calibration_error(probability, truth, n_bins=2) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
    assert calibration_error(np.full(10, 0.5), np.arange(10) < 5, n_bins=1) == 0


def test_calibration_error_does_not_depend_on_the_order_of_ties() -> None:
    probability, truth = np.repeat([0.2, 0.7], 15), np.arange(30) % 3 == 0
    shuffled = np.random.default_rng(0).permutation(30)
    assert calibration_error(probability, truth, 4) == pytest.approx(
        calibration_error(probability[shuffled], truth[shuffled], 4)
    )


def test_groups_give_every_metric_an_interval() -> None:
    probability, by_class, labels = made_up()
    groups = np.arange(500) // 2
    report: Any = evaluate(
        probability, CLASSES, by_class, labels, "ham", groups=groups, group_kind="account", settings=EvaluateRecipe()
    )
    crimes = len(set(groups[labels != "ham"]))
    assert crimes not in (250, len(set(groups[labels == "ham"])))
    assert asdict(report.bootstrap) == {
        "over": "account",
        "level": 0.95,
        "groups": 250,
        "groups_with_fraud": crimes,
        "replicates": 400,
    }
    for name in ("average_precision", "recall_at_capacity", "macro_f1"):
        low, high = report.intervals[name]
        assert low <= getattr(report, name) <= high
        assert low < high
    assert evaluate(probability, CLASSES, by_class, labels, "ham").bootstrap is None


def test_intervals_of_types_only() -> None:
    _, by_class, labels = made_up()
    report: Any = evaluate(np.full(500, np.nan), CLASSES, by_class, labels, None, groups=np.arange(500))
    assert set(report.intervals) == {"macro_f1"}
    assert report.intervals["macro_f1"][0] < report.macro_f1 < report.intervals["macro_f1"][1]


def test_rows_without_a_time_do_not_count_per_day() -> None:
    probability, labels = np.tile([0.9, 0.1, 0.8, 0.2], 100), np.tile(np.array(["spam", "ham"], object), 200)
    times = np.datetime64("2026-05-01") + np.repeat(np.arange(4), 100).astype("m8[D]")
    classes, points = np.column_stack([1 - probability, probability]), [OperatingPoint("half", 0.5, 0.1, 0.9, 0.2)]

    def of(cutoff_times: np.ndarray) -> EvaluationReport:
        settings = EvaluateRecipe(alerts_a_day=20, replicates=0)
        given: dict[str, Any] = {"cutoff_times": cutoff_times, "points": points, "settings": settings}
        return evaluate(probability, ("ham", "spam"), classes, labels, "ham", **given)

    for report in (of(times), of(np.where(np.arange(400) < 200, times, np.datetime64("NaT", "us")))):
        assert report.decision is not None
        assert report.capacity is not None
        assert (report.decision.reviews, report.decision.reviews_a_day) == (200, 50.0)
        assert report.operating_points[0].here.alerts_a_day == 50.0
        # Rows without a time have their part of the alerts.
        assert (report.capacity.alerts, report.capacity.alerts_a_day) == (80.0, 20.0)


def test_the_context_of_the_rows_reaches_the_report() -> None:
    probability, by_class, labels = made_up()
    rng = np.random.default_rng(1)
    report: Any = evaluate(
        probability,
        CLASSES,
        by_class,
        labels,
        "ham",
        cutoff_times=np.datetime64("2026-05-20", "us") + rng.integers(0, 30 * 86_400, 500).astype("m8[s]"),
        amounts=rng.lognormal(size=500),
        has_history=rng.random(500) < 0.5,
        settings=EvaluateRecipe(alerts_a_day=1.5, missed_cost=3, replicates=0),
    )
    assert [month.month for month in report.by_month] == ["2026-05", "2026-06"]
    assert report.capacity.alerts_a_day == 1.5
    assert (report.costs.missed_cost, report.costs.by_amount) == (3, True)
    assert report.cold_start.no_history.rows + report.cold_start.with_history.rows == 500
    json.dumps(report.to_dict(), allow_nan=False)
