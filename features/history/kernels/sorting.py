"""A stable radix sort of events by entity and time, in linear time.

Events that are not yet sorted by time are distributed by two digits of their times, and then to their entities. An
insertion sort of each entity then needs few moves. If it would need many, because most times are close together and a
few far away, the events of the entity are sorted by all digits of their times. ``python -m benchmarks.own`` shows
what it gains over ``np.lexsort``.
"""

from typing import Any

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array

MAX_MOVES_PER_EVENT = 8
"""Maximum moves per event of the insertion sort, in addition to `FREE_MOVES`."""
FREE_MOVES = 1024
TIME_DIGIT = 9
"""Bits of a digit when all events are distributed; more buckets than these make memory access slow."""
DIGIT = 8
LOW_DIGIT = np.uint64((1 << DIGIT) - 1)
LOW_HALF = (1 << 32) - 1


@compile_inlined()
def _insertion_sort(times: Array, order: Array, start: int, stop: int) -> bool:
    """Sort a slice, unless that takes too many moves; return whether it is sorted."""
    # Stable, since a row moves only past later times. The limit keeps a hostile table from taking quadratic time.
    moves, max_moves = 0, MAX_MOVES_PER_EVENT * (stop - start) + FREE_MOVES
    for i in range(start + 1, stop):
        if times[i - 1] <= times[i]:
            continue
        time, row = times[i], order[i]
        j = i
        while j > start and times[j - 1] > time:
            times[j], order[j] = times[j - 1], order[j - 1]
            j -= 1
        times[j], order[j] = time, row
        moves += i - j
        if moves > max_moves:
            return False
    return True


@compile_part()
def _extent(times: Array) -> tuple[int, Any]:
    """Return the earliest time, and how much later the latest one is; there is at least one."""
    low = high = times[0]
    for i in range(1, times.size):
        low, high = min(low, times[i]), max(high, times[i])
    return low, np.uint64(high - low)  # the subtraction may overflow, which is correct modulo 2**64


@compile_part()
def _digit_sort(times: Array, order: Array, spare_times: Array, spare_order: Array) -> None:
    """Sort by all digits of the times, the lowest first."""
    # A pass per digit, as in `_distribute_by_time`, until the highest digit that differs. `counts` is shifted by one:
    # after the sums, counts[d] is where the rows of digit d begin, and the loop moves it to where they end.
    #
    #   digits               2  0  2  1
    #   counts, counted      0  1  1  2       (the first place stays 0)
    #   counts, summed       0  1  2  4       digit 0 begins at 0, digit 1 at 1, digit 2 at 2
    low, span = _extent(times)
    counts = np.empty((1 << DIGIT) + 1, np.int64)
    shift = np.uint64(0)
    while shift < np.uint64(64) and span >> shift:
        for d in range(counts.size):
            counts[d] = 0
        for i in range(times.size):
            counts[np.int64(np.uint64(times[i] - low) >> shift & LOW_DIGIT) + 1] += 1
        for d in range(1, counts.size):
            counts[d] += counts[d - 1]
        for i in range(times.size):
            digit = np.int64(np.uint64(times[i] - low) >> shift & LOW_DIGIT)
            spare_times[counts[digit]], spare_order[counts[digit]] = times[i], order[i]
            counts[digit] += 1
        for i in range(times.size):
            times[i], order[i] = spare_times[i], spare_order[i]
        shift += np.uint64(DIGIT)


@compile_kernel()
def _ascends(times: Array) -> bool:
    n_descents = 0
    for i in range(1, times.size):
        n_descents += times[i - 1] > times[i]
    return n_descents == 0


