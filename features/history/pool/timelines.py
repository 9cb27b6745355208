"""The timelines of all entities of a feature view: their events, or their labels, in order of time.

Needs only NumPy and Numba.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.bound import DIGEST, TIME, RowBound, sort_ties
from fraudsieve.features.history.kernels.digest_table import ABSENT, HASH_KEY
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.kernels.slabs import empty_heads
from fraudsieve.features.history.kernels.sorting import sort_events
from fraudsieve.features.history.measures import EVERY_EVENT

from .blocks import (
    CLASS,
    ENDS,
    FIRST,
    LAST,
    NO_BLOCK,
    OFFSET,
    REMOVED,
    SIZE,
    are_sorted,
    drop_after,
    free_rows,
    gather,
    insert_rows,
    newest_until,
    rows_before,
    sweep,
)
from .entities import EntityTable

UNBOUNDED = RowBound.of(EVERY_EVENT)
_ONE_GROUP, _ONE_ROW = np.array([0, 1]), np.zeros(1, np.int32)


class TimelinePool:
    """The timelines of all entities of a view, in arrays that they share.

    An entity takes about 70 bytes and an event 8 for each column; up to a third is spare.
    """

    def __init__(
        self, width: int, bound: RowBound = UNBOUNDED, *, drops_entities: bool = False, keeps_frauds: bool = False
    ) -> None:
        self.width, self.drops_entities, self.keeps_frauds = width, drops_entities, keeps_frauds
        self.bound = bound
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
        return sum(array.nbytes for array in own) + self.entities.nbytes

    def find(self, key: bytes) -> int:
        """Return the slot of an entity; `ABSENT` if there is none."""
        self._wanted[0] = np.frombuffer(key, np.uint64)
        return int(self.entities.find(self._wanted)[0])

    def rows_of(self, slot: int) -> Array:
        """Return the rows of an entity in order of time. They are valid until the next change."""
        start = self._slots[slot, OFFSET]
        return self._rows[start : start + self._slots[slot, SIZE]]

    def rows_before(self, slot: int, cutoff: int) -> tuple[Array, Array]:
        """Return the rows of an entity that windows of a cutoff time may have, in order of time.

        Also returns the times of the first and the last row before these, shape (2,); `NEVER` without one.
        """
        found = rows_before(self._rows, self._slots, slot, cutoff, self.bound.max_events)
        return self._rows[found[0] : found[1]], np.array(found[2:])

    @property
    def n_at_bound(self) -> int:
        """Number of entities with as many rows as a window may have, or more."""
        return int(np.count_nonzero(self._slots[:, SIZE] >= self.bound.max_events))

    def add(self, key: bytes, row: Sequence[int]) -> int:
        """Add a row to the timeline of an entity; return how many rows more there are.

        In place of its digest, a row has that of its id, and 0 without one.
        """
        self._wanted[0] = np.frombuffer(key, np.uint64)
        rows = np.array([row])
        self.bound.fill_digests(rows)
        return self._insert(self._slots_for(self._wanted), _ONE_GROUP, _ONE_ROW, rows)

    def add_many(self, digests: Array, rows: Array) -> int:
        """Add rows to the timelines of their entities, as `add` does one by one; it fills in their digests."""
        slots = self._slots_for(digests)
        groups, n_groups = code_numbers(slots.view(np.uint64))
        starts, order, times = sort_events(groups, np.ascontiguousarray(rows[:, TIME]), n_groups)
        self.bound.fill_digests(rows)
        sort_ties(starts, times, order, np.ones(n_groups, np.bool_), lambda tied: rows[tied, DIGEST])
        return self._insert(slots[order[starts[:-1]]], starts, order, rows)

    def remove(self, key: bytes, row: Sequence[int]) -> int:
        """Remove a row that was added, and return the number of rows removed.

        That is 0 if the row was dropped.
        """
        slot, removed = self.find(key), np.array([row])
        self.bound.fill_digests(removed)
        rows = self.rows_of(slot) if slot != ABSENT else removed[:0]
        equal = np.flatnonzero((rows == removed).all(axis=1))
        if not equal.size:
            return 0
        kept = np.delete(rows, equal[0], axis=0)
        free_rows(self._rows, self._slots, self._heads, slot)
        self._slots[slot, SIZE] = 0
        if len(kept):
            order = np.arange(len(kept), dtype=np.int32)
            self._insert(np.array([slot]), np.array([0, len(kept)]), order, kept)
        elif self._slots[slot, LAST] == NEVER:
            self._remove(np.array([slot]))
        return 1

    def _slots_for(self, digests: Array) -> Array:
        slots = self.entities.add(digests)
        n_used, n_allocated = self.entities.n_used, len(self._slots)
        if n_used > n_allocated:
            self._slots.resize((n_used + n_used // 4 + 16, self._slots.shape[1]), refcheck=False)
            self._slots[n_allocated:] = _no_slots(1)
        return slots

    def _insert(self, slots: Array, starts: Array, order: Array, rows: Array) -> int:
        n_more = len(order)
        while True:
            groups = slots, starts, order, rows, self.bound.max_kept
            done, n_dropped = insert_rows(self._rows, self._slots, self._heads, *groups)
            n_more -= n_dropped
            slots, starts = slots[done:], starts[done:]
            if not slots.size:
                return n_more
            n_rows = int(starts[1] - starts[0]) + int(self._slots[slots[0], SIZE])
            needed = n_rows + n_rows // 2 + 1  # the largest slab for these rows
            self._grow(needed)

    def _grow(self, needed: int) -> None:
        # The system moves the pages of a large array instead of their content, so that no update waits for a copy.
        n = len(self._rows)
        self._rows.resize((n + max(n // 4, needed), self.width), refcheck=False)

    def sweep(self, oldest: int, horizon: int, n: int) -> int:
        """Drop the rows of the next n entities that no cutoff time from the horizon on needs.

        These are the rows before the time `oldest`, and those that are below the floor of the horizon. Returns the
        number of rows dropped.
        """
        n_used = self.entities.n_used
        if not n_used:
            return 0
        found = np.empty(min(n, n_used), np.int64)
        arrays = self._rows, self._slots[:n_used], self._heads
        bounds = oldest, horizon, self.bound.max_kept
        n_dropped, newest, n_found = sweep(*arrays, self._cursor, *bounds, self.keeps_frauds, HASH_KEY, found)
        self._cursor = (self._cursor + found.size) % n_used
        self.newest_dropped = max(self.newest_dropped, newest)
        if n_found and self.drops_entities:
            self._remove(found[:n_found])
        return int(n_dropped)

    def _remove(self, slots: Array) -> None:
        self.entities.remove(slots)
        self._slots[slots] = _no_slots(1)

    def drop_after(self, time: int) -> int:
        """Drop the rows later than a time, and return the number of rows dropped."""
        slots = self._slots[: self.entities.n_used]
        n_dropped = drop_after(self._rows, slots, self._heads, time)
        is_empty = (slots[:, CLASS] == NO_BLOCK) & (slots[:, SIZE] == 0)
        # An account that only has later events does not have history.
        gone = np.flatnonzero(is_empty & (slots[:, ENDS[1]] == NEVER))
        self._remove(gone)
        return int(n_dropped)

    @property
    def n_rows(self) -> int:
        """Number of rows of all entities."""
        return int(self._slots[:, SIZE].sum())

    def newest_until(self, time: int) -> int:
        """Return the time of the newest row that is not later than a time; `NEVER` without one."""
        return int(newest_until(self._rows, self._slots, time))

    def dump(self) -> dict[str, Array]:
        """Return a copy of the timelines as arrays: entity by entity, ``keys``, ``rows`` and ``ends``.

        The ends are the number of rows, and the times of the first and the last one that were dropped.
        """
        chosen = np.flatnonzero(self._slots[:, CLASS] != REMOVED)
        ends = self._slots[chosen][:, ENDS]
        starts = np.concatenate(([0], np.cumsum(ends[:, 0])))
        rows = np.empty((starts[-1], self.width), np.int64)
        gather(self._rows, self._slots, chosen, starts, rows)
        dropped = np.array([self.newest_dropped])
        return {"keys": self.entities.digests[chosen], "ends": ends, "rows": rows, "dropped": dropped}

    def restore(self, arrays: Mapping[str, Array]) -> int:
        """Restore the timelines from the arrays of `dump` and return the number of rows."""
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
        return self.n_rows


def _no_slots(n: int) -> Array:
    slots = np.zeros((n, 5), np.int64)
    slots[:, CLASS] = REMOVED
    slots[:, FIRST : LAST + 1] = NEVER
    return slots
