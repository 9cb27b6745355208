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
def window_extremes(stream: Arrays, window: int, cutoff: int) -> tuple[float, int, float]:
    """Return the largest amount of a window, its last time, and the smallest amount."""
    page, position = seek(stream, stream.states[window, LEFT])
    end_page, end_position = seek(stream, cutoff)
    largest, max_time, smallest = -np.inf, NO_TIME, np.inf
    if stream.bounds[window, KEEPS_DROPPED] and stream.meta[N_DROPPED]:
        largest, max_time = stream.dropped[DROPPED_MAX], stream.meta[DROPPED_MAX_TIME]
        smallest = stream.dropped[DROPPED_MIN]
    while page < end_page or (page == end_page and position < end_position):
        if position == 0 and page < end_page:
            if stream.extremes[LARGEST, page] >= largest:
                largest, max_time = stream.extremes[LARGEST, page], stream.page_index[MAX_TIME, page]
            smallest = min(smallest, stream.extremes[SMALLEST, page])
        else:
            slot, stop = (
                stream.page_index[SLOT, page],
                stream.page_index[SIZE, page] if page < end_page else end_position,
            )
            for i in range(position, stop):
                amount = amount_of(stream.pages[slot, AMOUNT, i])
                if amount >= largest:
                    largest, max_time = amount, stream.pages[slot, TIME, i]
                if amount < smallest:
                    smallest = amount
        page, position = page + 1, 0
    return largest, max_time, smallest


@compile_part()
def window_burst(stream: Arrays, window: int, cutoff: int) -> int:
    """Return the most events in an hour of a window: those in its first hour, or in an hour that ends later."""
    first_page, first_at = seek(stream, stream.states[window, LEFT])
    page, position = seek(stream, min(stream.states[window, LEFT] + HOUR, cutoff))
    end_page, end_position = seek(stream, cutoff)
    most = rank_of(stream, page, position) - rank_of(stream, first_page, first_at)
    if stream.bounds[window, KEEPS_DROPPED] and stream.meta[N_DROPPED]:
        most = max(most, stream.meta[DROPPED_TRAILING])
    while page < end_page or (page == end_page and position < end_position):
        if position == 0 and page < end_page:
            most = max(most, stream.page_index[MAX_TRAILING, page])
        else:
            slot, stop = (
                stream.page_index[SLOT, page],
                stream.page_index[SIZE, page] if page < end_page else end_position,
            )
            for i in range(position, stop):
                most = max(most, stream.pages[slot, TRAILING, i] + stream.page_index[MORE_TRAILING, page])
        page, position = page + 1, 0
    return int(most)


@compile_part()
def last_amount_before(stream: Arrays, cutoff: int) -> float:
    """Return the amount of the last event that has one, the largest at one time; NaN without one."""
    page, position = seek(stream, cutoff)
    if page < stream.meta[N_PAGES]:
        for i in range(position - 1, -1, -1):
            amount = amount_of(stream.pages[stream.page_index[SLOT, page], AMOUNT, i])
            if amount == amount:
                return amount
    for p in range(page - 1, -1, -1):
        if stream.extremes[LARGEST, p] > -np.inf:
            for i in range(stream.page_index[SIZE, p] - 1, -1, -1):
                amount = amount_of(stream.pages[stream.page_index[SLOT, p], AMOUNT, i])
                if amount == amount:
                    return amount
    return float(stream.dropped[LAST_AMOUNT])


@compile_part()
def fill_ends_of(stream: Arrays, cutoff: int, longest: int, is_kind: bool, columns: Array, out: Array) -> None:
    """Fill in the seconds since the first and the last event, and the latest events one by one.

    Parameters
    ----------
    stream : HotArrays
        The events of one entity or one kind.
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
    page, position = seek(stream, cutoff)
    first, last = stream.meta[FIRST], stream.meta[LAST]
    n = min(_n_before(stream, page, position), N_LATEST_EVENTS)
    if n > 0:
        first = stream.pages[stream.page_index[SLOT, 0], TIME, 0] if first == NEVER else first
        last = _before(stream, page, position, 1)[0]
    if last != NEVER or n > 0:
        for i, time in enumerate((first, last)):
            if columns[i] >= 0 and (not is_kind or cutoff - time <= longest):
                out[columns[i]] = (cutoff - time) / SECOND
    for i in range(N_LATEST_EVENTS):
        if i < n:
            time, amount = _before(stream, page, position, i + 1)
        elif i - n < stream.meta[N_LATEST]:
            time, amount = stream.meta[LATEST_TIMES + i - n], stream.dropped[LATEST_AMOUNTS + i - n]
        else:
            return
        if time < cutoff - longest:
            return
        if columns[2 + i] >= 0:
            out[columns[2 + i]] = amount
        if columns[2 + N_LATEST_EVENTS + i] >= 0:
            out[columns[2 + N_LATEST_EVENTS + i]] = (cutoff - time) / SECOND


@compile_part()
def _n_before(stream: Arrays, page: int, position: int) -> int:
    """Return the number of events held before a position; any number from 5 on stands for more."""
    n = position
    for p in range(page - 1, max(page - 1 - N_LATEST_EVENTS, -1), -1):
        n += stream.page_index[SIZE, p]
    return n


@compile_kernel()
def _before(stream: Arrays, page: int, position: int, n: int) -> tuple[int, float]:
    """Return the time and the amount of the event that is n events before a position."""
    while n > position:
        n -= position
        page -= 1
        position = stream.page_index[SIZE, page]
    slot = stream.page_index[SLOT, page]
    return stream.pages[slot, TIME, position - n], amount_of(stream.pages[slot, AMOUNT, position - n])
