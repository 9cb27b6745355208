"""The outcome of the operating point that decides, in numbers of records: frauds found, and reviews for them."""

from dataclasses import dataclass

from fraudsieve._typing import Array
from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.capacity import Capacity
from fraudsieve.training.evaluation.fraud_rows import FraudRows


@dataclass(frozen=True, kw_only=True)
class DecisionMetrics:
    """Outcome of the decisions of a model.

    Parameters
    ----------
    point : str
        Name of the operating point.
    threshold : float
        A record is flagged when its probability is at least this, or when the policy of the model flags it because it
        looks like nothing in training.
    reviews, found, frauds : int
        Flagged records, frauds among them, and all frauds; of weighted records, estimates.
    unlike_training : int
        Records that only the policy flags: their probability is below the threshold.
    reviews_a_day : float or None
        Reviews per day of all records, from those records whose day is known; None without days.
    recall, precision : float or None
        ``found`` over ``frauds``, and over ``reviews``, before they are rounded; None over none.
    recall_interval, precision_interval : tuple of (float, float), or None
        Over draws of accounts or campaigns; None if these are unknown.
    """

    point: str
    threshold: float
    reviews: int
    found: int
    frauds: int
    unlike_training: int
    reviews_a_day: float | None
    recall: float | None
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
    """Count what a model flags.

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
    flagged : ndarray of bool, shape (n_rows,), default=None
        Rows that the model flags; None for those from the threshold on.
    timed : ndarray of bool, shape (n_rows,), default=None
        Rows whose time is known; None for all.

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
    reached = rows.probability >= threshold
    flagged = reached if flagged is None else flagged
    counted = flagged & rows.is_fraud, rows.is_fraud, flagged, flagged & ~reached
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
