"""Review capacity: the number of alerts that people can review, and the share of the fraud among them.

Costs of decisions: reviews of alerts, and fraud that is missed.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.pages.words import format_number

from .bootstrap import Interval

SHARE = 0.01
"""Least share of the rows that is reviewed when no number of alerts per day is given."""
POINTS = 20
"""Number of points of the curve, up to twice the capacity."""
GIVEN, AS_FRAUDS = "as given", "as many as there are frauds"
AT_LEAST = f"{SHARE:.0%} of the records, because fewer are fraud"


@dataclass(frozen=True, kw_only=True)
class CapacityPoint:
    """Recall, precision and the share of the loss that is found with a number of alerts."""

    alerts: float
    alerts_a_day: float | None
    recall: float | None
    recall_interval: Interval | None
    precision: float | None
    precision_interval: Interval | None
    share_of_loss: float | None
    share_of_loss_interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class ReviewCapacity:
    """The review capacity in a report, see `Capacity`."""

    alerts: float
    alerts_a_day: float | None
    flagged: float
    why: str
    days: int | None
    share: float

    @classmethod
    def of(cls, capacity: "Capacity", **found: Any) -> Self:
        """Describe a capacity, and what was found with it."""
        alerts = float(capacity.alerts)
        of_rows = {name: getattr(capacity, name) for name in ("flagged", "why", "days", "share")}
        return cls(alerts=alerts, alerts_a_day=capacity.per_day(alerts), **of_rows, **found)

    @property
    def text(self) -> str:
        """The alerts, per day where days are known, their share, and the reason."""
        number = (
            tr("{n} alerts", n=format_number(self.alerts))
            if self.alerts_a_day is None
            else tr("{n} alerts per day", n=format_number(self.alerts_a_day))
        )
        share, why = 100 * self.flagged, tr(self.why)
        return tr("{number} ({share:.3g} % of the records), {why}", number=number, share=share, why=why)


@dataclass(frozen=True, kw_only=True)
class CapacityCurve(ReviewCapacity):
    """The review capacity, and what is found with up to twice as many alerts."""

    points: tuple[CapacityPoint, ...]


def naive_utc(times: Any) -> Array:
    """Convert times, in any zone or in UTC, to naive times in UTC."""
    return np.asarray(pd.DatetimeIndex(pd.to_datetime(pd.Index(times), utc=True)).tz_localize(None))


def count_days(cutoff_times: Array | None) -> int | None:
    """Count the days from the first time to the last, both included; None if no time is known."""
    if cutoff_times is None:
        return None
    days = naive_utc(cutoff_times).astype("M8[D]").astype(np.int64)
    days = days[days != np.iinfo(np.int64).min]
    return int(days.max() - days.min() + 1) if len(days) else None


@dataclass(frozen=True)
class Capacity:
    """Number of rows that can be reviewed. Create it with `Capacity.of`."""

    alerts: float
    # Number of rows; of weighted rows, the number of records that they stand for.
    n_rows: float
    # Length of the period; None if it is unknown.
    days: int | None
    # The reason for this number, in words.
    why: str
    # Share of all records of those days that the rows are. Reviewers get alerts of all records: a fifth of the records,
    # such as a slice of campaigns, gets a fifth of the alerts.
    share: float = 1.0

    @classmethod
    def of(
        cls,
        n_rows: float,
        days: int | None,
        alerts_a_day: float | None = None,
        *,
        frauds: float = 0,
        share: float = 1.0,
    ) -> Self | None:
        """Compute the capacity: a number of alerts per day, or as many alerts as there are frauds.

        Without alerts per day, at least `SHARE` of the rows are reviewed, and rows of a single day have no days: their
        times may be no more than an order. Returns None if alerts per day are given and the rows have no times (`days`
        is None).
        """
        if alerts_a_day is not None:
            alerts = None if days is None else min(alerts_a_day * days * share, float(n_rows))
            return None if alerts is None else cls(alerts, n_rows, days, GIVEN, share)
        least = max(1.0, SHARE * n_rows)
        several_days = days if days is not None and days > 1 else None
        return cls(max(float(frauds), least), n_rows, several_days, AS_FRAUDS if frauds >= least else AT_LEAST, share)

    @property
    def per_fraud(self) -> bool:
        """Whether there are as many alerts as frauds, so that other rows have another capacity."""
        return self.why == AS_FRAUDS

    @property
    def flagged(self) -> float:
        """The alerts as a share of the rows."""
        return self.alerts / self.n_rows if self.n_rows else 0.0

    @property
    def points(self) -> Array:
        """Numbers of alerts: `POINTS` of them up to twice the capacity, but not more than there are rows."""
        last = max(self.alerts, min(2 * self.alerts, self.n_rows))
        halves = np.linspace(0, self.alerts, POINTS // 2 + 1), np.linspace(self.alerts, last, POINTS // 2 + 1)
        return np.concatenate([half[1:] for half in halves])

    @property
    def place(self) -> int:
        """Index of the capacity itself among the points."""
        return POINTS // 2 - 1

    def per_day(self, alerts: float) -> float | None:
        """Convert alerts of the rows to alerts per day of all records; None if the days are unknown."""
        return alerts / (self.days * self.share) if self.days else None


@dataclass(frozen=True)
class CostPoint:
    """Cost per 1,000 rows, in reviews, when the rows of highest score are reviewed."""

    alerts: float
    alerts_a_day: float | None
    cost: float


@dataclass(frozen=True, kw_only=True)
class CostCurve:
    """Alerts of the decision by cost, and costs per 1,000 rows without any review and by number of alerts."""

    missed_cost: float
    by_amount: bool
    alerts: int
    alerts_a_day: float | None
    without_review: float
    points: tuple[CostPoint, ...]


@dataclass(frozen=True, eq=False)
class RowCosts:
    """Cost of each row, in reviews. Create it with `RowCosts.of`.

    Notes
    -----
    A fraud that is reviewed costs its review and nothing more.
    """

    # Shape (n_rows,). Cost of the row if it is fraud and is missed.
    loss: Array
    # Shape (n_rows,). Whether a review of the row pays off: its probability times its loss is at least one review
    # (Elkan, The foundations of cost-sensitive learning, 2001). This presumes calibrated probabilities.
    flagged: Array
    # Shape (n_rows,). Cost of that decision: 1 for a reviewed row, its loss for a missed fraud, otherwise 0.
    cost: Array

    @classmethod
    def of(
        cls,
        probability: Array,
        is_fraud: Array,
        missed_cost: float,
        amounts: Array | None = None,
        weight: Array | None = None,
    ) -> Self:
        """Compute the costs of rows."""
        loss = missed_cost * (np.ones(len(probability)) if amounts is None else _relative(amounts, is_fraud, weight))
        flagged = probability * loss >= 1
        return cls(loss, flagged, np.where(flagged, 1.0, np.where(is_fraud, loss, 0.0)))


def _relative(amounts: Array, is_fraud: Array, weight: Array | None) -> Array:
    sizes = np.abs(np.asarray(amounts, np.float64))
    known = is_fraud & np.isfinite(sizes)
    mean = float(np.average(sizes[known], weights=None if weight is None else weight[known])) if known.any() else 0.0
    if mean <= 0:
        return np.ones(len(sizes))
    return np.where(np.isfinite(sizes), sizes, mean) / mean
