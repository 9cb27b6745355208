"""A session of a replica with its store: it appends rows, follows others, and writes snapshots."""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fraudsieve._microseconds import SECOND
from fraudsieve.exceptions import StateBehindError, StateError
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.live_state.snapshot import encode_dump

from .calls import Call
from .deciding import decide_all
from .handover import continued_state, stored_fields, training_reach
from .labels import MemoryRows, Subjects, is_effect
from .recording import append_once, find_answers
from .records import LoggedFields, PlausibleClock, fold_rows, logged_fields
from .store.chain import START, Position, Row
from .store.event_store import EventStore, StoreTransaction
from .store.snapshots import drop_old_rows, list_snapshots, write_snapshot

logger = logging.getLogger("fraudsieve.live")


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

    def describe_position(self) -> dict[str, Any]:
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
