"""Read labelled messages as one frame of rows to train on, and what all subjects share for that."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import Trust, label_as_of, weights_of_own_labels
from fraudsieve.features.tables.checks import input_names
from fraudsieve.features.tables.label_times import resolve_label_times
from fraudsieve.features.tables.label_values import LabelReader, LabelReading, read_labels
from fraudsieve.features.tables.reader import CheckedTable, read_table
from fraudsieve.features.tables.source import Source, data_digest, origin_of
from fraudsieve.training.labels.maturity import RATE

from .rare_labels import rare_labels_note
from .ready_matrix import ReadyMatrix

__all__ = [
    "PLACE",
    "WEIGHT",
    "LabelledData",
    "join_labels",
    "keep_labelled",
    "load_labelled",
    "read_classes",
    "with_times",
]

PLACE = "fraudsieve: row"
"""The column of positions in the input while rows are read; no table has a column of this name."""
WEIGHT = "label_weight"
"""The column of the weights of labels, if the recipe declares trust in sources."""


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Labelled records, and the records that are rejected or unlabelled. Every input row is in one of these parts.

    Parameters
    ----------
    rows : DataFrame
        Labelled messages, accounts or events, always with the columns ``label``, ``labelled_at`` and ``as_of``.
    rejected : DataFrame
        Rejected records, with the reasons.
    rejected_labels : DataFrame
        Rejected rows of the table of labels, with the reasons; empty without such a table.
    n_unlabelled : int
        Records without a label; they are not trained on, and never treated as legitimate.
    notes : tuple of str
        Assumptions and changes that the user should know.
    digests : dict of str to str
        SHA-256 of each table.
    subject : {"message", "account", "event"}, default="message"
        The kind of record in a row.
    events : DataFrame, default=None
        All valid events: the history of the rows.
    rejected_events : DataFrame, optional
        Rejected events, if the rows are not events.
    messages : DataFrame, default=None
        All valid messages, labelled or not, as the history of the rows.
    waiting : Series of datetime64, optional
        The cutoff times (``as_of``) of the records without a label.
    all_labels : DataFrame, default=None
        All rows of the table of labels about these records, replaced ones too; None without such a table.
    reading : LabelReading, optional
        How labels were read as classes, and which of them is legitimate.
    ready : ReadyMatrix, default=None
        The feature matrix of the rows, if it was computed before; None if it is to be computed.
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
    all_labels: pd.DataFrame | None = None
    reading: LabelReading = field(default_factory=LabelReading)
    ready: ReadyMatrix | None = None

    @property
    def legitimate(self) -> str:
        """The class of legitimate records, whether any record has it or not."""
        return self.reading.legitimate

    @property
    def subjects(self) -> pd.DataFrame:
        """The ``as_of``, ``labelled_at`` and ``label`` of all records, labelled or not, for `delay_curve`.

        A record of a sample has a ``sampling_rate``.
        """
        waiting = pd.DataFrame({"as_of": self.waiting})
        # In other tables a column of that name is the user's own.
        is_sample = self.ready is not None and self.ready.declared.until is not None
        names = ["as_of", "labelled_at", "label", *([RATE] if is_sample else [])]
        return pd.concat([self.rows[names], waiting], ignore_index=True)


def load_labelled(
    messages: Source,
    labels: Source | None = None,
    *,
    events: Source | None = None,
    min_label_rows: int = 1,
    trust: Trust | None = None,
    reader: LabelReader = read_labels,
) -> LabelledData:
    """Read messages and their labels.

    Parameters
    ----------
    messages : path or DataFrame
        The table of messages; its column ``label`` is used for messages that have no label in `labels`.
    labels : path or DataFrame, default=None
        The table of labels. If a message has several, the most trusted one counts, and of equally trusted ones the
        latest.
    events : path or DataFrame, default=None
        The events of the senders.
    min_label_rows : int, default=1
        Rows of a label with fewer rows are rejected: a class needs rows for training and test.
    trust : Trust, default=None
        Weights of the sources of labels; the rows then have a column ``label_weight``. None trusts all sources equally.
    reader : callable, optional
        Reads labels as classes: 0 and 1, for example, as ``legitimate`` and ``fraud``. See `LabelledData.reading`.

    Returns
    -------
    LabelledData
        Rows to train on, and the rejected rows.

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
    table = read_table(messages, "messages", require=() if labels is not None else ("label",))
    frame = with_times(table.good, "sent_at")
    frame["as_of"] = frame["sent_at"]
    frame[PLACE] = np.setdiff1d(np.arange(len(frame) + len(table.rejected)), table.rejected["row"])
    label_table = None if labels is None else read_table(labels, "labels")
    frame, label_table, reading = read_classes(frame, label_table, reader)
    frame = join_labels(frame, label_table, "message_id", trust)
    frame["labelled_at"], time_notes = resolve_label_times(frame["labelled_at"])
    loaded = keep_labelled(frame, table, label_table, "message", origin_of(messages), min_label_rows)
    sources = {"messages": messages, "labels": labels, "events": events}
    digests = {name: data_digest(source) for name, source in sources.items() if source is not None}
    notes = (*table.notes, *reading.notes, *time_notes, *loaded.notes)
    loaded = replace(loaded, notes=notes, digests=digests, messages=frame, reading=reading)
    if events is None:
        return loaded
    history = read_table(events, "events")
    notes = (*loaded.notes, *history.notes)
    return replace(loaded, events=history.good, rejected_events=history.rejected, notes=notes)


