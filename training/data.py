"""Labelled messages: tables in, one frame of rows that can be trained on out."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fraudsieve.features.exceptions import SchemaError
from fraudsieve.features.schema import Checked, Source, read_table

__all__ = ["Labelled", "data_digest", "load_labelled", "origin_of"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Messages with labels, and what became of the rest. No row is lost: rows in is the sum of the parts.

    Parameters
    ----------
    messages : DataFrame
        Labelled messages; always with the columns ``label``, ``labelled_at`` and ``sent_at``.
    rejected : DataFrame
        Messages set aside, with their reasons.
    rejected_labels : DataFrame
        Rows of the table of labels set aside, with their reasons; empty without such a table.
    n_unlabelled : int
        Messages without a label: not used, and never taken for legitimate.
    notes : tuple of str
        What was assumed or changed, for the user.
    digests : dict of str to str
        SHA-256 of each table.
    """

    messages: pd.DataFrame
    rejected: pd.DataFrame
    rejected_labels: pd.DataFrame
    n_unlabelled: int
    notes: tuple[str, ...]
    digests: dict[str, str]


def load_labelled(messages: Source, labels: Source | None = None, *, min_label_rows: int = 1) -> Labelled:
    """Read messages and their labels.

    Parameters
    ----------
    messages : path or DataFrame
        The table of messages; a column ``label`` is taken where `labels` has nothing.
    labels : path or DataFrame, default=None
        The table of labels; of several for one subject the latest counts.
    min_label_rows : int, default=1
        Rows of a label with fewer rows are set aside: a class needs some to be learnt and tested.

    Returns
    -------
    Labelled
        Rows to train on, and what was set aside.

    Raises
    ------
    SchemaError
        When a table cannot be used, or no message has a label.

    Examples
    --------
    >>> frame = pd.DataFrame({"message_id": ["a", "b"], "text": ["win now", "hi"], "label": ["spam", None]})
    >>> loaded = load_labelled(frame)
    >>> len(loaded.messages), loaded.n_unlabelled
    (1, 1)
    """
    read = read_table(messages, "messages", require=() if labels is not None else ("label",))
    frame = _with_times(read.good)
    frame["row"] = np.setdiff1d(np.arange(len(frame) + len(read.rejected)), read.rejected["row"])
    notes, digests, rejected = list(read.notes), {"messages": data_digest(messages)}, [read.rejected]
    rejected_labels = pd.DataFrame()
    if labels is not None:
        label_table = read_table(labels, "labels")
        frame = _join_labels(frame, label_table)
        notes += [*label_table.notes, *_unmatched(frame, label_table)]
        digests["labels"] = data_digest(labels)
        rejected_labels = label_table.rejected
    has_label = frame["label"].notna()
    labelled = frame[has_label]
    if labelled.empty:
        raise SchemaError(origin_of(messages), "no message has a label", "Give labels of these message ids.")
    rare = labelled["label"].map(labelled["label"].value_counts()) < min_label_rows
    if rare.any():
        rejected.append(_rejected_rare(labelled[rare], min_label_rows))
        notes.append(f"{int(rare.sum())} messages have a label of fewer than {min_label_rows} rows and are set aside")
    good = labelled[~rare].drop(columns="row").reset_index(drop=True)
    all_rejected = pd.concat(rejected, ignore_index=True) if len(rejected) > 1 else read.rejected
    return Labelled(good, all_rejected, rejected_labels, int((~has_label).sum()), tuple(notes), digests)


def _with_times(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    for name in ("sent_at", "labelled_at"):
        if name not in frame:
            frame[name] = pd.Series(pd.NaT, frame.index, "datetime64[us, UTC]")
        frame[name] = pd.to_datetime(frame[name], utc=True)
    if "label" not in frame:
        frame["label"] = pd.Series(None, frame.index, "str")
    return frame


def _join_labels(frame: pd.DataFrame, labels: Checked) -> pd.DataFrame:
    """Put the latest label of each message into the frame."""
    table = _with_times(labels.good)
    latest = table.sort_values("labelled_at", kind="stable", na_position="first").drop_duplicates(
        "subject_id", keep="last"
    )
    found = latest.set_index("subject_id")[["label", "labelled_at"]].reindex(frame["message_id"])
    has_label = found["label"].notna().to_numpy()
    for name in ("label", "labelled_at"):
        frame[name] = frame[name].where(~has_label, found[name].set_axis(frame.index))
    return frame


def _unmatched(frame: pd.DataFrame, labels: Checked) -> list[str]:
    missing = int((~labels.good["subject_id"].isin(frame["message_id"])).sum())
    return [f"{missing} labels are of no message here"] if missing else []


def _rejected_rare(rows: pd.DataFrame, min_label_rows: int) -> pd.DataFrame:
    reason = f"the label has fewer than {min_label_rows} rows: too few to learn and to test"
    return rows.assign(column="label", reason=reason)


def data_digest(source: Source) -> str:
    """Return the SHA-256 of a table: of a file's bytes, or of a frame's values.

    Parameters
    ----------
    source : path or DataFrame
        The table.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> data_digest(pd.DataFrame({"a": [1]})) == data_digest(pd.DataFrame({"a": [1]}))
    True
    """
    if isinstance(source, pd.DataFrame):
        columns = str([str(name) for name in source.columns])
        values = pd.util.hash_pandas_object(source.astype("str"), index=False).to_numpy()
        return hashlib.sha256(columns.encode() + values.tobytes()).hexdigest()
    with Path(source).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def origin_of(source: Source) -> str:
    """Return what an error calls a table.

    Parameters
    ----------
    source : path or DataFrame
        The table.

    Returns
    -------
    str
        The path, or ``frame``.

    Examples
    --------
    >>> origin_of("m.csv"), origin_of(pd.DataFrame())
    ('m.csv', 'frame')
    """
    return "frame" if isinstance(source, pd.DataFrame) else str(source)
