"""Measures of the first and the last event, and measures computed from other columns. Needs only NumPy and Numba."""

import numpy as np

from fraudsieve._compiled import INT_0, compile_kernel
from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array

from .measure import Measure, names_of
from .windows import Bounds, first_from, floor_of

NEVER = np.iinfo(np.int64).min
"""The time that stands for a missing event."""
ENDS = (
    Measure("since_first", "profile", "seconds since the first event ever", has_window=False, has_kinds=False),
    Measure("since_last", "rhythm", "seconds since the last event ever", has_window=False),
    Measure(
        "is_new",
        "profile",
        "1 if there is no event yet, 0 if there is one; NaN if the subject does not name the entity",
        "1",
        derived_from=("since_first",),
        has_window=False,
        has_kinds=False,
    ),
    Measure(
        "trend",
        "volume",
        "rate of events in the shortest window / rate in this window",
        derived_from=("count",),
        left_out="shortest",
    ),
    Measure("z", "value", "(current amount - `mean`) / `std`", "NaN", ("amount", "current amount"), ("mean", "std")),
    Measure("to_mean", "value", "current amount / `mean`", "NaN", ("amount", "current amount"), ("mean",)),
    Measure("to_max", "value", "current amount / `max`", "NaN", ("amount", "current amount"), ("max",)),
    Measure("peak", "value", "`max` / mean amount in the longest window", "NaN", ("amount",), ("max", "mean")),
)
N_LATEST = 5
_PLACES = ("latest", "second latest", "third latest", "fourth latest", "fifth latest")
LATEST = (
    *(
        Measure(f"last_{n}", "value", f"amount of the {place} event", "NaN", ("amount",), (), False, False)
        for n, place in enumerate(_PLACES, 1)
    ),
    *(
        Measure(f"ago_{n}", "rhythm", f"seconds since the {place} event", has_window=False, has_kinds=False)
        for n, place in enumerate(_PLACES, 1)
        if n > 1  # the seconds since the latest one are `since_last`
    ),
)
MEASURES = (*ENDS, *LATEST)
END_MEASURES = names_of(ENDS[:2])
"""The measures of `fill_ends`, in the order of its columns."""


@compile_kernel()
def fill_ends(
    bounds: Bounds,
    firsts: Array,
    lasts: Array,
    amounts: Array,
    max_age: float,
    columns: Array,
    out: Array,
    last_amount: Array,
) -> None:
    """Compute the seconds since the first and the last event, and the last amount (the largest at the same time).

    Parameters
    ----------
    bounds
        As for `totals_in_windows`.
    firsts, lasts : ndarray of int64, shape (n_entities,) or empty
        Times of the first and the last event that were dropped from memory; `NEVER` if none were.
    amounts : ndarray of float64, shape (n_events,) or empty
        Amounts, NaN if missing; empty if `last_amount` is not computed.
    max_age : float
        Maximum seconds since an event; older events are ignored, and so are those below the floor. Infinite to find
        the first and the last event ever.
    columns : ndarray of int64, shape (2,)
        Column of each of `END_MEASURES`; -1 if it is not computed.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; left as it is if there is no event.
    last_amount : ndarray of float64, shape (n_subjects,) or empty
        Filled in; NaN if no event has an amount.
    """
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    at_first, at_last = columns
    for e in range(starts.size - 1):
        right, largest, largest_at = starts[e], np.nan, NEVER
        earlier = firsts.size > 0 and firsts[e] != NEVER
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            before = right
            if before == starts[e]:  # a binary search, since the window may begin with many events
                right = first_from(times, before, starts[e + 1], cutoffs[k])
            while right < starts[e + 1] and times[right] < cutoffs[k]:
                right += 1
            row, any_left = rows[k], right > starts[e]
            if earlier or any_left:
                since_first = (cutoffs[k] - (firsts[e] if earlier else times[starts[e]])) / SECOND
                since_last = (cutoffs[k] - (times[right - 1] if any_left else lasts[e])) / SECOND
                if at_first >= 0 and since_first <= max_age:
                    out[row, at_first] = since_first
                is_old = max_age < np.inf and any_left and right <= floor_of(floors, k)
                if at_last >= 0 and since_last <= max_age and not is_old:
                    out[row, at_last] = since_last
            if amounts.size > 0:
                has_amount = False
                for i in range(right - 1, before - 1, -1):
                    if has_amount and times[i] < largest_at:
                        break
                    if amounts[i] == amounts[i]:
                        tied = times[i] == largest_at
                        largest = max(largest, amounts[i]) if tied else amounts[i]
                        largest_at, has_amount = times[i], True
            if last_amount.size > 0:
                floor = floor_of(floors, k)
                if starts[e] < floor < right and times[floor] == largest_at:  # it may divide the events at that time
                    largest = np.nan
                    while floor < right and times[floor] == largest_at:
                        if amounts[floor] == amounts[floor] and not largest >= amounts[floor]:
                            largest = amounts[floor]
                        floor += 1
                last_amount[row] = largest + 0.0  # negative zero equals zero


