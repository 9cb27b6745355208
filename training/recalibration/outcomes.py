"""Recalibration by traffic without labels, by labels of all its records, and by labels that were drawn.

Rates of labels that were drawn: weighted shares, and rates of false positives that they can promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, JsonObject
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import Calibration, fit_calibration
from fraudsieve.models.guarantees import upper_rate
from fraudsieve.models.likelihood_ratios import support_of
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.scoring.scores import fraud_probability, reached
from fraudsieve.models.thresholds import CAPACITY, Targets, operating_points

from .traffic import Traffic, volume_point

OF_FRAUD = 0.2
"""Part of the error probability that the bound of the share of fraud takes."""
OF_OTHERS = 0.2
"""Part that the bound by all records takes; that of false positives by labels has the rest."""


@dataclass(frozen=True, eq=False)
class LabelledRecords:
    """Records that were drawn and labelled; all arrays have the shape (n_labels,)."""

    # Probability of fraud.
    probability: Array
    is_fraud: Array
    # The inclusion probability of the record.
    inclusion: Array
    # The inclusion probability of its campaign or account.
    group_inclusion: Array
    n_groups: int
    # Highest probability of fraud of the records whose own inclusion probability is unknown. From there down, the
    # lowest one holds.
    unknown: float = -np.inf
    # Shape (n,). Of every campaign or account with a record that is not labelled fraud, the highest probability of
    # these records, in ascending order; None if it is not known.
    others: Array | None = None

    @property
    def reach(self) -> Array:
        """The inclusion probability that every campaign or account with the score of a labelled record has at least."""
        lowest = self.group_inclusion.min()
        return np.where(self.probability > self.unknown, self.group_inclusion, lowest)


def points_of_rates(records: LabelledRecords, targets: Targets) -> list[OperatingPoint]:
    """Choose the thresholds of the rates of false positives: those that a draw can promise, otherwise estimates.

    Suppose that every record above a threshold were kept with the same probability, the lowest of them. The number of
    false positives that are kept is then binomial, and its upper bound divided by that probability bounds the share of
    all campaigns or accounts. The weighted count is rounded up. Bounds are checked from the strictest threshold down,
    and the first failure ends the search (fixed sequence testing, as in Angelopoulos et al., 2021, "Learn then test").
    Whatever was drawn, there are at most as many false positives as campaigns or accounts with a record above a
    threshold that is not labelled fraud. Their number bounds the rate too, however small the lowest probability is.
    """
    points: list[OperatingPoint] = []
    error = 1 - targets.confidence
    legitimate = 1 - _fraud_bound(records, 1 - OF_FRAUD * error)
    thresholds, bounds = _bounds(records, 1 - (1 - OF_FRAUD - OF_OTHERS) * error)
    if records.others is not None:
        above = np.minimum(len(records.others) - np.searchsorted(records.others, thresholds), records.n_groups)
        of_all = [upper_rate(int(hits), records.n_groups, 1 - OF_OTHERS * error) for hits in above]
        bounds = np.minimum(bounds, of_all)
    for name, rate in zip(targets.names, targets.false_positive_rates, strict=False):
        holds = np.cumprod(bounds <= rate * legitimate)
        if holds.any():
            at = int(holds.sum()) - 1
            basis: dict[str, Any] = {"max_false_positive_rate": rate, "confidence": targets.confidence}
            threshold = float(thresholds[at])
        else:
            threshold = weighted_threshold(records, rate)
            basis = {"estimated_false_positive_rate": rate, "interval": rate_interval(records, threshold)}
        basis["legitimate_groups"] = len(records.is_fraud)
        points.append(OperatingPoint(name, threshold, None, None, 0.0, **basis))
    return points


def weighted_threshold(records: LabelledRecords, rate: float) -> float:
    """Return the lowest threshold that at most a share of the legitimate records reaches, by their weights."""
    clean = np.flatnonzero(~records.is_fraud)
    order = clean[np.argsort(-records.probability[clean], kind="stable")]
    passed = np.cumsum(1 / records.group_inclusion[order])
    place = int(np.searchsorted(passed, rate * passed[-1] * (1 + 1e-12), side="right"))
    return float(np.nextafter(records.probability[order[min(place, len(order) - 1)]], 2.0))


def _bounds(records: LabelledRecords, confidence: float) -> tuple[Array, Array]:
    """Return thresholds from the strictest down, and upper bounds of the share of groups that are false positives."""
    order = np.argsort(-records.probability, kind="stable")
    ranked, inclusion = records.probability[order], records.reach[order]
    weights = np.where(records.is_fraud[order], 0.0, 1 / records.group_inclusion[order])
    n = len(order)
    # The record just below a threshold counts for the lowest probability: its stratum may reach above it.
    lowest = np.minimum.accumulate(inclusion)
    ends = np.append(np.flatnonzero(np.diff(ranked) < 0) + 1, n)
    cuts = np.unique(np.concatenate([[0], ends]))
    thresholds = np.array([np.nextafter(ranked[cut], 2.0) if cut < n else 0.0 for cut in cuts])
    reach = lowest[np.minimum(cuts, n - 1)]
    hits = np.ceil(np.concatenate([[0.0], np.cumsum(weights)])[cuts] * reach - 1e-9)
    uppers = [upper_rate(int(hit), records.n_groups, confidence) for hit in hits]
    return thresholds, np.minimum(np.array(uppers) / reach, 1.0)


def _fraud_bound(records: LabelledRecords, confidence: float) -> float:
    """Return the upper bound of the share of groups that are fraud."""
    lowest = float(records.group_inclusion.min())
    hits = np.ceil((1 / records.group_inclusion[records.is_fraud]).sum() * lowest - 1e-9)
    return min(upper_rate(int(hits), records.n_groups, confidence) / lowest, 1.0)


def rate_interval(records: LabelledRecords, threshold: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return a two-sided interval of the rate of false positives over campaigns or accounts."""
    tail = (1 - confidence) / 2
    legitimate = ~records.is_fraud
    flagged = reached(records.probability, threshold)
    reach = float(records.reach[flagged].min()) if flagged.any() else float(records.reach.max())
    below = records.probability[~flagged]
    if len(below):
        reach = min(reach, float(records.reach[~flagged][below.argmax()]))
    count = (1 / records.group_inclusion[flagged & legitimate]).sum() * reach
    high = upper_rate(int(np.ceil(count - 1e-9)), records.n_groups, 1 - tail) / reach
    low = _lower_rate(int(count + 1e-9), records.n_groups, 1 - tail) / reach
    share = float(np.average(legitimate, weights=1 / records.group_inclusion))
    return low / share, min(high / share, 1.0)


