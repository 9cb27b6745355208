"""Metrics of two models on the same records, and the intervals of their differences.

A draw has the same campaigns or accounts for both models, so records that are hard for both do not count as a
difference (paired bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap, 1993).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.training.evaluation.bootstrap import Replicates, percentile_interval
from fraudsieve.training.evaluation.capacity import Capacity
from fraudsieve.training.evaluation.costs import RowCosts
from fraudsieve.training.evaluation.fraud import AT_ALERTS
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.ranking import RANKING_METRICS
from fraudsieve.training.evaluation.report_parts.weighting import RowWeights
from fraudsieve.training.json_types import finite_or_none
from fraudsieve.training.recipe.recipe import EvaluateRecipe


@dataclass(frozen=True)
class Pair:
    """A metric of both models; None for what cannot be computed."""

    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class PairAtAlerts(Pair):
    """The recall of both models with a number of alerts, in all and per day."""

    alerts: float = 0.0
    alerts_a_day: float | None = None


@dataclass(frozen=True)
class PairedCapacity:
    """The review capacity at which both models are compared."""

    # Number of alerts that people can review.
    alerts: float
    alerts_a_day: float | None
    flagged: float
    why: str
    days: int | None
    # Share of all records of their time that the rows are.
    share: float
    # The recall of both at 20 numbers of alerts up to twice the capacity.
    recall: tuple[PairAtAlerts, ...]


@dataclass(frozen=True, kw_only=True)
class PairedMetrics:
    """Metrics of two models on the same rows."""

    rows: int
    frauds: int
    base_rate: float
    # Each of `RANKING_METRICS` except the base rate, and recall and precision at the review capacity.
    figures: Mapping[str, Pair]
    # None without times, if the alerts are given per day.
    capacity: PairedCapacity | None
    # What the rows stand for; None if no label has an inclusion probability.
    weights: RowWeights | None = None
    # The figures if each row stands for itself alone; empty without weights.
    plain: Mapping[str, Pair] = field(default_factory=dict)


def paired_metrics(
    champion: FraudRows,
    challenger: FraudRows,
    settings: EvaluateRecipe,
    *,
    cutoff_times: Array | None = None,
    amounts: Array | None = None,
    share: float = 1.0,
) -> PairedMetrics:
    """Compare the scores of two models on the same rows."""
    if not np.array_equal(champion.is_fraud, challenger.is_fraud):
        raise ValueError("Expected scores of the same rows, got rows that differ in truth.")
    truth = challenger.is_fraud

    def plain() -> Mapping[str, Pair]:
        context: dict[str, Any] = {"cutoff_times": cutoff_times, "amounts": amounts, "share": share}
        return paired_metrics(champion.plain, challenger.plain, settings, **context).figures

    capacity = Capacity.of_rows(truth, cutoff_times, settings.alerts_a_day, share=share, weight=challenger.weight)
    old, new = (_Side.of(rows, capacity, settings.missed_cost, amounts) for rows in (champion, challenger))
    compared = {name: place for place, name in enumerate(RANKING_METRICS) if name != "base_rate"}
    figures = {name: _pair(old.metric(place), new.metric(place)) for name, place in compared.items()}
    for row, name in enumerate(AT_ALERTS[:2]):
        at = Pair() if capacity is None else _pair(old.at(row, capacity.place), new.at(row, capacity.place))
        figures[f"{name}_at_capacity"] = at
    return PairedMetrics(
        rows=len(truth),
        frauds=int(truth.sum()),
        base_rate=challenger.share(truth) or 0.0,
        figures=figures,
        capacity=None if capacity is None else _by_alerts(capacity, old, new),
        weights=RowWeights.of(challenger.weight, truth),
        plain={} if challenger.weight is None else plain(),
    )


Drawn = tuple[float, Array | None]


@dataclass(frozen=True, eq=False)
class _Side:
    """Metrics of one model, its recall and precision by number of alerts, and the same for every draw."""

    metrics: Array
    at_alerts: Array
    drawn: Replicates | None

    @classmethod
    def of(cls, rows: FraudRows, capacity: Capacity | None, missed_cost: float, amounts: Array | None) -> Self:
        points = np.zeros(0) if capacity is None else capacity.points
        per_fraud = capacity is not None and capacity.per_fraud
        costs = RowCosts.of(rows.probability, rows.is_fraud, missed_cost, amounts, rows.weight)
        ranking = rows.ranking(costs)
        return cls(ranking.metrics(), ranking.at_alerts(points), rows.bootstrap(ranking, points, per_fraud=per_fraud))

    def metric(self, place: int) -> Drawn:
        return self.metrics[place], None if self.drawn is None else self.drawn.metrics[:, place]

    def at(self, row: int, place: int) -> Drawn:
        return self.at_alerts[row, place], None if self.drawn is None else self.drawn.at_alerts[:, row, place]


def _pair(old: Drawn, new: Drawn) -> Pair:
    (old_value, old_drawn), (new_value, new_drawn) = old, new
    return Pair(
        finite_or_none(old_value),
        finite_or_none(new_value),
        finite_or_none(new_value - old_value),
        None if old_drawn is None or new_drawn is None else percentile_interval(new_drawn - old_drawn),
    )


def _by_alerts(capacity: Capacity, old: _Side, new: _Side) -> PairedCapacity:
    points = [
        PairAtAlerts(
            **vars(_pair(old.at(0, place), new.at(0, place))),
            alerts=float(alerts),
            alerts_a_day=capacity.per_day(alerts),
        )
        for place, alerts in enumerate(capacity.points)
    ]
    return PairedCapacity(
        float(capacity.alerts),
        capacity.per_day(capacity.alerts),
        capacity.flagged,
        capacity.why,
        capacity.days,
        capacity.share,
        tuple(points),
    )
