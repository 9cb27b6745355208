"""Whether a model is used on other traffic: shares of scored records outside the intervals that it expects."""

from collections.abc import Iterable, Mapping
from math import nextafter
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.unlike_training.expected_shares import FLAGGED, UNLIKE, ShareCount, UnusualShare
from fraudsieve.models.unlike_training.shares import UNFAMILIAR

RECALIBRATE: Final = "If this is other traffic, set the thresholds for it: fraudsieve recalibrate"
TRAIN: Final = "If this is other traffic, train with records of it"
"""What to do if there are no thresholds, because no class is legitimate."""


class Scores(Protocol):
    """Columns of scores by name: a mapping of arrays, or a data frame."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a column."""


class ShareLimit(NamedTuple):
    """Which scores count for a share: those whose value of a column reaches a limit."""

    name: str
    column: str
    limit: float


def share_limits(model: Model) -> tuple[ShareLimit, ...]:
    """Return which scores of a model count for which share, of those that the model can have."""
    limits = [] if model.unlike is None else [ShareLimit(UNLIKE, "unlike_training", nextafter(UNFAMILIAR, 1.0))]
    first = () if model.source_points else model.points[:1]  # a score does not say from which source it is
    limits += [ShareLimit(FLAGGED, "probability", point.threshold) for point in first]
    return tuple(limits)


def count_shares(model: Model, scores: Scores) -> dict[str, ShareCount]:
    """Count the scores for each share that a model expects; records without the value do not count."""
    expected = {share.name for share in model.expected_shares}
    counts = {}
    for name, column, limit in share_limits(model):
        if name in expected:
            values = np.asarray(scores[column], np.float64)
            counts[name] = ShareCount(int((values >= limit).sum()), int((~np.isnan(values)).sum()))
    return counts


def add_counts(counts: Iterable[Mapping[str, ShareCount]]) -> dict[str, ShareCount]:
    """Add the counts of several parts of the records."""
    total: dict[str, ShareCount] = {}
    for part in counts:
        for name, (hits, records) in part.items():
            before = total.get(name, ShareCount(0, 0))
            total[name] = ShareCount(before.hits + hits, before.records + records)
    return total


def check_counts(model: Model, counts: Mapping[str, ShareCount]) -> tuple[UnusualShare, ...]:
    """Return the shares that lie outside the interval that a model expects for this number of records."""
    checked = (share.check(counts[share.name]) for share in model.expected_shares if share.name in counts)
    return tuple(found for found in checked if found is not None)


def traffic_advice(model: Model) -> str:
    """Return what to do about unusual shares."""
    return TRAIN if model.legitimate is None else RECALIBRATE


def unusual_shares(model: Model, scores: Scores) -> tuple[UnusualShare, ...]:
    """Return which shares of scored records show that a model is used on other traffic than that of its training.

    Two shares are compared with what the model expects: of records whose ``unlike_training`` is above .99, and of
    records that the deciding operating point flags. On the same traffic, at most one in a hundred tables has an unusual
    one.

    Parameters
    ----------
    model : Model
        A model without `Model.expected_shares` gives no warning; `recalibrate` sets them for other traffic.
    scores : mapping of str to array-like, or DataFrame
        The columns ``unlike_training`` and ``probability`` of at least 200 records, as from `Scorer.score_columns` or
        `score_file`.

    Returns
    -------
    tuple of UnusualShare
        Empty if the shares are as expected. Each has a ``text``.

    Examples
    --------
    ::

        for share in unusual_shares(scorer.model, scorer.score_columns(messages)):
            print(share.text)  # 3.1 % of 5,000 records are unlike training; expected at most 1.9 %
    """
    return check_counts(model, count_shares(model, scores))
