"""The part of the sheet on fraud against legitimate: the main figures, their intervals, and how they come apart."""

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from fraudsieve._typing import Array
from fraudsieve.training.recipe.recipe import EvaluateRecipe

from .bootstrap import Replicates, interval
from .capacity import Capacity, n_days
from .card_precision import DailyLists, naive_utc
from .costs import RowCosts
from .fraud_rows import FraudRows, plain, threshold_at
from .ranking import ECE_BINS, FIGURES, Ranking

__all__ = ["fraud_sheet"]


CURVE_POINTS = 120
COST_POINTS = 40


def fraud_sheet(
    rows: FraudRows,
    settings: EvaluateRecipe,
    *,
    moments: Array | None = None,
    accounts: Array | None = None,
    amounts: Array | None = None,
    known: Array | None = None,
    share: float = 1.0,
) -> dict[str, Any]:
    """Compute the part of the sheet on fraud against legitimate.

    Parameters
    ----------
    rows : FraudRows
        Scores, truth and groups; at least one row.
    settings : EvaluateRecipe
        Capacity, costs and replicates.
    moments, accounts, amounts, known, share
        As for `evaluate`.

    Returns
    -------
    dict
        As `evaluate` says.

    Examples
    --------
    >>> rows = FraudRows(np.array([0.9, 0.2]), np.array([True, False]))
    >>> fraud_sheet(rows, EvaluateRecipe())["recall_at_capacity"]
    1.0
    """
    capacity = Capacity.of(len(rows.is_fraud), n_days(moments), settings.alerts_a_day, share=share)
    costs = RowCosts.of(rows.probability, rows.is_fraud, settings.missed_cost, amounts)
    ranking = Ranking.of(rows.probability, rows.is_fraud, costs.loss, costs.cost)
    drawn = rows.drawn(ranking, None if capacity is None else capacity.points)
    threshold, recall = threshold_at(rows.probability, rows.is_fraud) if rows.both else (np.inf, None)
    parts = [
        _main_figures(rows, ranking, drawn) | {"recall_at_1pct_fpr": recall},
        _capacity_sheet(ranking, capacity, drawn),
        _lists_sheet(rows, settings, moments, accounts),
        {
            "costs": _cost_sheet(ranking, costs, capacity, settings, amounts),
            "curves": {"precision_recall": _precision_recall(rows), "reliability": _reliability(ranking)},
            "by_month": _by_month(rows, threshold, moments),
            "cold_start": _cold_start(rows, threshold, known),
        },
    ]
    intervals = {name: found for part in parts for name, found in part.pop("intervals", {}).items()}
    return {name: value for part in parts for name, value in part.items()} | {"intervals": intervals}


def _main_figures(rows: FraudRows, ranking: Ranking, drawn: Replicates | None) -> dict[str, Any]:
    figures: dict[str, Any] = dict(zip(FIGURES, map(plain, ranking.figures()), strict=True))
    if rows.both:
        figures["average_precision"] = float(average_precision_score(rows.is_fraud, rows.probability))
        figures["roc_auc"] = float(roc_auc_score(rows.is_fraud, rows.probability))
    intervals = dict.fromkeys(FIGURES) if drawn is None else drawn.intervals()
    return {"frauds": int(rows.is_fraud.sum()), **figures, "intervals": intervals}


def _capacity_sheet(ranking: Ranking, capacity: Capacity | None, drawn: Replicates | None) -> dict[str, Any]:
    names = ("recall", "precision", "share_of_loss")
    if capacity is None:
        none = {"recall_at_capacity": None, "precision_at_capacity": None}
        return {**none, "capacity": None, "intervals": none}
    found = ranking.at_alerts(capacity.points)
    points = []
    for place, alerts in enumerate(capacity.points):
        point: dict[str, Any] = {"alerts": float(alerts), "alerts_a_day": capacity.a_day(alerts)}
        for row, name in enumerate(names):
            point[name] = plain(found[row, place])
            point[f"{name}_interval"] = None if drawn is None else interval(drawn.at_alerts[:, row, place])
        points.append(point)
    at = points[capacity.place]
    return {
        "recall_at_capacity": at["recall"],
        "precision_at_capacity": at["precision"],
        "intervals": {f"{name}_at_capacity": at[f"{name}_interval"] for name in names[:2]},
        "capacity": {
            "alerts": float(capacity.alerts),
            "alerts_a_day": capacity.a_day(capacity.alerts),
            "days": capacity.days,
            "share": capacity.share,
            "given": capacity.given,
            "points": points,
        },
    }


