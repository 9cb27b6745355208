"""The timelines of all entities of a feature view: their events, or their labels, in order of time.

Needs only NumPy and Numba.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.hot.labels import HotLabels
from fraudsieve.features.history.hot.timeline import HotTimeline
from fraudsieve.features.history.kernels.digest_table import ABSENT
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.kernels.slabs import empty_heads
from fraudsieve.features.history.kernels.sorting import sort_events

from .blocks import (
    CLASS,
    ENDS,
    FIRST,
    LAST,
    NO_BLOCK,
    OFFSET,
    OUTSIDE,
    REMOVED,
    SIZE,
    TIME,
    are_sorted,
    drop_after,
    free_rows,
    gather,
    insert_rows,
    newest_until,
    sweep,
)
from .entities import EntityTable

__all__ = ["TimelinePool"]

HOT_SIZE = 1024
"""An entity with more rows has them in a separate timeline: a query costs less, and memory ten times as much."""
FOREVER = np.iinfo(np.int64).max
COOL_SHARE = 4
"""The rows move back to the shared arrays once they are at most one in four of `HOT_SIZE`."""
_ONE_GROUP, _ONE_ROW = np.array([0, 1]), np.zeros(1, np.int32)


class TimelinePool:
    """The timelines of all entities of a view, in arrays that they share.

    An entity takes about 70 bytes and an event ``8 * width``; up to a third is spare.

    Parameters
    ----------
    width : int
        Number of columns of a row: time, amount, kind and identifiers.
    are_labels : bool, default=False
        Whether the rows are labels: only those of fraud are remembered once they are dropped.
    drops_entities : bool, default=False
        Whether an entity without rows is removed. Otherwise the times of its first and its last row are kept.
    history : History, default=None
        The view whose rows these are: entities with many of them then have a `HotTimeline` or `HotLabels`.

    Attributes
    ----------
    hot : dict of int to HotTimeline, or to HotLabels
        The timelines of entities with more than `HOT_SIZE` rows, by slot.
    newest_dropped : int
        Time of the newest row that was dropped because of its age; `NEVER` if none was.

    Examples
    --------
    >>> pool = TimelinePool(3)
    >>> pool.add(bytes(16), [20, 0, -1])
    >>> pool.add(bytes(16), [10, 0, -1])
    >>> pool.rows_of(pool.find(bytes(16)))[:, 0].tolist(), len(pool)
    ([10, 20], 1)
    """

    def __init__(
        self, width: int, *, are_labels: bool = False, drops_entities: bool = False, history: History | None = None
    ) -> None:
        self.width, self.are_labels, self.drops_entities, self.history = width, are_labels, drops_entities, history
        self.hot: dict[int, Any] = {}
        self._new_hot: type[HotTimeline] | type[HotLabels] = HotLabels if are_labels else HotTimeline
        self.entities = EntityTable()
        self.newest_dropped = NEVER
        self._rows = np.empty((16, width), np.int64)
        self._slots = _no_slots(16)
        self._heads = empty_heads()
        self._cursor = 0
        self._wanted = np.empty((1, 2), np.uint64)

    def __len__(self) -> int:
        return len(self.entities)

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        own = self._rows, self._slots, self._heads, self._wanted
        hot = sum(int(timeline.nbytes) for timeline in self.hot.values())
        return sum(array.nbytes for array in own) + self.entities.nbytes + hot

    def find(self, key: bytes) -> int:
        """Return the slot of an entity; `ABSENT` if there is none."""
        self._wanted[0] = np.frombuffer(key, np.uint64)
        return int(self.entities.find(self._wanted)[0])

    def rows_of(self, slot: int) -> Array:
        """Return the rows of an entity in order of time. They are valid until the next change."""
        if slot in self.hot:
            rows: Array = self.hot[slot].rows()
            missing = np.full((len(rows), self.width - rows.shape[1]), -1)  # labels have no kind
            return np.hstack([rows, missing])
        start = self._slots[slot, OFFSET]
        return self._rows[start : start + self._slots[slot, SIZE]]

    def ends_of(self, slot: int) -> Array:
        """Return the times of the first and the last row that were dropped, shape (2,); `NEVER` without one."""
        if slot in self.hot:
            return np.array([self.hot[slot].first, self.hot[slot].last])
        return self._slots[slot, FIRST : LAST + 1]

    def add(self, key: bytes, row: Sequence[int]) -> None:
        """Add a row to the timeline of an entity."""
        self._wanted[0] = np.frombuffer(key, np.uint64)
        slots = self._slots_for(self._wanted)
        slot = int(slots[0])
        if slot in self.hot:
            self.hot[slot].add(np.array(row))
            return
        self._insert(slots, _ONE_GROUP, _ONE_ROW, np.array([row]))
        if self._slots[slot, SIZE] > HOT_SIZE:
            self._heat(slot)

    def add_many(self, digests: Array, rows: Array) -> None:
        """Add rows to the timelines of their entities; equal to `add` one by one."""
        slots = self._slots_for(digests)
        groups, n_groups = code_numbers(slots.view(np.uint64))
        starts, order, _ = sort_events(groups, np.ascontiguousarray(rows[:, TIME]), n_groups)
        at = slots[order[starts[:-1]]]
        self._insert(at, starts, order, rows)
        for group in np.flatnonzero(self._slots[at, CLASS] == OUTSIDE).tolist() if self.hot else ():
            self.hot[int(at[group])].add_many(rows[order[starts[group] : starts[group + 1]]])
        for slot in at[self._slots[at, SIZE] > HOT_SIZE].tolist():
            self._heat(slot)

    def remove(self, key: bytes, row: Sequence[int]) -> int:
        """Remove a row that was added, and return the number of rows removed.

        That is 0 if the row was dropped, or if a window ``all`` still counts rows of the entity that were dropped.
        """
        slot = self.find(key)
        rows = self.rows_of(slot) if slot != ABSENT else np.empty((0, self.width), np.int64)
        equal = np.flatnonzero((rows == np.array(row)).all(axis=1))
        if not equal.size or (slot in self.hot and self._keeps_totals(self.hot[slot])):
            return 0
        kept = np.delete(rows, equal[0], axis=0)
        if slot in self.hot:
            self._replace_hot(slot, kept)
            return 1
        free_rows(self._rows, self._slots, self._heads, slot)
        self._put(slot, kept)
        if not len(kept) and self._slots[slot, LAST] == NEVER:
            self._remove(np.array([slot]))
        return 1

    def _heat(self, slot: int) -> None:
        """Move the events of an entity to a `HotTimeline`."""
        if self.history is not None:
            first, last = self.ends_of(slot).tolist()
            self.hot[slot] = self._new_hot(self.history, self.rows_of(slot).copy(), first=first, last=last)
            free_rows(self._rows, self._slots, self._heads, slot)
            self._slots[slot, CLASS], self._slots[slot, SIZE] = OUTSIDE, 0

    def _slots_for(self, digests: Array) -> Array:
        slots = self.entities.add(digests)
        n_used, n_allocated = self.entities.n_used, len(self._slots)
        if n_used > n_allocated:
            self._slots.resize((n_used + n_used // 4 + 16, self._slots.shape[1]), refcheck=False)
            self._slots[n_allocated:] = _no_slots(1)
        return slots

    def _insert(self, slots: Array, starts: Array, order: Array, rows: Array) -> None:
        done = 0
        while True:
            done = insert_rows(self._rows, self._slots, self._heads, slots, starts, order, rows, done)
            if done == len(slots):
                break
            n_rows = int(starts[done + 1] - starts[done]) + int(self._slots[slots[done], SIZE])
            needed = n_rows + n_rows // 2 + 1  # the largest slab for these rows
            self._grow(needed)

    def _grow(self, needed: int) -> None:
        # The system moves the pages of a large array instead of their content, so that no update waits for a copy.
        n = len(self._rows)
        self._rows.resize((n + max(n // 4, needed), self.width), refcheck=False)

    def sweep(self, oldest: int, n: int, oldest_hot: int | None = None) -> int:
        """Drop the rows before a time of the next n entities.

        Returns the number of rows dropped.
        """
        n_used = self.entities.n_used
        if not n_used:
            return 0
        found = np.empty(min(n, n_used), np.int64)
        arrays = self._rows, self._slots[:n_used], self._heads
        n_dropped, newest, n_found = sweep(*arrays, self._cursor, oldest, self.are_labels, found)
        self._cursor = (self._cursor + found.size) % n_used
        self.newest_dropped = max(self.newest_dropped, newest)
        found = found[:n_found]
        for slot in found.tolist() if self.hot and n_found else ():
            if slot in self.hot:
                n_dropped += self._sweep_hot(slot, oldest if oldest_hot is None else oldest_hot)
        if n_found and self.drops_entities:
            self._remove(found[self._slots[found, CLASS] == NO_BLOCK])
        return n_dropped

    def _sweep_hot(self, slot: int, oldest: int) -> int:
        hot = self.hot[slot]
        n_dropped: int = hot.drop_before(oldest)
        if n_dropped:
            self.newest_dropped = max(self.newest_dropped, hot.last)
            if hot.size <= HOT_SIZE // COOL_SHARE and not self._keeps_totals(hot):
                self._cool(slot)
        return n_dropped

    def _keeps_totals(self, hot: Any) -> bool:
        """Return whether events that were dropped still count, in a window ``all``."""
        return not self.are_labels and hot.first != NEVER and "all" in hot.history.windows

    def _cool(self, slot: int) -> None:
        """Move the events of an entity that has few of them back to the shared arrays."""
        rows, ends = self.rows_of(slot), self.ends_of(slot)
        del self.hot[slot]
        self._slots[slot, FIRST : LAST + 1] = ends
        self._put(slot, rows)

    def _put(self, slot: int, rows: Array) -> None:
        """Put the rows of an entity that has none into the shared arrays."""
        self._slots[slot, CLASS], self._slots[slot, SIZE] = NO_BLOCK, 0
        if len(rows):
            order = np.arange(len(rows), dtype=np.int32)
            self._insert(np.array([slot]), np.array([0, len(rows)]), order, np.ascontiguousarray(rows))

    def _remove(self, slots: Array) -> None:
        self.entities.remove(slots)
        self._slots[slots] = _no_slots(1)

    def drop_after(self, time: int) -> int:
        """Drop the rows later than a time, and return the number of rows dropped."""
        slots = self._slots[: self.entities.n_used]
        n_dropped = drop_after(self._rows, slots, self._heads, time)
        for slot in list(self.hot):
            n_dropped += self._drop_hot_after(slot, time)
        is_empty = (slots[:, CLASS] == NO_BLOCK) & (slots[:, SIZE] == 0)
        # An account that only has later events does not have history.
        gone = np.flatnonzero(is_empty & (slots[:, ENDS[1]] == NEVER))
        self._remove(gone)
        return int(n_dropped)

    @property
    def n_rows(self) -> int:
        """Number of rows of all entities."""
        return int(self._slots[:, SIZE].sum()) + sum(int(hot.size) for hot in self.hot.values())

    def _drop_hot_after(self, slot: int, time: int) -> int:
        rows = self.rows_of(slot)
        kept = rows[rows[:, TIME] <= time]
        if len(kept) == len(rows):
            return 0
        self._replace_hot(slot, kept)
        return len(rows) - len(kept)

    def _replace_hot(self, slot: int, kept: Array) -> None:
        hot = self.hot[slot]
        self.hot[slot] = self._new_hot(hot.history, kept, first=hot.first, last=hot.last)
        if len(kept) <= HOT_SIZE // COOL_SHARE:
            self._cool(slot)

    def can_drop_after(self, time: int) -> bool:
        """Return whether `drop_after` can: totals of a window `all` cannot be taken back."""
        return not any(self._keeps_totals(hot) and hot.last_before(FOREVER) > time for hot in self.hot.values())

    def newest_until(self, time: int) -> int:
        """Return the time of the newest row that is not later than a time; `NEVER` without one."""
        newest = int(newest_until(self._rows, self._slots, time))
        return max([newest, *(int(hot.last_before(time + 1)) for hot in self.hot.values())])

    def dump(self) -> dict[str, Array]:
        """Return a copy of the timelines as arrays.

        Returns ``keys``, ``ends`` (number of rows, first, last) and ``rows``, entity by entity; and
        ``hot.<place>.<name>`` for an entity with totals of events that were dropped, which has no ``rows``.
        """
        chosen = np.flatnonzero(self._slots[:, CLASS] != REMOVED)
        ends = self._slots[chosen][:, ENDS]
        places = {slot: place for place, slot in enumerate(chosen.tolist())} if self.hot else {}
        with_totals = {places[slot]: hot for slot, hot in self.hot.items() if self._keeps_totals(hot)}
        for slot, hot in self.hot.items():
            ends[places[slot]] = 0 if self._keeps_totals(hot) else hot.size, hot.first, hot.last
        starts = np.concatenate(([0], np.cumsum(ends[:, 0])))
        rows = np.empty((starts[-1], self.width), np.int64)
        gather(self._rows, self._slots, chosen, starts, rows)
        for slot, hot in self.hot.items():
            if places[slot] not in with_totals:
                rows[starts[places[slot]] :][: hot.size] = self.rows_of(slot)
        arrays = {"keys": self.entities.digests[chosen], "ends": ends, "rows": rows}
        for place, hot in with_totals.items():
            arrays |= {f"hot.{place}.{name}": array for name, array in hot.dump().items()}
        return arrays | {"dropped": np.array([self.newest_dropped]), "totals": np.array([*with_totals], np.int64)}

    def restore(self, arrays: Mapping[str, Array]) -> int:
        """Restore the timelines from the arrays of `dump` and return the number of rows.

        Raises
        ------
        ValueError
            If the arrays do not agree, or rows are not in order of time.
        """
        keys, ends, rows = (arrays[name] for name in ("keys", "ends", "rows"))
        n = len(keys)
        if keys.shape != (n, 2) or ends.shape != (n, 3) or (ends[:, 0] < 0).any():
            raise ValueError("the shapes of the arrays do not agree")
        starts = np.concatenate(([0], np.cumsum(ends[:, 0])))
        rows = np.ascontiguousarray(rows, np.int64)
        if rows.shape != (starts[-1], self.width) or not are_sorted(rows, starts):
            raise ValueError("the rows of the entities do not agree, or are not in order")
        self.newest_dropped = int(arrays["dropped"][0])
        self.entities.restore(keys)
        self._slots = _no_slots(n + 16)
        self._slots[:n, ENDS], self._slots[:n, SIZE], self._slots[:n, CLASS] = ends, 0, NO_BLOCK
        self._rows = np.empty((len(rows) + len(rows) // 4 + 16, self.width), np.int64)
        held = np.flatnonzero(ends[:, 0])
        self._insert(held, np.append(starts[held], len(rows)), np.arange(len(rows), dtype=np.int32), rows)
        for slot in np.flatnonzero(self._slots[:, SIZE] > HOT_SIZE).tolist():
            self._heat(slot)
        for slot in arrays["totals"].tolist():
            self._restore_totals(slot, arrays)
        return self.n_rows

    def _restore_totals(self, slot: int, arrays: Mapping[str, Array]) -> None:
        start = f"hot.{slot}."
        if self.history is None or self.are_labels or not 0 <= slot < len(self) or self._slots[slot, CLASS] != NO_BLOCK:
            raise ValueError("totals belong to no entity")
        own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
        self.hot[slot] = HotTimeline.restore(self.history, own)
        self._slots[slot, CLASS] = OUTSIDE


def _no_slots(n: int) -> Array:
    slots = np.zeros((n, 5), np.int64)
    slots[:, CLASS] = REMOVED
    slots[:, FIRST : LAST + 1] = NEVER
    return slots
