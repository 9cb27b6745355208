"""What a live state holds: the events of every entity in order of time, for every view. NumPy and Numba alone."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.kernels.windows import HOUR

from .declaration import History
from .encoded import NO_CODES, CutoffTimes, EncodedEvents, fill_history, fill_labels
from .measures import WITHOUT_WINDOW
from .records import entity_key, id_digest, parse_id

__all__ = ["PreparedRecord", "Timeline", "ViewState", "bits_of", "signed"]

Record: TypeAlias = Mapping[str, Any]

SECOND = 1_000_000
TIME, AMOUNT, KIND, EVENT, IDS = range(5)
"""The columns of an entity's events; from IDS on there is one for every identifier."""
DIGEST = 16
DROPPED = 8
"""What is too old is dropped once it is one event in so many: moving the others costs."""
_ONE = np.array([0, 1])
_FIRST_ROW = np.zeros(1, np.int32)


class Timeline:
    """The events of one entity, by time, in a block that grows at its end.

    Parameters
    ----------
    width : int
        Columns.
    """

    __slots__ = ("block", "first", "last", "size")

    def __init__(self, width: int) -> None:
        self.block = np.empty((2, width), np.int64)
        self.size = 0
        self.first = self.last = NEVER

    def add(self, row: Sequence[int]) -> None:
        """Put an event in its place, unless one with its id is there."""
        if self.size == len(self.block):
            self.block = np.concatenate([self.block, np.empty_like(self.block)])
        place = self.size
        while place and self.block[place - 1, TIME] > row[TIME]:
            place = int(np.searchsorted(self.block[: self.size, TIME], row[TIME], "right"))
            break
        if row[EVENT] and self._has(row, place):
            return
        self.block[place + 1 : self.size + 1] = self.block[place : self.size]
        self.block[place] = row
        self.size += 1

    def _has(self, row: Sequence[int], place: int) -> bool:
        while place and self.block[place - 1, TIME] == row[TIME]:
            place -= 1
            if self.block[place, EVENT] == row[EVENT]:
                return True
        return False

    def drop_before(self, time: int, *, of_frauds: bool = False) -> int:
        """Forget what is older, but for when the first and the last of it, or of its frauds, were; return how many."""
        n = int(np.searchsorted(self.block[: self.size, TIME], time))
        if n * DROPPED < self.size or not n:
            return 0
        times = self.block[:n, TIME]
        times = times[self.block[:n, AMOUNT] == bits_of(1.0)] if of_frauds else times
        if len(times):
            self.first = int(times[0]) if self.first == NEVER else min(self.first, int(times[0]))
            self.last = max(self.last, int(times[-1]))
        self.block = np.concatenate([self.block[n : self.size], np.empty((2, self.block.shape[1]), np.int64)])
        self.size -= n
        return n

    @classmethod
    def of(cls, block: Array, first: int, last: int) -> Self:
        """Return a timeline of events that are in order."""
        timeline = cls(block.shape[1])
        timeline.size, timeline.first, timeline.last = len(block), first, last
        timeline.block = block if len(block) else timeline.block
        return timeline

    def column(self, place: int) -> Array:
        """Return a column as an array of its own."""
        return self.block[: self.size, place].copy()


