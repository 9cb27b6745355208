"""Columns checked against a live state: what may be added, and why the rest is rejected. Needs only NumPy."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fraudsieve._typing import Record
from fraudsieve.features.history.records import RejectedRecord, check_time_between
from fraudsieve.features.history.seen_ids import SeenIds
from fraudsieve.features.history.timeline import (
    CAMPAIGN,
    Pairs,
    RecordType,
    ViewState,
    check_labelled_entity,
    read_record,
)

from .reader import NO_LINKS, ColumnType, LinkFields, PreparedColumns, ReadColumns, read_columns, time_field
from .table import Columns, ColumnTable, reason_of

NO_BANDS = "campaign, labelled: expected the bands of a message, both fields are missing"


class ColumnChecks(NamedTuple):
    """What columns are checked against."""

    views: Sequence[ViewState]
    links: LinkFields
    pairs: Pairs | None
    seen: SeenIds
    # The oldest and the latest time of a new record; None if records are stored ones, which are not checked.
    times: tuple[int, int] | None


def check_columns(
    columns: Columns, column_type: ColumnType, checks: ColumnChecks
) -> tuple[PreparedColumns, list[RejectedRecord]]:
    """Read columns; return the valid records, and the others with the reasons that the reader of records gives."""
    table = ColumnTable(columns, CAMPAIGN if column_type == "messages" else ())
    read = read_columns(table, column_type, checks.views, checks.links)
    kept, reasons = read.is_valid.copy(), {}
    for position in np.flatnonzero(~read.is_valid).tolist():
        reasons[position] = _why_invalid(table, column_type, position, checks)
    if checks.times is not None:
        rejected = _untimely(read, time_field(column_type), checks.seen, checks.times)
        if column_type == "labels":
            rejected |= _without_entity(table, read, checks, rejected)
        kept[list(rejected)] = False
        reasons |= rejected
    return read.prepared(kept), [RejectedRecord(position, reasons[position]) for position in sorted(reasons)]


def _untimely(read: ReadColumns, field: str, seen: SeenIds, times: tuple[int, int]) -> dict[int, str]:
    """Return the valid records that are too old or in the future, except repeated deliveries."""
    positions = np.flatnonzero(read.is_valid & ((read.times < times[0]) | (read.times > times[1])))
    positions = positions[~seen.contain(read.identifiers[positions])]
    return {
        position: reason_of(check_time_between, time, field, *times)
        for position, time in zip(positions.tolist(), read.times[positions].tolist(), strict=True)
    }


def _without_entity(
    table: ColumnTable, read: ReadColumns, checks: ColumnChecks, rejected: Iterable[int]
) -> dict[int, str]:
    """Return the labels without an entity of a view, also if no view counts labels."""
    suspects = read.is_valid & ~read.has_rows
    suspects[list(rejected)] = False
    positions = np.flatnonzero(suspects)
    positions = positions[~checks.seen.contain(read.identifiers[positions])]
    histories = [view.history for view in checks.views]
    names = field_names("labels", checks.views, NO_LINKS)
    found = {
        position: reason_of(check_labelled_entity, table.record(position, names), histories)
        for position in positions.tolist()
    }
    return {position: reason for position, reason in found.items() if reason}


def _why_invalid(table: ColumnTable, column_type: ColumnType, position: int, checks: ColumnChecks) -> str:
    """Return the reason of the first error, as the reader of records words it."""
    names = field_names(column_type, checks.views, checks.links)
    rows = [position] if table.owners is None else np.flatnonzero(table.owners == position).tolist()
    record_type: RecordType = "events" if column_type == "messages" else column_type
    for row in rows:
        record = table.record(row, names)
        reason = reason_of(read_record, record, record_type, checks.views, checks.pairs)
        if reason:
            return reason
    return NO_BANDS


def field_names(column_type: ColumnType, views: Sequence[ViewState], links: LinkFields) -> tuple[str, ...]:
    """Return the fields that records of a type are read from, with the time."""
    names = {time_field(column_type), "account_id", "event_id"}
    names |= {name for view in views for name in view.history.entities}
    if column_type in ("labels", "account_labels"):
        return (*sorted(names), "is_fraud")
    names |= {"amount", "kind", *CAMPAIGN, *links.names}
    names |= {name for view in views for name in (view.history.amount, *view.identifiers)}
    return tuple(sorted(names))


def records_to_columns(
    records: Sequence[Record], column_type: ColumnType, views: Sequence[ViewState], links: LinkFields
) -> dict[str, list[Any]]:
    """Return records as columns of the fields that they are read from."""
    names = field_names(column_type, views, links)
    return {name: [record.get(name) for record in records] for name in names}
