"""Recalibration by traffic without labels, by labels of all its records, and by labels of an audited sample."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.guarantees import groups_needed
from fraudsieve.models.likelihood_ratios import support_of
from fraudsieve.models.points import AbsentPoint, OperatingPoint
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.models.thresholds import CAPACITY, Targets, operating_points

from .audit import Audit
from .rates import AuditedRecords, promised_points, rate_interval, with_rates
from .traffic import Traffic
from .volume import volume_point
from .weighted import CalibrationBounds, bound_calibration, fit_weighted

MIN_LABELS = 100
"""With fewer audited labels, neither calibration nor rates are set."""
LABEL_MORE = "Label more of the sample, or draw a larger one (--draw)."


@dataclass(frozen=True, eq=False)
class Outcome:
    """A recalibrated model without its new points, and the facts about these."""

    model: Model
    points: list[OperatingPoint]
    # Rates that cannot be promised.
    absent: list[AbsentPoint]
    # The recalibrated parts, the number of labels, and intervals.
    facts: dict[str, Any] = field(default_factory=dict)


def fraud_of(model: Model, read: Traffic) -> Array:
    """Return the probability of fraud of every record, with the calibration of a model."""
    return fraud_probability(model.calibration.apply(read.log_odds), model.classes, model.legitimate)


def by_volume(model: Model, read: Traffic, targets: Targets, share: float) -> Outcome:
    """Set the threshold of the capacity: no label is needed, and no rate is known."""
    absent = [
        AbsentPoint(name, rate, targets.confidence, 0, groups_needed(rate, targets.confidence))
        for name, rate in zip(targets.names, targets.false_positive_rates, strict=False)
    ]
    facts = {"of": ["operating_points"], "labels": 0}
    return Outcome(model, [volume_point(CAPACITY, fraud_of(model, read), share, read.days)], absent, facts)


def by_all_labels(model: Model, read: Traffic, targets: Targets, share: float) -> Outcome:
    """Set calibration and points as in training: every record has a label."""
    n, missing = len(read.ids), int(pd.isna(read.labels).sum())
    if missing:
        problem = f"expected a label of every record, {missing:,} have none"
        fix = "Give labels with an inclusion_probability, or draw a sample (--draw) and name it (--sample)."
        raise SchemaError("labels", problem, fix)
    is_fraud = read.labels != model.legitimate
    _check_both_kinds(is_fraud, "Use a longer period.")
    every = Audit(np.arange(n), np.ones(n), np.ones(n))
    model = replace(model, calibration=fit_weighted(model, read.log_odds, every, read.labels))
    probability = fraud_of(model, read)
    alerts = () if read.days is None else targets.alerts_a_day
    kept = replace(targets, alerts_a_day=alerts, costs=None, decide_by=None)  # amounts are not read
    settings: dict[str, Any] = {"groups": read.groups, "capacity": share * n, "days": read.days}
    points, absent = operating_points(probability, is_fraud, kept, **settings)
    bounds = bound_calibration(probability, every, is_fraud.astype(np.float64))
    model = replace(model, ratio_support=support_of(probability, is_fraud, read.groups))
    return Outcome(model, list(points), list(absent), _facts(n, bounds))


def by_audit(
    model: Model, read: Traffic, audit: Audit, targets: Targets, share: float, *, of_labels: bool = False
) -> Outcome:
    """Set calibration and rates of false positives by an audited sample, and the capacity by all records.

    A sample of the labels alone is of a draw that is not known: a record without a label may have been as unlikely to
    be drawn as any. Its rates are of the records that the labels stand for.
    """
    labels = read.labels[audit.rows]
    has_label = ~pd.isna(labels)
    if has_label.sum() < MIN_LABELS:
        problem = f"expected labels of at least {MIN_LABELS} records of the sample, got {int(has_label.sum())}"
        raise SchemaError("labels", problem, LABEL_MORE)
    _check_both_kinds(labels[has_label] != model.legitimate, LABEL_MORE)
    # The bounds of likelihood ratios assume that rows count once each; those of a sample are weighted.
    calibration = fit_weighted(model, read.log_odds, audit, labels)
    model = replace(model, calibration=calibration, ratio_support=None)
    probability = fraud_of(model, read)
    n_groups, unlabelled = len(np.unique(read.groups)), probability[pd.isna(read.labels)]
    audited = AuditedRecords(
        probability[audit.rows],
        np.where(has_label, labels != model.legitimate, np.nan).astype(np.float64),
        audit.probability,
        audit.group_probability,
        min(n_groups, round((1 / audit.group_probability).sum())),
        unknown=unlabelled.max() if of_labels and len(unlabelled) else -np.inf,
    )
    promised, absent = promised_points(audited, targets)
    points = with_rates([*promised, volume_point(CAPACITY, probability, share)], audited, probability, read.days)
    intervals = {point.name: list(rate_interval(audited, point.threshold)) for point in points}
    facts = {"drawn": len(audit.rows), "false_positive_rate_interval": intervals}
    bounds = bound_calibration(probability, audit, audited.is_fraud)
    return Outcome(model, points, absent, _facts(int(has_label.sum()), bounds) | facts)


def _check_both_kinds(is_fraud: Array, fix: str) -> None:
    if is_fraud.all() or not is_fraud.any():
        got = "fraud" if is_fraud.any() else "legitimate records"
        raise SchemaError("labels", f"expected labels of fraud and of legitimate records, got only {got}", fix)


def _facts(n_labels: int, bounds: CalibrationBounds) -> dict[str, Any]:
    return {
        "of": ["operating_points", "calibration"],
        "labels": n_labels,
        "max_calibration_error": bounds.max_error,
        "observed_over_expected_interval": list(bounds.observed_over_expected),
    }
