"""Features of a card payment: logs derived from the payments and their labels, and views of these logs.

A log is a table of events that any user of the library can create: the payments themselves, those that are unusual
for their account, or the frauds at the time of their labels. `History` declares the measures of each.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.history_batch import history_features

__all__ = ["DELAY", "PaymentLogs", "card_features", "load_recipe", "payment_logs"]

Numbers: TypeAlias = NDArray[np.float64]

DELAY = pd.Timedelta(days=7)
"""Label delay of a payment."""
_TO_MEAN = History(("90d",), measures=("mean", "to_mean"))


@dataclass(frozen=True)
class PaymentLogs:
    """Tables that views are computed from.

    Parameters
    ----------
    events : dict of str to DataFrame
        Events by log name.
    labels : dict of str to DataFrame
        Labels by name: ``labelled_at`` and ``is_fraud``.
    """

    events: dict[str, pd.DataFrame]
    labels: dict[str, pd.DataFrame]


def load_recipe() -> dict[str, Any]:
    """Read ``training``, ``logs``, ``model`` and ``views`` of the recipe."""
    return tomllib.loads((Path(__file__).parent / "recipes" / "fdh_cards.toml").read_text(encoding="utf-8"))


def card_features(payments: pd.DataFrame, recipe: Mapping[str, Any]) -> pd.DataFrame:
    """Build the columns of every payment, from information strictly before it.

    `payments` are in order of time, with ``account_id``, ``counterparty_id`` (the terminal), ``occurred_at``,
    ``amount`` and ``label``. The columns are float32, to halve the memory that LightGBM copies.
    """
    logs = payment_logs(payments, recipe["logs"])
    subjects = _subjects(payments)
    blocks = [payments[["amount"]].astype(np.float32)]
    for declared in recipe["views"]:
        view = dict(declared)
        events, labels = logs.events[view.pop("log")], logs.labels.get(view.pop("labels", ""))
        history = History.from_dict(view)
        block = history_features(events, subjects, history, labels=labels).astype(np.float32)
        blocks.append(pd.DataFrame(block, columns=list(history.columns)))
    table = pd.concat(blocks, axis=1)
    # The time in these logs is only for `since_max`; as a column it would reveal the date.
    return table.drop(columns=[name for name in table if "first_max" in str(name)])


def payment_logs(payments: pd.DataFrame, settings: Mapping[str, Any]) -> PaymentLogs:
    """Derive the logs from the payments, by ``limits_before``, ``unusual`` and ``explained_for`` of the settings.

    Events are ``payments``, ``usual``, ``ratios``, ``unusual``, ``unusual_first`` and ``terminal_first``; labels are
    ``unexplained``.
    """
    fraud = payments["label"].to_numpy() == 1
    legitimate = (payments["occurred_at"] < pd.Timestamp(settings["limits_before"])).to_numpy() & ~fraud
    plain = _to_mean(payments, payments)
    # A mean of usual payments: otherwise the payments of the thief would raise the mean of a stolen card.
    usual = payments[~(plain > np.nanquantile(plain[legitimate], settings["unusual"]))]
    ratios = _to_mean(usual, payments)
    unusual = ratios > np.nanquantile(ratios[legitimate], settings["unusual"])
    beyond_all = payments["amount"].to_numpy() > payments["amount"].to_numpy()[legitimate].max()
    explained = _explained(payments, fraud, unusual, beyond_all, settings["explained_for"])
    of_ratios = payments.assign(amount=np.where(np.isnan(ratios), 1.0, ratios))
    labels = pd.DataFrame(payments[["account_id", "counterparty_id"]])
    labels = labels.assign(labelled_at=payments["occurred_at"] + DELAY, is_fraud=fraud)
    decreasing = _with_decreasing_amounts(payments)
    unexplained_frauds = decreasing[fraud & ~explained]
    events = {
        "payments": payments,
        "usual": usual,
        "ratios": of_ratios,
        "unusual": of_ratios[unusual],
        "unusual_first": decreasing[unusual],
        "terminal_first": unexplained_frauds.assign(occurred_at=unexplained_frauds["occurred_at"] + DELAY),
    }
    return PaymentLogs(events, {"unexplained": labels[~explained]})


def _explained(
    payments: pd.DataFrame,
    fraud: NDArray[np.bool_],
    unusual: NDArray[np.bool_],
    beyond_all: NDArray[np.bool_],
    ago: str,
) -> NDArray[np.bool_]:
    """Return the frauds that the account explains, not the terminal: unusual ones, and those after an unusual one.

    Whenever the label of a fraud has arrived, so have those of earlier ones.
    """
    unusual_frauds, frauds = payments[fraud & unusual], payments[fraud]
    earlier = history_features(unusual_frauds, _subjects(frauds), History((ago,), measures=("count",)))[:, 0]
    explained = fraud & (unusual | beyond_all)
    explained[fraud] |= earlier > 0
    return np.asarray(explained)


def _with_decreasing_amounts(payments: pd.DataFrame) -> pd.DataFrame:
    """Replace amounts by values that decrease with time, so that `since_max` is the time since the first event."""
    end = payments["occurred_at"].max()
    return payments.assign(amount=(end - payments["occurred_at"]).dt.total_seconds())


def _to_mean(events: pd.DataFrame, payments: pd.DataFrame) -> Numbers:
    """Return every payment's amount divided by the mean of its account's earlier events; NaN without any."""
    column = _TO_MEAN.columns.index("value__to_mean_90d")
    return np.asarray(history_features(events, _subjects(payments), _TO_MEAN)[:, column])


def _subjects(payments: pd.DataFrame) -> pd.DataFrame:
    return payments[["account_id", "counterparty_id", "amount"]].assign(as_of=payments["occurred_at"])