class ViewState:
    """What a state holds for one declaration: the timelines of its entities, of events and of labels.

    Parameters
    ----------
    history : History
        The declaration.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.identifiers = (history.counterparty, *history.identifiers)
        self.kinds = {kind: place for place, kind in enumerate(history.kinds)}
        self.timelines: dict[bytes, Timeline] = {}
        self.labels: dict[bytes, Timeline] = {}
        self.longest = history.lengths[history.longest] * SECOND
        self.round: deque[bytes] = deque()
        self.of_nobody: Array | None = None  # the columns of whom nothing is known; most campaigns are new
        # Of accounts it is told whether there ever was an event.
        self.forgets = history.entities != ("account_id",) and not set(history.measures) & set(WITHOUT_WINDOW)

    def dump(self) -> dict[str, Array]:
        """Return all that is held, as arrays."""
        parts = {}
        for name, lines, width in self._parts():
            keys = b"".join(lines)
            parts[f"{name}.keys"] = np.frombuffer(keys, np.uint8).reshape(len(lines), DIGEST)
            parts[f"{name}.ends"] = np.array([(line.size, line.first, line.last) for line in lines.values()], np.int64)
            blocks = [line.block[: line.size] for line in lines.values()]
            parts[f"{name}.rows"] = np.concatenate([np.empty((0, width), np.int64), *blocks])
        return parts

    def fill_from(self, parts: dict[str, Array]) -> int:
        """Take what `dump` returned; return how many events that is."""
        n_events = 0
        for name, lines, width in self._parts():
            keys, ends, rows = (parts[f"{name}.{part}"] for part in ("keys", "ends", "rows"))
            ends = ends.reshape(-1, 3)
            stops = np.cumsum(ends[:, 0])
            if keys.shape != (len(ends), DIGEST) or rows.shape != (stops[-1] if len(stops) else 0, width):
                raise ValueError("the arrays do not fit each other")
            for key, (size, first, last), stop in zip(keys, ends.tolist(), stops.tolist(), strict=True):
                block = rows[stop - size : stop].astype(np.int64)
                if (np.diff(block[:, TIME]) < 0).any():
                    raise ValueError("events are not in order")
                lines[key.tobytes()] = Timeline.of(block, first, last)
            n_events += len(rows)
        self.round.extend(dict.fromkeys([*self.timelines, *self.labels]))
        return n_events

    def _parts(self) -> list[tuple[str, dict[bytes, Timeline], int]]:
        return [("events", self.timelines, IDS + len(self.identifiers)), ("labels", self.labels, IDS)]

    def row(self, event: Record, time: int, amount: float) -> list[int]:
        """Return an event as the numbers that are kept of it."""
        ids = [signed(id_digest(event.get(name), name)) for name in self.identifiers]
        event_id = signed(id_digest(event.get("event_id"), "event_id"))
        kind = parse_id(event.get("kind"), "kind")
        return [time, bits_of(amount), self.kinds.get(kind or "", -1), event_id, *ids]

    def sweep(self, horizon: int, n: int) -> int:
        """Rid the next few entities of what no moment from the horizon on needs; return how many events that is."""
        dropped = 0
        for _ in range(min(n, len(self.round))):
            key = self.round[0]
            self.round.rotate(-1)
            oldest = horizon - self.longest - HOUR
            if key in self.timelines:
                dropped += self.timelines[key].drop_before(oldest)
            if key in self.labels:
                dropped += self.labels[key].drop_before(oldest, of_frauds=True)
            elif self.forgets and not self.timelines[key].size:
                del self.timelines[key]
                self.round.pop()
        return dropped

    def fill(self, subject: Record, moment: int, amounts: Array, out: Array) -> bool:
        """Compute the columns of a subject into the first row; return whether it has any history."""
        key = entity_key(subject, self.history.subjects)
        timeline = self.timelines.get(key) if key is not None else None
        labels = self.labels.get(key) if key is not None else None
        is_nobody = timeline is None and labels is None
        if is_nobody and self.of_nobody is not None:
            out[0] = self.of_nobody
            return False
        moments = CutoffTimes(_ONE, np.array([moment]), _FIRST_ROW, amounts)
        log = self._log(timeline or Timeline(IDS + len(self.identifiers)))
        fill_history(self.history, log, moments, out)
        if self.history.needs_labels:
            fill_labels(self.history, self._log(labels or Timeline(IDS)), moments, out)
        if is_nobody:
            self.of_nobody = out[0].copy()
        known = log.times.size and log.times[0] < moment
        return bool(known or (timeline is not None and timeline.first != NEVER))

    def _log(self, timeline: Timeline) -> EncodedEvents:
        codes, n_codes = {}, {}
        for place, name in enumerate(self.identifiers):
            if IDS + place < timeline.block.shape[1]:
                keys = timeline.column(IDS + place)
                codes[name], n_codes[name] = code_numbers(keys.view(np.uint64), keys != 0)
        starts = np.array([0, timeline.size])
        amounts = timeline.column(AMOUNT).view(np.float64)
        kinds = timeline.column(KIND).astype(np.int32) if self.kinds else NO_CODES
        ends = np.array([timeline.first]), np.array([timeline.last])
        return EncodedEvents(starts, timeline.column(TIME), amounts, codes, n_codes, kinds, *ends)


class PreparedRecord(NamedTuple):
    """A record that a state has read and checked, and that its `apply` can no longer refuse.

    Attributes
    ----------
    position : int
        Its place in the call.
    time : int
        Microseconds since 1970.
    rows : list of tuple
        Whose timelines it goes to: the view, its timelines, the entity and the numbers that are kept.
    links : list of tuple
        The pairs of the network: column, account and value.
    known : tuple of (int, bool) or None
        An account, and whether it is fraudulent.
    """

    position: int
    time: int
    rows: list[tuple[ViewState, dict[bytes, Timeline], bytes, list[int]]]
    links: list[tuple[str, int, int]]
    known: tuple[int, bool] | None


def bits_of(number: float) -> int:
    """Return the bits of a float64 as a whole number.

    Examples
    --------
    >>> bits_of(0.0)
    0
    """
    return int(np.float64(number).view(np.int64))


def signed(number: int) -> int:
    """Return the signed number of the same 64 bits.

    Examples
    --------
    >>> signed(2**64 - 1)
    -1
    """
    return number - (1 << 64) if number >> 63 else number