def _lower_rate(hits: int, n: int, confidence: float) -> float:
    return 1 - upper_rate(n - hits, n, confidence) if hits else 0.0


def with_rates(
    points: Sequence[OperatingPoint], records: LabelledRecords, probability: Array, days: float | None
) -> list[OperatingPoint]:
    """Return points with the rates that the labels estimate, and the alerts that the traffic has."""
    weight, fraud = 1 / records.inclusion, records.is_fraud
    filled = []
    for point in points:
        hit = reached(records.probability, point.threshold)
        flagged = float(reached(probability, point.threshold).mean())
        rates: dict[str, Any] = {
            "false_positive_rate": _share(hit, ~fraud, weight),
            "recall": _share(hit, fraud, weight),
            "precision": _share(fraud, hit, weight),
        }
        alerts = None if days is None else flagged * len(probability) / days
        filled.append(replace(point, flagged=flagged, alerts_a_day=alerts, **rates))
    return filled


def _share(part: Array, of: Array, weight: Array) -> float | None:
    total = float(weight[of].sum())
    return float(weight[of & part].sum()) / total if total else None


@dataclass(frozen=True)
class CalibrationBounds:
    """Bounds of the error of calibrated probabilities on the traffic."""

    # Upper bound of the calibration error over the strata of the score: the difference between frauds and the sum of
    # probabilities in a stratum, as a share of all records, at the end of its 95 % interval; summed over strata.
    max_error: float
    # The 95 % interval of the frauds over the sum of the probabilities.
    observed_over_expected: tuple[float, float]


