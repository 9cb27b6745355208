"""Labelled records: tables in, one frame of rows that can be trained on out; here for messages."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.tables.label_times import resolve_label_times
from fraudsieve.features.tables.reader import CheckedTable, Source, read_table
from fraudsieve.training.labels.trust import Trust, label_as_of

__all__ = [
    "PLACE",
    "WEIGHT",
    "LabelledData",
    "data_digest",
    "join_labels",
    "keep_labelled",
    "load_labelled",
    "origin_of",
    "with_times",
]

PLACE = "fraudsieve: row"
"""The column of positions in the input, while rows are read; no table has one of this name."""
WEIGHT = "label_weight"
"""The column of the weights of labels, where the recipe says how far sources are trusted."""


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Records with labels, and what became of the rest. No row is lost: rows in is the sum of the parts.

    Parameters
    ----------
    rows : DataFrame
        Labelled messages, accounts or events; always with the columns ``label``, ``labelled_at`` and ``as_of``.
    rejected : DataFrame
        Records set aside, with their reasons.
    rejected_labels : DataFrame
        Rows of the table of labels set aside, with their reasons; empty without such a table.
    n_unlabelled : int
        Records without a label: not trained on, and never taken for legitimate.
    notes : tuple of str
        What was assumed or changed, for the user.
    digests : dict of str to str
        SHA-256 of each table.
    subject : {"message", "account", "event"}, default="message"
        What a row is.
    events : DataFrame, default=None
        All good events: the history of the rows.
    rejected_events : DataFrame, optional
        Events set aside, where these are not the rows.
    messages : DataFrame, default=None
        All good messages, labelled or not: what was sent before.
    waiting : Series of datetime64, optional
        The moments (``as_of``) of the records without a label.
    said : DataFrame, default=None
        All that the table of labels says of these records, what was replaced too; None without such a table.
    """

    rows: pd.DataFrame
    rejected: pd.DataFrame
    rejected_labels: pd.DataFrame
    n_unlabelled: int
    notes: tuple[str, ...]
    digests: dict[str, str]
    subject: str = "message"
    events: pd.DataFrame | None = None
    rejected_events: pd.DataFrame = field(default_factory=pd.DataFrame)
    messages: pd.DataFrame | None = None
    waiting: pd.Series = field(default_factory=lambda: pd.Series([], dtype="datetime64[us, UTC]"))
    said: pd.DataFrame | None = None

    @property
    def subjects(self) -> pd.DataFrame:
        """All records, labelled or not, as `delay_curve` takes them: ``as_of``, ``labelled_at`` and ``label``."""
        waiting = pd.DataFrame({"as_of": self.waiting})
        return pd.concat([self.rows[["as_of", "labelled_at", "label"]], waiting], ignore_index=True)


def load_labelled(
    messages: Source,
    labels: Source | None = None,
    *,
    events: Source | None = None,
    min_label_rows: int = 1,
    trust: Trust | None = None,
) -> LabelledData:
    """Read messages and their labels.

    Parameters
    ----------
    messages : path or DataFrame
        The table of messages; a column ``label`` is taken where `labels` has nothing.
    labels : path or DataFrame, default=None
        The table of labels; of several for one subject the most trusted counts, and of these the latest.
    events : path or DataFrame, default=None
        The events of the senders.
    min_label_rows : int, default=1
        Rows of a label with fewer rows are set aside: a class needs some to be learnt and tested.
    trust : Trust, default=None
        Weights of the sources of labels; the rows then have a column ``label_weight``. None trusts all alike.

    Returns
    -------
    LabelledData
        Rows to train on, and what was set aside.

    Raises
    ------
    SchemaError
        When a table cannot be used, or no message has a label.

    Examples
    --------
    >>> frame = pd.DataFrame({"message_id": ["a", "b"], "text": ["win now", "hi"], "label": ["spam", None]})
    >>> loaded = load_labelled(frame)
    >>> len(loaded.rows), loaded.n_unlabelled
    (1, 1)
    """
    read = read_table(messages, "messages", require=() if labels is not None else ("label",))
    frame = with_times(read.good, "sent_at")
    frame["as_of"] = frame["sent_at"]
    frame[PLACE] = np.setdiff1d(np.arange(len(frame) + len(read.rejected)), read.rejected["row"])
    label_table = None if labels is None else read_table(labels, "labels")
    frame = join_labels(frame, label_table, "message_id", trust)
    frame["labelled_at"], said = resolve_label_times(frame["labelled_at"])
    loaded = keep_labelled(frame, read, label_table, "message", origin_of(messages), min_label_rows)
    sources = {"messages": messages, "labels": labels, "events": events}
    digests = {name: data_digest(source) for name, source in sources.items() if source is not None}
    loaded = replace(loaded, notes=(*read.notes, *said, *loaded.notes), digests=digests, messages=frame)
    if events is None:
        return loaded
    history = read_table(events, "events")
    notes = (*loaded.notes, *history.notes)
    return replace(loaded, events=history.good, rejected_events=history.rejected, notes=notes)


