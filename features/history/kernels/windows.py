"""The sliding windows: kernels over events in order of entity and time, in NumPy and Numba alone.

For every moment asked about, two pointers bound its window. Amounts are added at one end and taken away at the other,
with their rounding errors kept, so that an old large amount leaves no trace; counterparties are counted in an array
that every entity leaves as it found it; nights and weekends are running totals, read off at both ends.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array

__all__ = ["WINDOW_MEASURES", "hours_of_day", "totals_in_windows"]


WINDOW_MEASURES = ("count", "sum", "mean", "distinct", "night", "weekend", "gap_mean", "span")
"""The measures of `totals_in_windows`, in the order of its places."""
COUNT, SUM, MEAN, DISTINCT, NIGHT, WEEKEND, GAP_MEAN, SPAN = range(len(WINDOW_MEASURES))
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
ONE = np.uint64(1)
NO_HOUR = 1 << 62
"""Later than any hour."""


@nb.njit(cache=True, nogil=True)
def hours_of_day(times: Array) -> Array:
    """Return the hour of day of every event, UTC.

    Parameters
    ----------
    times : ndarray of int64, shape (n_events,)
        Microseconds since 1970.

    Returns
    -------
    ndarray of int32, shape (n_events,)
        From 0 to 23.

    Examples
    --------
    >>> hours_of_day(np.array([0, 90 * 60 * 1_000_000])).tolist()
    [0, 1]
    """
    hours = np.empty(times.size, np.int32)
    start, hour = NO_HOUR, 0
    for i in range(times.size):
        if not 0 <= times[i] - start < HOUR:  # neighbours are often of the same hour
            start = times[i] // HOUR * HOUR
            hour = start % DAY // HOUR
        hours[i] = hour
    return hours


@nb.njit(cache=True, nogil=True)
def _clock_counts(times: Array, night_from: int, night_to: int) -> tuple[Array, Array]:
    """Count the events up to each that are at night, and at a weekend."""
    nights, weekends = np.empty(times.size, np.int32), np.empty(times.size, np.int32)
    n_nights, n_weekends = 0, 0
    start, at_night, at_weekend = NO_HOUR, False, False
    for i in range(times.size):
        if not 0 <= times[i] - start < HOUR:
            start = times[i] // HOUR * HOUR
            hour = start % DAY // HOUR
            late, early = hour >= night_from, hour < night_to
            at_night = (late and early) if night_from < night_to else (late or early)
            at_weekend = (start // DAY + 3) % 7 >= 5  # 1970 began on a Thursday
        n_nights += at_night
        n_weekends += at_weekend
        nights[i], weekends[i] = n_nights, n_weekends
    return nights, weekends


@nb.njit(inline="always")
def _between(running: Array, left: np.uint64, right: np.uint64) -> int:
    """Take a running count at both ends of a window that has events."""
    return int(running[right - ONE]) - (int(running[left - ONE]) if left > 0 else 0)


@nb.njit(inline="always")
def added(total: float, lost: float, amount: float) -> tuple[float, float]:
    """Add an amount to a sum and what it lacks (Neumaier, 1974; the error is Knuth's, without a branch)."""
    after = total + amount
    back = after - total
    return after, lost + ((total - (after - back)) + (amount - back))


@nb.njit(inline="always")
def first_from(times: Array, start: int, stop: int, time: int) -> int:
    """Find an entity's first event that is not before a time: what is older no window of a later moment holds."""
    if start == stop or times[start] >= time:
        return start
    low, high = start, stop
    while low < high:
        middle = (low + high) // 2
        if times[middle] < time:
            low = middle + 1
        else:
            high = middle
    return low


@nb.njit(cache=True, nogil=True)
def _totals_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    amounts: Array,
    counterparties: Array,
    n_counterparties: int,
    nights: Array,
    weekends: Array,
    places: Array,
    out: Array,
) -> None:
    # Local numbers, since what is read from an array is read again after every write to another; and unsigned places,
    # since Numba looks of every other whether it counts from the end.
    at_count, at_sum, at_mean, at_distinct = places[COUNT], places[SUM], places[MEAN], places[DISTINCT]
    at_night, at_weekend, at_gap, at_span = places[NIGHT], places[WEEKEND], places[GAP_MEAN], places[SPAN]
    by_other, summed = at_distinct >= 0, at_sum >= 0 or at_mean >= 0
    counted = at_night >= 0 or at_weekend >= 0 or at_gap >= 0 or at_span >= 0
    times_met = np.zeros(n_counterparties if by_other else 0, np.int32)
    for e in range(starts.size - 1):
        if asked_starts[e] == asked_starts[e + 1]:
            continue
        stop = np.uint64(starts[e + 1])
        left = np.uint64(first_from(times, starts[e], starts[e + 1], moments[asked_starts[e]] - width))
        right, distinct = left, 0
        total, lost, known = 0.0, 0.0, 0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment = moments[k]
            while right < stop and times[right] < moment:
                if by_other and counterparties[right] >= 0:
                    other = np.uint32(counterparties[right])
                    distinct += times_met[other] == 0
                    times_met[other] += 1
                if summed and amounts[right] == amounts[right]:
                    total, lost = added(total, lost, amounts[right])
                    known += 1
                right += ONE
            while left < right and times[left] < moment - width:
                if by_other and counterparties[left] >= 0:
                    other = np.uint32(counterparties[left])
                    distinct -= times_met[other] == 1
                    times_met[other] -= 1
                if summed and amounts[left] == amounts[left]:
                    total, lost = added(total, lost, -amounts[left])
                    known -= 1
                left += ONE
            n, row = np.int64(right - left), np.uint32(rows[k])
            if at_count >= 0:
                out[row, at_count] = n
            if by_other:
                out[row, at_distinct] = distinct
            if summed:
                if known == 0:
                    total, lost = 0.0, 0.0
                if at_sum >= 0:
                    out[row, at_sum] = total + lost
                if at_mean >= 0 and known > 0:
                    out[row, at_mean] = (total + lost) / known
            if counted:
                if at_night >= 0 and n > 0:
                    out[row, at_night] = _between(nights, left, right) / n
                if at_weekend >= 0 and n > 0:
                    out[row, at_weekend] = _between(weekends, left, right) / n
                if at_gap >= 0 and n > 1:
                    out[row, at_gap] = (times[right - ONE] - times[left]) / (SECOND * (n - 1.0))
                if at_span >= 0 and n > 0:
                    out[row, at_span] = (moment - times[left]) / SECOND
        if by_other:
            for i in range(left, right):
                if counterparties[i] >= 0:
                    times_met[counterparties[i]] = 0


