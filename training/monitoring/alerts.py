"""Decisions in a monitor report: flagged records, expected precision and recall, and metrics of labelled records."""

from dataclasses import asdict
from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.data.builders import flags_of, row_groups
from fraudsieve.training.evaluation.capacity import count_days
from fraudsieve.training.evaluation.fraud import fraud_metrics
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.recipe.recipe import EvaluateRecipe

from .bounds import Share, compare_ratio
from .expected import ExpectedPerformance
from .scored_table import ScoredTable

__all__ = ["estimate_performance", "measure_alerts", "measure_calibration"]

CALIBRATION = ("ece", "brier", "observed_over_expected", "average_precision", "base_rate", "frauds")


def measure_alerts(model: Model, before: ScoredTable, after: ScoredTable) -> list[dict[str, Any]]:
    """Count the flagged records at every operating point; the point that decides comes first.

    Each has ``name``, ``threshold``, ``alerts_a_day``, what `compare_ratio` returns, and ``unlike_training``: the share
    of the rows that the policy of the model flags below the threshold.
    """
    tables = {"reference": before, "current": after}
    times = {name: table.cutoff_times(model.subject) for name, table in tables.items()}
    flags = {name: _flags(model, table) for name, table in tables.items()}
    points = []
    for i, point in enumerate(model.points):
        flagged = {name: Share.of(flags[name][i], table.clusters) for name, table in tables.items()}
        per_day = {name: _per_day(flags[name][i], values) for name, values in times.items()}
        below = {
            name: float((flags[name][i] & (table.scores["probability"] < point.threshold)).mean())
            for name, table in tables.items()
        }
        facts = {"name": point.name, "threshold": point.threshold, "alerts_a_day": per_day, "unlike_training": below}
        points.append(facts | compare_ratio(**flagged))
    return points


def _per_day(flags: Array, times: Array | None) -> float | None:
    """Return the flagged records per day, of those whose day is known."""
    n_days = count_days(times)
    return None if times is None or n_days is None else float(flags[~np.isnat(times)].sum()) / n_days


def _flags(model: Model, table: ScoredTable) -> list[Array]:
    """Return the rows that each point flags: the decisions of the one that decides, the thresholds of the others."""
    others = [table.scores["probability"] >= point.threshold for point in model.points[1:]]
    return [flags_of(table.scores), *others]


def estimate_performance(model: Model, before: ScoredTable, after: ScoredTable) -> list[dict[str, Any]]:
    """Estimate precision and recall of every operating point, next to those observed on labelled records.

    Each has ``name``, and for ``reference`` and ``current`` the fields of `ExpectedPerformance` and ``observed``.
    """
    tables = {"reference": before, "current": after}
    points = []
    flags = {name: _flags(model, table) for name, table in tables.items()}
    for i, point in enumerate(model.points):
        performance: dict[str, Any] = {"name": point.name}
        for name, table in tables.items():
            expected = asdict(ExpectedPerformance.of(table.scores["probability"], flags[name][i]))
            performance[name] = expected | {"observed": _observed(model, table, flags[name][i])}
        points.append(performance)
    return points


def _observed(model: Model, table: ScoredTable, flags: Array) -> dict[str, Any] | None:
    labelled = table.labelled
    if not labelled.any():
        return None
    fraud = table.labels[labelled] != model.legitimate
    flagged = flags[labelled]
    return {
        "rows": int(labelled.sum()),
        "precision": float(fraud[flagged].mean()) if flagged.any() else None,
        "recall": float(flagged[fraud].mean()) if fraud.any() else None,
    }


def measure_calibration(model: Model, after: ScoredTable, replicates: int) -> dict[str, Any] | None:
    """Compare the probabilities of the current records with the labels that have come.

    Returns ``rows`` and ``share`` of the labelled records, their main metrics with ``intervals`` over accounts or
    campaigns, and the reliability curve. None without labels, and for a model without a legitimate class.
    """
    labelled = after.labelled
    if model.legitimate is None or not labelled.any():
        return None
    groups, kind = row_groups(after.records[labelled], model.subject)
    is_fraud = after.labels[labelled] != model.legitimate
    rows = FraudRows(after.scores["probability"][labelled], is_fraud, groups, replicates)
    metrics = fraud_metrics(rows, EvaluateRecipe(replicates=replicates))
    return {
        "rows": int(labelled.sum()),
        "share": float(labelled.mean()),
        **{name: getattr(metrics, name) for name in CALIBRATION},
        "intervals": {name: metrics.intervals.get(name) for name in CALIBRATION},
        "over": kind,
        "reliability": [] if metrics.curves is None else [asdict(part) for part in metrics.curves.reliability],
    }
