"""Kernels over the rows of many entities in one array: each entity has a slab of its own. Needs only NumPy and Numba.

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

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.bound import AMOUNT, DIGEST, SUBJECT, TIME
from fraudsieve.features.history.kernels.ids import number_keys
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.kernels.slabs import NO_SLAB, SIZES, allocate_slab, free_slab, size_class
from fraudsieve.features.history.kernels.windows import first_from

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
