"""Sliding windows over events sorted by entity and time.

Two pointers bound the window of each cutoff time. Amounts are added at one end and subtracted at the other, exactly, so
that an old large amount leaves no trace. Counterparties are counted in an array that is reset after each entity. Nights
and weekends are differences of running counts. Needs only NumPy and Numba.
"""

from typing import TypeAlias

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel, compile_part
from fraudsieve._microseconds import DAY, HOUR, SECOND
from fraudsieve._typing import Array

from .exact import MINUS, PLUS, add_to_digits, sum_of_digits
from .measure import Measure, names_of

MEASURES = (
    Measure("count", "volume", "number of events", "0", needs_times=False),
    Measure("sum", "value", "sum of the amounts", "0", ("amount",), needs_times=False),
    Measure("mean", "value", "mean of the amounts", reads=("amount",), needs_times=False),
    Measure(
        "distinct",
        "counterparties",
        "number of distinct counterparties",
        "0",
        ("counterparty",),
        has_identifiers=True,
        needs_times=False,
    ),
    Measure("night", "rhythm", "share of events at night", reads=("clock",)),
    Measure("weekend", "rhythm", "share of events on Saturdays and Sundays", reads=("clock",)),
    Measure("gap_mean", "rhythm", "mean seconds between consecutive events", "NaN (below two)"),
    Measure("span", "rhythm", "seconds since the first event; not computed by default"),
    Measure("pace", "rhythm", "seconds between the last two events / mean of these seconds", "NaN (below two)"),
)
WINDOW_MEASURES = names_of(MEASURES)
"""The measures of `totals_in_windows`, in the order of its columns."""
COUNT, SUM, MEAN, DISTINCT, NIGHT, WEEKEND, GAP_MEAN, SPAN, PACE = range(len(WINDOW_MEASURES))
Bounds: TypeAlias = tuple[Array, Array, Array, Array, Array, Array]
"""Events and cutoff times by entity; see `totals_in_windows`."""
Codes: TypeAlias = tuple[Array, int]
"""Codes of the identifiers of events, -1 if missing, and the number of distinct ones."""
ONE = np.uint64(1)
NO_HOUR = 1 << 62
"""Later than any hour."""


