"""Rates of labels that were drawn: weighted shares, and rates of false positives that they can promise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.guarantees import upper_rate
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.scoring.decision import reached
from fraudsieve.models.thresholds import Targets

OF_FRAUD = 0.2
"""Part of the error probability that the bound of the share of fraud takes; that of false positives has the rest."""


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
    """
    points: list[OperatingPoint] = []
    error = 1 - targets.confidence
    legitimate = 1 - _fraud_bound(records, 1 - OF_FRAUD * error)
    thresholds, bounds = _bounds(records, 1 - (1 - OF_FRAUD) * error)
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