def keep_labelled(
    frame: pd.DataFrame, read: CheckedTable, labels: CheckedTable | None, what: str, origin: str, min_label_rows: int
) -> LabelledData:
    """Keep the rows that have a label of enough rows.

    Parameters
    ----------
    frame : DataFrame
        All good rows, with their labels and their positions in the input (`PLACE`).
    read : CheckedTable
        Their table.
    labels : CheckedTable or None
        The table of labels.
    what : str
        What a row is.
    origin : str
        What an error calls the table.
    min_label_rows : int
        Rows of a label with fewer rows are set aside.

    Returns
    -------
    LabelledData
        Without digests.

    Raises
    ------
    SchemaError
        When no row has a label.
    """
    has_label = frame["label"].notna()
    labelled = frame[has_label]
    if labelled.empty:
        raise SchemaError(origin, f"no {what} has a label", f"Give labels of these {what}s' ids.")
    notes = [] if labels is None else [*labels.notes, *_unmatched(frame, labels, f"{what}_id")]
    rejected = [read.rejected]
    rare = labelled["label"].map(labelled["label"].value_counts()) < min_label_rows
    if rare.any():
        rejected.append(_rejected_rare(labelled[rare], min_label_rows))
        notes.append(f"{int(rare.sum())} {what}s have a label of fewer than {min_label_rows} rows and are set aside")
    good = labelled[~rare].drop(columns=PLACE).reset_index(drop=True)
    all_rejected = pd.concat(rejected, ignore_index=True) if len(rejected) > 1 else read.rejected
    rejected_labels = pd.DataFrame() if labels is None else labels.rejected
    waiting = frame.loc[~has_label, "as_of"].reset_index(drop=True)
    said = None if labels is None else labels.good[labels.good["subject_id"].isin(frame[f"{what}_id"])]
    return LabelledData(good, all_rejected, rejected_labels, len(waiting), tuple(notes), {}, waiting=waiting, said=said)


def with_times(frame: pd.DataFrame, *further: str) -> pd.DataFrame:
    """Return a copy that has a column ``label``, and ``labelled_at`` and further columns as times.

    Parameters
    ----------
    frame : DataFrame
        A table.
    *further : str
        Names of columns of times.

    Returns
    -------
    DataFrame
    """
    frame = frame.copy()
    for name in (*further, "labelled_at"):
        if name not in frame:
            frame[name] = pd.Series(pd.NaT, frame.index, "datetime64[us, UTC]")
        frame[name] = pd.to_datetime(frame[name], utc=True)
    if "label" not in frame:
        frame["label"] = pd.Series(None, frame.index, "str")
    return frame


def join_labels(
    frame: pd.DataFrame, labels: CheckedTable | None, subject: str, trust: Trust | None = None
) -> pd.DataFrame:
    """Put the label that counts of each subject into the frame.

    Parameters
    ----------
    frame : DataFrame
        From `with_times`; its own labels are taken where the table has nothing.
    labels : CheckedTable or None
        The table of labels.
    subject : str
        The column that a label's ``subject_id`` names.
    trust : Trust, default=None
        Weights of the sources of labels, the frame's own among them; None trusts all alike.

    Returns
    -------
    DataFrame
        The same frame; where trust is declared with ``label_weight``. What a source said that is not believed at all is
        no label.
    """
    trust = trust or Trust()
    names = ["label", "labelled_at"]
    if trust.declared:
        frame = _weighted(frame, trust)
        names.append(WEIGHT)
    if labels is None:
        return frame
    found = label_as_of(with_times(labels.good), trust=trust).rename(columns={"weight": WEIGHT}).reindex(frame[subject])
    has_label = found["label"].notna().to_numpy()
    for name in names:
        frame[name] = frame[name].where(~has_label, found[name].set_axis(frame.index))
    return frame


def _weighted(frame: pd.DataFrame, trust: Trust) -> pd.DataFrame:
    """Weigh the labels of the frame itself."""
    labelled = frame["label"].notna()
    frame[WEIGHT] = np.nan
    frame.loc[labelled, WEIGHT] = trust.weights(frame.reindex(columns=["source"])["source"][labelled])
    frame.loc[frame[WEIGHT] == 0, ["label", "labelled_at", WEIGHT]] = None
    return frame


def _unmatched(frame: pd.DataFrame, labels: CheckedTable, subject: str) -> list[str]:
    missing = int((~labels.good["subject_id"].isin(frame[subject])).sum())
    return [f"{missing} labels are of no {subject.removesuffix('_id')} here"] if missing else []


def _rejected_rare(rows: pd.DataFrame, min_label_rows: int) -> pd.DataFrame:
    rows = rows.rename(columns={"row": "input_row"}).rename(columns={PLACE: "row"})
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
