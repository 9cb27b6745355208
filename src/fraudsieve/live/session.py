"""A session of a replica with its store: it appends rows, follows others, and writes snapshots.

Which deliveries count is decided by the state before the call, and by the rows of the subjects of labels. A session
continues a store that this or another model has filled.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from fraudsieve._microseconds import HOUR, SECOND
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import RejectedRecordError, StateBehindError, StateError
from fraudsieve.features.history.declaration import WITHOUT_WINDOW, window_seconds
from fraudsieve.features.history.kernels.digest_table import ABSENT
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.records import RecordIds, check_time_between
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.live_state.snapshot import encode_dump
from fraudsieve.features.network.declaration import HistoryDeclaration
from fraudsieve.live.store.facts import RESTORE, START, Position, Row

from .labels import LABEL, Entry, MemoryRows, Subjects, Verdict, changes, effects_of, is_effect, label_key
from .recording import append_once, find_answers
from .records import Call, LoggedFields, PlausibleClock, fold_rows, logged_fields, read_entry
from .store.event_store import EventStore, StoreTransaction, encode_entry
from .store.facts import StoreFacts
from .store.snapshots import SnapshotFacts, drop_old_rows, list_snapshots, read_snapshot, write_snapshot

logger = logging.getLogger("fraudsieve.live")

ALL = window_seconds("all") * SECOND


def continued_state(transaction: StoreTransaction, new: HistoryState) -> tuple[HistoryState, Position]:
    """Return the state to which a model adds further rows of a store, and the position of its newest row."""
    facts, damage = transaction.facts, None
    snapshots = [one for one in list_snapshots(transaction) if one.position.offset >= facts.start.offset]
    equal = [one for one in snapshots if one.declaration == new.declaration_digest]
    for snapshot in equal:
        try:
            return stored_state(transaction, snapshot), snapshot.position
        except StateError as error:
            logger.error("a snapshot of the live state is not used: %s", error.problem)
            damage = error
    if logged_fields(new).are_in(stored_fields(facts)) and _reach_back(transaction, new):
        return new, facts.start
    if damage is not None:
        raise damage
    others = [one for one in snapshots if one not in equal]
    return _from_others(transaction, others, new)


def stored_state(transaction: StoreTransaction, snapshot: SnapshotFacts) -> HistoryState:
    """Return the state of a snapshot."""
    return HistoryState.decode(read_snapshot(transaction, snapshot), transaction.origin, RESTORE)


def holds_history(transaction: StoreTransaction, declaration: HistoryDeclaration) -> bool:
    """Return whether a store has the state of a declaration, or none yet."""
    snapshots = list_snapshots(transaction)
    states = (stored_state(transaction, snapshot) for snapshot in snapshots)  # decoded only as far as needed
    return not snapshots or any(state.declaration == declaration for state in states)


def stored_fields(facts: StoreFacts) -> LoggedFields:
    """Return the fields that every row of a store has stored."""
    return LoggedFields(frozenset(facts.ids), frozenset(facts.amounts))


def reach(state: HistoryState) -> int | None:
    """Return how far before the newest event a state can read, in microseconds; None without a bound.

    The network, the window ``all`` and the measures without a window have none.
    """
    if state.network is not None or any({*view.measures} & {*WITHOUT_WINDOW} for view in state.histories):
        return None
    longest = max((window_seconds(view.longest) for view in state.histories), default=0) * SECOND
    return None if longest >= ALL else longest + window_seconds(state.lateness) * SECOND + HOUR


def training_reach(state: HistoryState, label_span: int) -> int | None:
    """Return how far before an event a training of it reads, in microseconds; None without a bound.

    A measure of labels counts those that became known in a window. Their events are older, by the time until a label.
    """
    length = reach(state)
    if length is None or not any(view.needs_labels for view in state.histories):
        return length
    return length + label_span


def _reach_back(transaction: StoreTransaction, state: HistoryState) -> bool:
    """Return whether the deleted rows are older than all that a state can read."""
    dropped_before, length = transaction.facts.dropped_before, reach(state)
    if dropped_before is None or length is None:
        return dropped_before is None
    ((newest,),) = transaction.sql.execute("SELECT max(time) FROM events")
    return newest is not None and dropped_before <= newest - length


def _from_others(
    transaction: StoreTransaction, snapshots: list[SnapshotFacts], new: HistoryState
) -> tuple[HistoryState, Position]:
    for snapshot in snapshots:
        stored = stored_state(transaction, snapshot)
        if _has_views(stored, new):
            return _with_views(stored, new), snapshot.position
    problem = "was written for a model with other history features, or for a smaller lateness"
    fix = f"Open it with that model, or choose a new store and send the events of {_longest(new)} again."
    raise StateError(transaction.origin, problem, fix)


def _has_views(stored: HistoryState, new: HistoryState) -> bool:
    is_subset = {*new.histories} <= {*stored.histories} and new.declared_network in (None, stored.declared_network)
    return is_subset and window_seconds(new.lateness) <= window_seconds(stored.lateness)


def _with_views(stored: HistoryState, new: HistoryState) -> HistoryState:
    views = {view.history: view for view in stored.views}
    new.views = [views[history] for history in new.histories]
    new.network = stored.network if new.network else None
    new.watermark = stored.watermark
    new.seen.load(stored.seen.dump())
    new.n_events = sum(view.n_rows for view in new.views)
    return new


def _longest(state: HistoryState) -> str:
    longest = [view.longest for view in state.histories]
    return f"the last {max(longest, key=window_seconds)}" if longest and "all" not in longest else "all time"


ACCOUNT = ("account_id",)
TOO_LATE = "expected a time within the declared lateness of the newest record of the request, got an older one"


class Decided(NamedTuple):
    """An entry to append, and the record to add to the state; None for one of which the state counts nothing."""

    entry: Entry
    record: PreparedRecord | None


def decide_all(state: HistoryState, calls: Sequence[Call], clock: PlausibleClock, subjects: Subjects) -> list[Decided]:
    """Decide which deliveries of calls count, based on a state that has all earlier rows.

    Records of a call are compared with the state before the call, so their order does not affect which are too late.

    Returns the entries to append: the new deliveries, and what the state counts of labels.
    """
    subjects.load(delivery.entry for call in calls for delivery in call.deliveries)
    new: list[Decided] = []
    for call in calls:
        try:
            new += _Decider(state, call, subjects, call.now or clock.now(state)).decide()
        except Exception as error:  # a call must not fail the others
            call.error = error
    return new


class _Decider:
    """The decisions about one call."""

    def __init__(self, state: HistoryState, call: Call, subjects: Subjects, now: datetime) -> None:
        self._state, self._call, self._subjects, self._now = state, call, subjects, now
        self._new: list[Decided] = []
        self._oldest = _oldest_beside_the_newest(state, call) if call.is_atomic else NEVER

    def decide(self) -> list[Decided]:
        try:
            for place, entry in self._call.deliveries:
                try:
                    if LABEL in entry:
                        self._add_label(place, entry)
                    else:
                        self._add_record(place, entry)
                except RejectedRecordError as error:
                    self._call.rejected.append((place, str(error)))
        except Exception:
            self._drop_new()
            raise
        if self._call.is_atomic and (self._call.rejected or self._call.differing):
            self._drop_new()
            return []
        return self._new

    def _drop_new(self) -> None:
        self._subjects.drop(decided.entry for decided in reversed(self._new))

    def _append(self, entry: Entry, record: PreparedRecord | None) -> None:
        self._new.append(Decided(entry, record))
        self._subjects.add(entry)

    def _add_record(self, place: tuple[int, int], entry: Entry) -> None:
        ((part, (time, fields)),) = entry.items()
        kind, identifier = part[:-1], fields.get("event_id")
        earlier = None if identifier is None else self._subjects.record(kind, identifier)
        if earlier is not None:
            self._call.n_repeats += 1  # also of one that would be too late by now
            self._call.differing += [] if encode_entry(earlier) == encode_entry(entry) else [place]
            return
        if time < self._oldest:
            raise RejectedRecordError(TOO_LATE)
        for record in read_entry(self._state, entry, now=self._now):
            if record.identifier in self._state.seen:  # its row may be deleted
                self._call.n_repeats += 1
                continue
            self._append(entry, record)
            if identifier is not None:
                waiting = self._subjects.labels(kind, identifier, self._call.rules).verdicts
                self._change([], self._effects(waiting, identifier, entry))

    def _add_label(self, place: tuple[int, int], entry: Entry) -> None:
        time, fields = entry[LABEL]
        check_time_between(time, "labelled_at", NEVER, self._state.latest(self._now))
        kind, subject = fields["of"], fields["subject_id"]
        record = None if kind == "account" else self._subjects.record(kind, subject)
        if record is None and not (kind == "account" and _has_account(self._state, subject)):
            self._call.unknown.append(place)
        changed = self._subjects.labels(kind, subject, self._call.rules).add(label_key(entry))
        if changed is None:
            self._call.n_repeats += 1
            return
        self._append(entry, None)
        self._change(*(self._effects(verdicts, subject, record) for verdicts in changed))

    def _effects(self, verdicts: Sequence[Verdict], subject: str, record: Entry | None) -> list[Entry]:
        return effects_of(verdicts, subject, record, self._call.rules, self._call.is_entity)

    def _change(self, before: Sequence[Entry], after: Sequence[Entry]) -> None:
        for entry in changes(before, after):
            for record in read_entry(self._state, entry, stored=True):
                self._append(entry, record)


def _oldest_beside_the_newest(state: HistoryState, call: Call) -> int:
    """Return the time of the oldest record that can still be scored once the newest one of a call is in the state."""
    times = [entry[part][0] for _, entry in call.deliveries for part in entry if part != LABEL]
    return max(times, default=0) - window_seconds(state.lateness) * SECOND


def _has_account(state: HistoryState, account: str) -> bool:
    """Return whether an account had an event; also if the state has no view of accounts."""
    views = [view for view in state.views if view.history.entities == ACCOUNT]
    key = RecordIds({"account_id": account}).entity(ACCOUNT)
    return not views or (key is not None and any(view.events.find(key) != ABSENT for view in views))


ROWS_AT_ONCE = 1_000
"""Rows that are added while scores wait."""


class Replica:
    """A history state and the position up to which it has the rows of a store."""

    def __init__(self, state: HistoryState) -> None:
        self.lock = threading.RLock()
        self.state, self.position, self.generation = state, START, 0
        self.n_repeats = 0
        self.is_broken = False
        self._advanced = threading.Condition(self.lock)

    def build(self, state: HistoryState, position: Position, transaction: StoreTransaction) -> None:
        """Replace the state by another one, which has the rows up to a position, and add the rows after it."""
        while rows := transaction.read_after(position):
            fold_rows(state, rows, transaction.origin)
            position = _position_of(rows)
        with self.lock:
            self.state, self.position, self.generation = state, position, transaction.facts.generation
            self.is_broken = False
            self._advanced.notify_all()

    def append(self, calls: Sequence[Call], clock: PlausibleClock, rows: MemoryRows, subjects: Subjects) -> None:
        """Check calls, and add new records, without a store."""
        subjects.begin(rows.find, self.position.offset)
        new = decide_all(self.state, calls, clock, subjects)
        offset = self.position.offset + len(new)
        self.apply([one.record for one in new if one.record is not None], self.position._replace(offset=offset))
        rows.add([one.entry for one in new], self.state.watermark)
        self.acknowledge(calls)

    def acknowledge(self, calls: Sequence[Call]) -> None:
        """Set the offset of the state in calls, and count their repeated deliveries."""
        for call in calls:
            call.offset = self.position.offset
            self.n_repeats += call.n_repeats

    def apply(self, records: Sequence[PreparedRecord], position: Position) -> None:
        """Add records that `prepare` of the state returned, up to a position."""
        self._advance(lambda: self.state.apply(records), position)

    def _advance(self, add: Callable[[], int], position: Position) -> None:
        with self.lock:
            self.is_broken = True  # until all of them are added
            self.n_repeats += add()
            self.position, self.is_broken = position, False
            self._advanced.notify_all()

    def needs_restore(self, transaction: StoreTransaction) -> bool:
        """Return whether the state cannot follow the rows of a store and must be rebuilt."""
        facts = transaction.facts
        has_gap = self.position.offset < facts.start.offset  # rows were deleted before this process read them
        return self.is_broken or facts.generation != self.generation or has_gap

    def follow(self, transaction: StoreTransaction) -> None:
        """Add the rows that other processes appended."""
        while rows := transaction.read_after(self.position, ROWS_AT_ONCE + 1):
            added = _whole_labels(rows)
            self._advance(partial(fold_rows, self.state, added, transaction.origin), _position_of(added))
            if len(rows) <= ROWS_AT_ONCE:
                return

    def wait_for(self, offset: int, seconds: float, catch_up: Callable[[], object], origin: str) -> None:
        """Wait until the state has the row at an offset."""
        end = time.monotonic() + seconds
        while self.position.offset < offset:
            try:
                catch_up()
            except StateError as error:
                raise _behind(origin, offset, self.position.offset, seconds) from error
            with self._advanced:
                left = end - time.monotonic()
                if self.position.offset >= offset:
                    return
                if left <= 0:
                    raise _behind(origin, offset, self.position.offset, seconds)
                self._advanced.wait(min(left, 0.02))


def _whole_labels(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows to add at once: a score in between sees a label with all that a state counts of it, or without.

    The last row is there to see whether it belongs to those before it.
    """
    end = ROWS_AT_ONCE if len(rows) > ROWS_AT_ONCE else 0
    while end and is_effect(json.loads(rows[end][2])):
        end -= 1
    return rows[: end or len(rows)]