def keep_labelled(
    frame: pd.DataFrame,
    table: CheckedTable,
    labels: CheckedTable | None,
    subject: str,
    origin: str,
    min_label_rows: int,
) -> LabelledData:
    """Keep the labelled rows whose label has enough rows.

    Parameters
    ----------
    frame : DataFrame
        All valid rows, with their labels and their positions in the input (`PLACE`).
    table : CheckedTable
        The table of the rows.
    labels : CheckedTable or None
        The table of labels.
    subject : {"message", "account", "event"}
        The kind of record in a row.
    origin : str
        The name of the table in errors.
    min_label_rows : int
        Rows of a label with fewer rows are rejected.

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
        raise SchemaError(origin, f"no {subject} has a label", f"Give labels for the ids of these {subject}s.")
    notes = [] if labels is None else [*labels.notes, *_unmatched(frame, labels, f"{subject}_id")]
    rejected = [table.rejected]
    rare = labelled["label"].map(labelled["label"].value_counts()) < min_label_rows
    if rare.any():
        rejected.append(_rejected_rare(labelled[rare], min_label_rows))
        notes += rare_labels_note(labelled["label"], min_label_rows)
    good = labelled[~rare].drop(columns=PLACE).reset_index(drop=True)
    all_rejected = pd.concat(rejected, ignore_index=True) if len(rejected) > 1 else table.rejected
    rejected_labels = pd.DataFrame() if labels is None else labels.rejected
    waiting = frame.loc[~has_label, "as_of"].reset_index(drop=True)
    all_labels = None if labels is None else labels.good[labels.good["subject_id"].isin(frame[f"{subject}_id"])]
    return LabelledData(
        good, all_rejected, rejected_labels, len(waiting), tuple(notes), {}, waiting=waiting, all_labels=all_labels
    )


def with_times(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return a copy of a checked table that has the columns ``label`` and ``labelled_at``, if need be without values.

    Parameters
    ----------
    frame : DataFrame
        A checked table.
    *columns : str
        Names of further columns of times that it needs.

    Returns
    -------
    DataFrame
    """
    frame = frame.copy()
    for name in (*columns, "labelled_at"):
        if name not in frame:
            frame[name] = pd.Series(pd.NaT, frame.index, "datetime64[us, UTC]")
    if "label" not in frame:
        frame["label"] = pd.Series(None, frame.index, "str")
    return frame


def read_classes(
    frame: pd.DataFrame, labels: CheckedTable | None, reader: LabelReader
) -> tuple[pd.DataFrame, CheckedTable | None, LabelReading]:
    """Replace labels by the classes that they stand for.

    Parameters
    ----------
    frame : DataFrame
        From `with_times`, with its own labels.
    labels : CheckedTable or None
        The table of labels.
    reader : callable
        Reads the labels of both together, as `read_labels` does.

    Returns
    -------
    frame : DataFrame
        With classes as labels.
    labels : CheckedTable or None
        With classes as labels; without the rows that say that a subject has none.
    reading : LabelReading
        What was read.
    """
    own = frame["label"]
    if labels is None:
        reading = reader(own)
        return frame.assign(label=reading.apply(own)), None, reading
    reading = reader(pd.concat([own.dropna(), labels.good["label"]], ignore_index=True))
    good = labels.good.assign(label=reading.apply(labels.good["label"]))
    good = good[good["label"].notna()].reset_index(drop=True)
    return frame.assign(label=reading.apply(own)), replace(labels, good=good), reading


def join_labels(
    frame: pd.DataFrame, labels: CheckedTable | None, subject: str, trust: Trust | None = None
) -> pd.DataFrame:
    """Add the label that counts for each subject to a frame.

    Parameters
    ----------
    frame : DataFrame
        From `with_times`; its own labels are used for subjects without a label in the table.
    labels : CheckedTable or None
        The table of labels.
    subject : str
        The column of the frame that ``subject_id`` refers to.
    trust : Trust, default=None
        Weights of the sources of labels, including those of the frame; None trusts all sources equally.

    Returns
    -------
    DataFrame
        The same frame, with ``label_weight`` if trust is declared. Labels of sources with weight 0 are ignored.
    """
    trust = trust or Trust()
    names = ["label", "labelled_at"]
    if trust.declared:
        frame = _weighted(frame, trust)
        names.append(WEIGHT)
    if labels is None:
        return frame
    counting = label_as_of(with_times(labels.good), trust=trust).rename(columns={"weight": WEIGHT})
    counting = counting.reindex(frame[subject])
    has_label = counting["label"].notna().to_numpy()
    for name in names:
        frame[name] = frame[name].where(~has_label, counting[name].set_axis(frame.index))
    return frame


def _weighted(frame: pd.DataFrame, trust: Trust) -> pd.DataFrame:
    """Add the weights of the labels of the frame itself."""
    frame[WEIGHT] = weights_of_own_labels(frame, trust)
    frame.loc[frame[WEIGHT] == 0, ["label", "labelled_at", WEIGHT]] = None
    return frame


def _unmatched(frame: pd.DataFrame, labels: CheckedTable, subject: str) -> list[str]:
    unmatched = int((~labels.good["subject_id"].isin(frame[subject])).sum())
    return [f"{unmatched} labels have no matching {subject.removesuffix('_id')}"] if unmatched else []


def _rejected_rare(rows: pd.DataFrame, min_label_rows: int) -> pd.DataFrame:
    reason = f"the label has fewer than {min_label_rows} rows: too few to train and to test"
    reasons = pd.DataFrame({"row": rows[PLACE], "column": "label", "reason": reason})
    cells = rows.drop(columns=PLACE)
    return pd.concat([reasons, cells.set_axis(input_names(list(cells.columns)), axis=1)], axis=1)
