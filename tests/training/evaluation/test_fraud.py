"""The part on fraud: what is read at the capacity, by month, from a cold start, and what it costs."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from fraudsieve.training.evaluation.capacity import POINTS
from fraudsieve.training.evaluation.card_precision import card_precision
from fraudsieve.training.evaluation.fraud import fraud_sheet
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.recipe.recipe import EvaluateRecipe

N = 3000
MAIN = (
    "average_precision",
    "roc_auc",
    "recall_at_1pct_fpr",
    "recall_at_capacity",
    "precision_at_capacity",
    "card_precision",
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
        "moments": np.datetime64("2026-05-01", "us") + days,
        "accounts": rng.integers(0, 400, N).astype(str),
        "amounts": rng.lognormal(3, 1, N),
        "known": rng.random(N) < 0.8,
    }


@pytest.fixture(scope="module")
def sheet(rows: FraudRows) -> dict[str, Any]:
    return fraud_sheet(rows, EvaluateRecipe(accounts_a_day=5), **context())


def test_every_main_figure_has_an_interval_around_it(sheet: dict[str, Any]) -> None:
    json.dumps(sheet, allow_nan=False)
    for name in MAIN:
        low, high = sheet["intervals"][name]
        assert low < high, name
        assert low < sheet[name] < high, name


def test_recall_and_precision_at_the_capacity(rows: FraudRows, sheet: dict[str, Any]) -> None:
    capacity = sheet["capacity"]
    assert (capacity["alerts"], capacity["days"], capacity["given"]) == (30.0, 60, False)
    assert capacity["alerts_a_day"] == 0.5
    assert len(capacity["points"]) == POINTS
    top = np.argsort(-rows.probability)
    for point in capacity["points"]:
        flagged = rows.is_fraud[top[: round(point["alerts"])]]
        assert point["recall"] == pytest.approx(flagged.sum() / rows.is_fraud.sum())
        assert point["precision"] == pytest.approx(flagged.mean())
        assert point["recall_interval"][0] <= point["recall"] <= point["recall_interval"][1]
    assert sheet["recall_at_capacity"] == capacity["points"][9]["recall"]
    assert sheet["precision_at_capacity"] == capacity["points"][9]["precision"]
    assert capacity["points"][-1]["alerts"] == 60.0


def test_a_capacity_that_is_given(rows: FraudRows) -> None:
    given = fraud_sheet(rows, EvaluateRecipe(alerts_a_day=2, replicates=0), **context())
    assert given["capacity"]["alerts"] == 120.0
    assert given["intervals"]["card_precision"] is None
    untimed = fraud_sheet(rows, EvaluateRecipe(alerts_a_day=2))
    assert (untimed["capacity"], untimed["recall_at_capacity"]) == (None, None)
    assert untimed["intervals"]["recall_at_capacity"] is None


def test_rows_of_one_score_are_one_point_of_the_reliability_whatever_their_order() -> None:
    fraud = np.arange(300) < 150
    for truth in (fraud, fraud[::-1]):
        sheet = fraud_sheet(FraudRows(np.full(300, 0.5), truth), EvaluateRecipe())
        assert [one["observed"] for one in sheet["curves"]["reliability"]] == pytest.approx([0.5] * 15)
        assert sheet["ece"] == 0


def test_costs(rows: FraudRows, sheet: dict[str, Any]) -> None:
    amounts = context()["amounts"]
    loss = 10 * amounts / amounts[rows.is_fraud].mean()
    flagged = rows.probability * loss >= 1
    spent = flagged.sum() + loss[rows.is_fraud & ~flagged].sum()
    assert sheet["cost_per_1000"] == pytest.approx(1000 * spent / N)
    costs = sheet["costs"]
    assert costs["without_review"] == pytest.approx(1000 * loss[rows.is_fraud].sum() / N)
    assert costs["points"][0]["cost"] == pytest.approx(costs["without_review"])
    last, top = costs["points"][-1], np.argsort(-rows.probability)
    let_pass = top[round(last["alerts"]) :]
    spent = last["alerts"] + loss[let_pass][rows.is_fraud[let_pass]].sum()
    assert last["cost"] == pytest.approx(1000 * spent / N, rel=2e-3)
    assert sheet["cost_per_1000"] < min(point["cost"] for point in costs["points"])  # calibrated: cheapest of all


def test_card_precision_and_what_a_perfect_ranking_reaches(rows: FraudRows, sheet: dict[str, Any]) -> None:
    named = context()
    who, when = named["accounts"], named["moments"]
    assert sheet["card_precision"] == card_precision(who, when, rows.is_fraud, rows.probability, top=5)
    assert sheet["card_precision_ceiling"] == card_precision(who, when, rows.is_fraud, rows.is_fraud * 1.0, top=5)
    assert sheet["card_precision"] < sheet["card_precision_ceiling"]


def test_months_and_cold_start_add_up(rows: FraudRows, sheet: dict[str, Any]) -> None:
    assert [month["month"] for month in sheet["by_month"]] == ["2026-05", "2026-06"]
    may = context()["moments"] < np.datetime64("2026-06-01")
    expected = average_precision_score(rows.is_fraud[may], rows.probability[may])
    assert sheet["by_month"][0]["average_precision"] == pytest.approx(expected, abs=1e-12)
    known = context()["known"]
    assert sheet["cold_start"]["no_history"]["rows"] == (~known).sum()
    for parts in (sheet["by_month"], list(sheet["cold_start"].values())):
        assert sum(part["rows"] for part in parts) == N
        assert sum(part["frauds"] for part in parts) == rows.is_fraud.sum()
        caught = sum(part["recall"] * part["frauds"] for part in parts) / rows.is_fraud.sum()
        assert caught == pytest.approx(sheet["recall_at_1pct_fpr"])  # one threshold for all


def test_rows_without_a_moment_have_no_month_and_no_list(rows: FraudRows) -> None:
    named = context()
    named["moments"] = named["moments"].copy()
    named["moments"][:100] = "NaT"
    found = fraud_sheet(rows, EvaluateRecipe(replicates=0), **named)
    assert sum(month["rows"] for month in found["by_month"]) == N - 100
    named["moments"][:] = "NaT"
    found = fraud_sheet(rows, EvaluateRecipe(replicates=0), **named)
    assert (found["by_month"], found["card_precision"], found["capacity"]["days"]) == (None, None, None)


def test_curves(rows: FraudRows, sheet: dict[str, Any]) -> None:
    precision, recall, _ = precision_recall_curve(rows.is_fraud, rows.probability)
    curve = sheet["curves"]["precision_recall"]
    whole = set(zip(recall.tolist(), precision.tolist(), strict=True))
    assert len(curve) > 100
    assert all((r, p) in whole for r, p in curve)
    assert curve[-1][0] == 1.0
    bins = sheet["curves"]["reliability"]
    assert sum(b["rows"] for b in bins) == N
    expected = [b["expected"] for b in bins]
    assert expected == sorted(expected)
    gap = sum(b["rows"] * abs(b["expected"] - b["observed"]) for b in bins) / N
    assert gap == pytest.approx(sheet["ece"], abs=1e-9)  # 3,000 rows: bins of equal size


def test_nobody_without_a_history() -> None:
    rows = FraudRows(np.array([0.9, 0.2]), np.array([True, False]))
    found = fraud_sheet(rows, EvaluateRecipe(), known=np.array([True, True]))
    assert found["cold_start"]["no_history"] is None
    assert found["cold_start"]["with_history"]["rows"] == 2


def test_one_kind_alone() -> None:
    rows = FraudRows(np.array([0.9, 0.2]), np.array([False, False]), np.array([1, 2]), 20)
    found = fraud_sheet(rows, EvaluateRecipe(), **{k: v[:2] for k, v in context().items()})
    json.dumps(found, allow_nan=False)
    assert found["recall_at_capacity"] is None
    assert found["precision_at_capacity"] == 0.0
    assert found["curves"]["precision_recall"] is None
