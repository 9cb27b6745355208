"""The contents of a live state: for each feature view, the events of every entity in order of time.

Needs only NumPy and Numba.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.kernels.windows import HOUR

from .declaration import History
from .encoded import NO_AMOUNTS, NO_CODES, CutoffTimes, EncodedEvents, fill_history, fill_labels
from .measures import WITHOUT_WINDOW
from .records import entity_key, id_digest, parse_amount, parse_id

__all__ = ["PreparedRecord", "Timeline", "ViewState", "bits_of", "signed"]

Record: TypeAlias = Mapping[str, Any]

SECOND = 1_000_000
TIME, AMOUNT, KIND, IDS = range(4)
"""The columns of a timeline; the identifiers have one column each, from IDS on."""
DIGEST = 16
MIN_DROP_FRACTION = 8
"""Old events are dropped once they are at least one in eight of a timeline: a drop copies all other events."""
_ONE = np.array([0, 1])
_FIRST_ROW = np.zeros(1, np.int32)


class Timeline:
    """The events of one entity in order of time, in an array that grows at its end."""

    __slots__ = ("block", "first", "last", "size")

    def __init__(self, width: int) -> None:
        self.block = np.empty((2, width), np.int64)
        self.size = 0
        self.first = self.last = NEVER

    def add(self, row: Sequence[int]) -> None:
        """Insert an event after those that are not later."""
        if self.size == len(self.block):
            self.block = np.concatenate([self.block, np.empty_like(self.block)])
        position = self.size
        if position and self.block[position - 1, TIME] > row[TIME]:
            position = int(np.searchsorted(self.block[: self.size, TIME], row[TIME], "right"))
            self.block[position + 1 : self.size + 1] = self.block[position : self.size]
        self.block[position] = row
        self.size += 1

    def drop_before(self, time: int, *, only_frauds: bool = False) -> int:
        """Drop older events and return their number; the times of the first and the last (fraud) one are kept."""
        n = int(np.searchsorted(self.block[: self.size, TIME], time))
        if n * MIN_DROP_FRACTION < self.size or not n:
            return 0
        times = self.block[:n, TIME]
        times = times[self.block[:n, AMOUNT] == bits_of(1.0)] if only_frauds else times
        if len(times):
            self.first = int(times[0]) if self.first == NEVER else min(self.first, int(times[0]))
            self.last = max(self.last, int(times[-1]))
        self.block = np.concatenate([self.block[n : self.size], np.empty((2, self.block.shape[1]), np.int64)])
        self.size -= n
        return n

    @classmethod
    def of(cls, block: Array, first: int, last: int) -> Self:
        """Return a timeline of sorted events."""
        timeline = cls(block.shape[1])
        timeline.size, timeline.first, timeline.last = len(block), first, last
        timeline.block = block if len(block) else timeline.block
        return timeline

    def column(self, position: int) -> Array:
        """Return a copy of a column."""
        return self.block[: self.size, position].copy()


class ViewState:
    """The live state of one feature view: the timelines of its entities, for events and for labels."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.identifiers = (history.counterparty, *history.identifiers)
        self.kinds = {kind: position for position, kind in enumerate(history.kinds)}
        self.timelines: dict[bytes, Timeline] = {}
        self.labels: dict[bytes, Timeline] = {}
        self.nbytes = 0
        self.longest_window = history.lengths[history.longest] * SECOND
        self.sweep_queue: deque[bytes] = deque()
        # The row of an entity without history is computed once: most campaigns are new.
        self.empty_row: Array | None = None
        # Accounts are kept without events, since a score says whether the account ever had one.
        self.drops_entities = history.entities != ("account_id",) and not set(history.measures) & set(WITHOUT_WINDOW)

    def dump(self) -> dict[str, Array]:
        """Return the timelines as arrays."""
        arrays = {}
        for name, timelines, width in self._tables():
            lines = timelines.values()
            arrays[f"{name}.keys"] = np.frombuffer(b"".join(timelines), np.uint8).reshape(len(timelines), DIGEST)
            arrays[f"{name}.ends"] = np.array([(line.size, line.first, line.last) for line in lines], np.int64)
            blocks = [line.block[: line.size] for line in lines]
            arrays[f"{name}.rows"] = np.concatenate([np.empty((0, width), np.int64), *blocks])
        return arrays

    def restore(self, arrays: dict[str, Array]) -> int:
        """Restore the timelines from the arrays of `dump`, and return the number of events."""
        n_events = 0
        for name, timelines, width in self._tables():
            keys, ends, rows = (arrays[f"{name}.{part}"] for part in ("keys", "ends", "rows"))
            ends = ends.reshape(-1, 3)
            stops = np.cumsum(ends[:, 0])
            if keys.shape != (len(ends), DIGEST) or rows.shape != (stops[-1] if len(stops) else 0, width):
                raise ValueError("the shapes of the arrays do not agree")
            for key, (size, first, last), stop in zip(keys, ends.tolist(), stops.tolist(), strict=True):
                block = rows[stop - size : stop].astype(np.int64)
                if (np.diff(block[:, TIME]) < 0).any():
                    raise ValueError("events are not in order")
                timelines[key.tobytes()] = Timeline.of(block, first, last)
            n_events += len(rows)
            self.nbytes += sum(line.block.nbytes for line in timelines.values())
        self.sweep_queue.extend(dict.fromkeys([*self.timelines, *self.labels]))
        return n_events

    def _tables(self) -> list[tuple[str, dict[bytes, Timeline], int]]:
        return [("events", self.timelines, IDS + len(self.identifiers)), ("labels", self.labels, IDS)]

    def add(self, timelines: dict[bytes, Timeline], key: bytes, row: Sequence[int]) -> None:
        """Add a row to the timeline of an entity, in `timelines` or `labels` of this view."""
        timeline = timelines.get(key)
        if timeline is None:
            if key not in self.timelines and key not in self.labels:
                self.sweep_queue.append(key)
            timeline = timelines[key] = Timeline(len(row))
            self.nbytes += timeline.block.nbytes
        nbytes = timeline.block.nbytes
        timeline.add(row)
        self.nbytes += timeline.block.nbytes - nbytes

    def row(self, event: Record, time: int) -> list[int]:
        """Return an event as a row of its timeline."""
        ids = [signed(id_digest(event.get(name), name)) for name in self.identifiers]
        kind = parse_id(event.get("kind"), "kind")
        amount = parse_amount(event.get(self.history.amount), self.history.amount)
        return [time, bits_of(amount), self.kinds.get(kind or "", -1), *ids]

    def sweep(self, horizon: int, n: int) -> int:
        """Drop the old events of the next n entities, and return the number of events dropped.

        No cutoff time from the horizon on needs these events.
        """
        n_dropped = 0
        for _ in range(min(n, len(self.sweep_queue))):
            key = self.sweep_queue[0]
            self.sweep_queue.rotate(-1)
            oldest = horizon - self.longest_window - HOUR
            n_dropped += self._drop(self.timelines, key, oldest) + self._drop(self.labels, key, oldest)
            if self.drops_entities and key not in self.labels and not self.timelines[key].size:
                self.nbytes -= self.timelines.pop(key).block.nbytes
                self.sweep_queue.pop()
        return n_dropped

    def _drop(self, timelines: dict[bytes, Timeline], key: bytes, oldest: int) -> int:
        timeline = timelines.get(key)
        if timeline is None:
            return 0
        nbytes = timeline.block.nbytes
        n_dropped = timeline.drop_before(oldest, only_frauds=timelines is self.labels)
        self.nbytes += timeline.block.nbytes - nbytes
        return n_dropped

    def fill(self, subject: Record, cutoff: int, out: Array) -> bool:
        """Compute the columns of a subject into the first row; return whether it has history."""
        name = self.history.amount
        amounts = np.full(2, parse_amount(subject[name], name)) if name in subject else NO_AMOUNTS
        key = entity_key(subject, self.history.subjects)
        timeline = self.timelines.get(key) if key is not None else None
        labels = self.labels.get(key) if key is not None else None
        is_empty = timeline is None and labels is None
        if is_empty and self.empty_row is not None:
            out[0] = self.empty_row
            return False
        cutoffs = CutoffTimes(_ONE, np.array([cutoff]), _FIRST_ROW, amounts)
        events = self._encode(timeline or Timeline(IDS + len(self.identifiers)))
        fill_history(self.history, events, cutoffs, out)
        if self.history.needs_labels:
            fill_labels(self.history, self._encode(labels or Timeline(IDS)), cutoffs, out)
        if is_empty:
            self.empty_row = out[0].copy()
        if self.drops_entities:  # only recent events count, so that it does not depend on when old ones are dropped
            first, stop = np.searchsorted(events.times, [cutoff - self.longest_window, cutoff])
            return bool(first < stop)
        has_events = events.times.size and events.times[0] < cutoff
        return bool(has_events or (timeline is not None and timeline.first != NEVER))

    def _encode(self, timeline: Timeline) -> EncodedEvents:
        codes, n_codes = {}, {}
        for position, name in enumerate(self.identifiers):
            if IDS + position < timeline.block.shape[1]:
                keys = timeline.column(IDS + position)
                codes[name], n_codes[name] = code_numbers(keys.view(np.uint64), keys != 0)
        starts = np.array([0, timeline.size])
        amounts = timeline.column(AMOUNT).view(np.float64)
        kinds = timeline.column(KIND).astype(np.int32) if self.kinds else NO_CODES
        ends = np.array([timeline.first]), np.array([timeline.last])
        return EncodedEvents(starts, timeline.column(TIME), amounts, codes, n_codes, kinds, *ends)


class PreparedRecord(NamedTuple):
    """A record that was parsed and checked for a state, and that its `apply` does not reject.

    Attributes
    ----------
    time : int
        Microseconds since 1970.
    rows : list of tuple
        Rows to add to timelines: the view, its timelines, the entity and the row.
    links : list of tuple
        Pairs of the network: column, account and value.
    account_label : tuple of (int, bool) or None
        An account, and whether it is fraudulent.
    identifier : int
        From `delivery_id`: a record whose identifier was applied before is a repeated delivery; 0 for none.
    n_events : int, default=1
        Number of rows per view.
    """

    time: int
    rows: list[tuple[ViewState, dict[bytes, Timeline], bytes, list[int]]]
    links: list[tuple[str, int, int]]
    account_label: tuple[int, bool] | None
    identifier: int
    n_events: int = 1


def bits_of(number: float) -> int:
    """Return the bits of a float64 as an integer.

    Examples
    --------
    >>> bits_of(0.0)
    0
    """
    return int(np.float64(number).view(np.int64))


def signed(number: int) -> int:
    """Return the signed integer with the same 64 bits.

    Examples
    --------
    >>> signed(2**64 - 1)
    -1
    """
    return number - (1 << 64) if number >> 63 else number