MIN_LABELS = 100
"""With fewer labels, neither calibration nor rates are set."""
LABEL_MORE = "Draw and label more records (review draw)."


@dataclass(frozen=True, eq=False)
class Outcome:
    """A recalibrated model without its new points, and the facts about these."""

    model: Model
    points: list[OperatingPoint]
    # The recalibrated parts, the number of labels, and intervals.
    facts: JsonObject = field(default_factory=dict)


def fraud_of(model: Model, read: Traffic) -> Array:
    """Return the probability of fraud of every record, with the calibration of a model."""
    return fraud_probability(model.calibration.apply(read.log_odds), model.classes, model.legitimate)


def by_volume(model: Model, read: Traffic, targets: Targets, share: float) -> Outcome:
    """Set the threshold of the capacity: no label is needed, and no rate is known."""
    facts = {"of": ["operating_points"], "labels": 0}
    return Outcome(model, [volume_point(CAPACITY, fraud_of(model, read), share, read.days)], facts)


def by_all_labels(model: Model, read: Traffic, targets: Targets, share: float) -> Outcome:
    """Set calibration and points as in training: every record has a label."""
    n, missing = len(read.ids), int(pd.isna(read.labels).sum())
    if missing:
        problem = f"expected a label of every record, {missing:,} have none"
        fix = "Or give labels with an inclusion_probability, such as those of review collect."
        raise SchemaError("labels", problem, fix)
    is_fraud = read.labels != model.legitimate
    _check_both_kinds(is_fraud, "Use a longer period.")
    model = replace(model, calibration=fit_weighted(model, read.log_odds, np.ones(n), read.labels))
    probability = fraud_of(model, read)
    alerts = () if read.days is None else targets.alerts_a_day
    kept = replace(targets, alerts_a_day=alerts, costs=None, decide_by=None)  # amounts are not read
    points = operating_points(probability, is_fraud, kept, groups=read.groups, capacity=share * n, days=read.days)
    bounds = bound_calibration(probability, np.arange(n), np.ones(n), is_fraud)
    model = replace(model, ratio_support=support_of(probability, is_fraud, read.groups))
    return Outcome(model, list(points), _facts(n, bounds))


def by_drawn_labels(model: Model, read: Traffic, inclusion: Array, targets: Targets, share: float) -> Outcome:
    """Set calibration and rates of false positives by labels of a draw, and the capacity by all records.

    The draw itself is not known: a record without a label may have been as unlikely to be drawn as any. The rates are
    those of the records that the labels stand for.
    """
    has_label = ~pd.isna(read.labels)
    rows = np.flatnonzero(has_label)
    labels, inclusion = read.labels[rows], inclusion[rows]
    if len(rows) < MIN_LABELS:
        problem = f"expected labels of at least {MIN_LABELS} records, got {len(rows)}"
        raise SchemaError("labels", problem, LABEL_MORE)
    is_fraud = labels != model.legitimate
    _check_both_kinds(is_fraud, LABEL_MORE)
    # The bounds of likelihood ratios assume that rows count once each; those of a draw are weighted.
    model = replace(model, calibration=fit_weighted(model, read.log_odds[rows], inclusion, labels), ratio_support=None)
    probability = fraud_of(model, read)
    code, sizes = np.unique(read.groups, return_inverse=True, return_counts=True)[1:]
    of_groups = np.minimum(inclusion * sizes[code[rows]], 1.0)  # a campaign or account has at most one label
    n_groups = min(len(sizes), round((1 / of_groups).sum()))
    unknown = probability[~has_label].max(initial=-np.inf)
    highest = np.full(len(sizes), -np.inf)
    is_other = ~has_label | (read.labels == model.legitimate)
    np.maximum.at(highest, code[is_other], probability[is_other])
    others = np.sort(highest[highest > -np.inf])
    records = LabelledRecords(probability[rows], is_fraud, inclusion, of_groups, n_groups, unknown, others)
    points = with_rates(
        [*points_of_rates(records, targets), volume_point(CAPACITY, probability, share)],
        records,
        probability,
        read.days,
    )
    intervals = {point.name: list(rate_interval(records, point.threshold)) for point in points}
    bounds = bound_calibration(probability, rows, inclusion, is_fraud)
    facts = _facts(len(rows), bounds) | {"false_positive_rate_interval": intervals}
    return Outcome(model, points, facts)


