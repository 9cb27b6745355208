"""Sliding windows over events sorted by entity and time.

Two pointers bound the window of each cutoff time. Amounts are added at one end and subtracted at the other, exactly, so
that an old large amount leaves no trace. Counterparties are counted in an array that is reset after each entity. Nights
and weekends are differences of running counts. The extreme of a window is the head of a monotonic queue. Needs only
NumPy and Numba.
"""

from typing import TypeAlias

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel, compile_part
from fraudsieve._microseconds import DAY, HOUR, SECOND
from fraudsieve._typing import Array

from .exact import (
    MINUS,
    N_DIGITS,
    N_SQUARE_DIGITS,
    PLUS,
    add_number,
    add_square,
    add_to_digits,
    deviation_of,
    sum_of,
    sum_of_digits,
)
from .measure import Measure, names_of

TOTALS = (
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
WINDOW_MEASURES = names_of(TOTALS)
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


SPREADS = (
    Measure("max", "value", "largest amount", reads=("amount",), needs_times=False),
    Measure("min", "value", "smallest amount", reads=("amount",), needs_times=False),
    Measure("std", "value", "standard deviation of the amounts (population)", reads=("amount",), needs_times=False),
    Measure("gap_std", "rhythm", "standard deviation of the seconds between events", "NaN (below two)"),
    Measure("burst", "rhythm", "largest number of events within an hour"),
    Measure(
        "since_max",
        "value",
        "seconds since the largest amount, the last one of equal amounts",
        reads=("amount",),
        derived_from=("max",),
    ),
    Measure(
        "drained_share",
        "value",
        "sum of what left (amounts below 0) / sum of what came in (amounts above 0), at most 1",
        "NaN (nothing came in)",
        ("amount",),
        needs_times=False,
    ),
)
MEASURES = (*TOTALS, *SPREADS)
SPREAD_MEASURES = names_of(SPREADS)
"""The measures of `spread_in_windows`, in the order of its columns."""
MAX, MIN, STD, GAP_STD, BURST, SINCE_MAX, DRAINED_SHARE = range(len(SPREAD_MEASURES))


@compile_part()
def _longest(starts: Array) -> int:
    longest = 0
    for e in range(starts.size - 1):
        longest = max(longest, starts[e + 1] - starts[e])
    return longest


@compile_inlined(borrows=True)
def _begin_of(times: Array, cutoffs: Array, floors: Array, k: int, width: int) -> int:
    """Return the time at which a window begins, or that of its first event, if the floor is later."""
    begin, floor = int(cutoffs[k] - width), floor_of(floors, k)
    return max(begin, int(times[floor])) if floors.size > 0 and floor < times.size else begin


@compile_part()
def _extreme_in_window(
    bounds: Bounds, width: int, skipped: int, amounts: Array, sign: float, position: int, at_since: int, out: Array
) -> None:
    """Return the largest amount of a window (``sign`` 1) or the smallest (-1), the last one of equal amounts.

    The first part of the window, of ``skipped`` microseconds, is left out.

    A monotonic queue holds the events that are more extreme than all later ones. New events are scanned backwards, so
    that only those more extreme than all later new events are compared with the queue.
    """
    #   position     0  1  2  3  4  5  6
    #   amounts      7  3  5  2  4  1  4       `sign` 1; 4, 5 and 6 are new
    #   queue        0  2  3                   amounts 7 5 2: an event with a larger one after it is never the largest
    #   new_events   6                         backwards: 4 stays; 1 and the equal 4 are not larger
    #   queue        0  2  6                   2 leaves at the tail, since it is not larger than `best`
    #   queue        2  6                      0 leaves at the head once it is before the window; 5 is the largest
    #
    # Every event enters the queue at most once, and leaves it at most once. NaN is not larger than anything: it never
    # enters.
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    queue, new_events = np.empty(_longest(starts), np.int32), np.empty(_longest(starts), np.int32)
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        stop = starts[e + 1]
        left = right = left_of(starts, times, cutoff_starts, cutoffs, floors, e, max(width - skipped, 0))
        head, tail = 0, 0
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            cutoff, before = cutoffs[k], right
            begin, floor = _begin_of(times, cutoffs, floors, k, width) + skipped, floor_of(floors, k)
            while right < stop and times[right] < cutoff:
                right += 1
            while left < right and (times[left] < begin or left < floor):
                left += 1
            best, n_new = -np.inf, 0
            for i in range(right - 1, max(before, left) - 1, -1):
                if sign * amounts[i] > best:
                    best = sign * amounts[i]
                    new_events[n_new] = i
                    n_new += 1
            while tail > head and sign * amounts[queue[tail - 1]] <= best:
                tail -= 1
            while n_new > 0:
                n_new -= 1
                queue[tail] = new_events[n_new]
                tail += 1
            while head < tail and queue[head] < left:
                head += 1
            if head < tail:
                if at_since >= 0:
                    out[rows[k], at_since] = (cutoff - times[queue[head]]) / SECOND
                out[rows[k], position] = amounts[queue[head]] + 0.0  # negative zero equals zero


@compile_part()
def _burst_in_window(bounds: Bounds, width: int, trailing: Array, position: int, out: Array) -> None:
    """Compute the largest number of events in an hour of a window, from the hours that end with each event.

    The hours that end later than the first hour of a window lie in it. Those that end earlier begin before it; of what
    they hold of the window, the last has all.

        window          |-------- first hour --------|----------------- later -----------------|
        hour of event i       (-------------i]                 (--------------j]  hour of event j
    """
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    _extreme_in_window(bounds, width, HOUR, trailing, 1.0, position, -1, out)
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        stop = starts[e + 1]
        left = right = left_of(starts, times, cutoff_starts, cutoffs, floors, e, width)
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            since, floor = _begin_of(times, cutoffs, floors, k, width), floor_of(floors, k)
            until = min(since + HOUR, cutoffs[k])
            while left < stop and (times[left] < since or left < floor):
                left += 1
            while right < stop and times[right] < until:
                right += 1
            if right > left and not out[rows[k], position] >= right - left:
                out[rows[k], position] = right - left


@compile_inlined()
def _clear(digits: Array) -> None:
    for i in range(digits.size):
        digits[i] = 0


@compile_part()
def _std_in_window(
    bounds: Bounds, width: int, values: Array, skip: int, unit: float, position: int, out: Array
) -> None:
    """Compute the standard deviation of the values of a window, divided by a unit.

    The first ``skip`` events of a window are left out: 1 for gaps, since the first gap begins before the window.
    """
    #   times         10    30    35    50    90
    #   gaps         NaN    20     5    15    40      gaps[i] is from event i - 1 to event i
    #   window         .  [ 30    35    50 ]   .      left = 1, right = 4
    #   in the sums    .     .     5    15     .      first = 2, last = 4
    #
    # Where a window begins after `last`, what lies between them was never added, and is not subtracted.
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    digits, square_digits = np.empty(N_DIGITS, np.int64), np.empty(N_SQUARE_DIGITS, np.int64)
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        stop = starts[e + 1]
        left = right = left_of(starts, times, cutoff_starts, cutoffs, floors, e, width)
        first = last = left  # the values in the sums
        _clear(digits)
        _clear(square_digits)
        n = 0
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            while right < stop and times[right] < cutoffs[k]:
                right += 1
            begin, floor = cutoffs[k] - width, floor_of(floors, k)
            while left < right and (times[left] < begin or left < floor):
                left += 1
            while first < min(left + skip, last):
                if values[first] == values[first]:
                    add_number(digits, values[first], MINUS)
                    add_square(square_digits, values[first], MINUS)
                    n -= 1
                first += 1
            first = max(first, left + skip)
            for i in range(max(last, first), right):
                if values[i] == values[i]:
                    add_number(digits, values[i], PLUS)
                    add_square(square_digits, values[i], PLUS)
                    n += 1
            last = max(right, first)
            if n > 0:
                out[rows[k], position] = deviation_of(n, digits, square_digits) / unit


@compile_part()
def _drained_in_window(bounds: Bounds, width: int, amounts: Array, position: int, out: Array) -> None:
    """Compute the share of what came in during a window that has left again."""
    #   times        10    20    30    40    50
    #   amounts       5    20   -15     5   -30
    #   [15, 45)      .    20   -15     5     .      came 25, left 15: .6
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    sums = np.empty((2, N_DIGITS), np.int64)  # of what left, and of what came
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        left = right = left_of(starts, times, cutoff_starts, cutoffs, floors, e, width)
        _clear(sums[0])
        _clear(sums[1])
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            begin, floor = cutoffs[k] - width, floor_of(floors, k)
            while right < starts[e + 1] and times[right] < cutoffs[k]:
                if amounts[right] == amounts[right]:
                    add_number(sums[int(amounts[right] > 0.0)], abs(amounts[right]), PLUS)
                right += 1
            while left < right and (times[left] < begin or left < floor):
                if amounts[left] == amounts[left]:
                    add_number(sums[int(amounts[left] > 0.0)], abs(amounts[left]), MINUS)
                left += 1
            came = sum_of(sums[1])
            if came > 0.0:
                out[rows[k], position] = min(sum_of(sums[0]) / came, 1.0)


@compile_part()
def _gaps(starts: Array, times: Array) -> Array:
    """Return the microseconds since the previous event of the entity; NaN for its first event."""
    gaps = np.full(times.size, np.nan)
    for e in range(starts.size - 1):
        for i in range(starts[e] + 1, starts[e + 1]):
            gaps[i] = times[i] - times[i - 1]
    return gaps


@compile_part()
def _trailing_counts(starts: Array, times: Array, width: int) -> Array:
    """Count the events of the entity in the window ``(time - width, time]`` of every event.

    Only the last of several events with the same time counts all of them.
    """
    counts = np.empty(times.size)
    for e in range(starts.size - 1):
        left = starts[e]
        for i in range(starts[e], starts[e + 1]):
            while times[left] <= times[i] - width:
                left += 1
            counts[i] = i - left + 1
    return counts


@compile_kernel()
def spread_in_windows(bounds: Bounds, widths: Array, amounts: Array, columns: Array, out: Array) -> None:
    """Compute the measures of `SPREAD_MEASURES` for every cutoff time and window.

    Parameters
    ----------
    bounds, widths
        As for `totals_in_windows`.
    amounts : ndarray of float64, shape (n_events,)
        Amounts, NaN if missing; empty if no measure of amounts is computed.
    columns : ndarray of int64, shape (n_windows, n_measures)
        Column of each of `SPREAD_MEASURES`; -1 if it is not computed.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; undefined values are left as they are.
    """
    starts, times = bounds[:2]
    gaps = _gaps(starts, times) if any_column(columns, GAP_STD, GAP_STD + 1) else amounts[:0]
    trailing = _trailing_counts(starts, times, HOUR) if any_column(columns, BURST, BURST + 1) else amounts[:0]
    for window in range(widths.size):
        position = columns[window]
        if position[MAX] >= 0:
            _extreme_in_window(bounds, widths[window], INT_0, amounts, 1.0, position[MAX], position[SINCE_MAX], out)
        if position[MIN] >= 0:
            _extreme_in_window(bounds, widths[window], INT_0, amounts, -1.0, position[MIN], -1, out)
        if position[BURST] >= 0:
            _burst_in_window(bounds, widths[window], trailing, position[BURST], out)
        if position[STD] >= 0:
            _std_in_window(bounds, widths[window], amounts, 0, 1.0, position[STD], out)
        if position[DRAINED_SHARE] >= 0:
            _drained_in_window(bounds, widths[window], amounts, position[DRAINED_SHARE], out)
        if position[GAP_STD] >= 0:
            _std_in_window(bounds, widths[window], gaps, 1, float(SECOND), position[GAP_STD], out)
