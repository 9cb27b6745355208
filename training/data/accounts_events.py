"""Read labelled accounts and events as rows to train on, together with the events that are their history."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import Trust, history_of_labels, join_labels, labels_with_times
from fraudsieve.models.batch.cutoffs import end_of_events
from fraudsieve.tables.label_values import LabelReader, LabelReading, read_classes, read_labels, with_times
from fraudsieve.tables.reader import CheckedTable, read_table
from fraudsieve.tables.source import Source, data_digest, origin_of
from fraudsieve.training.recipe.headers import required_columns

from .assumed_labels import Assumption
from .labelled import PLACE, LabelledData, keep_labelled


def load_accounts(
    events: Source | None,
    *,
    accounts: Source | None = None,
    labels: Source | None = None,
    min_label_rows: int = 1,
    trust: Trust | None = None,
    reader: LabelReader = read_labels,
    legitimate_after: timedelta | None = None,
) -> LabelledData:
    """Read accounts, their labels and their events.

    The cutoff time of an account is its ``as_of``, otherwise just before its label became known, otherwise the end of
    the events.
    """
    label_table = None if labels is None else read_table(labels, "labels")
    if accounts is None:
        if label_table is None:
            raise SchemaError(
                "recipe", "expected a table of accounts or of labels, got neither", "Give --accounts, --labels or both."
            )
        ids = label_table.good["subject_id"].drop_duplicates().reset_index(drop=True)
        table = CheckedTable(pd.DataFrame({"account_id": ids}), pd.DataFrame({"row": [], "column": [], "reason": []}))
    else:
        table = read_table(accounts, "accounts", require=required_columns("account", labels=labels))
    history = None if events is None else read_table(events, "events")
    frame = with_times(table.good, "as_of")
    frame, label_table, reading = read_classes(frame, label_table, reader)
    frame = join_labels(frame, label_table, "account_id", trust, legitimate=reading.legitimate)
    frame, cutoff_notes = _with_cutoff_times(frame, None if history is None else history.good)
    known, time_notes = history_of_labels(frame, label_table, "account_id", trust, reading.legitimate)
    sources = {"accounts": accounts, "events": events, "labels": labels}
    notes = [*table.notes, *(history.notes if history else ()), *reading.notes, *cutoff_notes, *time_notes]
    labelling = reading, min_label_rows, legitimate_after, trust
    loaded = _loaded("account", frame, table, history, label_table, *labelling, sources, notes)
    return replace(loaded, known_labels=known)


def load_events(
    events: Source,
    *,
    labels: Source | None = None,
    min_label_rows: int = 1,
    trust: Trust | None = None,
    reader: LabelReader = read_labels,
    legitimate_after: timedelta | None = None,
) -> LabelledData:
    """Read events as subjects, with their labels."""
    table = read_table(events, "events", require=required_columns("event", labels=labels))
    frame = with_times(table.good)
    label_table = None if labels is None else read_table(labels, "labels")
    frame, label_table, reading = read_classes(frame, label_table, reader)
    frame = join_labels(frame, label_table, "event_id", trust, legitimate=reading.legitimate)
    known, time_notes = history_of_labels(frame, label_table, "event_id", trust, reading.legitimate)
    frame["as_of"] = frame["occurred_at"]
    early = int((frame["labelled_at"] < frame["occurred_at"]).sum())
    if early:
        time_notes.append(f"{early} labels are dated before their event: they count from the time of the event on")
    sources = {"events": events, "labels": labels}
    notes = [*table.notes, *reading.notes, *time_notes]
    labelling = reading, min_label_rows, legitimate_after, trust
    loaded = _loaded("event", frame, table, table, label_table, *labelling, sources, notes)
    is_replaced = label_table is not None and label_table.good["subject_id"].duplicated().any()
    # Labels that are too rare to train on are fraud to the features, as in scoring, and assumed labels are none.
    if frame["label"].count() == len(loaded.rows) and legitimate_after is None and not is_replaced:
        return loaded
    return replace(loaded, known_labels=known)


def _with_cutoff_times(frame: pd.DataFrame, events: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """Set the cutoff time of every account, and return notes on how."""
    given = frame["as_of"].notna()
    by_label = ~given & frame["labelled_at"].notna()
    frame["as_of"] = frame["as_of"].where(given, frame["labelled_at"])
    rest, notes = frame["as_of"].isna(), []
    if events is not None and len(events):
        end, note = end_of_events(events)
        frame["as_of"] = frame["as_of"].where(~rest, end)
        notes += [note] if note else []
    by_label, rest = by_label & frame["label"].notna(), rest & frame["label"].notna() & frame["as_of"].notna()
    if by_label.any():
        notes.append(f"the cutoff time of {int(by_label.sum())} accounts is just before their label became known")
    if rest.any():
        notes.append(f"the cutoff time of {int(rest.sum())} accounts is the end of the events")
    if by_label.any() and rest.any():
        notes.append("these two kinds of cutoff times may separate the classes: give all accounts a column as_of")
    return frame, notes


def _loaded(
    subject: str,
    frame: pd.DataFrame,
    table: CheckedTable,
    history: CheckedTable | None,
    labels: CheckedTable | None,
    reading: LabelReading,
    min_label_rows: int,
    legitimate_after: timedelta | None,
    trust: Trust | None,
    sources: dict[str, Any],
    notes: list[str],
) -> LabelledData:
    frame[PLACE] = np.setdiff1d(np.arange(len(frame) + len(table.rejected)), table.rejected["row"])
    given = [source for source in sources.values() if source is not None]
    origin = origin_of(given[0])
    assumption = None if legitimate_after is None else Assumption(legitimate_after, reading)
    rare = min_label_rows, reading.legitimate
    loaded = keep_labelled(frame, table, labels, subject, origin, *rare, assumption, trust)
    digests = {name: data_digest(source) for name, source in sources.items() if source is not None}
    rejected_events = pd.DataFrame() if history is None or history is table else history.rejected
    return replace(
        loaded,
        subject=subject,
        events=None if history is None else history.good,
        rejected_events=rejected_events,
        notes=(*notes, *loaded.notes),
        digests=digests,
        reading=reading,
    )


def known_labels_of(data: LabelledData, legitimate: str) -> pd.DataFrame | None:
    """Return the labels of events or accounts that have a time, for features; None if none has one."""
    timed = labels_with_times(data.rows if data.known_labels is None else data.known_labels, legitimate)
    return None if timed.empty else timed
