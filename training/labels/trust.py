"""Whose label counts, and from when on: several sources say something of one subject, and take it back.

A subject of which nothing is known yet is unlabelled, never legitimate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError

__all__ = ["Trust", "label_as_of", "reversals"]


@dataclass(frozen=True)
class Trust:
    """How far the sources of labels are trusted.

    Parameters
    ----------
    by_source : mapping of str to float, optional
        Weight of each source, from 0 (as if it had said nothing) to 1. Without any every source counts alike.
    default : float, default=None
        Weight of the sources that are not named, and of rows without one; None makes these an error.

    Raises
    ------
    ValueError
        When a weight is not from 0 to 1.

    Examples
    --------
    >>> Trust({"review": 1.0, "rule": 0.5}, default=0.2).weights(pd.Series(["rule", None, "review"])).tolist()
    [0.5, 0.2, 1.0]
    """

    by_source: Mapping[str, float] = field(default_factory=dict)
    default: float | None = None

    def __post_init__(self) -> None:
        weights = [*self.by_source.values(), *([] if self.default is None else [self.default])]
        wrong = sum(not 0 <= weight <= 1 for weight in weights)
        if wrong:
            raise ValueError(f"trust: weights from 0 to 1 were expected, {wrong} of {len(weights)} are not. Mend them.")

    @property
    def declared(self) -> bool:
        """Whether sources differ at all from being trusted alike, in full."""
        return bool(self.by_source) or self.default is not None

    def weights(self, sources: pd.Series) -> Array:
        """Return the weight of every row.

        Parameters
        ----------
        sources : Series of str, shape (n_rows,)
            Who said it.

        Returns
        -------
        ndarray of float64, shape (n_rows,)

        Raises
        ------
        SchemaError
            When a source has no weight, with the number of its rows.
        """
        if not self.declared:
            return np.ones(len(sources))
        found = sources.astype(object).map(dict(self.by_source)).to_numpy(np.float64)
        unknown = int(np.isnan(found).sum())
        if unknown and self.default is None:
            problem = f"column 'source' names no source of known trust in {unknown} of {len(found)} rows"
            raise SchemaError("labels", problem, "Name all sources in data.trust, or give data.default_trust.")
        return np.where(np.isnan(found), np.nan if self.default is None else self.default, found)


def label_as_of(labels: pd.DataFrame, moment: Any = None, *, trust: Trust | None = None) -> pd.DataFrame:
    """Return the label of every subject that was known strictly before a moment.

    Of several labels the one of the most trusted source counts, and of these the latest: so a later label replaces an
    earlier one from its ``labelled_at`` on, unless its source is trusted less.

    Parameters
    ----------
    labels : DataFrame, shape (n_labels, any)
        ``subject_id``, ``label``, and, where there are, ``labelled_at`` (missing for what was always known) and
        ``source``. Days alone go through `resolve_label_times` first.
    moment : datetime, default=None
        The moment; None for all that is there. Without a zone it is taken as UTC.
    trust : Trust, default=None
        Weights of sources; None trusts all alike.

    Returns
    -------
    DataFrame, shape (n_subjects, 3)
        ``label``, ``labelled_at`` and ``weight`` (of its source: for training), with ``subject_id`` as index. A subject
        without a label by then is not there: it is unlabelled, not legitimate.

    Raises
    ------
    SchemaError
        When a source has no weight.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": ["a", "a"], "label": ["spam", "legitimate"],
    ...     "labelled_at": ["2026-05-01", "2026-05-09"]})
    >>> [label_as_of(labels, day)["label"].to_dict() for day in ("2026-05-01", "2026-05-02", "2026-05-10")]
    [{}, {'a': 'spam'}, {'a': 'legitimate'}]
    """
    standing = _standing(labels, moment, trust or Trust())
    last = standing.drop_duplicates("subject_id", keep="last").set_index("subject_id")
    return last[["label", "labelled_at", "weight"]]


def reversals(
    labels: pd.DataFrame, moment: Any = None, *, trust: Trust | None = None, by_source: bool = False
) -> pd.DataFrame:
    """Count how often the label that counts was replaced by another one.

    Parameters
    ----------
    labels : DataFrame, shape (n_labels, any)
        As for `label_as_of`.
    moment : datetime, default=None
        Labels known strictly before it are looked at; None looks at all.
    trust : Trust, default=None
        Weights of sources; None trusts all alike.
    by_source : bool, default=False
        Whether to count apart by the source of the label that was replaced.

    Returns
    -------
    DataFrame, shape (n_pairs, 3 or 4)
        ``from``, ``to``, with `by_source` ``source``, and ``count``, the most frequent first.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": ["a", "a", "b"], "label": ["spam", "legitimate", "spam"],
    ...     "labelled_at": ["2026-05-01", "2026-05-09", "2026-05-01"]})
    >>> reversals(labels).to_dict("records")
    [{'from': 'spam', 'to': 'legitimate', 'count': 1}]
    """
    standing = _standing(labels, moment, trust or Trust())
    before = standing.groupby("subject_id", sort=False)[["label", "source"]].shift()
    changed = before["label"].notna() & (before["label"] != standing["label"])
    pairs = pd.DataFrame({"from": before["label"], "to": standing["label"], "source": before["source"]})[changed]
    names = ["from", "to", "source"] if by_source else ["from", "to"]
    counts = pairs.groupby(names, observed=True, dropna=False).size().reset_index(name="count")
    return counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def _standing(labels: pd.DataFrame, moment: Any, trust: Trust) -> pd.DataFrame:
    """Return the labels that counted from their time on, in the order of time: none more trusted came before."""
    frame = labels.reindex(columns=["subject_id", "label", "labelled_at", "source"])
    frame["labelled_at"] = pd.to_datetime(frame["labelled_at"], utc=True)
    frame["weight"] = trust.weights(frame["source"])
    frame = frame[frame["label"].notna() & (frame["weight"] > 0)]
    if moment is not None:
        known = frame["labelled_at"].isna() | (frame["labelled_at"] < pd.to_datetime(moment, utc=True))
        frame = frame[known]
    # Not-a-time is the least integer, so what was always known comes first.
    order = np.lexsort((frame["weight"], frame["labelled_at"].astype("int64")))
    frame = frame.iloc[order].drop_duplicates(["subject_id", "labelled_at"], keep="last")
    most = frame.groupby("subject_id", sort=False)["weight"].cummax()
    return frame[frame["weight"] == most]
