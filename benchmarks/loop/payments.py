"""Simulated payments: each with the time at which it arrives, and labels that arrive late and out of order."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve.training.simulation.world import simulate

__all__ = ["ASKED", "Payments", "as_records", "asked_alone", "simulate_payments"]

ARRIVAL: Final = "arrives_at"
"""The column of the time at which the service gets a row; no table for training has it."""
START: Final = "2020-01-01"
"""The first day. A service rejects what is in the future, so the last day must have passed."""
ASKED: Final = "asked "
"""How the id of a payment begins that is scored and not recorded."""
KINDS: Final = ("payment", "transfer")
LATE_EVENTS, LATE_HOURS = 0.02, 12.0
LABELLED, WRONG = 0.85, 0.03
MEAN_DELAY: Final = 10.0
"""Days until a label, beyond the first."""
DAY: Final = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Payments:
    """Payments and their labels, in the order of their arrival.

    Attributes
    ----------
    events, labels : DataFrame
        The complete source tables, with the column ``arrives_at``.
    start : Timestamp
        Midnight of the first day.
    """

    events: pd.DataFrame
    labels: pd.DataFrame
    start: pd.Timestamp

    def day(self, number: int) -> pd.Timestamp:
        """Return the time at which a day begins."""
        return self.start + number * DAY

    def arriving(self, first: pd.Timestamp, last: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the payments and the labels that arrive from one time on and before another, without that time."""
        parts = (frame[(frame[ARRIVAL] >= first) & (frame[ARRIVAL] < last)] for frame in (self.events, self.labels))
        events, labels = (part.drop(columns=ARRIVAL).reset_index(drop=True) for part in parts)
        return events, labels


def simulate_payments(days: int, max_delay_days: float, seed: int = 0, size: int = 1) -> Payments:
    """Simulate payments of some days, of which the accounts of rings commit the frauds.

    There are 200 accounts and about 72 payments a day, or `size` times as many.

    Labels come 1 to `max_delay_days` days after their payment. Some payments have no label, and some a wrong one that
    is corrected later. Labels arrive within two days after their time, in any order, and a few payments hours late.
    """
    accounts, messages = 200 * size, 30 * size
    world = simulate(
        seed=seed, days=days, n_accounts=accounts, messages_per_day=messages, events_per_message=6, start=START
    )
    rng = np.random.default_rng(seed)
    events = world.events[world.events["kind"].isin(KINDS)].merge(
        world.accounts[["account_id", "country", "invited"]], on="account_id", how="left"
    )
    events = events[
        ["event_id", "account_id", "occurred_at", "kind", "counterparty_id", "amount", "country", "invited"]
    ]
    late = np.where(rng.random(len(events)) < LATE_EVENTS, rng.uniform(1, LATE_HOURS, len(events)), 0.0)
    arrives = events["occurred_at"] + pd.to_timedelta((late * 3600).round(), unit="s")
    labels = _labels(rng, events, _are_frauds(world.labels, events), max_delay_days)
    start = events["occurred_at"].min().normalize()
    return Payments(_in_order(events.assign(**{ARRIVAL: arrives})), _in_order(labels), start)


def as_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON objects."""
    times = {name: frame[name].map(pd.Timestamp.isoformat) for name in map(str, frame) if name.endswith("_at")}
    values = frame.assign(**times).astype(object)
    rows: Any = values.where(values.notna(), None).to_dict("records")
    return list(rows)


def asked_alone(event: dict[str, Any]) -> dict[str, Any]:
    """Return a payment under another id, to be scored without being recorded.

    Examples
    --------
    >>> asked_alone({"event_id": "e1", "amount": 5.0})
    {'event_id': 'asked e1', 'amount': 5.0}
    """
    return event | {"event_id": f"{ASKED}{event['event_id']}"}


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(ARRIVAL, kind="stable", ignore_index=True)


def _are_frauds(labels: pd.DataFrame, events: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    last = labels.drop_duplicates("subject_id", keep="last")
    rings = last.loc[last["label"] != "legitimate", "subject_id"]
    return events["account_id"].isin(rings).to_numpy()


def _labels(rng: np.random.Generator, events: pd.DataFrame, is_fraud: Any, max_delay_days: float) -> pd.DataFrame:
    chosen = rng.random(len(events)) < LABELLED
    of, fraud = events[chosen], is_fraud[chosen]
    delay = _days(1 + rng.exponential(MEAN_DELAY, len(of)))
    last = of["occurred_at"] + _days(max_delay_days)
    labels = pd.DataFrame(
        {
            "subject_id": of["event_id"],
            "label": np.where(fraud, "fraud", "legitimate"),
            "labelled_at": (of["occurred_at"] + delay).clip(upper=last),
            "source": np.where(fraud, "chargeback", "review"),
        }
    )
    wrong = rng.random(len(labels)) < WRONG
    corrected = labels[wrong].assign(source="review")
    corrected["labelled_at"] += _days(rng.uniform(1, 5, len(corrected)))
    corrected = corrected[corrected["labelled_at"] <= last[wrong]]
    known = labels.assign(label=np.where(wrong, np.where(fraud, "legitimate", "fraud"), labels["label"]))
    every: pd.DataFrame = pd.concat([known, corrected], ignore_index=True)
    every[ARRIVAL] = every["labelled_at"] + _days(rng.uniform(0, 2, len(every)))
    return every


def _days(days: Any) -> Any:
    return pd.to_timedelta(np.round(days * 86_400), unit="s")