def _check_both_kinds(is_fraud: Array, fix: str) -> None:
    if is_fraud.all() or not is_fraud.any():
        got = "fraud" if is_fraud.any() else "legitimate records"
        raise SchemaError("labels", f"expected labels of fraud and of legitimate records, got only {got}", fix)


def _facts(n_labels: int, bounds: CalibrationBounds) -> JsonObject:
    return {
        "of": ["operating_points", "calibration"],
        "labels": n_labels,
        "max_calibration_error": bounds.max_error,
        "observed_over_expected_interval": list(bounds.observed_over_expected),
    }


TOP_SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""The lower ends of the strata, as shares of the records from the highest score down."""
NORMAL_QUANTILE = 1.96
"""The quantile of the normal distribution for two-sided intervals of 95 %."""
UNSEEN = 0.5
"""Squared errors that are added to those of every stratum (as Jeffreys adds to a count). A sample of the many records
with low scores often has none of the few frauds among them, and would then seem to be certain."""


def fit_weighted(model: Model, log_odds: Array, inclusion: Array, labels: Array) -> Calibration:
    """Fit a calibration on labels, each weighted by the inverse of its probability (Horvitz and Thompson, 1952)."""
    kept = np.isin(labels.astype(str), model.classes)
    codes, weight = np.searchsorted(model.classes, labels[kept].astype(str)), 1 / inclusion[kept]
    # The weights sum to the number of labels, so that the prior weighs as much as in training.
    return fit_calibration(log_odds[kept], codes, weight * (len(weight) / weight.sum()))


def bound_calibration(probability: Array, rows: Array, inclusion: Array, is_fraud: Array) -> CalibrationBounds:
    """Bound the error of the probabilities of all records by those with a label: their rows, and what they are.

    The frauds of the traffic are estimated by the sum of the probabilities and the weighted errors of the labels: the
    difference estimator (Sarndal, Swensson and Wretman, 1992, "Model assisted survey sampling", section 6.3). Its
    variance is the sum of those of the strata (Cochran, 1977, "Sampling techniques", section 5.3).
    """
    weight = 1 / inclusion
    errors = weight * (is_fraud - probability[rows])
    strata = _strata(probability)[rows]
    sums = np.bincount(strata, errors)
    counts = np.maximum(np.bincount(strata), 1)
    deviations = np.sqrt(np.bincount(strata, errors**2) + UNSEEN * np.bincount(strata, weight**2) / counts)
    ends = np.abs(sums) + NORMAL_QUANTILE * deviations
    expected, width = probability.sum(), NORMAL_QUANTILE * np.sqrt((deviations**2).sum())
    low, high = (1 + (errors.sum() + end) / expected for end in (-width, width))
    return CalibrationBounds(float(min(ends.sum() / len(probability), 1.0)), (float(max(low, 0.0)), float(high)))


def _strata(probability: Array) -> Array:
    """Return the stratum of the score of every record."""
    ranks = np.empty(len(probability))
    ranks[np.argsort(-probability, kind="stable")] = np.arange(len(probability)) / len(probability)
    return np.searchsorted(np.array(TOP_SHARES[:-1]), ranks, side="right")
