"""The protocol of the card payments on synthetic ones: test rows, card counts, and available labels."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.columns.card_logs import DELAY, card_features, load_recipe, payment_logs
from benchmarks.detection import fdh_cards as earlier_weeks
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