@compile_part()
def hours_of_day(times: Array) -> Array:
    """Return the hour of day of every event.

    Parameters
    ----------
    times : ndarray of int64, shape (n_events,)
        What a clock shows, in microseconds since 1970.

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
        if not 0 <= times[i] - start < HOUR:  # neighbouring events often share an hour
            start = times[i] // HOUR * HOUR
            hour = start % DAY // HOUR
        hours[i] = hour
    return hours


@compile_part()
def _clock_counts(times: Array, night_from: int, night_to: int) -> tuple[Array, Array]:
    """Return the running counts of events at night and at weekends, from what a clock shows."""
    # A count over a window is then one subtraction, whatever its length (see `_between`):
    #
    #   position        0   1   2   3   4
    #   at night        1   0   1   1   0
    #   nights          1   1   2   3   3
    #   window          .  [1   2   3]  .        nights[3] - nights[0] = 2
    #
    # They run on across entities, because a difference does not depend on where they began.
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


@compile_part()
def any_column(columns: Array, first: int, stop: int) -> bool:
    """Return whether a window computes one of some measures, given its columns."""
    for window in range(columns.shape[0]):
        for k in range(first, stop):
            if columns[window, k] >= 0:
                return True
    return False


@compile_inlined()
def _between(running: Array, left: np.uint64, right: np.uint64) -> int:
    """Return the difference of a running count over a window that is not empty."""
    return int(running[right - ONE]) - (int(running[left - ONE]) if left > 0 else 0)


@compile_inlined()
def first_from(times: Array, start: int, stop: int, time: int) -> int:
    """Return the first event of an entity at or after a time; windows of later cutoff times start there or later."""
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


@compile_inlined(borrows=True)
def floor_of(floors: Array, k: int) -> int:
    """Return the position of the first event that windows of a cutoff time may have; see `kernels.bound`."""
    return int(floors[k]) if floors.size > 0 else 0


@compile_inlined()
def left_of(starts: Array, times: Array, first: Array, cutoffs: Array, floors: Array, e: int, width: int) -> int:
    """Return the position of the first event that the first window of an entity has; `first` has its cutoff time."""
    begin = cutoffs[first[e]] - width
    return max(first_from(times, starts[e], starts[e + 1], begin), floor_of(floors, first[e]))


@compile_inlined(borrows=True)
def enter(n_events_of: Array, code: int) -> int:
    """Count an event of a code that enters a window; return how many the window had."""
    n = n_events_of[np.uint32(code)]
    n_events_of[np.uint32(code)] = n + 1
    return int(n)


@compile_inlined(borrows=True)
def leave(n_events_of: Array, code: int) -> int:
    """Count an event of a code that leaves a window; return how many the window had."""
    n = n_events_of[np.uint32(code)]
    n_events_of[np.uint32(code)] = n - 1
    return int(n)


@compile_part()
def _totals_in_window(
    bounds: Bounds, width: int, amounts: Array, codes: Codes, clock: tuple[Array, Array], columns: Array, out: Array
) -> None:
    # Column indices are copied to local variables, since Numba reloads array elements after every array write.
    # Positions are unsigned, since Numba checks whether a signed index is negative.
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    at_count, at_sum, at_mean, at_distinct = columns[COUNT], columns[SUM], columns[MEAN], columns[DISTINCT]
    at_night, at_weekend, at_gap, at_span = columns[NIGHT], columns[WEEKEND], columns[GAP_MEAN], columns[SPAN]
    at_pace = columns[PACE]
    counts_others, sums_amounts = at_distinct >= 0, at_sum >= 0 or at_mean >= 0
    needs_times = at_night >= 0 or at_weekend >= 0 or at_gap >= 0 or at_span >= 0 or at_pace >= 0
    counterparties, n_counterparties = codes
    nights, weekends = clock
    n_events_of = np.zeros(n_counterparties if counts_others else 0, np.int32)
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        stop = np.uint64(starts[e + 1])
        left = np.uint64(left_of(starts, times, cutoff_starts, cutoffs, floors, e, width))
        right, distinct, n_valid = left, 0, 0
        d5 = d4 = d3 = d2 = d1 = d0 = 0  # the digits of the sum, see `exact`
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            cutoff, begin, floor = cutoffs[k], cutoffs[k] - width, np.uint64(floor_of(floors, k))
            while right < stop and times[right] < cutoff:
                if counts_others and counterparties[right] >= 0:
                    distinct += enter(n_events_of, counterparties[right]) == 0
                if sums_amounts and amounts[right] == amounts[right]:
                    n_valid += 1
                    d5, d4, d3, d2, d1, d0 = add_to_digits(d5, d4, d3, d2, d1, d0, amounts[right], PLUS)
                right += ONE
            limit = right
            for _ in range(2):  # events before the window, then those below the floor: one condition is faster
                while left < limit and times[left] < begin:
                    if counts_others and counterparties[left] >= 0:
                        distinct -= leave(n_events_of, counterparties[left]) == 1
                    if sums_amounts and amounts[left] == amounts[left]:
                        n_valid -= 1
                        d5, d4, d3, d2, d1, d0 = add_to_digits(d5, d4, d3, d2, d1, d0, amounts[left], MINUS)
                    left += ONE
                limit, begin = floor, cutoff
            n, row = np.int64(right - left), np.uint32(rows[k])
            if at_count >= 0:
                out[row, at_count] = n
            if counts_others:
                out[row, at_distinct] = distinct
            if sums_amounts:
                total = sum_of_digits(d5, d4, d3, d2, d1, d0)
                if at_sum >= 0:
                    out[row, at_sum] = total
                if at_mean >= 0 and n_valid > 0:
                    out[row, at_mean] = total / n_valid
            if needs_times:
                if at_night >= 0 and n > 0:
                    out[row, at_night] = _between(nights, left, right) / n
                if at_weekend >= 0 and n > 0:
                    out[row, at_weekend] = _between(weekends, left, right) / n
                if at_gap >= 0 and n > 1:
                    out[row, at_gap] = (times[right - ONE] - times[left]) / (SECOND * (n - 1.0))
                if at_pace >= 0 and n > 1 and times[right - ONE] > times[left]:
                    last_gap = float(times[right - ONE] - times[right - ONE - ONE])
                    out[row, at_pace] = last_gap * (n - 1.0) / (times[right - ONE] - times[left])
                if at_span >= 0 and n > 0:
                    out[row, at_span] = (cutoff - times[left]) / SECOND
        if counts_others:
            for i in range(left, right):
                if counterparties[i] >= 0:
                    n_events_of[counterparties[i]] = 0


@compile_kernel()
def totals_in_windows(
    bounds: Bounds,
    widths: Array,
    amounts: Array,
    codes: Codes,
    night: tuple[int, int],
    local_times: Array,
    columns: Array,
    out: Array,
) -> None:
    """Compute the measures of `WINDOW_MEASURES` for every cutoff time and window.

    Parameters
    ----------
    bounds : tuple of ndarray
        ``starts``, int64, shape (n_entities + 1,): start of the events of each entity.
        ``times``, int64, shape (n_events,): event times in microseconds, ascending within an entity.
        ``cutoff_starts``, int64, shape (n_entities + 1,): start of the cutoff times of each entity.
        ``cutoffs``, int64, shape (n_subjects,): cutoff times in microseconds, ascending within an entity.
        ``floors``, int64, shape (n_subjects,) or empty: the first event that windows of each cutoff time may have, from
        `fill_floors`; empty if none lacks events.
        ``rows``, int32, shape (n_subjects,): row of ``out`` of each cutoff time.
    widths : ndarray of int64, shape (n_windows,)
        Lengths of the windows in microseconds.
    amounts : ndarray of float64, shape (n_events,)
        Amounts, NaN if missing; empty if neither sum nor mean is computed.
    codes : tuple of ndarray and int
        Codes of the counterparties, int32, shape (n_events,), -1 if missing; empty if distinct counterparties are not
        computed. And the number of distinct codes.
    night : tuple of int
        First hour of the night and the hour at which it ends; it includes midnight if the first is larger.
    local_times : ndarray of int64, shape (n_events,)
        What a clock shows at the events, for nights and weekends.
    columns : ndarray of int64, shape (n_windows, n_measures)
        Column of each of `WINDOW_MEASURES`; -1 if it is not computed.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; undefined values are left as they are.
    """
    times = bounds[1]
    needs_clock = any_column(columns, NIGHT, WEEKEND + 1)
    clock = _clock_counts(local_times if needs_clock else times[:0], night[0], night[1])
    for window in range(widths.size):
        if any_column(columns[window : window + 1], INT_0, columns.shape[1]):
            _totals_in_window(bounds, widths[window], amounts, codes, clock, columns[window], out)
