"""The timelines of all entities of a feature view: their events, or their labels, in order of time.

Needs only NumPy and Numba.

Entities have small numbers, their slots, by their digests of 128 bits. A slot is a number of the hash table
(`kernels.digest_table`): 16 bytes for a digest, and 8 to 16 for its places. A slot whose entity was removed has the
next such slot in its digest, plus one, and is used for the next new entity.

The rows of all entities are in one array: each entity has a slab of its own.

What always holds, besides the invariants of `kernels.slabs`:

1. The rows of an entity are the first ones of its slab, in order of time; rows of one time are in order of their
   digests (`kernels.bound`).
2. Its slot knows the start of the slab, the number of rows, and the class of the slab; instead of a class, `NO_BLOCK`
   or `REMOVED`.
3. A slot remembers the first and the last time of the rows that were dropped.
4. Dropped are only rows that no window of an allowed cutoff time has: those older than the longest window, and those
   below the floor (`kernels.bound`) of the oldest cutoff time. A row that is before a dropped one is in no window
   either, whenever it comes.
5. At one time are at most as many rows as a window may have: those with the largest digests. No window has another one
   of that time, whatever comes later, so that it is dropped at once. It is not remembered: rows of its time remain.

New rows are merged from the end, so that no row is overwritten before it has moved::

    slab     10  20  40   -   -        new  15  40'
             10  20  40   -  40'       40' has the larger digest of the two
             10  20   -  40  40'
             10   -  20  40  40'
             10  15  20  40  40'
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import EVERY_EVENT
from fraudsieve.features.history.kernels.bound import AMOUNT, DIGEST, SUBJECT, TIME, RowBound, sort_ties
from fraudsieve.features.history.kernels.categories import code_numbers, number_keys
from fraudsieve.features.history.kernels.digest_table import (
    ABSENT,
    HASH_KEY,
    NO_WORD,
    empty_places,
    find_place,
    put_number,
    remove_number,
)
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.kernels.slabs import NO_SLAB, SIZES, allocate_slab, empty_heads, free_slab, size_class
from fraudsieve.features.history.kernels.sorting import sort_events
from fraudsieve.features.history.kernels.windows import first_from

N_USED, FIRST_FREE, N_LIVE = range(3)


@compile_kernel()
def _find(wanted: Array, digests: Array, places: Array, key: Array, slots: Array) -> None:
    """Fill in the slot of each digest; `ABSENT` without one."""
    for i in range(len(wanted)):
        slots[i] = places[find_place(wanted[i, 0], wanted[i, 1], NO_WORD, places, digests, key)]


@compile_kernel()
def _add(wanted: Array, digests: Array, places: Array, facts: Array, key: Array, slots: Array, begin: int) -> int:
    """Fill in the slot of each digest from `begin` on, a new one if it has none; return where the arrays are full."""
    for i in range(begin, len(wanted)):
        one, two = wanted[i, 0], wanted[i, 1]
        place = find_place(one, two, NO_WORD, places, digests, key)
        slot = np.int64(places[place])
        if slot < 0:
            slot = facts[FIRST_FREE]
            if (slot < 0 and facts[N_USED] == len(digests)) or 2 * (facts[N_LIVE] + 1) > places.size:
                return i
            if slot >= 0:
                facts[FIRST_FREE] = np.int64(digests[slot, 0]) - 1
            else:
                slot = facts[N_USED]
                facts[N_USED] += 1
            facts[N_LIVE] += 1
            digests[slot, 0], digests[slot, 1] = one, two
            places[place] = slot
        slots[i] = slot
    return len(wanted)


@compile_kernel()
def _place_all(slots: Array, digests: Array, places: Array, key: Array) -> bool:
    """Put slots in their places; return whether their digests differ."""
    differ = True
    for slot in slots:
        differ &= put_number(slot, places, digests, key)
    return differ


@compile_kernel()
def _remove(slots: Array, digests: Array, places: Array, facts: Array, key: Array) -> None:
    for slot in slots:
        remove_number(slot, places, digests, key)
        digests[slot, 0], digests[slot, 1] = np.uint64(facts[FIRST_FREE] + 1), NO_WORD
        facts[FIRST_FREE] = slot
        facts[N_LIVE] -= 1


class EntityTable:
    """The slots of entities: small numbers from 0 that are used again once an entity is removed."""

    def __init__(self) -> None:
        self.digests = np.empty((16, 2), np.uint64)
        self._places = empty_places(16)
        self._facts = np.array([0, ABSENT, 0])

    def __len__(self) -> int:
        return int(self._facts[N_LIVE])

    @property
    def n_used(self) -> int:
        """Number of slots that were ever used."""
        return int(self._facts[N_USED])

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self.digests.nbytes + self._places.nbytes + self._facts.nbytes

    def find(self, digests: Array) -> Array:
        """Return the slots of digests, shape (n, 2); `ABSENT` for one that is not in the table."""
        slots = np.empty(len(digests), np.int64)
        _find(digests, self.digests, self._places, HASH_KEY, slots)
        return slots

    def add(self, digests: Array) -> Array:
        """Return the slots of digests, shape (n, 2), with new slots for new ones."""
        slots = np.empty(len(digests), np.int64)
        done = 0
        while True:
            done = _add(digests, self.digests, self._places, self._facts, HASH_KEY, slots, done)
            if done == len(digests):
                return slots
            self._grow()

    def _grow(self) -> None:
        if self.n_used == len(self.digests) and self._facts[FIRST_FREE] < 0:
            self.digests.resize((self.n_used + self.n_used // 4 + 16, 2), refcheck=False)
        if 2 * (len(self) + 1) > self._places.size:
            slots = self._places[self._places >= 0].astype(np.int64)
            self._places = empty_places(self._places.size)
            _place_all(slots, self.digests, self._places, HASH_KEY)

    def remove(self, slots: Array) -> None:
        """Remove entities by slot."""
        _remove(slots, self.digests, self._places, self._facts, HASH_KEY)

    def restore(self, digests: Array) -> None:
        """Fill an empty table: digest ``i`` has slot ``i``."""
        n = len(digests)
        self.digests = np.array(digests, np.uint64, order="C")
        self._places = empty_places(n + 1)
        self._facts[:] = n, ABSENT, n
        if not _place_all(np.arange(n), self.digests, self._places, HASH_KEY):
            raise ValueError("an entity is stored twice")


OFFSET, SIZE, CLASS, FIRST, LAST = range(5)
"""The columns of a slot: where its slab begins, its number of rows, the class of the slab, and the times of the first
and the last row that were dropped."""
ENDS = [SIZE, FIRST, LAST]
NO_BLOCK, REMOVED = -1, -2
"""Values in place of a class: no rows, and a slot without an entity."""
DROP_SHARE = 8
"""Old rows are dropped once they are at least one in eight of a slab: a drop moves all others."""
FRAUD = int(np.float64(1.0).view(np.int64))


@compile_part()
def _move(rows: Array, slots: Array, heads: Array, slot: int, kind: int) -> bool:
    """Move the rows of a slot to a slab of another class; return False if the array has no place for it."""
    offset = allocate_slab(heads, rows[:, TIME], kind)
    if offset == NO_SLAB:
        return False
    start = slots[slot, OFFSET]
    for i in range(slots[slot, SIZE]):
        for column in range(rows.shape[1]):
            rows[offset + i, column] = rows[start + i, column]
    free_rows(rows, slots, heads, slot)
    slots[slot, OFFSET], slots[slot, CLASS] = offset, kind
    return True


@compile_kernel()
def free_rows(rows: Array, slots: Array, heads: Array, slot: int) -> None:
    """Free the slab of a slot, whose rows were moved or are no longer needed."""
    if slots[slot, CLASS] >= 0:
        free_slab(heads, rows[:, TIME], slots[slot, OFFSET], slots[slot, CLASS])
        slots[slot, CLASS] = NO_BLOCK


@compile_inlined()
def _is_after(rows: Array, i: int, others: Array, j: int) -> bool:
    time, other = rows[i, TIME], others[j, TIME]
    return bool(time > other or (time == other and rows[i, DIGEST] > others[j, DIGEST]))


@compile_kernel()
def insert_rows(
    rows: Array, slots: Array, heads: Array, targets: Array, starts: Array, order: Array, new: Array, max_events: int
) -> tuple[int, int]:
    """Insert rows in the order of their times and digests.

    Group ``g`` of new rows, ``order[starts[g]:starts[g + 1]]`` in that order, goes to the slot ``targets[g]``. Returns
    the first group that has no place, and the number of rows that were dropped because `max_events` others have their
    time and larger digests.
    """
    n_dropped = 0
    for g in range(len(targets)):
        slot, n_new = targets[g], starts[g + 1] - starts[g]
        size = slots[slot, SIZE]
        has_place = slots[slot, CLASS] >= 0 and SIZES[slots[slot, CLASS]] >= size + n_new
        if not has_place and not _move(rows, slots, heads, slot, size_class(size + n_new)):
            return g, n_dropped
        offset = slots[slot, OFFSET]
        i, j, k = offset + size - 1, starts[g + 1] - 1, offset + size + n_new - 1
        while j >= starts[g]:
            if i >= offset and _is_after(rows, i, new, order[j]):
                for column in range(rows.shape[1]):
                    rows[k, column] = rows[i, column]
                i -= 1
            else:
                for column in range(rows.shape[1]):
                    rows[k, column] = new[order[j], column]
                j -= 1
            k -= 1
        slots[slot, SIZE] = size + n_new
        if size + n_new > max_events:
            # A row goes if it has the time of the one that many places behind it: the others move up.
            stop = offset + size + n_new
            to = first_from(rows[:, TIME], offset, stop, new[order[starts[g]], TIME])
            for i in range(to, stop):
                if i + max_events >= stop or rows[i, TIME] < rows[i + max_events, TIME]:
                    if to < i:
                        for column in range(rows.shape[1]):
                            rows[to, column] = rows[i, column]
                    to += 1
            n_dropped += stop - to
            slots[slot, SIZE] = to - offset
    return len(targets), n_dropped


@compile_kernel()
def sweep(
    rows: Array,
    slots: Array,
    heads: Array,
    cursor: int,
    oldest: int,
    horizon: int,
    max_events: int,
    keeps_frauds: bool,
    key: Array,
    found: Array,
) -> tuple[int, int, int]:
    """Drop the rows of the next slots that are before a time, or below the floor of the oldest cutoff time, `horizon`.

    Fraud labels are kept until they are replaced; their number takes the place of the time of the first row dropped.
    Otherwise, the times of the first and the last row dropped are remembered. Returns the number of rows dropped, the
    time of the newest of them, and the number of slots in `found`: those without rows, whose last row was before the
    time.
    """
    n_dropped, newest, n_found = 0, NEVER, 0
    for step in range(found.size):
        slot = (cursor + step) % len(slots)
        kind, start = slots[slot, CLASS], slots[slot, OFFSET]
        size = slots[slot, SIZE]
        if kind >= 0:
            stop = first_from(rows[:, TIME], start, start + size, oldest)
            if size > max_events:
                stop = max(stop, first_from(rows[:, TIME], start, start + size, horizon) - max_events)
            n, kept = stop - start, max(slots[slot, FIRST], 0) if keeps_frauds else 0
            if n > kept and (n - kept) * DROP_SHARE >= size:
                newest = max(newest, rows[stop - 1, TIME])
                if keeps_frauds:
                    kept = _keep_frauds(rows, start, stop, key)
                    slots[slot, FIRST] = kept
                    n -= kept
                else:
                    _remember(rows, slots, slot, start, stop)
                for i in range(kept, size - n):
                    for column in range(rows.shape[1]):
                        rows[start + i, column] = rows[start + n + i, column]
                size -= n
                slots[slot, SIZE] = size
                n_dropped += n
                if size == 0:
                    free_rows(rows, slots, heads, slot)
                elif 2 * SIZES[size_class(size)] <= SIZES[kind]:
                    _move(rows, slots, heads, slot, size_class(size))
        if kind != REMOVED and size == 0 and slots[slot, LAST] < oldest:
            found[n_found] = slot
            n_found += 1
    return n_dropped, newest, n_found


@compile_part()
def _remember(rows: Array, slots: Array, slot: int, start: int, stop: int) -> None:
    first = slots[slot, FIRST]
    slots[slot, FIRST] = rows[start, TIME] if first == NEVER else min(first, rows[start, TIME])
    slots[slot, LAST] = max(slots[slot, LAST], rows[stop - 1, TIME])


@compile_part()
def _keep_frauds(rows: Array, start: int, stop: int, key: Array) -> int:
    """Move the fraud labels that no other one replaces to the front of some labels, and return their number."""
    subjects, last = np.empty(stop - start, np.int32), np.empty(stop - start, np.int64)
    number_keys(rows[start:stop, SUBJECT].copy().view(np.uint64), np.empty(0, np.bool_), key, subjects)
    for i in range(stop - start):
        last[subjects[i]] = i
    kept = 0
    for i in range(stop - start):
        row = rows[start + i]
        if row[AMOUNT] == FRAUD and (row[SUBJECT] == 0 or last[subjects[i]] == i):
            for column in range(rows.shape[1]):
                rows[start + kept, column] = row[column]
            kept += 1
    return kept


@compile_kernel()
def rows_before(rows: Array, slots: Array, slot: int, cutoff: int, max_events: int) -> tuple[int, int, int, int]:
    """Return the first and the last position, plus one, of the rows that windows of a cutoff time may have.

    Also returns the times of the first and the last row before these, dropped ones included; `NEVER` without one.
    """
    start, first, last = slots[slot, OFFSET], slots[slot, FIRST], slots[slot, LAST]
    if slots[slot, SIZE] == 0:
        return 0, 0, first, last
    stop = first_from(rows[:, TIME], start, start + slots[slot, SIZE], cutoff)
    # Other events may have moved the horizon on since a row was accepted: it may be older than the dropped ones.
    begin = max(first_from(rows[:, TIME], start, stop, last), stop - max_events)
    if begin > start:
        last = max(last, rows[begin - 1, TIME])
        first = rows[start, TIME] if first == NEVER else min(first, rows[start, TIME])
    return begin, stop, first, last


@compile_kernel()
def drop_after(rows: Array, slots: Array, heads: Array, time: int) -> int:
    """Drop all rows later than a time and return their number."""
    n_dropped = 0
    for slot in range(len(slots)):
        if slots[slot, CLASS] >= 0:
            start, size = slots[slot, OFFSET], slots[slot, SIZE]
            kept = first_from(rows[:, TIME], start, start + size, time + 1) - start
            slots[slot, SIZE] = kept
            n_dropped += size - kept
            if kept == 0:
                free_rows(rows, slots, heads, slot)
    return n_dropped


@compile_kernel()
def newest_until(rows: Array, slots: Array, time: int) -> int:
    """Return the time of the newest row that is not later than a time; `NEVER` without one."""
    newest = NEVER
    for slot in range(len(slots)):
        if slots[slot, CLASS] >= 0:
            start = slots[slot, OFFSET]
            stop = first_from(rows[:, TIME], start, start + slots[slot, SIZE], time + 1)
            if stop > start:
                newest = max(newest, rows[stop - 1, TIME])
    return newest


@compile_kernel()
def gather(rows: Array, slots: Array, chosen: Array, starts: Array, out: Array) -> None:
    """Copy the rows of slots to ``out[starts[i]:]``."""
    for i in range(chosen.size):
        if slots[chosen[i], CLASS] >= 0:
            start = slots[chosen[i], OFFSET]
            for k in range(slots[chosen[i], SIZE]):
                for column in range(rows.shape[1]):
                    out[starts[i] + k, column] = rows[start + k, column]


@compile_kernel()
def are_sorted(rows: Array, starts: Array) -> bool:
    """Return whether the rows from ``starts[i]`` to ``starts[i + 1]`` are in order, for every ``i``."""
    for i in range(starts.size - 1):
        for k in range(starts[i] + 1, starts[i + 1]):
            if _is_after(rows, k - 1, rows, k):
                return False
    return True


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

    def add(self, keys: Sequence[bytes], rows: Sequence[Sequence[int]]) -> int:
        """Add rows to the timelines of their entities; return how many rows more there are."""
        return self.add_many(np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 2), np.array(rows))

    def add_many(self, digests: Array, rows: Array) -> int:
        """Add rows as `add` does, of which each has the digest of its id, or 0 without one, in place of its own."""
        if len(rows) == 1:  # the usual number of live rows
            self.bound.fill_digests(rows)
            return self._insert(self._slots_for(digests), _ONE_GROUP, _ONE_ROW, rows)
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
