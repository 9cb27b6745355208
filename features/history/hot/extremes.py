"""The extremes of a window, and the latest events. Needs only NumPy and Numba.

Extremes cannot be subtracted. The extremes of a window are those of its pages, and of the events at its two ends.
"""

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve._microseconds import HOUR, SECOND
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.latest import N_LATEST as N_LATEST_EVENTS
from fraudsieve.features.history.kernels.recency import NEVER

from .layout import (
    AMOUNT,
    DROPPED_MAX,
    DROPPED_MAX_TIME,
    DROPPED_MIN,
    DROPPED_TRAILING,
    FIRST,
    KEEPS_DROPPED,
    LARGEST,
    LAST,
    LAST_AMOUNT,
    LATEST_AMOUNTS,
    LATEST_TIMES,
    LEFT,
    MAX_TIME,
    MAX_TRAILING,
    MORE_TRAILING,
    N_DROPPED,
    N_LATEST,
    N_PAGES,
    NO_TIME,
    SIZE,
    SLOT,
    SMALLEST,
    TIME,
    TRAILING,
    Arrays,
)
from .pages import amount_of, rank_of, seek

__all__ = ["fill_ends_of", "last_amount_before", "window_burst", "window_extremes"]


@compile_part()
def window_extremes(s: Arrays, w: int, cutoff: int) -> tuple[float, int, float]:
    """Return the largest amount of a window, its last time, and the smallest amount."""
    page, at = seek(s, s.states[w, LEFT])
    end_page, end_at = seek(s, cutoff)
    largest, max_time, smallest = -np.inf, NO_TIME, np.inf
    if s.bounds[w, KEEPS_DROPPED] and s.meta[N_DROPPED]:
        largest, max_time = s.dropped[DROPPED_MAX], s.meta[DROPPED_MAX_TIME]
        smallest = s.dropped[DROPPED_MIN]
    while page < end_page or (page == end_page and at < end_at):
        if at == 0 and page < end_page:
            if s.extremes[LARGEST, page] >= largest:
                largest, max_time = s.extremes[LARGEST, page], s.page_index[MAX_TIME, page]
            smallest = min(smallest, s.extremes[SMALLEST, page])
        else:
            slot, stop = s.page_index[SLOT, page], s.page_index[SIZE, page] if page < end_page else end_at
            for i in range(at, stop):
                amount = amount_of(s.pages[slot, AMOUNT, i])
                if amount >= largest:
                    largest, max_time = amount, s.pages[slot, TIME, i]
                if amount < smallest:
                    smallest = amount
        page, at = page + 1, 0
    return largest, max_time, smallest


@compile_part()
def window_burst(s: Arrays, w: int, cutoff: int) -> int:
    """Return the most events in an hour of a window: those in its first hour, or in an hour that ends later."""
    first_page, first_at = seek(s, s.states[w, LEFT])
    page, at = seek(s, min(s.states[w, LEFT] + HOUR, cutoff))
    end_page, end_at = seek(s, cutoff)
    most = rank_of(s, page, at) - rank_of(s, first_page, first_at)
    if s.bounds[w, KEEPS_DROPPED] and s.meta[N_DROPPED]:
        most = max(most, s.meta[DROPPED_TRAILING])
    while page < end_page or (page == end_page and at < end_at):
        if at == 0 and page < end_page:
            most = max(most, s.page_index[MAX_TRAILING, page])
        else:
            slot, stop = s.page_index[SLOT, page], s.page_index[SIZE, page] if page < end_page else end_at
            for i in range(at, stop):
                most = max(most, s.pages[slot, TRAILING, i] + s.page_index[MORE_TRAILING, page])
        page, at = page + 1, 0
    return int(most)


@compile_part()
def last_amount_before(s: Arrays, cutoff: int) -> float:
    """Return the amount of the last event that has one, the largest at one time; NaN without one."""
    page, at = seek(s, cutoff)
    if page < s.meta[N_PAGES]:
        for i in range(at - 1, -1, -1):
            amount = amount_of(s.pages[s.page_index[SLOT, page], AMOUNT, i])
            if amount == amount:
                return amount
    for p in range(page - 1, -1, -1):
        if s.extremes[LARGEST, p] > -np.inf:
            for i in range(s.page_index[SIZE, p] - 1, -1, -1):
                amount = amount_of(s.pages[s.page_index[SLOT, p], AMOUNT, i])
                if amount == amount:
                    return amount
    return float(s.dropped[LAST_AMOUNT])


@compile_part()
def fill_ends_of(s: Arrays, cutoff: int, longest: int, is_kind: bool, columns: Array, out: Array) -> None:
    """Fill in the seconds since the first and the last event, and the latest events one by one.

    Parameters
    ----------
    s : HotArrays
        The stream.
    cutoff : int
        Microseconds since 1970.
    longest : int
        Length of the longest window in microseconds; older events are not among the latest.
    is_kind : bool
        Whether the events are those of a kind, of which only the longest window counts.
    columns : ndarray of int64, shape (12,)
        Columns of ``since_first``, ``since_last``, of the five latest amounts and of the five latest ages; -1 if one is
        not computed.
    out : ndarray of float64, shape (n_columns,)
        Filled in.
    """
    page, at = seek(s, cutoff)
    first, last = s.meta[FIRST], s.meta[LAST]
    n = min(_n_before(s, page, at), N_LATEST_EVENTS)
    if n > 0:
        first = s.pages[s.page_index[SLOT, 0], TIME, 0] if first == NEVER else first
        last = _before(s, page, at, 1)[0]
    if last != NEVER or n > 0:
        for i, time in enumerate((first, last)):
            if columns[i] >= 0 and (not is_kind or cutoff - time <= longest):
                out[columns[i]] = (cutoff - time) / SECOND
    for i in range(N_LATEST_EVENTS):
        if i < n:
            time, amount = _before(s, page, at, i + 1)
        elif i - n < s.meta[N_LATEST]:
            time, amount = s.meta[LATEST_TIMES + i - n], s.dropped[LATEST_AMOUNTS + i - n]
        else:
            return
        if time < cutoff - longest:
            return
        if columns[2 + i] >= 0:
            out[columns[2 + i]] = amount
        if columns[2 + N_LATEST_EVENTS + i] >= 0:
            out[columns[2 + N_LATEST_EVENTS + i]] = (cutoff - time) / SECOND


@compile_part()
def _n_before(s: Arrays, page: int, at: int) -> int:
    """Return the number of events held before a position; any number from 5 on stands for more."""
    n = at
    for p in range(page - 1, max(page - 1 - N_LATEST_EVENTS, -1), -1):
        n += s.page_index[SIZE, p]
    return n


@compile_kernel()
def _before(s: Arrays, page: int, at: int, n: int) -> tuple[int, float]:
    """Return the time and the amount of the event that is n events before a position."""
    while n > at:
        n -= at
        page -= 1
        at = s.page_index[SIZE, page]
    slot = s.page_index[SLOT, page]
    return s.pages[slot, TIME, at - n], amount_of(s.pages[slot, AMOUNT, at - n])
