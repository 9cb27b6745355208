"""The reader of columns for a live state, with the results of the reader of records.

It finds out which records are invalid by the same rules. The reader of records then says why. Needs only NumPy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import ONE_KIND
from fraudsieve.features.history.kernels.bound import AMOUNT, DIGEST, IDS, KIND, TIME
from fraudsieve.features.history.pool_timelines import TimelinePool
from fraudsieve.features.history.records import label_kind
from fraudsieve.features.history.timeline import CAMPAIGN, TIME_FIELDS, RecordType, ViewState, bits_of, zone_of

from .table import ColumnTable, EncodedIds, combine_codes, digests_of, first_rows, kind_numbers

ColumnType: TypeAlias = RecordType | Literal["messages"]


class PreparedRows(NamedTuple):
    """Rows to add to timelines."""

    pool: TimelinePool
    # Shape (n_rows, 2). The entity of each row.
    digests: Array
    # Shape (n_rows, width). The rows, as for `TimelinePool.add`.
    rows: Array
    # Shape (n_rows,). The record that each row belongs to.
    records: Array


class PreparedLinks(NamedTuple):
    """Links of accounts and values of a column, for the network; `records` as in `PreparedRows`."""

    name: str
    accounts: Array
    values: Array
    records: Array


@dataclass(frozen=True, eq=False)
class PreparedColumns:
    """Valid records, for `HistoryState.apply` of the state that prepared them."""

    # Shape (n_records,). Microseconds since 1970.
    times: Array
    # Shape (n_records,). As `RecordIds.delivery` returns them; 0 for none.
    identifiers: Array
    # Shape (n_records,). Which records are labels, which do not move the clock of events.
    are_labels: Array
    rows: list[PreparedRows] = field(default_factory=list)
    links: list[PreparedLinks] = field(default_factory=list)
    # Shape (n_records,). Labels of accounts; empty for other records.
    accounts: Array = field(default_factory=lambda: np.empty(0, np.uint64))
    frauds: Array = field(default_factory=lambda: np.empty(0, np.bool_))

    def __len__(self) -> int:
        return len(self.times)

    def add_rows(self, is_new: Array) -> int:
        """Add the rows of new records to their timelines, and return the number of rows."""
        n_rows = 0
        for pool, digests, rows, records in self.rows:
            counts = is_new[records]
            n_rows += pool.add_many(digests[counts], rows[counts])
        return n_rows


class LinkFields(NamedTuple):
    """The fields that link accounts in a network; one of them is the counterparty, or none."""

    names: tuple[str, ...]
    counterparty: str


NO_LINKS = LinkFields((), "")


def time_field(column_type: ColumnType) -> str:
    """Return the name of the column of times."""
    return "occurred_at" if column_type == "messages" else TIME_FIELDS[column_type]


class ReadColumns(NamedTuple):
    """What was read from a table."""

    # Shape (n_records,). Which records are valid, whatever their times.
    is_valid: Array
    # Returns the prepared columns of the records of a mask.
    prepared: Callable[[Array], PreparedColumns]
    # Shape (n_records,). Microseconds since 1970; undefined for invalid records.
    times: Array
    # Shape (n_records,). As in `PreparedColumns`; undefined for invalid records.
    identifiers: Array
    # Shape (n_records,). As in `PreparedColumns`.
    are_labels: Array
    # Shape (n_records,). Which records have a row of a view.
    has_rows: Array


def read_columns(
    table: ColumnTable, column_type: ColumnType, views: Sequence[ViewState], links: LinkFields
) -> ReadColumns:
    """Read the records of a table, whatever their times."""
    if column_type == "account_labels":
        return _read_account_labels(table, views)
    if column_type == "labels":
        return _read_labels(table, views)
    if column_type == "messages":
        return _by_message(_read_events(table, views, links, are_messages=True), table)
    return _read_events(table, views, links, are_messages=False)


def _by_message(bands: ReadColumns, table: ColumnTable) -> ReadColumns:
    """Return what was read from bands for the messages that they belong to; a message without bands is invalid."""
    owners = table.owners if table.owners is not None else np.arange(table.n_rows)
    messages = np.arange(table.n_records)
    sizes, n_invalid = (np.bincount(rows, minlength=len(messages)) for rows in (owners, owners[~bands.is_valid]))
    firsts = np.minimum(np.searchsorted(owners, messages), max(len(owners) - 1, 0))
    times, identifiers, are_labels = (
        values[firsts] if len(owners) else np.zeros(len(messages), values.dtype)
        for values in (bands.times, bands.identifiers, bands.are_labels)
    )

    def prepared(kept: Array) -> PreparedColumns:
        kept_bands = kept[owners]
        numbers = (np.cumsum(kept) - 1)[owners[kept_bands]]
        read = bands.prepared(kept_bands)
        rows = [part._replace(records=numbers[part.records]) for part in read.rows]
        links = [part._replace(records=numbers[part.records]) for part in read.links]
        return PreparedColumns(times[kept], identifiers[kept], are_labels[kept], rows, links)

    is_valid, has_rows = (sizes > 0) & (n_invalid == 0), np.ones(len(messages), np.bool_)
    return ReadColumns(is_valid, prepared, times, identifiers, are_labels, has_rows)


class _Entities(NamedTuple):
    """The entity of each row of a view: whether it has one, and its digest."""

    exists: Array
    codes: Array
    digests: Array


def _read_events(
    table: ColumnTable, views: Sequence[ViewState], links: LinkFields, *, are_messages: bool
) -> ReadColumns:
    times, invalid = table.times("occurred_at", zone_of(views))
    invalid = invalid | table.amounts("amount")[1]
    bands = [table.ids(name) for name in CAMPAIGN]
    is_band = bands[0].is_present | bands[1].is_present
    invalid |= bands[0].is_invalid | bands[1].is_invalid | ~(is_band | table.ids("account_id").is_present)
    event_ids, are_labels = table.ids("event_id"), bands[1].is_present
    row_ids = np.where(are_labels, np.uint64(0), _digests(event_ids, "event None "))
    invalid |= event_ids.is_invalid
    entities = []
    for view in views:
        found, wrong = _entities(table, view.history.entities)
        entities.append(found)
        invalid |= wrong | found.exists & _wrong_fields(table, view)
    for name in ("account_id", *links.names) if links.names else ():
        invalid |= table.ids(name).is_invalid
    has_rows = np.logical_or.reduce([found.exists for found in entities], initial=False) | np.zeros_like(invalid)
    if are_messages:
        identifiers = _message_identifiers(table, times, event_ids, bands[1])
    else:
        identifiers = np.where(is_band, np.uint64(0), row_ids)

    def prepared(kept: Array) -> PreparedColumns:
        rows = [
            _rows(view.events, found, kept, partial(_event_rows, table, view, times, row_ids))
            for view, found in zip(views, entities, strict=True)
        ]
        return PreparedColumns(times[kept], identifiers[kept], are_labels[kept], rows, _links(table, links, kept))

    return ReadColumns(~invalid, prepared, times, identifiers, are_labels, has_rows)


def _wrong_fields(table: ColumnTable, view: ViewState) -> Array:
    """Return in which rows a field that a view measures is invalid."""
    wrong = table.categories("kind").is_invalid | table.amounts(view.history.amount)[1]
    for name in view.identifiers:
        wrong = wrong | table.ids(name).is_invalid
    return wrong


def _entities(table: ColumnTable, names: tuple[str, ...]) -> tuple[_Entities, Array]:
    """Return the entities that columns identify, and where an id is invalid and all before it are present."""
    columns = [table.ids(name) for name in names]
    exists, wrong = np.ones(table.n_rows, np.bool_), np.zeros(table.n_rows, np.bool_)
    for ids in columns:
        wrong |= exists & ids.is_invalid
        exists &= ids.is_present
    codes = columns[0].codes
    if len(columns) == 1:
        return _Entities(exists, codes, columns[0].keys), wrong
    for ids in columns[1:]:
        codes, _ = combine_codes(codes, ids.codes, ids.n_codes)
    firsts = first_rows(codes)
    parts = zip(*([ids.parts[code] for code in ids.codes[firsts].tolist()] for ids in columns), strict=True)
    hashed = (b"".join(len(part).to_bytes(4, "little") + part for part in key) for key in parts)
    digests = b"".join(blake2b(content, digest_size=16).digest() for content in hashed)
    return _Entities(exists, codes, np.frombuffer(digests, np.uint64).reshape(-1, 2)), wrong


def _rows(pool: Any, found: _Entities, kept: Array, rows_of: Callable[[Array], Array]) -> PreparedRows:
    """Return the rows of the records that are kept and have an entity."""
    chosen = np.flatnonzero(kept & found.exists)
    records = np.cumsum(kept)[chosen] - 1
    return PreparedRows(pool, found.digests[found.codes[chosen]], rows_of(chosen), records)


def _event_rows(table: ColumnTable, view: ViewState, times: Array, row_ids: Array, chosen: Array) -> Array:
    rows = np.empty((len(chosen), IDS + len(view.identifiers)), np.int64)
    rows[:, TIME], rows[:, DIGEST] = times[chosen], row_ids[chosen].view(np.int64)
    rows[:, AMOUNT] = bits_of(np.nan)
    if view.history.reads_amounts:
        rows[:, AMOUNT] = table.amounts(view.history.amount)[0].view(np.int64)[chosen]
    rows[:, KIND] = kind_numbers(table, view.kinds)[chosen]
    for column, name in enumerate(view.identifiers, start=IDS):
        rows[:, column] = _row_digests(table.ids(name)).view(np.int64)[chosen]
    return rows


def _links(table: ColumnTable, links: LinkFields, kept: Array) -> list[PreparedLinks]:
    accounts, prepared = _row_digests(table.ids("account_id")), []
    for name in links.names:
        values = _row_digests(table.ids(name))
        chosen = kept & (accounts != 0) & (values != 0)
        if name == links.counterparty:
            chosen &= accounts != values
        records = np.cumsum(kept)[chosen] - 1
        prepared.append(PreparedLinks(name, accounts[chosen], values[chosen], records))
    return prepared


def _read_labels(table: ColumnTable, views: Sequence[ViewState]) -> ReadColumns:
    times, invalid = table.times("labelled_at", zone_of(views))
    frauds, not_labels = table.frauds("is_fraud")
    event_ids = table.ids("event_id")
    invalid = invalid | not_labels | event_ids.is_invalid
    has_rows, counting = np.zeros_like(invalid), [view for view in views if view.history.needs_labels]
    entities = []
    for view in counting:
        found, wrong = _entities(table, view.history.entities)
        entities.append(found)
        invalid |= wrong
        has_rows |= found.exists
    identifiers = _label_digests(event_ids, times, (False, True), frauds.astype(np.int64), ~invalid)
    amounts, are_labels = np.where(frauds, bits_of(1.0), bits_of(0.0)), np.ones_like(invalid)
    subjects = _row_digests(table.ids("event_id" if "event_id" in table else "subject_id")).view(np.int64)

    def prepared(kept: Array) -> PreparedColumns:
        def rows_of(chosen: Array) -> Array:
            none = np.zeros(len(chosen), np.int64)
            return np.stack([times[chosen], none, amounts[chosen], subjects[chosen]], axis=1)

        pairs = zip(counting, entities, strict=True)
        rows = [_rows(view.labels, found, kept, rows_of) for view, found in pairs]
        return PreparedColumns(times[kept], identifiers[kept], are_labels[kept], rows)

    return ReadColumns(~invalid, prepared, times, identifiers, are_labels, has_rows)


def _read_account_labels(table: ColumnTable, views: Sequence[ViewState]) -> ReadColumns:
    times, invalid = table.times("labelled_at", zone_of(views))
    frauds, not_labels = table.frauds("is_fraud")
    accounts = table.ids("account_id")
    invalid = invalid | not_labels | ~accounts.is_present
    identifiers, are_labels = np.zeros(table.n_rows, np.uint64), np.ones_like(invalid)

    def prepared(kept: Array) -> PreparedColumns:
        of_accounts = _row_digests(accounts)[kept], frauds[kept]
        return PreparedColumns(times[kept], identifiers[kept], are_labels[kept], [], [], *of_accounts)

    return ReadColumns(~invalid, prepared, times, identifiers, are_labels, are_labels)


def _row_digests(ids: EncodedIds) -> Array:
    return ids.by_row(ids.digests, 0)


def _digests(ids: EncodedIds, prefix: str) -> Array:
    """Return the digest of each row's prefix and id; 0 without an id."""
    return ids.by_row(digests_of([prefix.encode() + part for part in ids.parts]), 0)


def _label_digests(
    ids: EncodedIds, times: Array, labels: Sequence[bool | str], label_codes: Array, chosen: Array
) -> Array:
    """Return the digest of label, time and id of the chosen rows; 0 without an id."""
    rows, kinds = np.flatnonzero(chosen & ids.is_present), [label_kind(label) for label in labels]
    parts = zip(label_codes[rows].tolist(), times[rows].tolist(), ids.codes[rows].tolist(), strict=True)
    digests = np.zeros(len(ids.codes), np.uint64)
    digests[rows] = digests_of([f"{kinds[label]} {time} ".encode() + ids.parts[code] for label, time, code in parts])
    return digests


def _message_identifiers(table: ColumnTable, times: Array, event_ids: EncodedIds, labelled: EncodedIds) -> Array:
    """Return the identifiers of the bands of messages; all bands of a message have the same."""
    is_label = labelled.is_present
    sent, kinds = _digests(event_ids, "message None "), table.categories("kind")
    classes = [*kinds.texts, ONE_KIND]  # the last is that of codes below 0
    return np.where(is_label, _label_digests(event_ids, times, classes, np.maximum(kinds.codes, -1), is_label), sent)
