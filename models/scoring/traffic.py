"""Whether a model is used on other traffic: shares of scored records outside the intervals that it expects."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.unlike_training.expected_shares import FLAGGED, UNLIKE, ShareCount, UnusualShare
from fraudsieve.models.unlike_training.shares import UNFAMILIAR

from .scores import reached

RECALIBRATE: Final = "If this is other traffic, set the thresholds for it: fraudsieve recalibrate"
TRAIN: Final = "If this is other traffic, train with records of it"
"""What to do if there are no thresholds, because no class is legitimate."""


class ScoreColumns(Protocol):
    """Columns of scores by name: a mapping of arrays, or a data frame."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a column."""

    def __contains__(self, name: Any, /) -> bool:
        """Return whether there is a column of this name."""


class ShareRows(NamedTuple):
    """Which records a share is of, and which of them count for it."""

    name: str
    records: Array
    hits: Array


def share_rows(model: Model, scores: ScoreColumns) -> Iterator[ShareRows]:
    """Yield the records of each share that scores of a model have: with thresholds by a column, of each value too."""
    if model.unlike is not None and "unlike_training" in scores:
        unlike = np.asarray(scores["unlike_training"], np.float64)
        yield ShareRows(UNLIKE, ~np.isnan(unlike), unlike > UNFAMILIAR)
    if not model.points or "probability" not in scores:
        return
    probability = np.asarray(scores["probability"], np.float64)
    records, names = ~np.isnan(probability), {}
    thresholds, value_of = np.full(len(records), model.points[0].threshold), None
    if model.source_points is not None:
        names, value_of = model.source_points.named(FLAGGED), np.asarray(scores["threshold_of"], object)
        for value, point in model.source_points.points.items():
            thresholds[value_of == value] = point.threshold
    hits = reached(probability, thresholds)
    yield ShareRows(FLAGGED, records, hits)
    for value, name in names.items():
        yield ShareRows(name, records & (value_of == value), hits)


def count_shares(model: Model, scores: ScoreColumns) -> dict[str, ShareCount]:
    """Count the scores for each share that a model expects; records without the value do not count."""
    expected = {share.name for share in model.expected_shares}
    shares = (share for share in share_rows(model, scores) if share.name in expected)
    return {
        name: ShareCount(int((hits & records).sum()), int(np.count_nonzero(records))) for name, records, hits in shares
    }


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


def unusual_shares(model: Model, scores: ScoreColumns) -> tuple[UnusualShare, ...]:
    """Return which shares of scored records show that a model is used on other traffic than that of its training.

    Two shares are compared with what the model expects: of records whose ``unlike_training`` is above .99, and of
    records that the deciding operating point flags. With thresholds by a column, the second is compared for each value
    too. On the same traffic, at most one in a hundred tables has an unusual share.

    Parameters
    ----------
    model : Model
        A model without `Model.expected_shares` gives no warning; `recalibrate` sets them for other traffic.
    scores : mapping of str to array-like, or DataFrame
        The columns ``unlike_training`` and ``probability`` of at least 200 records, as from `Scorer.score_columns` or
        `score_file`, and ``threshold_of`` if the model has thresholds by a column.

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
