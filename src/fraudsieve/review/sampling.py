"""The design of a draw: which records people look at, and the inclusion probability of each.

A draw is made from a *frame*: the scored records of a day that no earlier draw has selected. It has three parts.

1. `alert`: of the flagged records, those with the highest probability of fraud.
2. `novel`: of the passed records, those that are most unlike the training records, at most one a campaign or account.
3. `audit`: a random sample of the *rest*, which is the frame without the first two parts. It holds the passed records,
   and the flagged ones that were too many for the capacity.

**Derivation.** The frame, the scores and the campaigns are fixed; only the audit is random. The first two parts depend
on nothing random, so their records are drawn with probability 1. Let the rest consist of G campaigns or accounts, of
which campaign g has m_g records. The audit selects k of the G campaigns, every set of k with the same probability, and
independently of that one record of each campaign, uniformly. For record i of campaign g::

    P(i is drawn) = P(g is selected) * P(i is the record of g) = k / G * 1 / m_g

A record is in one part only, so this is its inclusion probability in the whole draw. k, G and m_g are known before the
draw, so the probability is exact, and not estimated. It is above 0 for every record of the rest if k is at least 1.
Then the sum of y_i / pi_i over the drawn records has the expectation ``sum(y)`` over the frame, whatever y is (Horvitz
and Thompson, 1952, "A generalization of sampling without replacement from a finite universe"). Without an audit, the
records of the rest have probability 0, and no sum over them can be estimated: neither the frauds that were missed nor
recall.

Two records of one campaign are never drawn together by the audit. Their joint probability is 0, so the usual estimator
of variance by pairs of records does not apply: campaigns are the units, as in a bootstrap of campaigns.

**Earlier draws.** What was drawn before is not in the frame, and G and m_g count what is left. The probability is then
exact given the earlier draws. Frames of separate days are disjoint, so the totals of days add up. A second draw from
the frame of an earlier one is a sample of what the first has left. Labels of both must not be added up with these
probabilities: those of the first represent the rest of its frame already.
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError
from fraudsieve.models.guarantees import draw_of_groups

ALERT: Final = "alert"
NOVEL: Final = "novel"
AUDIT: Final = "audit"
EXACT: Final = 1e-9
"""Shares such as 0.07 are not exact: 100 times it is a little more than 7."""


@dataclass(frozen=True)
class ReviewPlan:
    """How many records people look at in a day, and for which reasons.

    Parameters
    ----------
    capacity : int
        The number of records.
    audit : float, default=0.0
        The share that is drawn at random from the records that are not alerts. Without it, recall cannot be estimated.
    novel : float, default=0.0
        The share for passed records that are unlike the training records. The rest of the capacity is for alerts.
    seed : int, default=0
        Seed of the audit. A draw is the same for equal records, seed and day.

    Raises
    ------
    RecipeError
        If the capacity is below 1, a share is not from 0 to 1, or the shares exceed 1 together.

    Examples
    --------
    >>> ReviewPlan(100, audit=0.05, novel=0.1).counts
    {'alert': 85, 'novel': 10, 'audit': 5}
    """

    capacity: int
    audit: float = 0.0
    novel: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.capacity < 1:
            problems.append(f"expected a capacity of at least 1 record, got {self.capacity}")
        if not (0 <= self.audit <= 1 and 0 <= self.novel <= 1 and self.audit + self.novel <= 1 + EXACT):
            problems.append(
                f"expected shares from 0 to 1, together at most 1, got audit {self.audit}, {self.novel} novel"
            )
        if self.seed < 0:
            problems.append(f"expected a seed of at least 0, got {self.seed}")
        if problems:
            raise RecipeError("review draw", problems)

    @property
    def counts(self) -> dict[str, int]:
        """The largest number of records of each part. The audit is rounded up, so that it is never 0 if asked for."""
        audit = math.ceil(self.audit * self.capacity - EXACT)
        novel = min(math.ceil(self.novel * self.capacity - EXACT), self.capacity - audit)
        return {ALERT: self.capacity - audit - novel, NOVEL: novel, AUDIT: audit}


class Frame(NamedTuple):
    """The records that a draw is made from, in an order that does not depend on that of the input."""

    # Shape (n_records,). Of fraud.
    probability: Array
    # Shape (n_records,).
    is_flagged: Array
    # Shape (n_records,). How unlike the training records each is; NaN if that is unknown.
    unlike: Array
    # Shape (n_records,). Campaigns or accounts.
    groups: Array
    # Shape (n_records,). Rank of the case, from 1; alerts of the first case come first. Equal if cases do not matter.
    rank: Array


class Selection(NamedTuple):
    """What was drawn."""

    # Shape (n_drawn,). Positions in the frame: alerts, novel records, audit.
    rows: Array
    # Shape (n_drawn,). `alert`, `novel` or `audit`.
    why: Array
    # Shape (n_drawn,). Inclusion probability of the record in the whole draw.
    probability: Array
    # Whether every record of the frame could have been drawn, so that recall can be estimated.
    covers: bool


def select(frame: Frame, plan: ReviewPlan, day: date) -> Selection:
    """Select records as the plan says; the module explains their probabilities."""
    counts = plan.counts
    alerts = _alerts(frame, counts[ALERT])
    novel = _novel(frame, counts[NOVEL])
    rest = np.setdiff1d(np.arange(len(frame.groups)), np.concatenate([alerts, novel]))
    rng = np.random.default_rng([plan.seed, day.toordinal()])
    audit, probability = _audit(rest, frame.groups[rest], counts[AUDIT], rng)
    parts = {ALERT: alerts, NOVEL: novel, AUDIT: audit}
    why = np.repeat(np.array([*parts], object), [len(rows) for rows in parts.values()])
    certain = np.ones(len(alerts) + len(novel))
    covers = len(audit) > 0 or len(rest) == 0
    return Selection(np.concatenate([*parts.values()]), why, np.concatenate([certain, probability]), covers)


def _alerts(frame: Frame, n: int) -> Array:
    flagged = np.flatnonzero(frame.is_flagged)
    order = np.lexsort((flagged, -frame.probability[flagged], frame.rank[flagged]))
    return flagged[order[:n]]


def _novel(frame: Frame, n: int) -> Array:
    """Return the most unfamiliar passed records, the first of each group."""
    passed = np.flatnonzero(~frame.is_flagged & ~np.isnan(frame.unlike))
    ordered = passed[np.lexsort((passed, -frame.unlike[passed]))]
    first = np.sort(np.unique(frame.groups[ordered], return_index=True)[1])
    return ordered[first[:n]]


def _audit(rest: Array, groups: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return one record of each of at most `n` random groups, and the inclusion probabilities."""
    if n == 0 or len(rest) == 0:
        return np.zeros(0, np.int64), np.zeros(0)
    _, code, size = np.unique(groups, return_inverse=True, return_counts=True)
    one_of_each = draw_of_groups(code, int(rng.integers(2**63)))
    n = min(n, len(size))
    drawn = rng.choice(one_of_each, n, replace=False)
    return rest[drawn], n / len(size) / size[code[drawn]]
