"""The live runner: a state that takes events as they arrive, and computes features at any cutoff time.

It shares declarations and kernels with the batch runner, and runs the kernels on the events of one entity. Sums have
twice the digits of a float64, so they do not depend on the order of arrival or on events before the window. Live and
batch features are therefore equal to the last bit. Needs only NumPy and Numba.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.history.columns.checks import ColumnChecks, check_columns, to_columns
from fraudsieve.features.history.columns.prepared import PreparedColumns
from fraudsieve.features.history.columns.reader import ColumnType
from fraudsieve.features.history.columns.table import Columns, is_columns
from fraudsieve.features.history.declaration import History, check_histories, history_columns
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.history.reader import (
    TIME_FIELDS,
    RecordType,
    check_labelled_entity,
    read_record,
)
from fraudsieve.features.history.records import (
    RejectedRecord,
    as_records,
    check_time_between,
    parse_time,
)
from fraudsieve.features.history.seen_ids import SeenIds
from fraudsieve.features.history.store import read_state, write_state
from fraudsieve.features.history.timeline import PreparedRecord, ViewState
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.live import NetworkState

from .history_declaration import HistoryDeclaration

__all__ = ["HistoryState"]

Record: TypeAlias = Mapping[str, Any]
Records: TypeAlias = Record | Sequence[Record]
Prepared: TypeAlias = Sequence[PreparedRecord] | PreparedColumns

SECOND = 1_000_000
MIN_COLUMN_LENGTH = 64
"""Fewer records are read one by one."""
SWEPT_PER_EVENT = 2
"""Number of other entities whose old events are dropped with each event."""


class HistoryState:
    """A live state of feature views: takes events as they arrive, computes features, and drops old events.

    Each view keeps the events of its longest window, the lateness and one more hour in memory. It also keeps the times
    of the first and the last event of every entity. Views of other entities than accounts do so only if a measure has
    no window. An event takes ``8 * (4 + n_identifiers)`` bytes per view and an entity about 400 bytes; `nbytes` is the
    size of the arrays. Identifiers are stored as digests. A network keeps every pair of account and counterparty.

    Of several events with the same ``event_id``, only the first counts, whatever the others contain. Events without an
    id always count. Labels with the same ``event_id`` and time count once. Ids are remembered for the longest window
    plus the lateness, at about 90 bytes each.

    A state is not thread-safe: a caller with several threads must lock it.

    Parameters
    ----------
    histories : History or sequence of History
        The feature views.
    network : Network, default=None
        The network to compute; None for no network.
    lateness : str, default="1d"
        How much older than the latest event a new event may be; also how far back a cutoff time may be.
    ahead : str, default="1h"
        How far in the future an event may be, since clocks differ. Later events are rejected.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns.
    watermark : int
        Time of the latest event, in microseconds since 1970.
    n_events : int
        Number of events and labels in memory, over all views.
    seen : SeenIds
        The digests of the ids of events and labels that count, from `delivery_id`.

    Examples
    --------
    >>> state = HistoryState(History(("1h",), measures=("count", "sum", "since_last")))
    >>> state.update({"account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z", "kind": "pay", "amount": 5})
    ()
    >>> state.features({"account_id": "ann", "as_of": "2026-05-01T10:00:30Z"}).tolist()
    [[1.0, 5.0, 30.0]]
    """

    def __init__(
        self,
        histories: History | Sequence[History],
        *,
        network: Network | None = None,
        lateness: str = "1d",
        ahead: str = "1h",
    ) -> None:
        self.histories = check_histories(histories)
        self.lateness, self.ahead = lateness, ahead
        self.columns = history_columns(self.histories) + (network.columns if network else ())
        self.network = NetworkState(network) if network else None
        self.views = [ViewState(history) for history in self.histories]
        self.watermark = NEVER
        self.n_events = 0
        self._late, self._ahead = window_seconds(lateness) * SECOND, window_seconds(ahead) * SECOND
        longest = max((view.longest_window for view in self.views), default=0)
        self.seen = SeenIds(longest + self._late)

    @property
    def declaration(self) -> HistoryDeclaration:
        """The feature views and the network."""
        return HistoryDeclaration(self.histories, self.declared_network)

    @property
    def declared_network(self) -> Network | None:
        """The declaration of the network; None without a network."""
        return self.network.declaration if self.network else None

    @property
    def oldest(self) -> int:
        """The oldest cutoff time that can be computed, in microseconds since 1970."""
        return NEVER if self.watermark == NEVER else self.watermark - self._late

    @property
    def n_entities(self) -> int:
        """Number of entities in memory, over all views."""
        return sum(len(view.events) for view in self.views)

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(view.nbytes for view in self.views)

    def update(
        self,
        events: Records | Columns = (),
        labels: Records | Columns = (),
        *,
        account_labels: Records | Columns = (),
        now: datetime | None = None,
    ) -> tuple[RejectedRecord, ...]:
        """Add events and labels.

        The events of one call may be in any order: whether one is too late depends on the events of earlier calls.

        Parameters
        ----------
        events : dict, or list or tuple of dict, default=()
            Events with ``account_id``, ``occurred_at`` and the declared columns. Events with the ``event_id`` of an
            earlier one do not count, and are not rejected.
        labels : dict, or list or tuple of dict, default=()
            Labels of events, with at least one entity column of a view, ``labelled_at`` and ``is_fraud``.
        account_labels : dict, or list or tuple of dict, default=()
            Labels of accounts for the network, with ``account_id``, ``labelled_at`` and ``is_fraud``.
        now : datetime, default=None
            The current time, to reject events in the future; None for the system clock.

        Returns
        -------
        tuple of RejectedRecord
            Rejected records with their reasons: events, then labels, then account labels.

        Raises
        ------
        TypeError
            If an argument is not a dict or a list or tuple of dicts.
        """
        tables: dict[RecordType, Records | Columns] = {
            "events": events,
            "labels": labels,
            "account_labels": account_labels,
        }
        given = {name: records for name, records in tables.items() if not isinstance(records, tuple) or records}
        read = [self._prepare_any(records, record_type, now) for record_type, records in given.items()]
        for prepared, _ in read:
            self.apply(prepared)
        return tuple(record for _, rejected in read for record in rejected)

    def _prepare_any(
        self, records: Records | Columns, record_type: RecordType, now: datetime | None
    ) -> tuple[Prepared, list[RejectedRecord]]:
        """Prepare columns, or records: many records as columns, which takes a fraction of the time."""
        if is_columns(records, TIME_FIELDS[record_type]):
            return self.prepare_columns(records, record_type, now=now)
        several = as_records(records)
        if len(several) < MIN_COLUMN_LENGTH:
            return self.prepare(several, record_type, now=now)
        columns = to_columns(several, record_type, self.views, self.declared_network)
        return self.prepare_columns(columns, record_type, now=now)

    def prepare(
        self,
        records: Records,
        record_type: RecordType = "events",
        *,
        now: datetime | None = None,
        stored: bool = False,
    ) -> tuple[list[PreparedRecord], list[RejectedRecord]]:
        """Parse and check records without adding them, so that a caller can log them before it calls `apply`.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            As for `update`.
        record_type : {"events", "labels", "account_labels"}, default="events"
            What the records are.
        now : datetime, default=None
            As for `update`.
        stored : bool, default=False
            Whether the records were accepted before. Their times are then not checked, nor whether a view of this
            state, which may be another one, has an entity of theirs.

        Returns
        -------
        prepared : list of PreparedRecord
            Valid records, for `apply` of this state. Repeated deliveries are among them.
        rejected : list of RejectedRecord
            Invalid records with their reasons.

        Raises
        ------
        TypeError
            If `records` is not a dict or a list or tuple of dicts.
        """
        limit = parse_time(now or datetime.now(UTC), "now") + self._ahead
        prepared, rejected = [], []
        for position, record in enumerate(as_records(records)):
            try:
                read = read_record(record, record_type, self.views, self.network.pairs if self.network else None)
                if not stored and read.identifier not in self.seen:
                    check_time_between(read.time, TIME_FIELDS[record_type], self.oldest, limit)
                    if record_type == "labels" and not read.rows:
                        check_labelled_entity(record, self.histories)
                prepared.append(read)
            except RejectedRecordError as error:
                rejected.append(RejectedRecord(position, str(error)))
        return prepared, rejected

    def prepare_columns(
        self,
        columns: Columns,
        record_type: ColumnType = "events",
        *,
        now: datetime | None = None,
        stored: bool = False,
    ) -> tuple[PreparedColumns, list[RejectedRecord]]:
        """Parse and check columns, with the result of `prepare` for the same records, in a fraction of the time.

        Parameters
        ----------
        columns : mapping of str to array, or table
            As for `update`.
        record_type : {"events", "labels", "account_labels", "messages"}, default="events"
            What the records are. Messages have ``occurred_at``, and in ``campaign`` or ``labelled`` the list of the
            keys of their bands; all bands of a message count as one delivery.
        now, stored
            As for `prepare`.

        Returns
        -------
        prepared : PreparedColumns
            Valid records, for `apply` of this state. Repeated deliveries are among them.
        rejected : list of RejectedRecord
            Invalid records with their reasons.

        Raises
        ------
        ValueError
            If the columns differ in length.
        """
        limit = parse_time(now or datetime.now(UTC), "now") + self._ahead
        pairs, times = self.network.pairs if self.network else None, None if stored else (self.oldest, limit)
        checks = ColumnChecks(self.views, self.declared_network, pairs, self.seen, times)
        return check_columns(columns, record_type, checks)

    def apply(self, prepared: Prepared) -> int:
        """Add records that `prepare` or `prepare_columns` of this state returned, and drop old events.

        Parameters
        ----------
        prepared : sequence of PreparedRecord, or PreparedColumns
            The records.

        Returns
        -------
        int
            Number of repeated deliveries, which are not added.
        """
        if isinstance(prepared, PreparedColumns):
            return self._apply_columns(prepared)
        identifiers = np.array([record.identifier for record in prepared], np.uint64)
        is_new = self._admit(identifiers, np.array([record.time for record in prepared], np.int64))
        for record, counts in zip(prepared, is_new.tolist(), strict=True):
            if counts:
                self._apply_record(record)
        self._sweep(sum(record.n_events for record in prepared))
        return len(prepared) - int(np.count_nonzero(is_new))

    def _apply_columns(self, prepared: PreparedColumns) -> int:
        is_new = self._admit(prepared.identifiers, prepared.times)
        for pool, digests, rows, records in prepared.rows:
            counts = is_new[records]
            pool.add_many(digests[counts], rows[counts])
            self.n_events += int(np.count_nonzero(counts))
        if self.network is not None:
            for name, accounts, values, records in prepared.links:
                counts = is_new[records]
                self.network.link_many(name, accounts[counts], values[counts], prepared.times[records[counts]])
            if prepared.accounts.size:
                self.network.label_many(prepared.accounts, prepared.times, prepared.frauds)
        self._sweep(max((len(part.rows) for part in prepared.rows), default=0))
        return len(prepared) - int(np.count_nonzero(is_new))

    def _admit(self, identifiers: Array, times: Array) -> Array:
        """Return which records are new; their times move the watermark."""
        is_new = self.seen.admit(identifiers, times, self.watermark)
        self.watermark = max(self.watermark, int(times[is_new].max(initial=NEVER)))
        return is_new

    def _apply_record(self, record: PreparedRecord) -> None:
        for pool, key, row in record.rows:
            pool.add(key, row)
        self.n_events += len(record.rows)
        if self.network is not None:
            for link in record.links:
                self.network.link(*link, record.time)
            if record.account_label is not None:
                account, is_fraud = record.account_label
                self.network.label(account, record.time, is_fraud)

    def _sweep(self, n_events: int) -> None:
        if self.watermark != NEVER:
            n = SWEPT_PER_EVENT * max(n_events, 1)
            self.n_events -= sum(view.sweep(self.oldest, n) for view in self.views)

    def features(self, subjects: Records, histories: Sequence[History] | None = None) -> Array:
        """Compute the features of subjects, strictly before their cutoff times.

        Parameters
        ----------
        subjects : dict, or list or tuple of dict
            Each with the subject columns, ``as_of`` and, if subjects have one, ``amount`` (None if unknown), or what
            else a view takes as its amount. Without the field, the amount of the last event is compared with the past.
        histories : sequence of History, default=None
            The feature views to compute, in the order of the state; None for all views and the network.

        Returns
        -------
        ndarray of float64, shape (n_subjects, n_columns)
            Equal to the features of the batch runner.

        Raises
        ------
        ValueError
            If a cutoff time is missing, or older than `oldest`.
        """
        return self.compute(subjects, histories)[0]

    def compute(self, subjects: Records, histories: Sequence[History] | None = None) -> tuple[Array, Array]:
        """Compute the features of subjects, and whether they have history.

        Parameters
        ----------
        subjects, histories
            As for `features`.

        Returns
        -------
        features : ndarray of float64, shape (n_subjects, n_columns)
            As from `features`.
        has_history : ndarray of bool, shape (n_subjects,)
            Whether the account had an event; without a view of accounts, whether any entity of the subject had one.
        """
        records = as_records(subjects)
        account_views = [view for view in self.views if view.history.entities == ("account_id",)] or self.views
        views = self.views if histories is None else [view for view in self.views if view.history in histories]
        n_columns = len(self.columns) if histories is None else sum(len(view.history.columns) for view in views)
        out, has_history = np.empty((len(records), n_columns)), np.zeros(len(records), np.bool_)
        for row, record in enumerate(records):
            cutoff = parse_time(record.get("as_of"), "as_of")
            if cutoff < self.oldest:
                raise RejectedRecordError("as_of: expected a time within the lateness of the state, got an older one")
            start = 0
            for view in views:
                stop = start + len(view.history.columns)
                # Two rows give columns the same memory layout as in a batch, so each kernel is compiled only once.
                block = np.full((2, stop - start), np.nan)
                has_events = view.fill(record, cutoff, block)
                has_history[row] |= has_events and view in account_views
                out[row, start:stop] = block[0]
                start = stop
            if self.network is not None and histories is None:
                out[row, start:] = self.network.compute(record, cutoff)
        return out, has_history

    def save(self, folder: str | Path) -> None:
        """Write the state to a folder, atomically replacing the state in it.

        Parameters
        ----------
        folder : str or Path
            The folder, which is created if needed.
        """
        write_state(folder, *self.dump())

    def dump(self) -> tuple[dict[str, Any], list[dict[str, Array]]]:
        """Return a copy of the state as `save` writes it: facts in plain JSON types, and arrays per part."""
        facts = {
            "histories": [history.to_dict() for history in self.histories],
            "network": self.network.declaration.to_dict() if self.network else None,
            "lateness": self.lateness,
            "ahead": self.ahead,
            "watermark": None if self.watermark == NEVER else self.watermark,
        }
        arrays = [view.dump() for view in self.views]
        return facts, [*arrays, *([self.network.dump()] if self.network else []), self.seen.dump()]

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a state that `save` wrote.

        Parameters
        ----------
        folder : str or Path
            The folder.

        Returns
        -------
        HistoryState
            A state that computes the same features as the saved one.

        Raises
        ------
        StateError
            If a file is missing or changed, or has another format version.
        """
        facts, arrays = read_state(folder)
        try:
            return cls.of_dump(facts, arrays)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
            problem = f"the files are not a consistent state ({type(error).__name__})"
            raise StateError(str(folder), problem, "Build the state again from the events.") from None

    @classmethod
    def of_dump(cls, facts: Mapping[str, Any], arrays: list[dict[str, Array]]) -> Self:
        """Return the state of a `dump`; its arrays must not be used afterwards."""
        histories = [History.from_dict(declared) for declared in facts["histories"]]
        network = facts["network"] and Network.from_dict(facts["network"])
        state = cls(histories, network=network, lateness=facts["lateness"], ahead=facts["ahead"])
        state.watermark = NEVER if facts["watermark"] is None else int(facts["watermark"])
        state.seen.load(arrays.pop())
        if state.network is not None:
            state.network.restore(arrays.pop())
        for view, view_arrays in zip(state.views, arrays, strict=True):
            state.n_events += view.restore(view_arrays)
        return state
