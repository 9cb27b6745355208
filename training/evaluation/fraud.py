"""Metrics of fraud against legitimate: the main metrics, their intervals, curves and slices."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics import log_loss

from fraudsieve._typing import Array
from fraudsieve.models.scoring.scores import reached
from fraudsieve.training.json_types import finite_or_none
from fraudsieve.training.recipe.recipe import EvaluateRecipe

from .bootstrap import Interval, Replicates, percentile_interval
from .capacity import Capacity, CapacityCurve, CapacityPoint, CostCurve, CostPoint, RowCosts
from .fraud_rows import FraudRows, SliceMetrics, threshold_at
from .ranking import RANKING_METRICS, Ranking
from .report_parts.curves import ScoreCurves, score_curves

COST_POINTS = 40
AT_ALERTS = ("recall", "precision", "share_of_loss")
"""The rows of `Ranking.at_alerts`."""


@dataclass(frozen=True, kw_only=True)
class MonthMetrics(SliceMetrics):
    """Metrics of a month, such as ``2026-05``."""

    month: str


@dataclass(frozen=True)
class ColdStart:
    """Metrics of the rows with and without a history of their account; None if there are no such rows."""

    with_history: SliceMetrics | None
    no_history: SliceMetrics | None


@dataclass(frozen=True, kw_only=True)
class FraudMetrics:
    """Metrics of fraud against legitimate. A metric that cannot be computed is None.

    See `EvaluationReport` for each of them.
    """

    frauds: int | None = None
    base_rate: float | None = None
    average_precision: float | None = None
    roc_auc: float | None = None
    recall_at_1pct_fpr: float | None = None
    ece: float | None = None
    brier: float | None = None
    log_loss: float | None = None
    observed_over_expected: float | None = None
    cost_per_1000: float | None = None
    recall_at_capacity: float | None = None
    precision_at_capacity: float | None = None
    capacity: CapacityCurve | None = None
    costs: CostCurve | None = None
    curves: ScoreCurves | None = None
    by_month: tuple[MonthMetrics, ...] | None = None
    cold_start: ColdStart | None = None
    intervals: Mapping[str, Interval | None] = field(default_factory=dict)


def fraud_metrics(rows: FraudRows, settings: EvaluateRecipe, *, has_history: Array | None = None) -> FraudMetrics:
    """Compute the metrics of fraud against legitimate."""
    capacity, costs = rows.capacity(settings.alerts_a_day), rows.costs(settings.missed_cost)
    ranking = rows.ranking(costs)
    points = None if capacity is None else capacity.points
    replicates = rows.bootstrap(ranking, points, per_fraud=capacity is not None and capacity.per_fraud)
    scores = rows.probability, rows.is_fraud
    threshold, recall = threshold_at(*scores, weight=rows.weight) if rows.both else (np.inf, None)
    parts = [
        _main_metrics(rows, ranking, replicates) | {"recall_at_1pct_fpr": recall},
        _at_capacity(ranking, capacity, replicates),
        {
            "costs": _cost_curve(ranking, costs, capacity, settings, by_amount=rows.amounts is not None),
            "curves": score_curves(rows, ranking),
            "by_month": _by_month(rows, reached(rows.probability, threshold)),
            "cold_start": _cold_start(rows, reached(rows.probability, threshold), has_history),
        },
    ]
    intervals = {name: interval for part in parts for name, interval in part.pop("intervals", {}).items()}
    return FraudMetrics(**{name: value for part in parts for name, value in part.items()}, intervals=intervals)


def _main_metrics(rows: FraudRows, ranking: Ranking, replicates: Replicates | None) -> dict[str, Any]:
    metrics: dict[str, Any] = dict(zip(RANKING_METRICS, map(finite_or_none, ranking.metrics()), strict=True))
    metrics["log_loss"] = log_loss(rows.is_fraud, rows.probability, sample_weight=rows.weight, labels=[False, True])
    if rows.both:
        metrics |= {"average_precision": rows.average_precision(), "roc_auc": rows.roc_auc()}
    intervals = dict.fromkeys(RANKING_METRICS) if replicates is None else replicates.intervals()
    return {"frauds": int(rows.is_fraud.sum()), **metrics, "intervals": intervals}


def _at_capacity(ranking: Ranking, capacity: Capacity | None, replicates: Replicates | None) -> dict[str, Any]:
    if capacity is None:
        return {"intervals": {"recall_at_capacity": None, "precision_at_capacity": None}}
    points = _capacity_points(ranking, capacity, replicates)
    at = points[capacity.place]
    curve = CapacityCurve.of(capacity, points=points)
    intervals = {"recall_at_capacity": at.recall_interval, "precision_at_capacity": at.precision_interval}
    metrics = {"recall_at_capacity": at.recall, "precision_at_capacity": at.precision}
    return {**metrics, "capacity": curve, "intervals": intervals}


def _capacity_points(ranking: Ranking, capacity: Capacity, replicates: Replicates | None) -> tuple[CapacityPoint, ...]:
    values, points = ranking.at_alerts(capacity.points), []
    for place, alerts in enumerate(capacity.points):
        metrics: dict[str, Any] = {}
        for row, name in enumerate(AT_ALERTS):
            drawn = None if replicates is None else percentile_interval(replicates.at_alerts[:, row, place])
            metrics |= {name: finite_or_none(values[row, place]), f"{name}_interval": drawn}
        points.append(CapacityPoint(alerts=float(alerts), alerts_a_day=capacity.per_day(alerts), **metrics))
    return tuple(points)


def _cost_curve(
    ranking: Ranking, costs: RowCosts, capacity: Capacity | None, settings: EvaluateRecipe, *, by_amount: bool
) -> CostCurve:
    weight = ranking.weight
    n, loss = float(weight.sum()), float((weight * ranking.loss).sum())
    flagged = float(weight @ costs.flagged[ranking.order])
    max_alerts = max(2.0 * (capacity.alerts if capacity else 0.0), 1.25 * flagged, 10.0)
    alerts = np.linspace(0, min(max_alerts, n), COST_POINTS + 1)
    avoided = np.nan_to_num(ranking.at_alerts(alerts)[2]) * loss

    def per_day(alerts: float) -> float | None:
        return capacity.per_day(alerts) if capacity else None

    return CostCurve(
        missed_cost=settings.missed_cost,
        by_amount=by_amount,
        alerts=round(flagged),
        alerts_a_day=per_day(flagged),
        without_review=1000 * loss / n,
        points=tuple(
            CostPoint(float(number), per_day(float(number)), float(cost))
            for number, cost in zip(alerts, 1000 * (alerts + loss - avoided) / n, strict=True)
        ),
    )


def _by_month(rows: FraudRows, flagged: Array) -> tuple[MonthMetrics, ...] | None:
    if rows.cutoff_times is None:
        return None
    months = rows.cutoff_times.astype("M8[M]")
    masks = {str(month): months == month for month in np.unique(months[~np.isnat(months)])}
    slices = ((month, rows.part(mask).slice_metrics(flagged[mask])) for month, mask in masks.items())
    return tuple(MonthMetrics(month=month, **asdict(metrics)) for month, metrics in slices) or None


def _cold_start(rows: FraudRows, flagged: Array, has_history: Array | None) -> ColdStart | None:
    if has_history is None:
        return None
    masks = (has_history, ~has_history)
    return ColdStart(*(rows.part(mask).slice_metrics(flagged[mask]) if mask.any() else None for mask in masks))
