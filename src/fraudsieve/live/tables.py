"""Tables from and to the event store of a live state: history to load, and events with labels to train on."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from fraudsieve._io import PRIVATE, write_file
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.reader import TIME_FIELDS
from fraudsieve.features.history.records import required_time
from fraudsieve.live.contents import stored_records
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.tables.cells import mask_signalling_nan
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.limits import Cause, count_causes
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.schema import EVENTS
from fraudsieve.tables.source import InputTable, Source, as_input
from fraudsieve.tables.values.reading import is_missing

__all__ = ["export_tables", "records_of_table"]

TIMES = {str(part): field for part, field in TIME_FIELDS.items()} | {"messages": "sent_at"}


def records_of_table(
    source: Source, part: str, model: Model | None = None
) -> tuple[list[dict[str, Any]], Counter[Cause]]:
    """Read a table as records for a live state, in order of time.

    Raises
    ------
    SchemaError
        If the file cannot be read, a column is missing, or too many rows are rejected.
    """
    rejected: Counter[Cause] = Counter()
    table = as_input(source, None if model is None else options_of_model(model))
    if part in ("events", "messages"):
        checked = read_table(table, part)
        # Row numbers are not ids: messages of another file would count as repeated.
        frame = checked.good.drop(columns="message_id") if checked.numbered else checked.good
        rejected = count_causes(checked.rejected)
    else:
        frame = _read_labels(table)
    rows = frame.to_dict("records")
    records = [{str(name): value for name, value in row.items() if not is_missing(value)} for row in rows]
    if part == "messages":
        records = [record for message in records for record in _message_and_label(message)]
    return sorted(records, key=lambda record: _time_of(record, part)), rejected


def export_tables(store: EventStore, folder: str | Path) -> dict[str, int]:
    """Write the events and labels of a store as Parquet tables to train on.

    Messages have no table: a store does not hold their texts.

    Returns the number of rows of each table, and of messages that were left out.

    Raises
    ------
    StateError
        If the rows are damaged, or were rewritten meanwhile.
    """
    parts: dict[str, list[dict[str, Any]]] = {"events": [], "labels": [], "account_labels": []}
    n_messages = 0
    for part, record in stored_records(store):
        if part in parts:
            parts[part].append(record)
        else:
            n_messages += 1
    Path(folder).mkdir(parents=True, exist_ok=True)
    for part, records in parts.items():
        if records:
            write_file(Path(folder, f"{part}.parquet"), _parquet(pd.DataFrame(records), TIMES[part]), mode=PRIVATE)
    return {part: len(records) for part, records in parts.items()} | {"messages_without_text": n_messages}


def _parquet(frame: pd.DataFrame, time: str) -> bytes:
    frame[time] = frame[time].dt.tz_localize("UTC")
    first = [name for name in ("event_id", "account_id", time) if name in frame]
    content: bytes = frame[[*first, *(name for name in frame if name not in first)]].to_parquet(index=False)
    return content


def _read_labels(tables: InputTable) -> pd.DataFrame:
    """Return labels whose ids and times are read as in other tables; the state reports cells that are rejected."""
    return pd.concat(map(_labels_of, tables.parts), ignore_index=True)


def _labels_of(table: InputTable) -> pd.DataFrame:
    reading = table.options.reading(table.loaded)
    columns = {}
    for name, cells in table.loaded.frame.reset_index(drop=True).items():
        kind = "time" if name == "labelled_at" else EVENTS.kind(str(name))
        read = None if kind not in ("id", "time") else convert(mask_signalling_nan(cells), kind, reading).column
        columns[name] = cells if read is None else read.astype(object).where(read.notna(), cells.astype(object))
    return pd.DataFrame(columns)


def _message_and_label(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a message of a labelled table, and its label from when it was known, which is a separate record."""
    message = {name: value for name, value in row.items() if name not in ("label", "labelled_at")}
    return [message, row] if {"label", "labelled_at"} <= row.keys() else [message]


def _time_of(record: dict[str, Any], part: str) -> int:
    """Return a key that sorts records by time; those without a valid time, which are rejected later, are first."""
    field = "labelled_at" if "label" in record else TIMES[part]
    try:
        return required_time(record.get(field), field)
    except RejectedRecordError:
        return NEVER