DERIVED = ("count", "mean", "std", "max", "z", "to_mean", "to_max", "peak", "trend")
"""The measures of `fill_derived`, in the order of its columns."""


@compile_kernel()
def fill_derived(amounts: Array, widths: Array, columns: Array, out: Array) -> None:
    """Compute measures from other columns; a division by zero leaves the value as it is.

    Parameters
    ----------
    amounts : ndarray of float64, shape (n_subjects,)
        Current amounts.
    widths : ndarray of int64, shape (n_windows,)
        Lengths of the windows in microseconds.
    columns : ndarray of int64, shape (n_windows, 9)
        Column of each of `DERIVED`; -1 if it is not computed.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in.
    """
    at_longest, at_shortest = 0, 0
    for window in range(1, widths.size):
        at_longest = window if widths[window] > widths[at_longest] else at_longest
        at_shortest = window if widths[window] < widths[at_shortest] else at_shortest
    longest, shortest = columns[at_longest], columns[at_shortest]
    for window in range(widths.size):
        count, mean, std, largest, z, to_mean, to_max, peak, trend = columns[window]
        for row in range(len(out)):
            if z >= 0 and out[row, std] != 0.0:
                out[row, z] = (amounts[row] - out[row, mean]) / out[row, std]
            if to_mean >= 0 and out[row, mean] != 0.0:
                out[row, to_mean] = amounts[row] / out[row, mean]
            if to_max >= 0 and out[row, largest] != 0.0:
                out[row, to_max] = amounts[row] / out[row, largest]
            if peak >= 0 and out[row, longest[1]] != 0.0:
                out[row, peak] = out[row, largest] / out[row, longest[1]]
            if trend >= 0 and out[row, count] != 0.0:
                lengths = widths[window] / widths[at_shortest]
                out[row, trend] = out[row, shortest[0]] / out[row, count] * lengths


@compile_kernel()
def _insert(time: int, amount: float, held_times: Array, held_amounts: Array, n: int) -> int:
    """Insert an event that is not older than those held, the latest first; return how many are held."""
    # An event at 50 with the amount 4 is inserted:
    #
    #   held_times      50   40   40   20    .      becomes     50   50   40   40   20
    #   held_amounts     9    7    2  NaN    .      becomes      9    4    7    2  NaN
    position = 0
    # At the same time, the larger amount comes first, whatever the order of arrival; a missing one comes last.
    while (
        position < n
        and held_times[position] == time
        and not amount > held_amounts[position]
        and held_amounts[position] == held_amounts[position]
    ):
        position += 1
    if position == N_LATEST:
        return n
    last = min(n, N_LATEST - 1)
    for i in range(last, position, -1):
        held_times[i], held_amounts[i] = held_times[i - 1], held_amounts[i - 1]
    held_times[position], held_amounts[position] = time, amount
    return last + 1


@compile_kernel()
def fill_latest(
    bounds: Bounds, amounts: Array, width: int, amount_columns: Array, age_columns: Array, out: Array
) -> None:
    """Compute the amounts of the five latest events, and the seconds since each.

    Parameters
    ----------
    bounds
        As for `totals_in_windows`.
    amounts : ndarray of float64, shape (n_events,) or empty
        Amounts, NaN if missing; empty if no amounts are computed.
    width : int
        Length of the longest window in microseconds; older events are ignored.
    amount_columns, age_columns : ndarray of int64, shape (5,)
        Columns of the amounts and of the ages, the latest event first; -1 if one is not computed.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; left as it is where there is no such event.
    """
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    held_times, held_amounts = np.empty(N_LATEST, np.int64), np.empty(N_LATEST)
    for e in range(starts.size - 1):
        n, right = INT_0, starts[e]
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            begin, floor = right, max(floor_of(floors, k), starts[e])
            if begin == starts[e]:
                right = first_from(times, begin, starts[e + 1], cutoffs[k])
            while right < starts[e + 1] and times[right] < cutoffs[k]:
                right += 1
            # The first query skips events that have five later ones. A floor may divide the events at one time: those
            # that are held may be below it, so that all are inserted again.
            if begin == starts[e] or (floors.size > 0 and right > begin):
                n, begin = INT_0, max(right - N_LATEST, floor)
                while floor < begin < right and times[begin - 1] == times[begin]:
                    begin -= 1
            for i in range(begin, right):
                n = _insert(times[i], amounts[i] if amounts.size > 0 else np.nan, held_times, held_amounts, n)
            for j in range(n):
                if held_times[j] < cutoffs[k] - width:
                    break
                if amount_columns[j] >= 0:
                    out[rows[k], amount_columns[j]] = held_amounts[j] + 0.0  # negative zero equals zero
                if age_columns[j] >= 0:
                    out[rows[k], age_columns[j]] = (cutoffs[k] - held_times[j]) / SECOND