@nb.njit(cache=True, nogil=True)
def totals_in_windows(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    widths: Array,
    amounts: Array,
    counterparties: Array,
    n_counterparties: int,
    night: tuple[int, int],
    places: Array,
    out: Array,
) -> None:
    """Measure windows for every moment, all but extremes and deviations.

    Parameters
    ----------
    starts : ndarray of int64, shape (n_entities + 1,)
        Where every entity's events begin.
    times : ndarray of int64, shape (n_events,)
        Microseconds, ascending within an entity.
    asked_starts : ndarray of int64, shape (n_entities + 1,)
        Where every entity's moments begin.
    moments : ndarray of int64, shape (n_subjects,)
        Microseconds, ascending within an entity.
    rows : ndarray of int32, shape (n_subjects,)
        The row of ``out`` that belongs to a moment.
    widths : ndarray of int64, shape (n_windows,)
        Microseconds.
    amounts : ndarray of float64, shape (n_events,)
        NaN for none; empty where neither sum nor mean is asked for.
    counterparties : ndarray of int32, shape (n_events,)
        Codes, -1 for none; empty where no distinct counterparties are asked for.
    n_counterparties : int
        How many codes there are.
    night : tuple of int
        Hours, from and up to; the night runs over midnight where the first is the larger.
    places : ndarray of int64, shape (n_windows, 8)
        The column of every one of `WINDOW_MEASURES`; -1 where it is not asked for.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; what stays undefined is left as it is.
    """
    clocked = (places[:, NIGHT] >= 0).any() or (places[:, WEEKEND] >= 0).any()
    nights, weekends = _clock_counts(times if clocked else times[:0], night[0], night[1])
    bounds = starts, times, asked_starts, moments, rows
    coded = counterparties, n_counterparties
    for w in range(widths.size):
        if (places[w] >= 0).any():
            _totals_in_window(*bounds, widths[w], amounts, *coded, nights, weekends, places[w], out)
