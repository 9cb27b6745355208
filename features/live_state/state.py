"""The live runner: a state that takes events as they arrive, and computes features at any cutoff time.

It shares declarations and kernels with the batch runner, and runs the kernels on the events of one entity. Sums are
exact, so they do not depend on the order of arrival or on events before the window. Live and batch features are
therefore equal to the last bit. Needs only NumPy and Numba.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array, Record, Records
from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.history.columns.checks import ColumnChecks, check_columns
from fraudsieve.features.history.columns.reader import NO_LINKS, ColumnType, LinkFields, PreparedColumns
from fraudsieve.features.history.columns.table import Columns
from fraudsieve.features.history.declaration import History, check_histories, history_columns, window_seconds
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.records import RecordIds, RejectedRecord, as_records, required_time
from fraudsieve.features.history.seen_ids import SeenIds
from fraudsieve.features.history.timeline import CAMPAIGN, PreparedRecord, RecordType, ViewState, zone_of
from fraudsieve.features.network.declaration import HistoryDeclaration, Network, status_views
from fraudsieve.features.network.live import NetworkState
from fraudsieve.tables.values.reading import read_number

from .arrivals import Prepared, add_prepared, ids_and_times, read_any, read_records
from .snapshot import FORMAT, Dump, decode_dump, encode_dump, load_content, save_content

SWEPT_PER_EVENT = 2
"""Number of other entities whose old events are dropped with each event."""
TOO_OLD = "as_of: expected a time within the lateness of the state, got an older one"


class HistoryState:
    """A live state of feature views: it adds events as they arrive, computes features, and drops old events.

    Each view keeps the events of its longest window, the lateness and one more hour in memory. It also keeps the times
    of the first and the last event of every entity. Views of other entities than accounts do so only if a measure has
    no window. An event takes ``8 * (5 + n_identifiers)`` bytes per view, an entity about 80 bytes, and some space is
    unused. Of an entity with more than `History.max_events`, those that no window can have are dropped: at most that
    many of one time and at most that many from before the lateness are kept, and the time to compute its features does
    not grow with their number. `nbytes` is the size of the arrays. Identifiers are stored as digests. A
    network keeps every pair of account and counterparty.

    Of several events with the same ``event_id``, only the first counts, whatever the others contain. Events without an
    id always count. Labels with the same ``event_id``, time and ``is_fraud`` count once; contradicting ones all count.
    Ids are remembered for the longest window plus the lateness, at 32 to 60 bytes each.

    A state is not thread-safe: a caller with several threads must lock it, also to compute features.

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
        Time of the latest event, in microseconds since 1970. Labels do not move it.
    n_events : int
        Number of events and labels in memory, over all views.
    seen : SeenIds
        The digests of the ids of events and labels that count, from `RecordIds.delivery`.

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
    def declaration_digest(self) -> str:
        """A digest of declaration and lateness. States with equal ones hold the same data after the same rows."""
        network = self.declared_network
        views = [history.to_dict() for history in self.histories]
        declared = [views, network and network.to_dict(), self.lateness, FORMAT]
        return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def declared_network(self) -> Network | None:
        """The declaration of the network; None without a network."""
        return self.network.declaration if self.network else None

    @property
    def horizon(self) -> int:
        """The oldest time that a new record or a cutoff time may have, in microseconds since 1970.

        A window that ends at the horizon or earlier cannot change: it holds only earlier events, and none is accepted.
        """
        return NEVER if self.watermark == NEVER else self.watermark - self._late

    def latest(self, now: datetime) -> int:
        """Return the latest time that a new record may have, in microseconds since 1970."""
        return required_time(now, "now") + self._ahead

    @property
    def n_entities(self) -> int:
        """Number of entities in memory, over all views."""
        return sum(len(view.events) for view in self.views)

    @property
    def n_at_bound(self) -> int:
        """Number of entities, over all views, with as many events or labels as a window may have, or more."""
        return sum(pool.n_at_bound for view in self.views for pool in view.pools.values())

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

        Many records are added much faster as columns: a mapping of names to arrays or lists, or a table of PyArrow,
        pandas or Polars. The result is the same as for dicts.

        Parameters
        ----------
        events : dict, list or tuple of dict, or columns, default=()
            Events with ``account_id``, ``occurred_at`` and the declared columns. Events with the ``event_id`` of an
            earlier one do not count, and are not rejected.
        labels : dict, list or tuple of dict, or columns, default=()
            Labels of events, with at least one entity column of a view, ``labelled_at`` and ``is_fraud``.
        account_labels : dict, list or tuple of dict, or columns, default=()
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
            If an argument is not a dict, a list or tuple of dicts, or columns.
        ValueError
            If columns differ in length.

        Examples
        --------
        >>> state = HistoryState(History(("1h",), measures=("count",)))
        >>> state.update({"account_id": ["ann", "bob"], "occurred_at": np.array(["2026-05-01", "NaT"], "M8[s]")})
        (RejectedRecord(position=1, reason='occurred_at: expected a time, the field is missing'),)
        """
        tables: dict[RecordType, Records | Columns] = {
            "events": events,
            "labels": labels,
            "account_labels": account_labels,
        }
        given = {name: records for name, records in tables.items() if not isinstance(records, tuple) or records}
        checks = self._checks(now)
        read = [read_any(records, record_type, checks) for record_type, records in given.items()]
        for prepared, _ in read:
            self.apply(prepared)
        return tuple(record for _, rejected in read for record in rejected)

    def _checks(self, now: datetime | None, *, stored: bool = False) -> ColumnChecks:
        """Return what new records are checked against; the times of stored ones are not checked."""
        network = self.network
        times = None if stored else (self.horizon, self.latest(now or datetime.now(UTC)))
        if network is None:
            return ColumnChecks(self.views, NO_LINKS, None, self.seen, times)
        links = LinkFields(network.declaration.links, network.declaration.counterparty)
        return ColumnChecks(self.views, links, network.pairs, self.seen, times)

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
            Whether the records were accepted before. If so, neither their times nor their entities are checked: the
            state that accepted them may have had other views.

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
        return read_records(as_records(records), record_type, self._checks(now, stored=stored))

    def prepare_columns(
        self,
        columns: Columns,
        record_type: ColumnType = "events",
        *,
        now: datetime | None = None,
        stored: bool = False,
    ) -> tuple[PreparedColumns, list[RejectedRecord]]:
        """Parse and check columns, with the result of `prepare` for the same records but much faster.

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
        return check_columns(columns, record_type, self._checks(now, stored=stored))

    def apply(self, prepared: Prepared) -> int:
        """Add records that `prepare` or `prepare_columns` of this state returned, and drop old events.

        Parameters
        ----------
        prepared : sequence of PreparedRecord, or PreparedColumns

        Returns
        -------
        int
            Number of repeated deliveries, which are not added.
        """
        is_new = self.seen.admit(*ids_and_times(prepared), self.watermark)
        self.watermark = self.seen.newest
        n_rows, n_events = add_prepared(prepared, is_new, self.network)
        self.n_events += n_rows
        if self.watermark != NEVER:
            n = SWEPT_PER_EVENT * max(n_events, 1)
            self.n_events -= sum(view.sweep(self.horizon, n) for view in self.views)
        return len(prepared) - int(np.count_nonzero(is_new))

    def rewind(self, time: datetime) -> int:
        """Drop the events and labels that are later than a time, and take the watermark back.

        Parameters
        ----------
        time : datetime
            The time; events at it are kept.

        Returns
        -------
        int
            Number of events and labels dropped, over all views.

        Notes
        -----
        The watermark is then the time of the newest remaining event that a view holds or that has an id. The ids of
        dropped events are forgotten, so these events count if they are sent again with another time.

        Raises
        ------
        ValueError
            If old events that the earlier time may need were dropped. Build the state from the events again.
        """
        until = required_time(time, "time")
        pools, newest = [pool for view in self.views for pool in (view.events, view.labels)], self.watermark
        if until < newest:
            of_events = (view.events for view in self.views if view.history.entities != (CAMPAIGN[1],))
            newest = max((pool.newest_until(until) for pool in of_events), default=NEVER)
            newest = max(newest, self.seen.newest_until(until))
        oldest = NEVER if newest == NEVER else newest - (self.watermark - self.horizon)
        for view in self.views:
            for pool in (view.events, view.labels):
                lacks = newest == NEVER or pool.newest_dropped >= view.oldest_needed(oldest)
                if lacks and pool.newest_dropped != NEVER and newest < self.watermark:
                    raise ValueError(
                        "Expected a time whose windows are still in memory, got an earlier one. "
                        "Build the state from the events again, without the later ones."
                    )
        n_dropped = sum(pool.drop_after(until) for pool in pools)
        if self.network is not None:
            self.network.rewind(until)
        self.seen.rewind(until, newest)
        self.n_events -= n_dropped
        self.watermark = newest
        return n_dropped

    def features(self, subjects: Records, histories: Sequence[History] | None = None) -> Array:
        """Compute the features of subjects, strictly before their cutoff times.

        Parameters
        ----------
        subjects : dict, or list or tuple of dict
            Each with the subject columns, ``as_of`` and, if subjects have one, ``amount`` (None if unknown) or the
            column that a view uses as its amount. Without it, the amount of the last event is compared with the past.
            Payments have an amount; leave it out for accounts, as `AccountFeatures` and `Scorer` do.
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
        rows, _, why = self.rows_of(as_records(subjects), histories)
        rejected = next(filter(None, why), None)
        if rejected is not None:
            raise RejectedRecordError(rejected)
        return rows

    def rows_of(
        self, subjects: Sequence[Record], histories: Sequence[History] | None = None
    ) -> tuple[Array, Array, list[str | None]]:
        """Return the features of subjects, whether they have history, and why they are rejected; their rows are NaN.

        A subject has history if its account had an event; without a view of it, if any of its entities had one. All
        are looked up in a view at once: for 16 messages, this takes a third of the time of one by one.
        """
        views = self.views if histories is None else [view for view in self.views if view.history in histories]
        network = self.network if histories is None else None
        entities, amounts = {view.history.subjects for view in views}, {view.history.amount for view in views}
        zone, horizon = zone_of(self.views), self.horizon
        why, read, last = list[str | None]([None] * len(subjects)), dict[int, tuple[int, int, Any, Any]](), None
        for place, subject in enumerate(subjects):
            try:
                as_of = subject.get("as_of")
                if as_of is None or as_of is not last:  # the bands of a message share one
                    cutoff, last = required_time(as_of, "as_of", zone), as_of
                if cutoff < horizon:  # events that its windows need may have been dropped
                    raise RejectedRecordError(TOO_OLD)
                ids = RecordIds(subject)
                account = ids.digest("account_id") if network else 0
                keys = {names: ids.entity(names) for names in entities}
                own = {name: read_number(subject[name], name) for name in amounts if name in subject}
                read[place] = cutoff, account, keys, own
            except RejectedRecordError as error:
                why[place] = str(error)
        places, of_status = [*read], status_views([view.history for view in views])
        times = np.array([cutoff for cutoff, *_ in read.values()], np.int64)
        blocks, has_history = [np.empty((len(read), 0))], np.zeros(len(subjects), np.bool_)
        for view in views:
            keys_of_view = [keys[view.history.subjects] for *_, keys, _ in read.values()]
            own_amounts = [own.get(view.history.amount) for *_, own in read.values()]
            block, has_events = view.rows_of(keys_of_view, own_amounts, times)
            blocks.append(block)
            if view.history in of_status:
                has_history[places] |= has_events
        if network is not None:
            accounts = np.array([account for _, account, *_ in read.values()], np.uint64)
            blocks.append(network.compute(accounts, times))
        out = np.full((len(subjects), sum(block.shape[1] for block in blocks)), np.nan)
        out[places] = np.hstack(blocks)
        return out, has_history, why

    def save(self, path: str | Path) -> None:
        """Write the state to a file, atomically replacing an existing one.

        Parameters
        ----------
        path : str or Path
            The file; its folder is created if needed. Only its owner can read it.
        """
        save_content(path, self.encode())

    def dump(self) -> Dump:
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
    def load(cls, path: str | Path) -> Self:
        """Read a state that `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        HistoryState
            A state that computes the same features as the saved one.

        Raises
        ------
        StateError
            If the file is missing or changed, or has another format version.
        """
        return cls.decode(load_content(path), str(path), "Build the state again from the events.")

    def encode(self) -> Iterator[bytes]:
        """Yield the state as bytes, in parts."""
        return encode_dump(self.dump())

    @classmethod
    def decode(cls, content: bytes | memoryview, origin: str, fix: str) -> Self:
        """Read a state from the bytes of a dump, whose digest must have been checked.

        Parameters
        ----------
        content : bytes
            From `encode`, or from `encode_dump`.
        origin, fix : str
            Where the bytes come from, and what to do if they cannot be read; for the error.

        Returns
        -------
        HistoryState

        Raises
        ------
        StateError
            If they are of another format, or are not a state.
        """
        try:
            facts, arrays = decode_dump(content)
            version = facts.pop("format")
            if version == FORMAT:
                return cls.restore(facts, arrays)
        except Exception as error:  # NumPy and zipfile raise many types, and so does what does not agree
            raise StateError(origin, f"the state in it is not consistent ({type(error).__name__})", fix) from None
        raise StateError(origin, f"expected a state of format {FORMAT}, got {version!r}", fix)

    @classmethod
    def restore(cls, facts: Mapping[str, Any], arrays: list[dict[str, Array]]) -> Self:
        """Return the state of a dump, wherever its bytes come from; the arrays must not be used afterwards.

        Raises many types if they do not agree.

        Parameters
        ----------
        facts : mapping
            From `dump`.
        arrays : list of dict of str to ndarray
            From `dump`.

        Returns
        -------
        HistoryState
        """
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
