"""The outcome of the operating point that decides, in numbers of records: frauds found, and reviews for them."""

from dataclasses import dataclass

from fraudsieve._typing import Array
from fraudsieve.models.scoring.decision import reached
from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.capacity import Capacity
from fraudsieve.training.evaluation.fraud_rows import FraudRows


@dataclass(frozen=True, kw_only=True)
class DecisionMetrics:
    """Outcome of the decisions of a model."""

    point: str
    # A record is flagged when its probability is at least this, or when the policy of the model flags it because it
    # looks like nothing in training.
    threshold: float
    # Flagged records, frauds among them, and all frauds; of weighted records, estimates.
    reviews: int
    found: int
    frauds: int
    # Records that only the policy flags: their probability is below the threshold.
    unlike_training: int
    # Reviews per day of all records, from those records whose day is known; None without days.
    reviews_a_day: float | None
    # `found` over `frauds`, and over `reviews`, before they are rounded; None over none.
    recall: float | None
    # Over draws of accounts or campaigns; None if these are unknown.
    recall_interval: Interval | None
    precision: float | None
    precision_interval: Interval | None


def decision_metrics(
    rows: FraudRows,
    point: str,
    threshold: float,
    capacity: Capacity | None = None,
    *,
    flagged: Array | None = None,
    timed: Array | None = None,
) -> DecisionMetrics:
    """Count what a model flags."""
    by_threshold = reached(rows.probability, threshold)
    flagged = by_threshold if flagged is None else flagged
    counted = flagged & rows.is_fraud, rows.is_fraud, flagged, flagged & ~by_threshold
    found, frauds, reviews, unlike = (round(float(rows.weights @ mask)) for mask in counted)
    recall, precision = rows.flagged_intervals(flagged)
    on_known_days = flagged if timed is None else flagged & timed
    return DecisionMetrics(
        point=point,
        threshold=threshold,
        reviews=reviews,
        found=found,
        frauds=frauds,
        unlike_training=unlike,
        reviews_a_day=None if capacity is None else capacity.per_day(float(rows.weights @ on_known_days)),
        recall=rows.share(flagged, rows.is_fraud),
        recall_interval=recall,
        precision=rows.share(rows.is_fraud, flagged),
        precision_interval=precision,
    )
