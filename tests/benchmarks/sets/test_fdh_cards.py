"""The protocol of the card payments on synthetic ones: test rows, card counts, and available labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.columns.card_logs import DELAY, card_features, load_recipe, payment_logs
from benchmarks.data.location import DATA_VARIABLE, MissingDataError
from benchmarks.detection import fdh_cards as earlier_weeks
from benchmarks.detection.accounts import compare_accounts
from benchmarks.sets import fdh_cards

WEEK = fdh_cards.TEST_WEEK


def made_up(n_days: int = 60, *, seed: int = 0) -> pd.DataFrame:
    """Payments of 30 cards at 20 terminals; terminal 3 becomes fraudulent, card 5 has unusual payments."""
    rng = np.random.default_rng(seed)
    n = 25 * n_days
    seconds = np.sort(rng.integers(0, n_days * 86_400, n))
    cards, terminals = rng.integers(0, 30, n), rng.integers(0, 20, n)
    amounts = rng.uniform(5, 15, n).round(2)
    is_bad, is_unusual = (
        (terminals == 3) & (seconds > 30 * 86_400),
        (cards == 5) & (seconds > 40 * 86_400) & (rng.random(n) < 0.3),
    )
    amounts[is_unusual] *= 5
    return pd.DataFrame(
        {
            "account_id": cards.astype(str),
            "counterparty_id": terminals.astype(str),
            "occurred_at": WEEK + pd.Timedelta(days=7 - n_days) + pd.to_timedelta(seconds, unit="s"),
            "amount": amounts,
            "label": (is_bad | is_unusual).astype(np.int8),
        }
    )


def recipe_for(payments: pd.DataFrame) -> dict[str, Any]:
    recipe = load_recipe()
    recipe["training"]["start"] = payments["occurred_at"].min().date()
    recipe["logs"]["limits_before"] = (payments["occurred_at"].min() + pd.Timedelta(days=25)).date()
    recipe["model"] |= {"n_rounds": 30, "num_leaves": 4, "min_leaf_rows": 5, "min_leaf_weight": 0.1}
    return recipe


def payment(card: str, day: int, *, fraud: bool = False) -> dict[str, object]:
    return {"account_id": card, "occurred_at": WEEK + pd.Timedelta(days=day, hours=12), "label": int(fraud)}


@pytest.mark.parametrize(
    ("fraud_day", "tested"),
    [
        (-15, [0, 1, 6]),  # before the week whose frauds count
        (-14, []),
        (-8, []),
        (-7, [0]),  # the label arrives on the second day of the test
        (-2, [0, 1]),
        (-1, [0, 1, 6]),  # the label arrives only after the week
    ],
)
def test_cards_leave_once_their_fraud_is_known(fraud_day: int, tested: list[int]) -> None:
    payments = pd.DataFrame(
        [payment("ann", fraud_day, fraud=True), *(payment("ann", day) for day in (0, 1, 6)), payment("bob", 0)]
    )
    rows = fdh_cards.week_rows(payments, WEEK)
    assert [(0, 1, 6)[row - 1] for row in rows if row in (1, 2, 3)] == tested
    assert 4 in rows


def test_only_the_week_is_tested() -> None:
    payments = pd.DataFrame([payment("ann", day) for day in (-1, 0, 6, 7)])
    assert fdh_cards.week_rows(payments, WEEK).tolist() == [1, 2]


def test_training_ends_where_labels_have_not_arrived() -> None:
    times = WEEK - DELAY + pd.to_timedelta([-400, -1, 0, 1], unit="h")
    payments = pd.DataFrame({"occurred_at": times})
    assert fdh_cards.training_rows(payments, WEEK, WEEK - pd.Timedelta(days=15)).tolist() == [1]


def test_features_use_only_the_past_and_arrived_labels() -> None:
    payments = made_up()
    recipe, cut = recipe_for(payments), len(payments) - 200
    now = payments["occurred_at"].iloc[cut]
    changed = payments.copy()
    later, unknown = np.arange(len(payments)) > cut, (payments["occurred_at"] + DELAY >= now).to_numpy()
    changed.loc[later, "amount"] *= 100
    changed.loc[unknown, "label"] = 1 - changed.loc[unknown, "label"]
    before, after = (card_features(table, recipe).iloc[: cut + 1] for table in (payments, changed))
    # The amounts of decreasing logs are times, whichever payment is the last of the table.
    pd.testing.assert_frame_equal(before, after)
    assert not [name for name in before if "first_max" in str(name)]


def test_frauds_that_the_card_explains_are_not_labels_of_the_terminal() -> None:
    payments = made_up()
    logs = payment_logs(payments, recipe_for(payments)["logs"])
    labels = logs.labels["unexplained"]
    frauds = labels[labels["is_fraud"]]
    assert (frauds["counterparty_id"] == "3").mean() > 0.9
    assert len(frauds) < payments["label"].sum()
    assert logs.events["terminal_first"]["occurred_at"].tolist() == frauds["labelled_at"].tolist()


def test_a_week_of_fraudsieve_and_the_peer() -> None:
    payments = made_up()
    report = compare_accounts("cards", fdh_cards.week_protocol(payments, recipe_for(payments), WEEK))
    assert set(report.peers) == {"lightgbm_counts"}
    for measured in (report.figures, *report.peers.values()):
        assert set(measured) == {"average_precision", "roc_auc", "card_precision_at_100"}
        assert all(0 <= value <= 1 + 1e-9 for value in measured.values())
    assert report.figures["average_precision"] > 0.5


def test_earlier_weeks_end_before_the_test_week(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    payments = made_up()
    assert all(week + pd.Timedelta(days=7) <= WEEK - DELAY for week in fdh_cards.EARLIER_WEEKS)
    monkeypatch.setattr(fdh_cards, "EARLIER_WEEKS", (WEEK - pd.Timedelta(days=7),))
    monkeypatch.setattr(fdh_cards, "load_payments", lambda: payments)
    monkeypatch.setattr(earlier_weeks, "load_recipe", lambda: recipe_for(payments))
    earlier_weeks.compare_earlier_weeks()
    lines = capsys.readouterr().err.splitlines()
    week = "week of 01 August fold 1/1"
    assert [line.split(":")[0] for line in lines] == [f"{week} ours", f"{week} lightgbm_counts"]


def test_other_data_are_rejected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(MissingDataError, match="Skipped fdh_cards"):
        fdh_cards.published()
    (tmp_path / "accounts" / "fdh_cards").mkdir(parents=True)
    payments = made_up().rename_axis("event_id").reset_index()
    payments.to_parquet(tmp_path / "accounts" / "fdh_cards" / "events.parquet")
    with pytest.raises(ValueError, match="as published"):
        fdh_cards.published()


def test_report_of_the_published_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    payments = made_up()
    test = fdh_cards.week_rows(payments, WEEK)
    monkeypatch.setattr(fdh_cards, "PUBLISHED_ROWS", (len(test), int(payments["label"].iloc[test].sum())))
    monkeypatch.setattr(fdh_cards, "load_recipe", lambda: recipe_for(payments))
    shuffled = payments.rename_axis("event_id").reset_index().sample(frac=1.0, random_state=0)
    monkeypatch.setattr(fdh_cards, "load_accounts", lambda name: shuffled.assign(fraud_scenario=0))
    report = compare_accounts("fdh_cards", fdh_cards.published())
    assert (report.dataset, report.rows, set(report.peers)) == ("fdh_cards", len(payments), {"lightgbm_counts"})
    assert [bar.name for bar in report.bars][:2] == ["average_precision", "card_precision_at_100"]
    assert [bar.bound for bar in report.bars][:2] == [0.73, 0.305]
