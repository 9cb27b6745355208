"""The latest events one by one: their amounts, and the seconds since them. Needs only NumPy and Numba."""

import numpy as np

from fraudsieve._compiled import INT_0, compile_kernel
from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array

from .measure import Measure
from .windows import Bounds, first_from, floor_of

N_LATEST = 5
_PLACES = ("latest", "second latest", "third latest", "fourth latest", "fifth latest")
MEASURES = (
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
