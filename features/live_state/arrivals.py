"""Records that arrive at a live state, one by one or many at once: read, and added to its timelines and its network."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias

import numpy as np

from fraudsieve._typing import Array, Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.columns.checks import ColumnChecks, check_columns, records_to_columns
from fraudsieve.features.history.columns.reader import PreparedColumns
from fraudsieve.features.history.columns.table import Columns, is_columns
from fraudsieve.features.history.pool_timelines import TimelinePool
from fraudsieve.features.history.records import RejectedRecord, as_records, check_time_between
from fraudsieve.features.history.seen_ids import OF_LABEL
from fraudsieve.features.history.timeline import (
    TIME_FIELDS,
    PreparedRecord,
    RecordType,
    check_labelled_entity,
    read_record,
)
from fraudsieve.features.network.live import NetworkState

Prepared: TypeAlias = Sequence[PreparedRecord] | PreparedColumns

MIN_COLUMN_LENGTH = 64
"""Fewer records are read one by one."""


def read_records(
    records: Sequence[Record], record_type: RecordType, checks: ColumnChecks
) -> tuple[list[PreparedRecord], list[RejectedRecord]]:
    """Read records one by one; return the valid ones, and the others with their reasons."""
    prepared, rejected = [], []
    for position, record in enumerate(records):
        try:
            read = read_record(record, record_type, checks.views, checks.pairs)
            if checks.times is not None and read.identifier not in checks.seen:
                check_time_between(read.time, TIME_FIELDS[record_type], *checks.times)
                if record_type == "labels" and not read.rows:
                    check_labelled_entity(record, [view.history for view in checks.views])
            prepared.append(read)
        except RejectedRecordError as error:
            rejected.append(RejectedRecord(position, str(error)))
    return prepared, rejected


def read_any(
    records: Record | Sequence[Record] | Columns, record_type: RecordType, checks: ColumnChecks
) -> tuple[Prepared, list[RejectedRecord]]:
    """Read columns, or records: many records as columns, which takes a tenth of the time."""
    if is_columns(records, TIME_FIELDS[record_type]):
        return check_columns(records, record_type, checks)
    several = as_records(records)
    if len(several) < MIN_COLUMN_LENGTH:
        return read_records(several, record_type, checks)
    return check_columns(records_to_columns(several, record_type, checks.views, checks.links), record_type, checks)


def ids_and_times(prepared: Prepared) -> tuple[Array, Array]:
    """Return the identifier and the time of every record, as `SeenIds` takes them."""
    if isinstance(prepared, PreparedColumns):
        return prepared.identifiers, prepared.times + OF_LABEL * prepared.are_labels
    identifiers = np.array([record.identifier for record in prepared], np.uint64)
    return identifiers, np.array([record.time + OF_LABEL * record.is_label for record in prepared], np.int64)


def add_prepared(prepared: Prepared, is_new: Array, network: NetworkState | None) -> tuple[int, int]:
    """Add the records that are new; return the number of rows added, and the largest number of rows of a view."""
    if isinstance(prepared, PreparedColumns):
        if network is not None:
            _add_to_network(prepared, is_new, network)
        return prepared.add_rows(is_new), max((len(part.rows) for part in prepared.rows), default=0)
    new = [record for record, counts in zip(prepared, is_new.tolist(), strict=True) if counts]
    n_rows = 0
    for is_retracted, records in groupby(new, attrgetter("is_retracted")):
        n_rows += (_retract if is_retracted else _add_records)([*records], network)
    return n_rows, sum(record.n_events for record in prepared)


def _retract(records: Sequence[PreparedRecord], network: NetworkState | None) -> int:
    """Remove rows of records and their labels of accounts; return the number of rows added, which is negative."""
    for record in records:
        if network is not None and record.account_label is not None:
            account, is_fraud = record.account_label
            network.remove_label(account, record.time, is_fraud)
    return -sum(pool.remove(key, row) for record in records for pool, key, row in record.rows)


def _add_records(records: Sequence[PreparedRecord], network: NetworkState | None) -> int:
    rows = defaultdict[TimelinePool, tuple[list[bytes], list[list[int]]]](lambda: ([], []))
    for record in records:
        for pool, key, row in record.rows:
            rows[pool][0].append(key)
            rows[pool][1].append(row)
        if network is not None:
            for link in record.links:
                network.link(*link, record.time)
            if record.account_label is not None:
                account, is_fraud = record.account_label
                network.label(account, record.time, is_fraud)
    return sum(pool.add(*of_pool) for pool, of_pool in rows.items())


def _add_to_network(prepared: PreparedColumns, is_new: Array, network: NetworkState) -> None:
    for name, accounts, values, records in prepared.links:
        counts = is_new[records]
        network.link_many(name, accounts[counts], values[counts], prepared.times[records[counts]])
    if prepared.accounts.size:
        network.label_many(prepared.accounts, prepared.times, prepared.frauds)
