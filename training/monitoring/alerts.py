"""Decisions in a monitor report: flagged records, expected precision and recall, and metrics of labelled records."""

from dataclasses import replace

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.scoring.decision import deciding_thresholds, reached
from fraudsieve.training.data.builders import flags_of
from fraudsieve.training.data.groups import group_of_model, row_groups
from fraudsieve.training.evaluation.capacity import count_days
from fraudsieve.training.evaluation.fraud import fraud_metrics
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.report_parts.weighting import RowWeights
from fraudsieve.training.recipe.recipe import EvaluateRecipe

from .bounds import Share, compare_ratio
from .measures import (
    Both,
    LabelledCalibration,
    ObservedPerformance,
    PointAlerts,
    PointPerformance,
    TablePerformance,
)
from .scored_table import ScoredTable

CALIBRATION = ("ece", "brier", "observed_over_expected", "average_precision", "base_rate", "frauds")


def measure_alerts(model: Model, before: ScoredTable, after: ScoredTable) -> tuple[PointAlerts, ...]:
    """Count the flagged records at every operating point; the point that decides comes first.

    With thresholds by a column, the last are those of its values.
    """
    tables = before, after
    points = [_alerts(model, i, point.name, point.threshold, tables) for i, point in enumerate(model.points)]
    if model.source_points is None:
        return tuple(points)
    for value, name in model.source_points.named(model.points[0].name).items():
        parts = before.part(before.scores["threshold_of"] == value), after.part(after.scores["threshold_of"] == value)
        if all(len(part.rows) for part in parts):
            points.append(_alerts(model, 0, name, model.source_points.points[value].threshold, parts))
    return tuple(points)


def _alerts(model: Model, i: int, name: str, threshold: float, tables: tuple[ScoredTable, ScoredTable]) -> PointAlerts:
    flags = [_flags(model, table)[i] for table in tables]
    both = list(zip(flags, tables, strict=True))
    return PointAlerts(
        **vars(compare_ratio(*(Share.of(flagged, table.clusters) for flagged, table in both))),
        name=name,
        threshold=threshold,
        alerts_a_day=Both(*(_per_day(flagged, table.cutoff_times(model.subject)) for flagged, table in both)),
        unlike_training=Both(*(0.0 if i else _below(model, table, flagged) for flagged, table in both)),
    )


def _below(model: Model, table: ScoredTable, flagged: Array) -> float:
    """Return the share of the rows that the policy flags below the threshold that decides."""
    return float((flagged & ~reached(table.scores["probability"], deciding_thresholds(model, table.rows))).mean())


def _per_day(flags: Array, times: Array | None) -> float | None:
    """Return the flagged records per day, of those whose day is known."""
    n_days = count_days(times)
    return None if times is None or n_days is None else float(flags[~np.isnat(times)].sum()) / n_days


def _flags(model: Model, table: ScoredTable) -> list[Array]:
    """Return the rows that each point flags: the decisions of the one that decides, the thresholds of the others."""
    others = [reached(table.scores["probability"], point.threshold) for point in model.points[1:]]
    return [flags_of(table.scores), *others]


def estimate_performance(model: Model, before: ScoredTable, after: ScoredTable) -> tuple[PointPerformance, ...]:
    """Estimate precision and recall of every operating point, next to those observed on labelled records."""
    of_tables = [(table, _flags(model, table)) for table in (before, after)]
    return tuple(
        PointPerformance(point.name, *(_performance(model, table, flags[i]) for table, flags in of_tables))
        for i, point in enumerate(model.points)
    )


def _performance(model: Model, table: ScoredTable, flags: Array) -> TablePerformance:
    expected = TablePerformance.of(table.scores["probability"], flags)
    return replace(expected, observed=_observed(model, table, flags))


def _observed(model: Model, table: ScoredTable, flags: Array) -> ObservedPerformance | None:
    labelled = table.labelled
    if not labelled.any():
        return None
    fraud = table.labels[labelled] != model.legitimate
    flagged = flags[labelled]
    rows = FraudRows(table.scores["probability"][labelled], fraud, weight=table.weight)
    return ObservedPerformance(int(labelled.sum()), rows.share(fraud, flagged), rows.share(flagged, fraud))


def measure_calibration(model: Model, after: ScoredTable, replicates: int) -> LabelledCalibration | None:
    """Compare the probabilities of the current records with the labels that have arrived.

    Returns None without labels, and for a model without a legitimate class.
    """
    labelled = after.labelled
    if model.legitimate is None or not labelled.any():
        return None
    groups, kind = row_groups(after.records[labelled], model.subject, group_of_model(model))
    is_fraud = after.labels[labelled] != model.legitimate
    rows = FraudRows(after.scores["probability"][labelled], is_fraud, groups, replicates, after.weight)
    metrics = fraud_metrics(rows, EvaluateRecipe(replicates=replicates))
    plain = None if rows.weight is None else fraud_metrics(rows.plain, EvaluateRecipe(replicates=0))
    return LabelledCalibration(
        rows=int(labelled.sum()),
        share=float(labelled.mean()),
        **{name: getattr(metrics, name) for name in CALIBRATION},
        intervals={name: metrics.intervals.get(name) for name in CALIBRATION},
        over=kind,
        reliability=() if metrics.curves is None else tuple(metrics.curves.reliability),
        weights=RowWeights.of(rows.weight, is_fraud),
        plain={} if plain is None else {name: getattr(plain, name) for name in CALIBRATION},
    )
