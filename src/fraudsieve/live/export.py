"""The tables of an event store, to train on.

Tables of past records, loaded into a live state in batches.
"""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, repeat
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve._io import PRIVATE, replacing
from fraudsieve._typing import JsonObject, Record
from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.history.records import record_time
from fraudsieve.features.record_fields import FieldKind, RecordField
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.live.store.score_rows import LAST_TIME, iterate_scores, log_size
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import columns_used, options_of_model
from fraudsieve.tables.label_values import resolve_label_times
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.schema import LABELS, TABLES, Cause, TableSchema, count_causes
from fraudsieve.tables.source import Source, as_input
from fraudsieve.tables.values.reading import is_missing

from .contents import span_of, stored_records, time_text
from .labels import LabelRules
from .recording import LoggedScore, logged_record
from .records import Accepted, keeps_records, not_kept, scored_value
from .session import training_reach
from .state import LiveState

TIMES: dict[str, str] = {"events": "occurred_at", "messages": "sent_at", "labels": "labelled_at"}
Timed: TypeAlias = list[tuple[int, JsonObject]]
"""Records with their times."""


LoadedPart: TypeAlias = Literal["events", "messages", "labels"]

BATCH = 1000
READ = 1 << 20
MALFORMED = "expected a JSON object per line, got something else"


class Loaded:
    """What was loaded: the numbers of records, by their type."""

    def __init__(self) -> None:
        self.accepted, self.rejected, self.unknown = Counter[str](), defaultdict[str, Counter[str]](Counter), 0

    def add(self, live: LiveState, part: LoadedPart, records: Sequence[Any]) -> None:
        """Add records to a live state, and count them."""
        mappings = [record for record in records if isinstance(record, Mapping)]
        outcome = _add(live, part, mappings)
        reasons = [reason for _, reason in outcome.rejected] + [MALFORMED] * (len(records) - len(mappings))
        self.rejected[part].update(reasons)
        self.accepted[part] += len(records) - len(reasons)
        self.unknown += len(outcome.unknown or ())


def load_records(
    live: LiveState,
    part: LoadedPart,
    batches: Iterable[list[Any]],
    progress: Callable[[int], None] = lambda _: None,
    loaded: Loaded | None = None,
) -> Loaded:
    """Add batches of records to a live state; each is durable before the next one is read."""
    loaded, n_read = loaded or Loaded(), 0
    for batch in batches:
        loaded.add(live, part, batch)
        n_read += len(batch)
        progress(n_read)
    return loaded


def load_in_order(
    live: LiveState,
    timed: Mapping[LoadedPart, Sequence[tuple[int, Record]]],
    progress: Callable[[int], None] = lambda _: None,
) -> Loaded:
    """Add records of several types, each with its time, in order of time: no record comes too late for another."""
    loaded, n_read = Loaded(), 0
    streams = [zip(repeat(part), records) for part, records in timed.items()]
    for batch in batches_of(heapq.merge(*streams, key=lambda one: one[1][0])):
        for part in timed:
            records = [record for of, (_, record) in batch if of == part]
            if records:
                loaded.add(live, part, records)
        n_read += len(batch)
        progress(n_read)
    return loaded


def batches_of(records: Iterable[Any]) -> Iterator[list[Any]]:
    """Iterate over records in batches."""
    iterator = iter(records)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def json_lines(stream: IO[bytes]) -> Iterator[list[Any]]:
    """Iterate over JSON Lines in batches of the lines that have arrived, so that a slow stream is not held up.

    For example, ``kcat -C ... | fraudsieve state load`` loads a Kafka topic. There is no Kafka client, because kcat and
    Kafka Connect already handle offsets, groups, security and schemas.
    """
    rest = b""
    while content := stream.read1(READ):  # type: ignore[attr-defined]
        *lines, rest = (rest + content).split(b"\n")
        yield from batches_of([_value_of(line) for line in lines if line.strip()])
    if rest.strip():
        yield [_value_of(rest)]


