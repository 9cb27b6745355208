"""Events that are added or dropped, with the updates of pages, intervals and codes.

Needs only NumPy and Numba.
"""

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve._microseconds import HOUR
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.latest import N_LATEST as N_LATEST_EVENTS
from fraudsieve.features.history.kernels.recency import NEVER

from .codes import code_of, free_code
from .intervals import add_gap, count_between, count_event
from .layout import (
    AMOUNT,
    CODES,
    DROPPED_MAX,
    DROPPED_MAX_TIME,
    DROPPED_MIN,
    DROPPED_TRAILING,
    FIRST,
    FIRST_TIME,
    GAP,
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
    N_CODES,
    N_DROPPED,
    N_EVENTS,
    N_FREE,
    N_LATEST,
    N_PAGES,
    NEEDS_GAPS,
    NEEDS_TRAILING,
    RANK,
    RIGHT,
    SIZE,
    SLOT,
    SMALLEST,
    TIME,
    TRAILING,
    Arrays,
)
from .pages import amount_of, drop_pages, make_room, place_of, rank_of, seek

__all__ = ["drop_events", "insert_events"]

FIRST_ID = 3
"""Column of the first identifier of a row; the columns before it are the time, the amount and the kind."""


@compile_kernel()
def insert_events(s: Arrays, rows: Array, start: int) -> int:
    """Insert events in any order until there is no room, and return how many rows are inserted.

    Parameters
    ----------
    s : HotArrays
        The stream.
    rows : ndarray of int64, shape (n_events, 3 + n_identifiers)
        Events as for `HotTimeline`.
    start : int
        The first row to insert.

    Returns
    -------
    int
        The first row that is not inserted.
    """
    for i in range(start, len(rows)):
        if s.meta[N_FREE] == 0 or s.meta[N_CODES] + s.sources.size > len(s.keys):
            return i
        _insert(s, rows[i])
    return len(rows)


@compile_kernel()
def _insert(s: Arrays, row: Array) -> None:
    time, amount = row[TIME], amount_of(row[AMOUNT]) + 0.0  # negative zero equals zero
    page, at = place_of(s, time, amount) if s.meta[N_PAGES] else (0, 0)
    gap = time - _time_before(s, page, at, time)
    if s.meta[NEEDS_GAPS]:
        _shorten_gap_after(s, page, at, time)
    trailing = 1
    if s.meta[NEEDS_TRAILING]:
        first_page, first_at = seek(s, time - HOUR + 1)
        trailing += rank_of(s, page, at) - rank_of(s, first_page, first_at)
    page, at = make_room(s, page, at)
    slot = s.page_index[SLOT, page]
    s.pages[slot, TIME, at], s.pages[slot, GAP, at] = time, gap
    s.pages[slot, AMOUNT, at] = np.float64(amount).view(np.int64)
    s.pages[slot, TRAILING, at] = trailing - s.page_index[MORE_TRAILING, page]
    _write_codes(s, row, slot, at)
    _update_index(s, page, at, time, amount, trailing)
    if s.meta[NEEDS_TRAILING]:
        _add_trailing(s, page, at + 1, time + HOUR)
    for k in range(len(s.states)):
        if s.states[k, LEFT] <= time < s.states[k, RIGHT]:
            count_event(s, slot, at, k, 1)


@compile_part()
def _time_before(s: Arrays, page: int, at: int, time: int) -> int:
    """Return the time of the event before a position; the time itself if there is none."""
    if at > 0:
        return int(s.pages[s.page_index[SLOT, page], TIME, at - 1])
    if page > 0:
        return int(s.pages[s.page_index[SLOT, page - 1], TIME, s.page_index[SIZE, page - 1] - 1])
    return min(int(s.meta[LAST]), time) if s.meta[N_DROPPED] else time


@compile_part()
def _shorten_gap_after(s: Arrays, page: int, at: int, time: int) -> None:
    """Let the gap of the event at a position begin at a time."""
    if page < s.meta[N_PAGES] and at == s.page_index[SIZE, page]:
        page, at = page + 1, 0
    if page >= s.meta[N_PAGES]:
        return
    slot = s.page_index[SLOT, page]
    following, gap = s.pages[slot, TIME, at], s.pages[slot, GAP, at]
    s.pages[slot, GAP, at] = following - time
    for k in range(len(s.states)):
        if s.states[k, LEFT] <= following < s.states[k, RIGHT]:
            add_gap(s, k, gap, -1)
            add_gap(s, k, following - time, 1)


@compile_part()
def _write_codes(s: Arrays, row: Array, slot: int, at: int) -> None:
    """Write the codes of an event, and the columns that are only kept."""
    bits = s.pages[slot, AMOUNT, at]
    has_amount = amount_of(bits) == amount_of(bits)
    for j in range(s.sources.size):
        is_pair = s.sources[j] < 0
        digest = row[FIRST_ID + (-1 - s.sources[j] if is_pair else s.sources[j])]
        code = -1
        if digest != 0 and (has_amount or not is_pair):
            code = code_of(s, digest, bits if is_pair else 0, j)
            s.refs[code] += 1
        s.pages[slot, CODES + j, at] = code
    kept = CODES + s.sources.size
    for i in range(s.pages.shape[1] - kept):
        s.pages[slot, kept + i, at] = row[AMOUNT + 1 + i]


