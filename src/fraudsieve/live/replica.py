"""A replica: the history state of one process that follows the rows of a store."""

import json
import threading
import time
from collections.abc import Callable, Sequence

from fraudsieve.exceptions import StateBehindError, StateError
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.live_state import HistoryState

from .calls import Call
from .deciding import decide_all
from .labels import MemoryRows, Subjects, is_effect
from .records import PlausibleClock, fold_rows
from .store.chain import START, Position, Row
from .store.event_store import StoreTransaction

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
        with self.lock:
            self.is_broken = True  # until all of them are added
            self.n_repeats += self.state.apply(records)
            self.position, self.is_broken = position, False
            self._advanced.notify_all()

    def _apply_rows(self, rows: Sequence[Row], origin: str) -> None:
        with self.lock:
            self.is_broken = True
            self.n_repeats += fold_rows(self.state, rows, origin)
            self.position, self.is_broken = _position_of(rows), False
            self._advanced.notify_all()

    def needs_restore(self, transaction: StoreTransaction) -> bool:
        """Return whether the state cannot follow the rows of a store and must be rebuilt."""
        facts = transaction.facts
        has_gap = self.position.offset < facts.start.offset  # rows were deleted before this process read them
        return self.is_broken or facts.generation != self.generation or has_gap

    def follow(self, transaction: StoreTransaction) -> None:
        """Add the rows that other processes appended."""
        while rows := transaction.read_after(self.position, ROWS_AT_ONCE + 1):
            self._apply_rows(_whole_labels(rows), transaction.origin)
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
