"""The card payments of the Fraud Detection Handbook, tested as there: one week, without cards known to be stolen.

The Handbook: Le Borgne, Siblini, Lebichot and Bontempi, Reproducible Machine Learning for Credit Card Fraud Detection.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.columns.card_logs import DELAY, card_features, load_recipe
from benchmarks.columns.counts import running_counts
from benchmarks.data.folds import Fold, Rows
from benchmarks.data.kinds import AccountSet, Published, Scheme, Task
from benchmarks.data.location import load_accounts
from benchmarks.measures.report import card_precision_top_k

__all__ = ["DELAY", "EARLIER_WEEKS", "SETS", "TEST_WEEK", "load_payments", "published", "week_protocol", "week_rows"]

COLUMNS = ["event_id", "account_id", "counterparty_id", "occurred_at", "amount", "label"]
TEST_WEEK = pd.Timestamp("2018-08-08")
EARLIER_WEEKS = tuple(pd.date_range("2018-06-27", periods=5, freq="7D"))
"""Weeks to choose a recipe on."""
PUBLISHED_ROWS = (58_264, 385)
"""Payments of the published test set, and how many are fraud."""
BOUNDS: Mapping[str, float] = {"average_precision": 0.73, "card_precision_at_100": 0.305}
FEW_DAYS, FEW_ACCOUNTS = 100, 2000
_PROTOCOL = (
    "Payments of 8-14 August 2018, 58,264 with 385 frauds, without the cards that were known to be stolen: those with "
    "a fraud from 25 to 31 July, and for each further day of the week a day later. Trained on all payments from April "
    "up to 31 July, whose labels have arrived by then. A label is a feature only strictly after 7 days. "
    "card_precision_at_100: of the 100 cards of highest score per day (the largest of a card's payments that day), "
    "the share with a fraud that day, without cards found before; mean over the days. Ours: one fit; the views and "
    "the model are in recipes/fdh_cards.toml, chosen on five earlier weeks (python -m "
    "benchmarks.detection.fdh_cards). Published: random forest .658 and .287. lightgbm_counts: LightGBM with its "
    "defaults on plain running counts of card and terminal and the own amount, same rows, in the same call."
)


def _task() -> Task:
    """Is this payment fraud? The week of the Handbook, and its delay of labels."""
    events = load_accounts("fdh_cards").drop(columns="fraud_scenario")
    events["labelled_at"] = events["occurred_at"] + DELAY
    time = events["occurred_at"]
    train = (time >= "2018-07-25") & (time < "2018-08-01")
    tested = (time >= "2018-08-08") & (time < "2018-08-15")
    known = events["account_id"][(events["label"] == 1) & (time < "2018-08-01")].unique()
    protocol = (
        "The Handbook's: payments of 25-31 July 2018 to train on, of 8-14 August to test on, customers with a fraud "
        "known by then removed from the test; labels known after 7 days, earlier payments are history."
    )
    test = tested & ~events["account_id"].isin(known)
    return Task("event", events, np.flatnonzero(train), np.flatnonzero(test), protocol)


def published() -> Published:
    """Find fraudulent payments and stolen cards; other rows than the published ones are an error."""
    payments = load_payments()
    found = week_protocol(payments, load_recipe(), TEST_WEEK)
    test = found.schemes[0].folds[0].test
    counts = len(test), int(found.y[test].sum())
    if counts != PUBLISHED_ROWS:
        expected = f"expected {PUBLISHED_ROWS} test rows and frauds, as published"
        raise ValueError(f"fdh_cards: {expected}, got {counts}. Use the published data.")
    return found


def load_payments() -> pd.DataFrame:
    """Read the payments in order of time: account, counterparty (the terminal), time, amount and label."""
    # The data also have the simulated scenario of each fraud; the models must not see it.
    payments = load_accounts("fdh_cards")[COLUMNS]
    return payments.sort_values(["occurred_at", "event_id"], ignore_index=True).drop(columns="event_id")


def week_protocol(payments: pd.DataFrame, recipe: Mapping[str, Any], week: pd.Timestamp) -> Published:
    """Return the protocol of one week, which is tested from its first day on."""
    y = payments["label"].to_numpy()
    fold = Fold(training_rows(payments, week, pd.Timestamp(recipe["training"]["start"])), week_rows(payments, week))

    def columns(fold: Fold) -> tuple[pd.DataFrame, pd.DataFrame]:
        X = card_features(payments, recipe)
        return X.iloc[fold.train], X.iloc[fold.test]

    def of_cards(rows: Rows, scores: NDArray[np.floating[Any]]) -> float:
        tested = payments.iloc[rows]
        day = tested["occurred_at"].dt.normalize()
        return card_precision_top_k(tested.assign(day=day, is_fraud=y[rows] == 1, probability=scores))

    names = ("average_precision", "roc_auc", "card_precision_at_100")
    scheme = Scheme("", [fold], columns, recipe["model"], names, bounds=BOUNDS)
    own = {"card_precision_at_100": of_cards}
    return Published(y, running_counts(payments), [scheme], _PROTOCOL, len(payments), metrics=own)


def training_rows(payments: pd.DataFrame, week: pd.Timestamp, start: pd.Timestamp) -> Rows:
    """Return the payments from `start` on whose labels have arrived when the week begins."""
    times = payments["occurred_at"]
    return np.flatnonzero((times >= start) & (times < week - DELAY))


def week_rows(payments: pd.DataFrame, week: pd.Timestamp) -> Rows:
    """Return the payments of a week, day by day, whose card is not known to be stolen.

    On the first day, the frauds of 14 to 8 days before it are known; on every further day, those of one more day.
    """
    day = (payments["occurred_at"].dt.normalize() - week).dt.days  # negative before the week
    cards, fraud = payments["account_id"], payments["label"] == 1
    rows = []
    for today in range(7):
        stolen = cards[fraud & day.between(-14, today - 8)].unique()
        rows.append(np.flatnonzero((day == today) & ~cards.isin(stolen)))
    return np.concatenate(rows)


def _dated_events() -> tuple[pd.DataFrame, str]:
    events = load_accounts("fdh_cards").drop(columns="fraud_scenario")
    events = events[events["occurred_at"] < events["occurred_at"].min() + pd.Timedelta(days=FEW_DAYS)]
    events = events[events["account_id"].isin(sorted(events["account_id"].unique())[:FEW_ACCOUNTS])]
    note = f"The first {FEW_DAYS} days and {FEW_ACCOUNTS:,} customers; labels known after 7 days."
    named = events["label"].map({0: "legitimate", 1: "fraud"})
    return events.assign(label=named, labelled_at=events["occurred_at"] + DELAY), note


SETS: Final = (AccountSet("fdh_cards", _task, published, _dated_events, place=1),)
