"""What the operating point that decides leads to, in numbers of records: frauds found, and reviews for them."""

from dataclasses import dataclass

from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.capacity import Capacity
from fraudsieve.training.evaluation.fraud_rows import FraudRows

__all__ = ["DecisionMetrics", "decision_metrics"]


@dataclass(frozen=True, kw_only=True)
class DecisionMetrics:
    """Outcome of flagging every record from a threshold on.

    Parameters
    ----------
    point : str
        Name of the operating point.
    threshold : float
        A record is flagged when its probability is at least this.
    reviews, found, frauds : int
        Flagged records, frauds among them, and all frauds.
    reviews_a_day : float or None
        Reviews per day of all records; None without days.
    recall, precision : float or None
        ``found`` over ``frauds``, and over ``reviews``; None over none.
    recall_interval, precision_interval : tuple of (float, float), or None
        Over draws of accounts or campaigns; None if these are unknown.
    """

    point: str
    threshold: float
    reviews: int
    found: int
    frauds: int
    reviews_a_day: float | None
    recall: float | None
    recall_interval: Interval | None
    precision: float | None
    precision_interval: Interval | None


def decision_metrics(
    rows: FraudRows, point: str, threshold: float, capacity: Capacity | None = None
) -> DecisionMetrics:
    """Count what a threshold flags.

    Parameters
    ----------
    rows : FraudRows
        Scores, truth and groups.
    point : str
        Name of the operating point.
    threshold : float
        A record is flagged when its probability is at least this.
    capacity : Capacity, default=None
        The days, and the share of all records of these days that the rows are; None if unknown.

    Returns
    -------
    DecisionMetrics

    Examples
    --------
    >>> import numpy as np
    >>> decision = decision_metrics(FraudRows(np.array([0.9, 0.8, 0.1]), np.array([True, False, True])), "half", 0.5)
    >>> decision.found, decision.frauds, decision.reviews, decision.recall
    (1, 2, 2, 0.5)
    """
    flagged = rows.probability >= threshold
    found, frauds, reviews = int((flagged & rows.is_fraud).sum()), int(rows.is_fraud.sum()), int(flagged.sum())
    recall, precision = rows.threshold_intervals(threshold)
    return DecisionMetrics(
        point=point,
        threshold=threshold,
        reviews=reviews,
        found=found,
        frauds=frauds,
        reviews_a_day=None if capacity is None else capacity.per_day(float(reviews)),
        recall=found / frauds if frauds else None,
        recall_interval=recall,
        precision=found / reviews if reviews else None,
        precision_interval=precision,
    )
