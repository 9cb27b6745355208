"""The records that a service scored, from its score log, as the table that training reads."""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.records import record_time
from fraudsieve.features.record_fields import FieldKind, RecordField
from fraudsieve.live.records import keeps_records, scored_value
from fraudsieve.live.score_log import LoggedScore, logged_record
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.live.store.score_rows import iterate_scores, log_size
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.tables.schema import TABLES
from fraudsieve.tables.values.strings import without_surrogates

LABELS: Final = ("label", "labelled_at")
TYPES: Final[Mapping[FieldKind, pa.DataType]] = {
    "text": pa.large_string(),
    "id": pa.large_string(),
    "category": pa.large_string(),
    "number": pa.float64(),
    "amount": pa.float64(),
    "time": pa.timestamp("us", "UTC"),
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
    if is_empty or model.subject == "account" or keeps_records(model):
        return records
    fields, zone = _fields(model), options_of_model(model).time_zone or "UTC"
    instead = {field.instead_of: field.name for field in model.matrix.fields if field.instead_of is not None}
    for rows in iterate_scores(store):
        for row in rows:
            score = LoggedScore.decode(row, store.origin)
            identifier = score.ids.get(f"{model.subject}_id")
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
    declared = [column for column in TABLES[f"{model.subject}s"].columns if column.name not in LABELS]
    fields = [RecordField(one.name, "amount" if one.kind == "number" else one.kind) for one in declared]
    fields += [field for field in model.matrix.fields if field.instead_of is None]
    return tuple({field.name: field for field in fields}.values())


def _value(record: Record, field: RecordField, zone: str, instead: Mapping[str, str]) -> Any:
    """Return the value of a field; a time that is missing is that of the field which replaces it."""
    if field.kind == "time":
        time = _time(record, field.name, zone)
        return time if time is not None or field.name not in instead else _time(record, instead[field.name], zone)
    value = scored_value(record, field)
    return without_surrogates(value) if field.kind == "text" and value is not None else value


def _time(record: Record, name: str, zone: str) -> int | None:
    try:
        return record_time(record.get(name), name, zone)
    except RejectedRecordError:  # a model without history does not read it
        return None
