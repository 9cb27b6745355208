"""How many reviews a wish costs: the audits with which the interval of recall is as narrow as somebody wants it.

If record i is fraud with probability p_i, and drawn with probability pi_i, the sum of 1 / pi_i over the drawn frauds
has the variance ``sum(p_i (1 / pi_i - 1))`` over the passed records: at most that of one record of each campaign, where
these are alike. The frauds that nobody has seen add their part, as in the interval itself. The number M of missed
frauds then lies between the ends of a gamma distribution of this mean and variance, and recall F / (F + M) between
those that follow, because all alerts are reviewed, and the F frauds among them are known.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.tables.source import Source, origin_of
from fraudsieve.training.evaluation.bootstrap import LEVEL
from fraudsieve.training.evaluation.ranking import OTHER_KINDS, UNSEEN

from .candidates import Sources, read_candidates
from .draw import Frame, audit_chances, draw_frame, logged_tables


@dataclass(frozen=True)
class ReviewCost:
    """What an interval of recall costs, if the probabilities are right.

    Parameters
    ----------
    records, flagged, groups : int
        Scored records, those that are flagged, and the campaigns or accounts of the others.
    found, missed : float
        Expected frauds among the flagged and the other records.
    audits : dict of float to (int or None)
        How many audits each distance of the ends of the interval from recall needs, beside the review of all alerts;
        None where one record of every campaign or account does not suffice.

    Examples
    --------
    >>> ReviewCost(1_000, 20, 700, found=15.0, missed=5.0, audits={0.05: 210}).recall
    0.75
    """

    records: int
    flagged: int
    groups: int
    found: float
    missed: float
    audits: dict[float, int | None]

    @property
    def recall(self) -> float:
        """The expected recall."""
        return self.found / (self.found + self.missed)


def plan_review(
    scores: "Source | EventStore",
    recall: float,
    *,
    messages: "Sources" = None,
    events: "Sources" = None,
    accounts: "Sources" = None,
    subject: str | None = None,
    day: date | None = None,
    threshold: float | None = None,
    previous: "Sources" = None,
) -> ReviewCost:
    """Say how many audits an interval of recall needs: one that reaches as far as `recall` to each side, or half of it.

    Parameters
    ----------
    scores : path, DataFrame, a list of them, or EventStore
        Scores of one type of records with their tables, or the store of a service that keeps records.
    recall : float
        How far the ends of the interval of recall may be from it, such as 0.05.
    messages, events, accounts : path or DataFrame, default=None
        The table that was scored.
    subject : {"message", "account", "event"}, default=None
        Which records, if services of several types log to the store.
    day : date, default=None
        Only records of this day (UTC), as for `draw_records`.
    threshold : float, default=None
        Records with at least this probability are flagged; None to use ``decision``.
    previous : path, DataFrame, or a list of them, default=None
        Earlier draws, whose records are left out.

    Returns
    -------
    ReviewCost
        The audits for twice the distance, the distance and half of it.

    Raises
    ------
    RecipeError
        If the distance is not between 0 and 1.
    SchemaError
        If a table cannot be used, or no fraud is expected among the flagged or the other records.

    Examples
    --------
    >>> import pandas as pd
    >>> ids = [f"m{number}" for number in range(1000)]
    >>> scores = pd.DataFrame({"event_id": ids, "probability": [0.9] * 40 + [0.01] * 960})
    >>> events = pd.DataFrame({"event_id": ids, "account_id": ids, "occurred_at": "2026-05-01T10:00:00Z"})
    >>> plan_review(scores, 0.1, events=events, threshold=0.5).audits
    {0.2: 217, 0.1: 555, 0.05: 850}
    """
    if not 0 < recall < 1:
        raise RecipeError("review plan", [f"expected a distance between 0 and 1 for recall, got {recall:g}"])
    if isinstance(scores, EventStore):
        with logged_tables(scores, day, subject) as logged:
            found = read_candidates(
                logged.scores, {logged.table: logged.records}, threshold=threshold, previous=previous
            )
        origin = scores.origin
    else:
        tables = {"messages": messages, "events": events, "accounts": accounts}
        found = read_candidates(scores, tables, day=day, threshold=threshold, previous=previous)
        origin = origin_of(scores)
    frame = draw_frame(found, np.zeros(len(found.scored)))
    caught = float(frame.probability[frame.is_flagged].sum())
    missed = float(frame.probability[~frame.is_flagged].sum())
    if not caught or not missed:
        where = "flagged" if not caught else "other"
        problem = f"expected some probability of fraud among the {where} records, got none"
        raise SchemaError(origin, problem, "Give more records, or another threshold.")
    n_flagged, n_groups = int(frame.is_flagged.sum()), len(np.unique(frame.groups[~frame.is_flagged]))
    audits = {reach: _fewest(frame, reach, n_groups) for reach in (2 * recall, recall, recall / 2)}
    return ReviewCost(len(frame.groups), n_flagged, n_groups, caught, missed, audits)


def _fewest(frame: Frame, reach: float, n_groups: int) -> int | None:
    """Return the fewest audits whose interval reaches no further, by bisection."""
    low, high = 0, n_groups
    if half_width(frame, high) > reach:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if half_width(frame, middle) <= reach else (middle, high)
    return high


def half_width(frame: Frame, n_audits: int) -> float:
    """Return half of the expected width of the interval of recall."""
    from scipy.special import gammaincinv  # only this command needs it

    rest = np.flatnonzero(~frame.is_flagged)
    found, p = float(frame.probability[frame.is_flagged].sum()), frame.probability[rest]
    weight = 1 / audit_chances(rest, frame, n_audits)
    if weight.max() <= 1:
        return 0.0  # every record is looked at
    drawn = float((p / weight).sum())
    is_alike, square = drawn / (drawn + OTHER_KINDS), UNSEEN + UNSEEN**2
    unseen = is_alike * _mean_square(weight, p) + (1 - is_alike) * _mean_square(weight, np.ones(len(p)))
    variance, missed = float((p * (weight - 1)).sum()) + square * unseen, float(p.sum())
    ends = gammaincinv(missed**2 / variance, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) * variance / missed
    return float(-np.diff(found / (found + ends))[0]) / 2


def _mean_square(weight: Array, of: Array) -> float:
    """Return the mean square of the weight of a drawn record."""
    return float((of * weight).sum() / (of / weight).sum())
