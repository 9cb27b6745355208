"""Events in order of entity and time, by the radix of what is at hand.

Coded events are dealt to their entities, and within an entity sorted by time: short runs by insertion, long ones by the
leading bits first, and by all digits where many events share these. All of it is stable, and linear in the events.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["in_order", "sort_events"]

Array = npt.NDArray[Any]

INSERTION = 48
"""Runs of up to so many events are sorted by insertion."""
MOST_BUCKETS = 1 << 16
DIGIT = 8
LOW_DIGIT = np.uint64((1 << DIGIT) - 1)


@nb.njit(inline="always")
def _insertion_sort(times: Array, order: Array, start: int, stop: int) -> None:
    for i in range(start + 1, stop):
        time, row = times[i], order[i]
        j = i
        while j > start and times[j - 1] > time:
            times[j], order[j] = times[j - 1], order[j - 1]
            j -= 1
        times[j], order[j] = time, row


@nb.njit(cache=True, nogil=True)
def _digit_sort(times: Array, order: Array, spare_times: Array, spare_order: Array) -> None:
    """Sort by all digits of the times, the lowest first."""
    low = times.min()
    span = np.uint64(times.max() - low)  # wraps, and is right as an unsigned number
    counts = np.empty((1 << DIGIT) + 1, np.int64)
    shift = np.uint64(0)
    while shift < np.uint64(64) and span >> shift:
        counts[:] = 0
        for i in range(times.size):
            counts[np.int64(np.uint64(times[i] - low) >> shift & LOW_DIGIT) + 1] += 1
        for d in range(1, counts.size):
            counts[d] += counts[d - 1]
        for i in range(times.size):
            digit = np.int64(np.uint64(times[i] - low) >> shift & LOW_DIGIT)
            spare_times[counts[digit]], spare_order[counts[digit]] = times[i], order[i]
            counts[digit] += 1
        times[:], order[:] = spare_times[: times.size], spare_order[: times.size]
        shift += np.uint64(DIGIT)


@nb.njit(cache=True, nogil=True)
def _run_sort(times: Array, order: Array, spare_times: Array, spare_order: Array, ends: Array) -> None:
    """Sort a long run: deal it to buckets by the leading bits of its times, then sort every bucket."""
    low = times.min()
    span = np.uint64(times.max() - low)
    shift = np.uint64(0)
    while span >> shift > np.uint64(min(times.size, ends.size) // 4):
        shift += np.uint64(1)
    n_buckets = np.int64(span >> shift) + 1
    ends[:n_buckets] = 0
    for i in range(times.size):
        ends[np.int64(np.uint64(times[i] - low) >> shift)] += 1
    before = 0
    for b in range(n_buckets):
        size = ends[b]
        ends[b] = before
        before += size
    for i in range(times.size):
        bucket = np.int64(np.uint64(times[i] - low) >> shift)
        spare_times[ends[bucket]], spare_order[ends[bucket]] = times[i], order[i]
        ends[bucket] += 1
    times[:], order[:] = spare_times[: times.size], spare_order[: times.size]
    start = 0
    for b in range(n_buckets):
        if ends[b] - start <= INSERTION:
            _insertion_sort(times, order, start, ends[b])
        else:
            _digit_sort(times[start : ends[b]], order[start : ends[b]], spare_times, spare_order)
        start = ends[b]


@nb.njit(cache=True, nogil=True)
def _sort_kernel(entities: Array, times: Array, starts: Array, order: Array, in_order: Array) -> None:
    for i in range(entities.size):
        starts[entities[i] + 1] += 1
    longest = 0
    for e in range(starts.size - 1):
        longest = max(longest, starts[e + 1])
        starts[e + 1] += starts[e]
    ends = starts[:-1].copy()
    for i in range(entities.size):
        at = ends[entities[i]]
        in_order[at], order[at] = times[i], i
        ends[entities[i]] = at + 1
    spare_times, spare_order = np.empty(longest, np.int64), np.empty(longest, np.int32)
    buckets = np.empty(min(longest, MOST_BUCKETS) + 1, np.int64)
    for e in range(starts.size - 1):
        start, stop = starts[e], starts[e + 1]
        if stop - start <= INSERTION:
            _insertion_sort(in_order, order, start, stop)
        else:
            _run_sort(in_order[start:stop], order[start:stop], spare_times, spare_order, buckets)


def sort_events(entities: Array, times: Array, n_entities: int) -> tuple[Array, Array, Array]:
    """Sort rows by entity and, within an entity, by time; rows alike in both stay in their order.

    Parameters
    ----------
    entities : ndarray of int32, shape (n_rows,)
        Codes below ``n_entities``.
    times : ndarray of int64, shape (n_rows,)
        In any unit.
    n_entities : int
        How many entities there are.

    Returns
    -------
    starts : ndarray of int64, shape (n_entities + 1,)
        The rows of entity ``e`` are ``order[starts[e]:starts[e + 1]]``.
    order : ndarray of int32, shape (n_rows,)
        Positions of the rows, in order.
    times : ndarray of int64, shape (n_rows,)
        The times, in order.

    Examples
    --------
    >>> starts, order, times = sort_events(np.array([1, 0, 1], np.int32), np.array([30, 20, 10]), 2)
    >>> starts.tolist(), order.tolist(), times.tolist()
    ([0, 1, 3], [1, 2, 0], [20, 10, 30])
    """
    starts = np.zeros(n_entities + 1, np.int64)
    order, in_order = np.empty(entities.size, np.int32), np.empty(entities.size, np.int64)
    _sort_kernel(entities, times, starts, order, in_order)
    return starts, order, in_order


@nb.njit(cache=True, nogil=True)
def in_order(values: Array, order: Array) -> Array:
    """Return the values of rows in another order.

    Parameters
    ----------
    values : ndarray, shape (n_rows,)
        Of any type.
    order : ndarray of int32, shape (n_rows,)
        Positions, from 0 up. (NumPy would make wide ones of them first.)

    Returns
    -------
    ndarray, shape (n_rows,)

    Examples
    --------
    >>> in_order(np.array([0.5, 1.5]), np.array([1, 0], np.int32)).tolist()
    [1.5, 0.5]
    """
    taken = np.empty(order.size, values.dtype)
    for i in range(order.size):
        taken[i] = values[np.uint32(order[i])]
    return taken
