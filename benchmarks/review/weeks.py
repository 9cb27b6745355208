"""Weeks of reviews: a model scores a week, records of each day are drawn and labelled, and a new model is trained.

Only records that were drawn get a label. All other labels serve to compute the truth, which no model and no estimate
sees.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.review.draw import Frame, ReviewPlan, Selection, select

__all__ = ["ARMS", "DAYS", "FRAUD", "LEGITIMATE", "Scores", "Traffic", "Week", "plan_of", "weeks_of_reviews"]

DAYS: Final = 7
"""Days of a week."""
FRAUD, LEGITIMATE = "fraud", "legitimate"
ARMS: Final[dict[str, dict[str, float]]] = {
    "alerts": {},
    **{f"audit_{share:.0%}".rstrip("%"): {"audit": share} for share in (0.01, 0.02, 0.05, 0.1)},
    "near_10": {"near": 0.1},
}
"""Shares of the reviews that are not alerts, by arm."""


Scores: TypeAlias = Callable[[Array], Array]
"""A trained model: returns the probability of fraud of some rows."""


@dataclass(frozen=True, eq=False)
class Traffic:
    """Records in order of time.

    Parameters
    ----------
    week : ndarray of int64, shape (n_records,)
        Week of each record; all labels of week 0 are known before the reviews begin in week 1.
    draw : ndarray of int64, shape (n_records,)
        Number of the draw that each record is in the frame of; it increases with the week.
    is_fraud : ndarray of bool, shape (n_records,)
    groups : ndarray of int64, shape (n_records,)
        Accounts or campaigns.
    fit : callable
        Trains a model on some rows and their labels, with a seed.
    capacity : int
        Reviews of a draw.
    first : date
        The day of draw 0.
    late_draws : int, default=0
        Draws at the end of a week whose labels come after the next training.
    threshold : float, default=None
        Records with at least this probability are flagged; None for as many of a draw as its capacity.
    """

    week: Array
    draw: Array
    is_fraud: Array
    groups: Array
    fit: Callable[[Array, int], Scores]
    capacity: int
    first: date
    late_draws: int = 0
    threshold: float | None = None


class Week(NamedTuple):
    """What a model said in a week, and which records were reviewed.

    Attributes
    ----------
    rows : ndarray of int64, shape (n_rows,)
        All records of the week.
    probability : ndarray of float64, shape (n_rows,)
    reviewed : ndarray of int64, shape (n_reviewed,)
        Positions in `rows`, draw by draw.
    inclusion : ndarray of float64, shape (n_reviewed,)
        Probabilities with which these were drawn.
    covers : bool
        Whether every record of the week could be drawn.
    """

    rows: Array
    probability: Array
    reviewed: Array
    inclusion: Array
    covers: bool


def plan_of(arm: str, capacity: int, seed: int) -> ReviewPlan:
    """Return the plan of an arm.

    Examples
    --------
    >>> plan_of("audit_5", 100, 0).counts
    {'alert': 95, 'near': 0, 'audit': 5}
    """
    return ReviewPlan(capacity, **ARMS[arm], seed=seed)


def weeks_of_reviews(traffic: Traffic, plan: ReviewPlan, first: Scores | None = None) -> Iterator[Week]:
    """Live through all weeks by a plan, with a training before each.

    Parameters
    ----------
    traffic : Traffic
    plan : ReviewPlan
        Its seed is that of the models too.
    first : Scores, default=None
        The model of the first week, which is the same for all plans of one seed; None to train it.

    Yields
    ------
    Week
    """
    labelled = [np.flatnonzero(traffic.week == 0)]
    for week in range(1, int(traffic.week.max()) + 1):
        rows = np.flatnonzero(traffic.week == week)
        in_time = np.concatenate(labelled)
        in_time = in_time[traffic.draw[in_time] < traffic.draw[rows[0]] - traffic.late_draws * (week > 1)]
        model = first if week == 1 and first is not None else traffic.fit(np.sort(in_time), plan.seed)
        done = _review(traffic, plan, model, rows)
        labelled.append(rows[done.reviewed])
        yield done


def _review(traffic: Traffic, plan: ReviewPlan, model: Scores, rows: Array) -> Week:
    """Draw records of a week, draw by draw."""
    probability = model(rows)
    drawn: list[Selection] = []
    for number in np.unique(traffic.draw[rows]).tolist():
        frame = np.flatnonzero(traffic.draw[rows] == number)
        flagged = _flagged(probability[frame], traffic)
        groups = traffic.groups[rows[frame]]
        of_frame = Frame(probability[frame], flagged, groups, np.zeros(len(frame)))
        selection = select(of_frame, plan, traffic.first + timedelta(days=number))
        drawn.append(selection._replace(rows=frame[selection.rows]))
    reviewed, inclusion = (np.concatenate([getattr(one, name) for one in drawn]) for name in ("rows", "probability"))
    return Week(rows, probability, reviewed, inclusion, all(one.covers for one in drawn))


def _flagged(probability: Array, traffic: Traffic) -> Array:
    if traffic.threshold is not None:
        return probability >= traffic.threshold
    flagged = np.zeros(len(probability), np.bool_)
    flagged[np.argsort(-probability, kind="stable")[: traffic.capacity]] = True
    return flagged
