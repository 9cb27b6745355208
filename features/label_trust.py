"""The label that counts when several sources label the same subject, or replace an earlier label.

A subject without a label so far is unlabelled; it is never treated as legitimate. Of contradicting labels of one time
and weight, one that means fraud counts, and of several such classes the last in alphabetical order. So the order of the
rows does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.label_values import resolve_label_times, with_times
from fraudsieve.tables.reader import CheckedTable
from fraudsieve.tables.values.label_words import LEGITIMATE

WEIGHT: Final = "label_weight"
"""The column of the weights of labels, if trust in sources is declared."""

UNKNOWN_SOURCES: Final = (
    "Name all sources in data.trust, or set data.default_trust; a model keeps the weights that it was trained with, so "
    "otherwise leave these labels out."
)


@dataclass(frozen=True)
class Trust:
    """Weights of the sources of labels.

    Parameters
    ----------
    by_source : mapping of str to float, optional
        Weight of each source, from 0 (its labels are ignored) to 1. Without weights all sources count alike.
    default : float, default=None
        Weight of sources that are not named, and of rows without a source; None makes these an error.

    Raises
    ------
    ValueError
        If a weight is not from 0 to 1.

    Examples
    --------
    >>> Trust({"review": 1.0, "rule": 0.5}, default=0.2).weights(pd.Series(["rule", None, "review"])).tolist()
    [0.5, 0.2, 1.0]
    """

    by_source: Mapping[str, float] = field(default_factory=dict)
    default: float | None = None

    def __post_init__(self) -> None:
        weights = [*self.by_source.values(), *([] if self.default is None else [self.default])]
        n_wrong = sum(not 0 <= weight <= 1 for weight in weights)
        if n_wrong:
            raise ValueError(f"trust: expected weights from 0 to 1, {n_wrong} of {len(weights)} are not.")

    @property
    def declared(self) -> bool:
        """Whether any source has a weight; otherwise all sources count alike."""
        return bool(self.by_source) or self.default is not None

    def or_else(self, other: "Trust") -> "Trust":
        """Return these weights, or others if no source has a weight."""
        return self if self.declared else other

    def weights(self, sources: pd.Series) -> Array:
        """Return the weight of every row.

        Raises
        ------
        SchemaError
            If a source has no weight.
        """
        if not self.declared:
            return np.ones(len(sources))
        weights = sources.astype(object).map(dict(self.by_source)).to_numpy(np.float64)
        n_unknown = int(np.isnan(weights).sum())
        if n_unknown and self.default is None:
            problem = f"column 'source' has sources without a weight in {n_unknown} of {len(weights)} rows"
            raise SchemaError("labels", problem, UNKNOWN_SOURCES)
        return np.where(np.isnan(weights), np.nan if self.default is None else self.default, weights)


def label_as_of(
    labels: pd.DataFrame, cutoff: Any = None, *, trust: Trust | None = None, legitimate: str | None = LEGITIMATE
) -> pd.DataFrame:
    """Return the label of every subject that was known strictly before a cutoff time.

    Of several labels, those of the source with the largest weight count, and the latest of these. So a later label
    replaces an earlier one from its ``labelled_at`` on, unless its source has a smaller weight. Of several with the
    same time and weight, one that means fraud counts.

    Parameters
    ----------
    labels : DataFrame, shape (n_labels, any)
        ``subject_id``, ``label``, and optionally ``labelled_at`` (missing for labels that were always known) and
        ``source``. Dates without a time go through `resolve_label_times` first.
    cutoff : datetime, default=None
        The cutoff time; None uses all labels. Without a time zone it is in UTC.
    trust : Trust, default=None
        Weights of sources; None gives all the same weight.
    legitimate : str or None, default="legitimate"
        The label of legitimate records; all others mean fraud.

    Returns
    -------
    DataFrame, shape (n_subjects, 3)
        ``label``, ``labelled_at`` and ``weight`` (of the source, for training), indexed by ``subject_id``. The time is
        the earliest one from which the label has held without change: a later label that repeats it does not move it.
        A subject without a label before the cutoff time is absent: it is unlabelled, not legitimate.

    Raises
    ------
    SchemaError
        If a source has no weight.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": ["a", "a"], "label": ["spam", "legitimate"],
    ...     "labelled_at": ["2026-05-01", "2026-05-09"]})
    >>> [label_as_of(labels, day)["label"].to_dict() for day in ("2026-05-01", "2026-05-02", "2026-05-10")]
    [{}, {'a': 'spam'}, {'a': 'legitimate'}]
    """
    counting = labels_that_counted(labels, cutoff, trust=trust, legitimate=legitimate).reset_index(drop=True)
    last = counting.drop_duplicates("subject_id", keep="last").set_index("subject_id")
    held_since = _changes(counting, "subject_id").groupby("subject_id")["labelled_at"].last()
    return last.assign(labelled_at=held_since)[["label", "labelled_at", "weight"]]


def _changes(counting: pd.DataFrame, subject: str) -> pd.DataFrame:
    """Return the labels that have a time and differ from the one before: a label that repeats it does not move it."""
    timed = counting[counting["labelled_at"].notna()]
    return timed[timed["label"] != timed.groupby(subject, sort=False)["label"].shift()]


def labels_that_counted(
    labels: pd.DataFrame, cutoff: Any = None, *, trust: Trust | None = None, legitimate: str | None = LEGITIMATE
) -> pd.DataFrame:
    """Return, in order of time, the labels that counted from their time on: no earlier one has a larger weight."""
    trust = trust or Trust()
    frame = labels.reindex(columns=["subject_id", "label", "labelled_at", "source"])
    frame["labelled_at"] = pd.to_datetime(frame["labelled_at"], utc=True)
    frame["weight"] = trust.weights(frame["source"])
    frame = frame[frame["label"].notna() & (frame["weight"] > 0)]
    if cutoff is not None:
        known = frame["labelled_at"].isna() | (frame["labelled_at"] < pd.to_datetime(cutoff, utc=True))
        frame = frame[known]
    # NaT is the smallest integer, so labels that were always known come first.
    labels_in_order, _ = pd.factorize(frame["label"], sort=True)
    is_fraud = frame["label"] != legitimate
    order = np.lexsort((labels_in_order, is_fraud, frame["weight"], frame["labelled_at"].astype("int64")))
    frame = frame.iloc[order].drop_duplicates(["subject_id", "labelled_at"], keep="last")
    max_weight = frame.groupby("subject_id", sort=False)["weight"].cummax()
    return frame[frame["weight"] == max_weight]


def weights_of_own_labels(frame: pd.DataFrame, trust: Trust) -> Array:
    """Return the weights of the labels that records carry themselves."""
    is_labelled = frame["label"].notna().to_numpy()
    weights = np.full(len(frame), np.nan)
    weights[is_labelled] = trust.weights(frame.reindex(columns=["source"])["source"][is_labelled])
    return weights


def join_labels(
    frame: pd.DataFrame,
    labels: CheckedTable | None,
    subject: str,
    trust: Trust | None = None,
    *,
    legitimate: str | None,
) -> pd.DataFrame:
    """Add the label that counts for each record to a frame.

    Returns the same frame, with ``label_weight`` if trust is declared. Labels of sources with weight 0 are ignored.
    """
    trust = trust or Trust()
    names = ["label", "labelled_at"]
    if trust.declared:
        frame = _weighted(frame, trust)
        names.append(WEIGHT)
    if labels is None:
        return frame
    counting = label_as_of(with_times(labels.good), trust=trust, legitimate=legitimate)
    counting = counting.rename(columns={"weight": WEIGHT}).reindex(frame[subject])
    has_label = counting["label"].notna().to_numpy()
    for name in names:
        frame[name] = frame[name].where(~has_label, counting[name].set_axis(frame.index))
    return frame


def _weighted(frame: pd.DataFrame, trust: Trust) -> pd.DataFrame:
    """Add the weights of the labels of the frame itself."""
    frame[WEIGHT] = weights_of_own_labels(frame, trust)
    frame.loc[frame[WEIGHT] == 0, ["label", "labelled_at", WEIGHT]] = None
    return frame


def history_of_labels(
    joined: pd.DataFrame | None, labels: CheckedTable | None, subject: str, trust: Trust | None, legitimate: str | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the labels that count in a history, each from its time until the next one of its subject, and notes."""
    known, time = joined, {"event_id": "occurred_at", "message_id": "sent_at"}.get(subject)
    if labels is not None:
        counting = labels_that_counted(with_times(labels.good), trust=trust, legitimate=legitimate)
        counting, names = counting.rename(columns={"subject_id": subject}), [subject, "label", "labelled_at"]
        own = [] if joined is None else [joined[~joined[subject].isin(counting[subject])]]
        counting = _changes(counting, subject)[names]
        if joined is not None and time is not None:
            counting = counting.merge(joined.drop(columns=names[1:]), on=subject)
        known = pd.concat([counting, *own], ignore_index=True)
    known = labels_with_times(cast(pd.DataFrame, known), legitimate)
    last = [] if joined is None else [joined["labelled_at"]]
    times, notes = resolve_label_times(pd.concat([known["labelled_at"], *last]))
    known["labelled_at"] = times.iloc[: len(known)]
    if joined is not None:
        joined["labelled_at"] = times.iloc[len(known) :]
    if labels is None or time is None:
        return known, notes
    known["labelled_at"] = known["labelled_at"].where(known["labelled_at"] > known[time], known[time])
    is_replaced = known.duplicated([subject, "labelled_at"], keep="last") & known[subject].notna()
    return known[~is_replaced], notes


def labels_with_times(records: pd.DataFrame, legitimate: str | None) -> pd.DataFrame:
    """Return the labels that features may use, because the time from which they counted is known."""
    timed = records[records["label"].notna() & records["labelled_at"].notna()]
    return timed.assign(is_fraud=(timed["label"] != legitimate).to_numpy())
