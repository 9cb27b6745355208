"""What the ends of a log say, and what is worked out of other columns, in NumPy and Numba alone."""

import numba as nb
import numpy as np

from fraudsieve._typing import Array

from .windows import first_from

__all__ = ["DERIVED", "END_MEASURES", "NEVER", "fill_derived", "fill_ends", "label_runs"]


SECOND = 1_000_000
NEVER = np.iinfo(np.int64).min
"""The time of an event that there was not."""
END_MEASURES = ("since_first", "since_last")
"""The measures of `fill_ends`, in the order of its places."""


@nb.njit(cache=True, nogil=True)
def fill_ends(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    firsts: Array,
    lasts: Array,
    amounts: Array,
    furthest: float,
    places: Array,
    out: Array,
    last_amount: Array,
) -> None:
    """Find when an entity's first and last events were, and the last amount: of several at a time, the largest.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows
        As for `totals_in_windows`.
    firsts, lasts : ndarray of int64, shape (n_entities,) or empty
        The times of the first and last events that are no longer in the log; `NEVER` where there were none.
    amounts : ndarray of float64, shape (n_events,) or empty
        NaN for none; empty where `last_amount` is not asked for.
    furthest : float
        What is longer ago, in seconds, is left as it is.
    places : ndarray of int64, shape (2,)
        The column of every one of `END_MEASURES`; -1 where it is not asked for.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; left as it is where there was no event.
    last_amount : ndarray of float64, shape (n_subjects,) or empty
        Filled in; NaN where no event has an amount.
    """
    at_first, at_last = places
    for e in range(starts.size - 1):
        right, largest, largest_at = starts[e], np.nan, NEVER
        earlier = firsts.size > 0 and firsts[e] != NEVER
        for k in range(asked_starts[e], asked_starts[e + 1]):
            before = right
            if before == starts[e]:  # perhaps many come in at once
                right = first_from(times, before, starts[e + 1], moments[k])
            while right < starts[e + 1] and times[right] < moments[k]:
                right += 1
            row, any_left = rows[k], right > starts[e]
            if earlier or any_left:
                since_first = (moments[k] - (firsts[e] if earlier else times[starts[e]])) / SECOND
                since_last = (moments[k] - (times[right - 1] if any_left else lasts[e])) / SECOND
                if at_first >= 0 and since_first <= furthest:
                    out[row, at_first] = since_first
                if at_last >= 0 and since_last <= furthest:
                    out[row, at_last] = since_last
            if amounts.size > 0:
                found = False
                for i in range(right - 1, before - 1, -1):
                    if found and times[i] < largest_at:
                        break
                    if amounts[i] == amounts[i]:
                        tied = times[i] == largest_at
                        largest = max(largest, amounts[i]) if tied else amounts[i]
                        largest_at, found = times[i], True
            if last_amount.size > 0:
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
    starts, times, asked_starts, moments, rows
        As for `totals_in_windows`.
    width : int
        Microseconds; what is older is not counted.
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