def _value_of(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _add(live: LiveState, part: LoadedPart, records: Sequence[Record]) -> Accepted:
    if part == "messages":
        return live.observe(list(records))
    return live.update(list(records)) if part == "events" else live.update(labels=list(records))


class TableRecords(NamedTuple):
    """The records of a table by their type, why others were rejected, and the columns that the model misses in it."""

    records: dict[LoadedPart, Timed]
    rejected: Counter[Cause]
    missing: list[str]


def records_of_table(source: Source, part: LoadedPart, model: Model) -> TableRecords:
    """Read a table as records for a live state, in order of time.

    The column ``label`` of the records that the model scores is read as labels, as in training. Rows whose label is a
    word for a missing one are without a label.
    """
    table = as_input(source, options_of_model(model))
    checked = read_table(table, part, require=(TIMES[part],))
    # Row numbers are not ids: messages of another file would count as repeated.
    frame = checked.good.drop(columns="message_id") if checked.numbered else checked.good
    rules, rejected = LabelRules(model), count_causes(checked.rejected)
    if part == "labels":
        return TableRecords({part: _timed(_labels_of_table(frame, rules), part)}, rejected, [])
    identifier = f"{part[:-1]}_id"
    is_subject = part == f"{model.subject}s" and {identifier, "label", "labelled_at"} <= set(frame.columns)
    records: dict[LoadedPart, Timed] = {
        part: _timed(frame.drop(columns=["label", "labelled_at"], errors="ignore"), part)
    }
    if is_subject:
        own = frame[frame[["label", "labelled_at", identifier]].notna().all(axis=1)]
        records["labels"] = _timed(_labels_of_table(own.rename(columns={identifier: "subject_id"}), rules), "labels")
    used = columns_used(model).get(part, []) if part == "events" else []
    return TableRecords(records, rejected, [column for column in used if column not in frame])


def _labels_of_table(frame: pd.DataFrame, rules: LabelRules) -> pd.DataFrame:
    """Return the labels of a table with the times from which they count, without words for a missing label."""
    kept = frame[[column.name for column in LABELS.columns if column.name in frame]]
    classes = {name: rules.class_of(name) for name in kept["label"].dropna().unique()}
    labels = kept[kept["label"].map(classes).notna()]
    return labels.assign(labelled_at=resolve_label_times(labels["labelled_at"])[0])


def _timed(frame: pd.DataFrame, part: LoadedPart) -> Timed:
    """Return the rows of a table as records with their times, in order of time; missing values are left out."""
    ordered = frame.sort_values(TIMES[part], kind="stable", na_position="first")
    times = ordered[TIMES[part]].dt.tz_convert(None).to_numpy("datetime64[us]").astype(np.int64)
    rows = ordered.to_dict("records")
    records = [{str(name): value for name, value in row.items() if not is_missing(value)} for row in rows]
    return list(zip(times.tolist(), records, strict=True))


def merge_tables(tables: Iterable[Mapping[LoadedPart, Timed]]) -> dict[LoadedPart, Timed]:
    """Return the records of several tables together, in order of time."""
    together: defaultdict[LoadedPart, Timed] = defaultdict(list)
    for table in tables:
        for part, records in table.items():
            together[part] += records
    return {part: sorted(records, key=itemgetter(0)) for part, records in together.items()}


LABEL_COLUMNS: Final = ("label", "labelled_at")
TYPES: Final[Mapping[FieldKind, pa.DataType]] = {
    "text": pa.large_string(),
    "id": pa.large_string(),
    "category": pa.large_string(),
    "number": pa.float64(),
    "amount": pa.float64(),
    "time": pa.timestamp("us", "UTC"),
    "date": pa.large_string(),
}


def read_scored_records(store: EventStore, model: Model) -> dict[str, Record]:
    """Return the logged records of a model by their ids, in the order of their first score.

    They are none if the store keeps these records as events, or the model scores accounts: the profile of an account
    changes between its scores. Of several records with one id, the first counts. One without an id is left out, since
    no label can be joined to it. Values are what the service read; those of a wrong type are missing.
    """
    records: dict[str, Record] = {}
    with store.reading() as transaction:
        is_empty = not log_size(transaction).records
    if is_empty or model.subject.is_account or keeps_records(model):
        return records
    fields, zone = _fields(model), options_of_model(model).time_zone or "UTC"
    instead = {field.instead_of: field.name for field in model.matrix.fields if field.instead_of is not None}
    for rows in iterate_scores(store):
        for row in rows:
            score = LoggedScore.decode(row, store.origin)
            identifier = score.ids.get(model.subject.id)
            if row.record is None or score.subject != model.subject or identifier is None or identifier in records:
                continue
            record = logged_record(row, store.origin)
            records[identifier] = {field.name: _value(record, field, zone, instead) for field in fields}
    return records


def table_of_records(records: list[Record], model: Model) -> pa.Table:
    """Return records as a table, without the columns that none of them has."""
    cells = {field.name: pa.array([one[field.name] for one in records], TYPES[field.kind]) for field in _fields(model)}
    return pa.table({name: column for name, column in cells.items() if column.null_count < max(len(column), 1)})


def _fields(model: Model) -> tuple[RecordField, ...]:
    """Return the columns of the table: those that are declared, and those that the model reads."""
    declared = [column for column in TABLES[f"{model.subject}s"].columns if column.name not in LABEL_COLUMNS]
    fields = [RecordField(one.name, "amount" if one.kind == "number" else one.kind) for one in declared]
    fields += [field for field in model.matrix.fields if field.instead_of is None]
    return tuple({field.name: field for field in fields}.values())


def _value(record: Record, field: RecordField, zone: str, instead: Mapping[str, str]) -> Any:
    """Return the value of a field; a time that is missing is that of the field which replaces it."""
    if field.kind == "time":
        time = _time(record, field.name, zone)
        return time if time is not None or field.name not in instead else _time(record, instead[field.name], zone)
    return scored_value(record, field)


def _time(record: Record, name: str, zone: str) -> int | None:
    try:
        return record_time(record.get(name), name, zone)
    except RejectedRecordError:  # a model without history does not read it
        return None


Span: TypeAlias = tuple[int, int]
"""From `span_of`."""


@dataclass(frozen=True, eq=False)
class StoredTables:
    """The tables of a store, to train on, and what they lack."""

    # By their names, with the names of columns that the model was trained with; without empty ones.
    tables: dict[str, pa.Table]
    # Rows of each table, and messages without a text.
    rows: dict[str, int]
    # The time from which on the events are complete; None if no old rows were deleted.
    complete_since: str | None
    # The time from which on they have the history that the model needs; None if no old rows were deleted.
    trains_since: str | None
    # What else a training of the model needs.
    not_kept: tuple[str, ...]


def export_tables(
    store: EventStore,
    folder: str | Path,
    model: Model | None = None,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> JsonObject:
    """Write the tables of `read_stored_tables` as Parquet files.

    Returns their numbers of rows, and what else `StoredTables` says. Raises StateError, as `read_stored_tables` does.
    """
    stored = read_stored_tables(store, model, since=since, until=until)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, table in stored.tables.items():
        with replacing(Path(folder, f"{name}.parquet"), mode=PRIVATE) as file:
            pyarrow.parquet.write_table(table, file)
    since_when = {"complete_since": stored.complete_since}
    since_when |= {} if model is None else {"trains_since": stored.trains_since}
    return {**stored.rows, **since_when, "not_kept": list(stored.not_kept)}


def read_stored_tables(
    store: EventStore,
    model: Model | None = None,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> StoredTables:
    """Return the events and labels of a store as tables to train on, in order of time.

    With a model, the labels are those of the records that it scores, and columns have the names that it was trained
    with. Messages, and events of a model without history, come from the records of the score log. A span chooses the
    records from one time on and before another, with all labels of them.
    """
    parts: defaultdict[str, list[JsonObject]] = defaultdict(list)
    for part, record in stored_records(store):
        parts[part].append(record)
    scored = {} if model is None else read_scored_records(store, model)
    span = span_of(since, until)
    labels = _labels(pd.DataFrame(parts["labels"]), store.origin, None if model is None else model.subject)
    subject = f"{next(iter(labels.pop('of')), '') if model is None else model.subject}s"
    tables = {"events": _events(pd.DataFrame(parts["events"]), span)}
    if model is not None and scored:
        sent = {one.get("event_id") for one in parts["events"]} if subject == "events" else set()
        new = [record for identifier, record in scored.items() if identifier not in sent]
        tables[subject] = _together(tables.get(subject), table_of_records(_between(new, TIMES[subject], span), model))
    if (since, until) != (None, None) and subject in tables and (scored or parts["events"]):
        labels = labels[labels["subject_id"].isin(tables[subject][f"{subject[:-1]}_id"].to_pylist())]
    tables["labels"] = _arrow(labels, TABLES["labels"])
    rows = {name: len(table) for name, table in tables.items()}
    rows["messages_without_text"] = sum(one.get("event_id") not in scored for one in parts["messages"])
    facts, names = store.facts, {} if model is None else options_of_model(model).columns
    length = 0 if model is None else training_reach(model.matrix.new_state(), facts.label_span) or 0
    has_records = bool(scored) or (bool(parts["events"]) and model is not None and model.subject.is_event)
    return StoredTables(
        {name: _named(table, name, names) for name, table in tables.items() if len(table)},
        rows,
        time_text(facts.dropped_before),
        time_text(None if facts.dropped_before is None else facts.dropped_before + length),
        () if model is None else not_kept(model, has_records=has_records),
    )


def _events(events: pd.DataFrame, span: Span) -> pa.Table:
    """Return the events of a span, in order of time."""
    if events.empty:
        events = events.reindex(columns=["event_id", "occurred_at"]).astype({"occurred_at": "datetime64[us]"})
    (first, last), times = span, events["occurred_at"].to_numpy("datetime64[us]").astype(np.int64)
    return _arrow(events[(times >= first) & (times < last)].sort_values("occurred_at", kind="stable"), TABLES["events"])


def _between(records: Sequence[Record], name: str, span: Span) -> list[Record]:
    """Return the records of a span, in order of time; those without a time come last, and are in no span."""
    (first, last), is_all = span, span == span_of(None, None)
    kept = [one for one in records if is_all or (one[name] is not None and first <= one[name] < last)]
    return sorted(kept, key=lambda one: LAST_TIME if one[name] is None else one[name])


def _together(stored: pa.Table | None, scored: pa.Table) -> pa.Table:
    """Return events that were sent and those that were scored alone, in order of time; or messages."""
    if not stored or not len(scored):
        return stored or scored
    return pa.concat_tables([stored, scored], promote_options="permissive").sort_by("occurred_at")


def _labels(labels: pd.DataFrame, origin: str, subject: str | None) -> pd.DataFrame:
    """Return the labels of one type of records, in order of time."""
    if labels.empty:
        return labels.reindex(columns=["of", "subject_id"])
    kinds = sorted(set(labels["of"]))
    if subject is None and len(kinds) > 1:
        problem = f"it holds labels of {' and '.join(f'{kind}s' for kind in kinds)}"
        raise StateError(origin, problem, "Name the model whose labels to export: --model.")
    return labels[labels["of"] == (subject or kinds[0])].sort_values("labelled_at", kind="stable")


def _arrow(frame: pd.DataFrame, schema: TableSchema) -> pa.Table:
    """Return a table as Arrow, its declared columns first."""
    declared = [column.name for column in schema.columns if column.name in frame]
    ordered = frame[[*declared, *(name for name in frame if name not in declared)]]
    table = pa.Table.from_pandas(ordered, preserve_index=False).replace_schema_metadata()
    times = {column.name for column in schema.columns if column.kind == "time"}
    types = [pa.timestamp("us", "UTC") if column.name in times else column.type for column in table.schema]
    return table.cast(pa.schema(zip(table.column_names, types, strict=True)))


def _named(table: pa.Table, name: str, names: Mapping[str, str]) -> pa.Table:
    """Return a table with the names of columns that a model was trained with."""
    given = {ours: names.get(f"{name}.{ours}", names.get(ours, ours)) for ours in table.column_names}
    once = {theirs: ours for ours, theirs in reversed(given.items())}  # a column in several roles is written once
    kept = [ours for ours, theirs in given.items() if once[theirs] == ours]
    return table.select(kept).rename_columns([given[ours] for ours in kept])
