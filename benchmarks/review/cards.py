"""Card payments in weeks, and how they are scored: columns of history without labels, and trees."""

from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.data.location import load_accounts
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.history.declaration import History
from fraudsieve.training.data.builders import make_classifier
from fraudsieve.training.recipe.recipe import LabelledSize, Recipe

from .weeks import DAYS, FRAUD, LEGITIMATE, Scores, Traffic

__all__ = ["CAPACITY", "PAST_DAYS", "card_traffic", "payments_of_cards"]

CAPACITY: Final = 100
PAST_DAYS: Final = 4 * DAYS
"""Days of payments that are only history."""
WINDOWS: Final = ("1d", "7d", "30d")
VIEWS: Final = (
    History(WINDOWS, measures=("count", "mean", "std", "max", "z", "to_mean", "gap_mean")),
    History(
        WINDOWS,
        name="terminal",
        entity="counterparty_id",
        counterparty="account_id",
        measures=("count", "mean", "distinct"),
    ),
)
"""What accounts and terminals did, without labels: those are not the same in any two arms."""
SETTINGS: Final = {"n_rounds": 100, "n_seeds": 1, "learning_rate": 0.1}
"""Settings of the trees beside the defaults for events: a third of the trees, of thrice the weight, of one seed."""


def payments_of_cards(weeks: int) -> pd.DataFrame:
    """Read the payments of the past, of the week that is labelled at first, and of `weeks` weeks of reviews."""
    payments = load_accounts("fdh_cards").drop(columns=["fraud_scenario", "kind"])
    payments = payments.sort_values(["occurred_at", "event_id"], ignore_index=True)
    first = payments["occurred_at"].iloc[0].normalize()
    end = first + pd.Timedelta(days=PAST_DAYS + DAYS * (1 + weeks))
    kept: pd.DataFrame = payments[payments["occurred_at"] < end]
    return kept


def card_traffic(payments: pd.DataFrame, *, past_days: int = PAST_DAYS, capacity: int = CAPACITY) -> Traffic:
    """Compute the columns of all payments after the past, once, and return them with their weeks.

    Parameters
    ----------
    payments : DataFrame
        In order of time: ``event_id``, ``account_id``, ``counterparty_id``, ``occurred_at``, ``amount`` and ``label``.
    past_days : int, default=PAST_DAYS
        Days that are only history.
    capacity : int, default=CAPACITY
        Reviews a day.
    """
    start = payments["occurred_at"].iloc[0].normalize() + pd.Timedelta(days=past_days)
    events = payments.drop(columns="label").assign(kind="payment")
    subjects = events[events["occurred_at"] >= start].reset_index(drop=True)
    features = AccountFeatures(events, subject="event", history=VIEWS, network=False).set_output(transform="pandas")
    X = features.fit_transform(subjects).astype(np.float32)
    is_fraud = payments["label"].to_numpy()[-len(subjects) :] == 1
    truth = np.where(is_fraud, FRAUD, LEGITIMATE)

    def fit(rows: Array, seed: int) -> Scores:
        recipe = Recipe.read(overrides={"n_jobs": 1, "seed": seed, "model": SETTINGS})
        trained_on = X.iloc[rows]
        classifier = make_classifier(recipe, Subject.EVENT, LabelledSize(len(rows), len(rows))).fit(
            trained_on, truth[rows]
        )

        return lambda rows: classifier.predict_proba(X.iloc[rows])[:, 0]

    day = ((subjects["occurred_at"] - start) // pd.Timedelta(days=1)).to_numpy(np.int64)
    accounts = pd.factorize(subjects["account_id"])[0]
    first = date(start.year, start.month, start.day)
    return Traffic(day // DAYS, day, is_fraud, accounts, fit, capacity, first, late_draws=1)