@compile_kernel()
def _distribute_by_time(entities: Array, times: Array, spare: Array, buckets: Array) -> None:
    """Distribute rows by two digits of their times; a row is its time, and its entity and position in one integer."""
    # The example has decimal digits in place of 9 bits, times of three digits, and 0 as the earliest time. Only the two
    # highest digits are used: what these do not tell apart stays in its order, for the insertion sort of each entity.
    #
    #   row                   0     1     2     3     4     5
    #   entities              1     0     1     1     0     1
    #   times               318   124   301   112   325   311
    #   spare             | 301 | 318   112   311 | 124   325 |         by the second digit: 0, 1, 2
    #   buckets           | 112   124 | 301   318   311   325 |         by the first digit: 1, 3
    #
    # Both passes keep the order of equal digits, so the second one leaves the rows sorted by both. Rows move as a
    # whole, which needs two passes over memory where a sort of row numbers would need a jump per comparison.
    low, span = _extent(times)
    shift, mask = np.uint64(0), np.uint64((1 << TIME_DIGIT) - 1)
    while span >> shift >> np.uint64(2 * TIME_DIGIT):
        shift += np.uint64(1)
    ends = np.zeros((2, 1 << TIME_DIGIT), np.int64)
    for i in range(times.size):
        digits = np.uint64(times[i] - low) >> shift
        ends[0, digits & mask] += 1
        ends[1, digits >> np.uint64(TIME_DIGIT)] += 1
    for n in range(2):
        end = 0
        for d in range(1 << TIME_DIGIT):
            end, ends[n, d] = end + ends[n, d], end
    for i in range(times.size):
        digit = np.uint64(times[i] - low) >> shift & mask
        position = ends[0, digit]
        spare[position, 0], spare[position, 1] = times[i], np.int64(entities[i]) << 32 | i
        ends[0, digit] = position + 1
    for i in range(times.size):
        digit = np.uint64(spare[i, 0] - low) >> shift >> np.uint64(TIME_DIGIT)
        position = ends[1, digit]
        buckets[position, 0], buckets[position, 1] = spare[i, 0], spare[i, 1]
        ends[1, digit] = position + 1


@compile_kernel()
def _sort_kernel(entities: Array, times: Array, buckets: Array, starts: Array, order: Array, in_order: Array) -> None:
    # Goes on with the example of `_distribute_by_time`. Rows that are sorted by time (no buckets) are read as they are.
    #
    #   starts, counted       0     2     4                             2 rows of entity 0, 4 of entity 1
    #   starts, summed        0     2     6
    #   in_order          | 124   325 | 112   301   318   311 |         buckets, by entity
    #   in_order          | 124   325 | 112   301   311   318 |         each entity sorted
    #   order             |   1     4 |   3     2     5     0 |
    for i in range(entities.size):
        starts[entities[i] + 1] += 1
    longest = 0
    for e in range(starts.size - 1):
        longest = max(longest, starts[e + 1])
        starts[e + 1] += starts[e]
    ends = np.empty(starts.size - 1, np.int64)
    for e in range(ends.size):
        ends[e] = starts[e]
    for i in range(entities.size):
        entity, row, time = np.int64(entities[i]), np.int64(i), times[i]
        if buckets.size:
            entity, row, time = buckets[i, 1] >> 32, buckets[i, 1] & LOW_HALF, buckets[i, 0]
        position = ends[entity]
        in_order[position], order[position] = time, row
        ends[entity] = position + 1
    spare_times, spare_order = np.empty(longest, np.int64), np.empty(longest, np.int32)
    for e in range(starts.size - 1):
        start, stop = starts[e], starts[e + 1]
        if buckets.size and not _insertion_sort(in_order, order, start, stop):
            _digit_sort(in_order[start:stop], order[start:stop], spare_times, spare_order)


def sort_events(entities: Array, times: Array, n_entities: int) -> tuple[Array, Array, Array]:
    """Sort rows by entity and, within an entity, by time; the sort is stable."""
    starts, times = np.zeros(n_entities + 1, np.int64), _read_only(times)
    order, in_order = np.empty(entities.size, np.int32), np.empty(entities.size, np.int64)
    # Large arrays are allocated by NumPy, which requests large memory pages; Numba does not.
    spare, buckets = np.empty((2, 0 if _ascends(times) else times.size, 2), np.int64)
    if buckets.size:
        _distribute_by_time(entities, times, spare, buckets)
    _sort_kernel(entities, times, buckets, starts, order, in_order)
    return starts, order, in_order


def _read_only(values: Array) -> Array:
    """Return a view: arrays that can be written to have a type of their own, and Numba would compile for both."""
    view = values.view()
    view.flags.writeable = False
    return view


@compile_kernel()
def _select(values: Array, order: Array, selected: Array) -> None:
    for i in range(order.size):
        selected[i] = values[np.uint32(order[i])]


def in_order(values: Array, order: Array) -> Array:
    """Return the values of rows in another order."""
    selected = np.empty(order.size, values.dtype)
    _select(_read_only(values), order, selected)
    return selected