def _position_of(rows: Sequence[Row]) -> Position:
    return Position(rows[-1][0], rows[-1][3])


def _behind(origin: str, offset: int, reached: int, seconds: float) -> StateBehindError:
    problem = f"expected offset {offset} within {seconds:g} s, the state is at {reached}"
    return StateBehindError(origin, problem, "Try again, or wait longer.")


class StoreSession:
    """A replica and its store. Threads must take turns, but `checkpoint` can run concurrently with other methods."""

    def __init__(
        self, store: EventStore, replica: Replica, new_state: Callable[[], HistoryState], label_span: int
    ) -> None:
        self.store, self._replica, self._new_state, self._label_span = store, replica, new_state, label_span
        self.snapshot_offset = 0
        self._is_stale, self.is_writable = True, True
        self._subjects = Subjects()
        self._own_fields = logged_fields(replica.state)
        try:
            self.fields = self._declare_fields()
            with store.reading() as transaction:
                self._build(transaction)
            self._leave_snapshot()
            self._nbytes = store.nbytes
        except BaseException:
            store.close()
            raise

    @property
    def store_bytes(self) -> int:
        """Bytes of the store; for PostgreSQL at the last snapshot."""
        return self.store.nbytes if self.store.kind == "sqlite" else self._nbytes

    def describe_position(self) -> JsonObject:
        """Describe the source of the state, for evidence. The caller must hold the lock of the replica."""
        offset, digest = self._replica.position
        rows = {"offset": offset, "digest": digest.hex(), "generation": self._replica.generation}
        return {"source": "store", "store": self.store.origin, "lateness": self._replica.state.lateness, **rows}

    def append(self, calls: Sequence[Call], clock: PlausibleClock) -> None:
        """Check calls, store new records and scores, and add the records to the state."""
        position = START
        try:
            with self.store.writing() as transaction:
                self._follow(transaction)
                sound = self._with_all_fields(calls)
                find_answers(transaction, sound)
                # Put back once the rows are stored.
                subjects, self._subjects = self._subjects, Subjects()
                subjects.begin(transaction.find, self._replica.position.offset, transaction.facts.start)
                new = decide_all(self._replica.state, sound, clock, subjects)
                if new:
                    position = transaction.append(self._replica.position, [one.entry for one in new])
                for call in sound:
                    call.earlier = append_once(transaction, call.scores)
        except StateError:
            if not self._has_row(position):
                self.is_writable = False
                raise
            self._replica.acknowledge(calls)
            return
        self.is_writable, self._subjects = True, subjects
        try:  # durable records are acknowledged, whatever happens now
            if new:
                self._replica.apply([one.record for one in new if one.record is not None], position)
        except Exception as error:
            logger.error("events could not be added to the live state, it is built again: %s", type(error).__name__)
            self._repair()
        self._replica.acknowledge(calls)

    def catch_up(self) -> None:
        """Add the rows that other processes appended."""
        self._is_stale = True
        with self.store.reading() as transaction:
            self._follow(transaction)
        self._is_stale = False

    def follow(self) -> None:
        """Catch up if the store has changed."""
        if self.store.has_changed() or self._is_stale:
            self.catch_up()

    def checkpoint(self) -> None:
        """Write a snapshot of the state if there is none, and delete rows that no model needs any more."""
        with self._replica.lock:
            position, generation = self._replica.position, self._replica.generation
            if self._replica.is_broken or position.offset == self.snapshot_offset:
                return
            declaration = self._replica.state.declaration_digest
            dump, oldest = self._replica.state.dump(), _oldest_needed(self._replica.state, self._label_span)
        with EventStore(self.store.database.another()) as store:
            if not any(one.offset >= position.offset and of == declaration for one, of in _covered(store)):
                write_snapshot(store, position, generation, declaration, encode_dump(dump))
            self.snapshot_offset = position.offset
            covered = min((covered.offset for covered, _ in _covered(store)), default=0)
            if oldest is not None:
                drop_old_rows(store, oldest, covered, generation, self._label_span)
            self._nbytes = store.nbytes

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _declare_fields(self) -> LoggedFields:
        """Return the fields that rows store: those of the other rows or, in an empty store, those of all its models."""
        with self.store.writing() as transaction:
            facts = transaction.facts
            fields = self._own_fields.union(stored_fields(facts))
            if transaction.last == facts.start and fields != stored_fields(facts):  # no row lacks a field
                transaction.change_facts(replace(facts, ids=_sorted(fields.ids), amounts=_sorted(fields.amounts)))
            return stored_fields(transaction.facts)

    def _with_all_fields(self, calls: Sequence[Call]) -> list[Call]:
        """Return the calls whose entries store the fields of the store; the others get an error."""
        for call in calls:
            if call.fields != self.fields:
                problem = "other fields were declared for its rows by another model"
                call.error = StateError(self.store.origin, problem, "Send the records again.")
        return [call for call in calls if call.error is None]

    def _follow(self, transaction: StoreTransaction) -> None:
        self.fields = stored_fields(transaction.facts)
        if not self._own_fields.are_in(self.fields):
            problem = "its rows do not store all fields that this model uses"
            fix = "Open it with the model that filled it, or choose a new store."
            raise StateError(self.store.origin, problem, fix)
        if self._replica.needs_restore(transaction):
            self._build(transaction)
        else:
            self._replica.follow(transaction)

    def _build(self, transaction: StoreTransaction) -> None:
        """Build the state from the newest snapshot that fits, and the rows after it."""
        state, position = continued_state(transaction, self._new_state())
        self.snapshot_offset = position.offset
        self._replica.build(state, position, transaction)

    def _leave_snapshot(self) -> None:
        """Write the first snapshot of this model, so that other models do not delete rows that it needs."""
        state, declaration = self._replica.state, self._replica.state.declaration_digest
        if any(of == declaration for _, of in _covered(self.store)):
            return
        position, generation = self._replica.position, self._replica.generation
        try:
            with EventStore(self.store.database.another()) as store:
                write_snapshot(store, position, generation, declaration, state.encode())
            self.snapshot_offset = position.offset
        except (StateError, MemoryError) as error:
            logger.error(
                "no snapshot was left when the live state was opened: %s", getattr(error, "problem", "MemoryError")
            )

    def _has_row(self, position: Position) -> bool:
        """Catch up, and return whether a row was stored although its commit failed: an answer can be lost."""
        if position == START:
            return False
        try:
            self.catch_up()
            with self.store.reading() as transaction:
                row = transaction.sql.execute('SELECT digest FROM events WHERE "offset" = ?', (position.offset,))
        except StateError:
            return False
        return row == [(position.digest,)]

    def _repair(self) -> None:
        try:
            self.catch_up()
        except Exception as error:  # the next call tries again
            logger.error("the live state cannot be built again: %s", type(error).__name__)


def _covered(store: EventStore) -> list[tuple[Position, str]]:
    """Return the newest row and the declaration of each snapshot."""
    with store.reading() as transaction:
        return [(one.position, one.declaration) for one in list_snapshots(transaction)]


def _sorted(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _oldest_needed(state: HistoryState, label_span: int) -> int | None:
    """Return the time of the oldest event that a state or a training reads; None if a state can read all events.

    A training reads the history of an event that waited for its label.

    An event that is wrongly dated in the future must not delete the rows to which `rewind` goes back.
    """
    length = training_reach(state, label_span)
    if length is None or state.watermark == NEVER:
        return None
    return min(state.watermark, int(time.time() * SECOND)) - length - label_span
