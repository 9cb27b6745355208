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
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.tables.schema import TABLES, TableSchema

from .contents import stored_records
from .store.event_store import EventStore

__all__ = ["export_tables"]


def export_tables(
    store: EventStore,
    folder: str | Path,
    model: Model | None = None,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> dict[str, int]:
    """Write the events and labels of a store as Parquet tables to train on, in order of time.

    Messages have no table: a store does not hold their texts.

    Parameters
    ----------
    store : EventStore
    folder : str or Path
        For ``events.parquet`` and ``labels.parquet``.
    model : Model, default=None
        The model whose labels are written. The tables get the names of columns that it was trained with.
    since, until : datetime or str, default=None
        Only events from one time on and before another, and no labels of other events.

    Returns
    -------
    dict of str to int
        The number of rows of each table, and of messages that were left out.

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
    return {name: len(frame) for name, frame in tables.items()} | {"messages_without_text": len(parts["messages"])}


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
    theirs = {name: names.get(f"{schema.name}.{name}", names.get(name, name)) for name in ordered}
    content: bytes = ordered.rename(columns=theirs).to_parquet(index=False)
    return content
