"""Extremes and deviations in sliding windows, and what the ends of a log say, in NumPy and Numba alone.

Neither can be read off a running total: the largest of a window is at the head of a queue that only falls, and a
deviation is merged from two heaps, so that nothing is ever subtracted.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from .history_windows import first_from

__all__ = [
    "DERIVED",
    "NEVER",
    "extreme_in_window",
    "fill_derived",
    "fill_ends",
    "gaps",
    "label_runs",
    "std_in_window",
    "trailing_counts",
]

Array = npt.NDArray[Any]

SECOND = 1_000_000
NEVER = np.iinfo(np.int64).min
"""The time of an event that there was not."""


@nb.njit(cache=True, nogil=True)
def _longest(starts: Array) -> int:
    longest = 0
    for e in range(starts.size - 1):
        longest = max(longest, starts[e + 1] - starts[e])
    return longest


@nb.njit(cache=True, nogil=True)
def extreme_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    amounts: Array,
    sign: float,
    out: Array,
    since: Array,
) -> None:
    """Find the largest amount of a window (``sign`` 1) or the smallest (-1), by a queue that only falls.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, width
        As for `totals_in_window`.
    amounts : ndarray of float64, shape (n_events,)
        NaN for none.
    sign : float
        1 or -1.
    out : ndarray of float64, shape (n_subjects,)
        A column, filled in; left as it is where no event has an amount.
    since : ndarray of float64, shape (n_subjects,)
        Seconds since that amount, the last of several, filled in likewise; it may be ``out``, and is not kept then.
    """
    queue = np.empty(_longest(starts), np.int32)
    for e in range(starts.size - 1):
        if asked_starts[e] == asked_starts[e + 1]:
            continue
        stop = starts[e + 1]
        left = right = first_from(times, starts[e], stop, moments[asked_starts[e]] - width)
        head, tail = 0, 0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment = moments[k]
            while right < stop and times[right] < moment:
                amount = sign * amounts[right]
                if amount == amount:
                    while tail > head and sign * amounts[queue[tail - 1]] <= amount:
                        tail -= 1
                    queue[tail] = right
                    tail += 1
                right += 1
            while left < right and times[left] < moment - width:
                left += 1
            while head < tail and queue[head] < left:
                head += 1
            if head < tail:
                since[rows[k]] = (moment - times[queue[head]]) / SECOND
                out[rows[k]] = amounts[queue[head]]


@nb.njit(inline="always")
def _merged(
    n: float, mean: float, square: float, more: float, their_mean: float, their_square: float
) -> tuple[float, float, float]:
    """Join two sets of count, mean and sum of squared deviations (Chan, Golub and LeVeque, 1979)."""
    if n == 0.0:
        return more, their_mean, their_square
    if more == 0.0:
        return n, mean, square
    both = n + more
    apart = their_mean - mean
    return both, mean + apart * (more / both), square + their_square + apart * apart * (n * more / both)


@nb.njit(cache=True, nogil=True)
def std_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    amounts: Array,
    skip: int,
    out: Array,
) -> None:
    """Find the standard deviation of a window's amounts, without ever taking anything away again.

    A window is kept as two heaps: deviations from every event up to a border, summed from the border down, and those
    from the border up. When the lower heap is used up, all that is left becomes the lower heap: every event is summed
    twice, whatever the width, and no cancellation can build up.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, width, amounts
        As for `extreme_in_window`.
    skip : int
        How many events at the start of a window are left out: 1 for gaps, since the first leads out of the window.
    out : ndarray of float64, shape (n_subjects,)
        A column, filled in; left as it is where no event has an amount.
    """
    lower = np.empty((_longest(starts), 3))
    for e in range(starts.size - 1):
        if asked_starts[e] == asked_starts[e + 1]:
            continue
        start, stop = starts[e], starts[e + 1]
        left = border = right = first_from(times, start, stop, moments[asked_starts[e]] - width)
        n, mean, square = 0.0, 0.0, 0.0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment = moments[k]
            while right < stop and times[right] < moment:
                if amounts[right] == amounts[right]:
                    n, mean, square = _merged(n, mean, square, 1.0, amounts[right], 0.0)
                right += 1
            while left < right and times[left] < moment - width:
                left += 1
            first = min(left + skip, right)
            if first > border:
                n, mean, square = 0.0, 0.0, 0.0
                for i in range(right - 1, first - 1, -1):
                    if amounts[i] == amounts[i]:
                        n, mean, square = _merged(n, mean, square, 1.0, amounts[i], 0.0)
                    lower[i - start, 0], lower[i - start, 1], lower[i - start, 2] = n, mean, square
                border = right
                n, mean, square = 0.0, 0.0, 0.0
            total, spread = n, square
            if first < border:
                low = lower[first - start]
                total, _, spread = _merged(low[0], low[1], low[2], n, mean, square)
            if total > 0.0:
                out[rows[k]] = np.sqrt(spread / total)


@nb.njit(cache=True, nogil=True)
def gaps(starts: Array, times: Array) -> Array:
    """Return the seconds from every event's predecessor to it; NaN for an entity's first.

    Parameters
    ----------
    starts, times
        As for `extreme_in_window`.

    Returns
    -------
    ndarray of float64, shape (n_events,)
    """
    found = np.full(times.size, np.nan)
    for e in range(starts.size - 1):
        for i in range(starts[e] + 1, starts[e + 1]):
            found[i] = (times[i] - times[i - 1]) / SECOND
    return found


@nb.njit(cache=True, nogil=True)
def trailing_counts(starts: Array, times: Array, width: int) -> Array:
    """Count, for every event, the events of its entity in the time that ends with it.

    Parameters
    ----------
    starts, times
        As for `extreme_in_window`.
    width : int
        Microseconds; an event just so long before is not counted.

    Returns
    -------
    ndarray of float64, shape (n_events,)
        The last of several events at a time has counted them all.
    """
    found = np.empty(times.size)
    for e in range(starts.size - 1):
        left = starts[e]
        for i in range(starts[e], starts[e + 1]):
            while times[left] <= times[i] - width:
                left += 1
            found[i] = i - left + 1
    return found


@nb.njit(cache=True, nogil=True)
def fill_ends(
    starts: Array,
    times: Array,
    firsts: Array,
    lasts: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    amounts: Array,
    since_first: Array,
    since_last: Array,
    last_amount: Array,
) -> None:
    """Find when an entity's first and last events were, and the last amount: of several at a time, the largest.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows
        As for `extreme_in_window`.
    firsts, lasts : ndarray of int64, shape (n_entities,) or empty
        The times of the first and last events that are no longer in the log; `NEVER` where there were none.
    amounts : ndarray of float64, shape (n_events,) or empty
        NaN for none; empty where `last_amount` is not asked for.
    since_first, since_last : ndarray of float64, shape (n_subjects,)
        Seconds, filled in; left as they are where there was no event.
    last_amount : ndarray of float64, shape (n_subjects,)
        Filled in; NaN where no event has an amount.
    """
    for e in range(starts.size - 1):
        right, largest, largest_at = starts[e], np.nan, NEVER
        earlier = firsts.size > 0 and firsts[e] != NEVER
        for k in range(asked_starts[e], asked_starts[e + 1]):
            while right < starts[e + 1] and times[right] < moments[k]:
                if amounts.size > 0 and amounts[right] == amounts[right]:
                    tied = times[right] == largest_at
                    largest = max(largest, amounts[right]) if tied else amounts[right]
                    largest_at = times[right]
                right += 1
            row, any_left = rows[k], right > starts[e]
            if earlier or any_left:
                since_first[row] = (moments[k] - (firsts[e] if earlier else times[starts[e]])) / SECOND
                since_last[row] = (moments[k] - (times[right - 1] if any_left else lasts[e])) / SECOND
            last_amount[row] = largest


@nb.njit(cache=True, nogil=True)
def label_runs(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    frauds: Array,
    since_clean: Array,
    run: Array,
) -> None:
    """Find when the last label of no fraud was, and how many labels of fraud came after it.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, width
        As for `extreme_in_window`; times are those of labels.
    frauds : ndarray of float64, shape (n_labels,)
        1 for fraud and 0 for none.
    since_clean : ndarray of float64, shape (n_subjects,)
        Seconds, filled in; left as it is without such a label in the window.
    run : ndarray of float64, shape (n_subjects,)
        Filled in.
    """
    for e in range(starts.size - 1):
        left = right = starts[e]
        before, so_far, at_clean, clean = 0, 0, 0, NEVER
        for k in range(asked_starts[e], asked_starts[e + 1]):
            while right < starts[e + 1] and times[right] < moments[k]:
                if frauds[right] > 0.0:
                    so_far += 1
                    at_clean += times[right] == clean
                else:
                    clean, at_clean = times[right], so_far
                right += 1
            while left < right and times[left] < moments[k] - width:
                before += frauds[left] > 0.0
                left += 1
            run[rows[k]] = so_far - max(before, at_clean)
            if clean != NEVER and clean >= moments[k] - width:
                since_clean[rows[k]] = (moments[k] - clean) / SECOND


DERIVED = ("count", "mean", "std", "max", "z", "to_mean", "to_max", "peak", "trend")
"""The measures of `fill_derived`, in the order of its places."""


@nb.njit(cache=True, nogil=True)
def fill_derived(amounts: Array, widths: Array, places: Array, out: Array) -> None:
    """Work measures out of others; where that would be a division by zero they stay as they are.

    Parameters
    ----------
    amounts : ndarray of float64, shape (n_subjects,)
        The amounts at hand.
    widths : ndarray of int64, shape (n_windows,)
        Of the windows.
    places : ndarray of int64, shape (n_windows, 9)
        The column of every one of `DERIVED`; -1 where it is not asked for.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in.
    """
    longest, shortest = places[widths.argmax()], places[widths.argmin()]
    for w in range(widths.size):
        count, mean, std, largest, z, to_mean, to_max, peak, trend = places[w]
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
                lengths = widths[w] / widths.min()
                out[row, trend] = out[row, shortest[0]] / out[row, count] * lengths
