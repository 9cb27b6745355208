"""Export of an event store as tables to train on."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._io import PRIVATE, write_file
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.records import required_time
from fraudsieve.live.contents import stored_records, time_text
from fraudsieve.live.handover import reach
from fraudsieve.live.records import not_kept
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.tables.schema import TABLES, TableSchema

__all__ = ["export_tables"]


def export_tables(
    store: EventStore,
    folder: str | Path,
    model: Model | None = None,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> dict[str, Any]:
    """Write the events and labels of a store as Parquet tables to train on, in order of time.

    The files are ``events.parquet`` and ``labels.parquet``. Messages have no table: a store does not hold their texts.
    With a model, its labels are written, with the names of columns that it was trained with. A span chooses the events
    from one time on and before another, with all labels of them.

    Returns the number of rows of each table, and of messages that were left out. ``complete_since`` is the time from
    which on the events are complete, and ``trains_since`` that from which on they have the history that the model
    needs; None if no old rows were deleted. ``not_kept`` lists what else a training of the model needs.

    Raises
    ------
    StateError
        If the rows are damaged, or were rewritten meanwhile; or if they are labels of several types of records, and no
        model says which to export.
    """
    parts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for part, record in stored_records(store):
        parts[part].append(record)
    first, last = (None if time is None else required_time(time, "time") for time in (since, until))
    events = _between(pd.DataFrame(parts["events"]), first, last)
    labels = _labels(pd.DataFrame(parts["labels"]), store.origin, None if model is None else model.subject)
    kinds = set(labels.pop("of"))
    if (since, until) != (None, None) and "event" in kinds:
        labels = labels[labels["subject_id"].isin(events["event_id"])]
    names = {} if model is None else options_of_model(model).columns
    Path(folder).mkdir(parents=True, exist_ok=True)
    tables = {"events": events, "labels": labels}
    for name, frame in tables.items():
        if len(frame):
            write_file(Path(folder, f"{name}.parquet"), _parquet(frame, TABLES[name], names), mode=PRIVATE)
    content: dict[str, Any] = {name: len(frame) for name, frame in tables.items()}
    content |= {"messages_without_text": len(parts["messages"])} | _completeness(store.facts.dropped_before, model)
    return content | {"not_kept": [] if model is None else list(not_kept(model))}


def _completeness(dropped_before: int | None, model: Model | None) -> dict[str, str | None]:
    """Return from when on events are complete, and from when on they have the history that a model needs."""
    content = {"complete_since": time_text(dropped_before)}
    if model is None:
        return content
    length = reach(model.matrix.new_state()) or 0
    return content | {"trains_since": None if dropped_before is None else time_text(dropped_before + length)}


def _between(events: pd.DataFrame, first: int | None, last: int | None) -> pd.DataFrame:
    """Return the events of a span, in order of time."""
    if events.empty:
        return events.reindex(columns=["event_id", "occurred_at"])
    times = events["occurred_at"].to_numpy("datetime64[us]").astype(np.int64)
    kept = np.ones(len(times), np.bool_)
    kept &= True if first is None else times >= first
    kept &= True if last is None else times < last
    return events[kept].sort_values("occurred_at", kind="stable")


def _labels(labels: pd.DataFrame, origin: str, subject: str | None) -> pd.DataFrame:
    """Return the labels of one type of records, in order of time."""
    if labels.empty:
        return labels.reindex(columns=["of", "subject_id"])
    kinds = sorted(set(labels["of"]))
    if subject is None and len(kinds) > 1:
        problem = f"it holds labels of {' and '.join(f'{kind}s' for kind in kinds)}"
        raise StateError(origin, problem, "Name the model whose labels to export: --model.")
    return labels[labels["of"] == (subject or kinds[0])].sort_values("labelled_at", kind="stable")


def _parquet(frame: pd.DataFrame, schema: TableSchema, names: Mapping[str, str]) -> bytes:
    """Return a table as Parquet, its declared columns first, with the names that a model was trained with."""
    times = {column.name for column in schema.columns if column.kind == "time"} & {*frame}
    frame = frame.assign(**{name: frame[name].dt.tz_localize("UTC") for name in times})
    declared = [column.name for column in schema.columns if column.name in frame]
    ordered = frame[[*declared, *(name for name in frame if name not in declared)]]
    theirs = {name: names.get(f"{schema.name}.{name}", names.get(name, name)) for name in map(str, ordered)}
    content: bytes = ordered.rename(columns=theirs).to_parquet(index=False)
    return content