@compile_part()
def _update_index(s: Arrays, page: int, at: int, time: int, amount: float, trailing: int) -> None:
    s.page_index[SIZE, page] += 1
    s.meta[N_EVENTS] += 1
    for i in range(page + 1, s.meta[N_PAGES]):
        s.page_index[RANK, i] += 1
    if at == 0:
        s.page_index[FIRST_TIME, page] = time
    if amount > s.extremes[LARGEST, page]:
        s.extremes[LARGEST, page], s.page_index[MAX_TIME, page] = amount, time
    elif amount == s.extremes[LARGEST, page]:
        s.page_index[MAX_TIME, page] = max(time, s.page_index[MAX_TIME, page])
    if amount < s.extremes[SMALLEST, page]:
        s.extremes[SMALLEST, page] = amount
    s.page_index[MAX_TRAILING, page] = max(trailing, s.page_index[MAX_TRAILING, page])


@compile_part()
def _add_trailing(s: Arrays, page: int, at: int, until: int) -> None:
    """Add one to the number of events in the hour that ends with each event from a position up to a time."""
    while page < s.meta[N_PAGES]:
        slot, size = s.page_index[SLOT, page], s.page_index[SIZE, page]
        if at == 0 and s.pages[slot, TIME, size - 1] < until:
            s.page_index[MORE_TRAILING, page] += 1
            s.page_index[MAX_TRAILING, page] += 1
        else:
            while at < size and s.pages[slot, TIME, at] < until:
                s.pages[slot, TRAILING, at] += 1
                trailing = s.pages[slot, TRAILING, at] + s.page_index[MORE_TRAILING, page]
                s.page_index[MAX_TRAILING, page] = max(trailing, s.page_index[MAX_TRAILING, page])
                at += 1
            if at < size:
                return
        page, at = page + 1, 0


@compile_kernel()
def drop_events(s: Arrays, time: int) -> int:
    """Drop the events before a time, and return their number.

    Intervals that keep dropped events are extended to the time, so that these count in them; the others are cut.

    Parameters
    ----------
    s : HotArrays
        The stream.
    time : int
        Microseconds since 1970.

    Returns
    -------
    int
    """
    stop_page, stop_at = seek(s, time)
    n = rank_of(s, stop_page, stop_at) - rank_of(s, 0, 0)
    if n == 0:
        return 0
    for k in range(len(s.states)):
        left, right = s.states[k, LEFT], s.states[k, RIGHT]
        if s.bounds[k, KEEPS_DROPPED]:
            count_between(s, k, right, time, 1)
        elif left < time:
            count_between(s, k, left, min(time, right), -1)
            s.states[k, LEFT] = time
        s.states[k, RIGHT] = max(right, time)
    for page in range(min(stop_page + 1, s.meta[N_PAGES])):
        for at in range(s.page_index[SIZE, page] if page < stop_page else stop_at):
            _forget(s, page, at)
    drop_pages(s, stop_page, stop_at)
    s.meta[N_EVENTS] -= n
    s.meta[N_DROPPED] += n
    return n


@compile_part()
def _forget(s: Arrays, page: int, at: int) -> None:
    """Note what is kept of an event that is dropped, and free codes that nothing uses."""
    slot = s.page_index[SLOT, page]
    time, amount = s.pages[slot, TIME, at], amount_of(s.pages[slot, AMOUNT, at])
    s.meta[FIRST] = time if s.meta[FIRST] == NEVER else min(s.meta[FIRST], time)
    s.meta[LAST] = max(s.meta[LAST], time)
    if amount == amount:
        if amount >= s.dropped[DROPPED_MAX]:
            s.dropped[DROPPED_MAX], s.meta[DROPPED_MAX_TIME] = amount, time
        s.dropped[DROPPED_MIN] = min(s.dropped[DROPPED_MIN], amount)
        s.dropped[LAST_AMOUNT] = amount
    trailing = s.pages[slot, TRAILING, at] + s.page_index[MORE_TRAILING, page]
    s.meta[DROPPED_TRAILING] = max(s.meta[DROPPED_TRAILING], trailing)
    for i in range(N_LATEST_EVENTS - 1, 0, -1):
        s.meta[LATEST_TIMES + i] = s.meta[LATEST_TIMES + i - 1]
        s.dropped[LATEST_AMOUNTS + i] = s.dropped[LATEST_AMOUNTS + i - 1]
    s.meta[LATEST_TIMES], s.dropped[LATEST_AMOUNTS] = time, amount
    s.meta[N_LATEST] = min(s.meta[N_LATEST] + 1, N_LATEST_EVENTS)
    for j in range(s.sources.size):
        code = s.pages[slot, CODES + j, at]
        if code >= 0:
            s.refs[code] -= 1
            if s.refs[code] == 0 and (s.counts[code] == 0).all():
                free_code(s, code)