def _lists_sheet(
    rows: FraudRows, settings: EvaluateRecipe, moments: Array | None, accounts: Array | None
) -> dict[str, Any]:
    """Compute card precision, what a perfect ranking would reach, and the interval over accounts."""
    timed = np.zeros(len(rows.is_fraud), bool) if moments is None else ~np.isnat(naive_utc(moments))
    if moments is None or accounts is None or not timed.any():
        return {"card_precision": None, "card_precision_ceiling": None, "intervals": {"card_precision": None}}
    who, when, fraud = np.asarray(accounts)[timed], naive_utc(moments)[timed], rows.is_fraud[timed]
    lists = DailyLists.of(who, when, fraud, rows.probability[timed])
    top = settings.accounts_a_day
    drawn = lists.bootstrap(top, replicates=settings.replicates)
    return {
        "card_precision": lists.precision(top),
        "card_precision_ceiling": DailyLists.of(who, when, fraud, fraud).precision(top),
        "accounts_a_day": top,
        "intervals": {"card_precision": interval(drawn)},
    }


def _cost_sheet(
    ranking: Ranking, costs: RowCosts, capacity: Capacity | None, settings: EvaluateRecipe, amounts: Array | None
) -> dict[str, Any]:
    """Compute the cost for 1,000 rows: of the decision by cost, of no review at all, and by number of alerts."""
    n, lost = len(costs.loss), float(ranking.loss.sum())
    most = max(2.0 * (capacity.alerts if capacity else 0.0), 1.25 * costs.flagged.sum(), 10.0)
    alerts = np.linspace(0, min(most, n), COST_POINTS + 1)
    found = np.nan_to_num(ranking.at_alerts(alerts)[2]) * lost

    def a_day(alerts: float) -> float | None:
        return capacity.a_day(alerts) if capacity else None

    return {
        "missed_cost": settings.missed_cost,
        "by_amount": amounts is not None,
        "alerts": int(costs.flagged.sum()),
        "alerts_a_day": a_day(float(costs.flagged.sum())),
        "without_review": 1000 * lost / n,
        "points": [
            {"alerts": float(a), "alerts_a_day": a_day(float(a)), "cost": float(c)}
            for a, c in zip(alerts, 1000 * (alerts + lost - found) / n, strict=True)
        ],
    }


def _precision_recall(rows: FraudRows) -> list[list[float]] | None:
    """Return recall and precision, thinned to some points evenly over the recall."""
    if not rows.both:
        return None
    precision, recall, _ = precision_recall_curve(rows.is_fraud, rows.probability, drop_intermediate=True)
    precision, recall = precision[::-1], recall[::-1]
    places = np.unique(np.searchsorted(recall, np.linspace(0, 1, CURVE_POINTS + 1)).clip(max=len(recall) - 1))
    return [[float(recall[i]), float(precision[i])] for i in places]


def _reliability(ranking: Ranking) -> list[dict[str, float]]:
    """Return the mean probability and the share of fraud of bins of equal mass, from the lowest scores."""
    n = len(ranking.score)
    bins = np.array_split(np.arange(n)[::-1], min(ECE_BINS, n))
    sizes = np.diff(ranking.starts)
    # Rows of one score count as their mean, as in the calibration error: their order is no fact.
    observed = np.repeat(np.add.reduceat(ranking.is_fraud, ranking.starts[:-1]) / sizes, sizes)
    columns = (("expected", ranking.score), ("observed", observed))
    return [{name: float(values[b].mean()) for name, values in columns} | {"rows": len(b)} for b in bins]


def _by_month(rows: FraudRows, threshold: float, moments: Array | None) -> list[dict[str, Any]] | None:
    if moments is None:
        return None
    months = naive_utc(moments).astype("M8[M]")
    found = np.unique(months[~np.isnat(months)])
    return [{"month": str(month), **rows.part(months == month).slice_figures(threshold)} for month in found] or None


def _cold_start(rows: FraudRows, threshold: float, known: Array | None) -> dict[str, Any] | None:
    if known is None:
        return None
    slices = {"with_history": known, "no_history": ~known}
    return {name: rows.part(which).slice_figures(threshold) if which.any() else None for name, which in slices.items()}
