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
def insert_events(stream: Arrays, rows: Array, start: int) -> int:
    """Insert events in any order until there is no room, and return how many rows are inserted.

    Parameters
    ----------
    stream : HotArrays
        The events of one entity or one kind.
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
        if stream.meta[N_FREE] == 0 or stream.meta[N_CODES] + stream.sources.size > len(stream.keys):
            return i
        _insert(stream, rows[i])
    return len(rows)


@compile_kernel()
def _insert(stream: Arrays, row: Array) -> None:
    time, amount = row[TIME], amount_of(row[AMOUNT]) + 0.0  # negative zero equals zero
    page, position = place_of(stream, time, amount) if stream.meta[N_PAGES] else (0, 0)
    gap = time - _time_before(stream, page, position, time)
    if stream.meta[NEEDS_GAPS]:
        _shorten_gap_after(stream, page, position, time)
    trailing = 1
    if stream.meta[NEEDS_TRAILING]:
        first_page, first_at = seek(stream, time - HOUR + 1)
        trailing += rank_of(stream, page, position) - rank_of(stream, first_page, first_at)
    page, position = make_room(stream, page, position)
    slot = stream.page_index[SLOT, page]
    stream.pages[slot, TIME, position], stream.pages[slot, GAP, position] = time, gap
    stream.pages[slot, AMOUNT, position] = np.float64(amount).view(np.int64)
    stream.pages[slot, TRAILING, position] = trailing - stream.page_index[MORE_TRAILING, page]
    _write_codes(stream, row, slot, position)
    _update_index(stream, page, position, time, amount, trailing)
    if stream.meta[NEEDS_TRAILING]:
        _add_trailing(stream, page, position + 1, time + HOUR)
    for interval in range(len(stream.states)):
        if stream.states[interval, LEFT] <= time < stream.states[interval, RIGHT]:
            count_event(stream, slot, position, interval, 1)


@compile_part()
def _time_before(stream: Arrays, page: int, position: int, time: int) -> int:
    """Return the time of the event before a position; the time itself if there is none."""
    if position > 0:
        return int(stream.pages[stream.page_index[SLOT, page], TIME, position - 1])
    if page > 0:
        return int(stream.pages[stream.page_index[SLOT, page - 1], TIME, stream.page_index[SIZE, page - 1] - 1])
    return min(int(stream.meta[LAST]), time) if stream.meta[N_DROPPED] else time


@compile_part()
def _shorten_gap_after(stream: Arrays, page: int, position: int, time: int) -> None:
    """Let the gap of the event at a position begin at a time."""
    if page < stream.meta[N_PAGES] and position == stream.page_index[SIZE, page]:
        page, position = page + 1, 0
    if page >= stream.meta[N_PAGES]:
        return
    slot = stream.page_index[SLOT, page]
    following, gap = stream.pages[slot, TIME, position], stream.pages[slot, GAP, position]
    stream.pages[slot, GAP, position] = following - time
    for interval in range(len(stream.states)):
        if stream.states[interval, LEFT] <= following < stream.states[interval, RIGHT]:
            add_gap(stream, interval, gap, -1)
            add_gap(stream, interval, following - time, 1)


@compile_part()
def _write_codes(stream: Arrays, row: Array, slot: int, position: int) -> None:
    """Write the codes of an event, and the columns that are only kept."""
    bits = stream.pages[slot, AMOUNT, position]
    has_amount = amount_of(bits) == amount_of(bits)
    for j in range(stream.sources.size):
        is_pair = stream.sources[j] < 0
        digest = row[FIRST_ID + (-1 - stream.sources[j] if is_pair else stream.sources[j])]
        code = -1
        if digest != 0 and (has_amount or not is_pair):
            code = code_of(stream, digest, bits if is_pair else 0, j)
            stream.refs[code] += 1
        stream.pages[slot, CODES + j, position] = code
    kept = CODES + stream.sources.size
    for i in range(stream.pages.shape[1] - kept):
        stream.pages[slot, kept + i, position] = row[AMOUNT + 1 + i]


@compile_part()
def _update_index(stream: Arrays, page: int, position: int, time: int, amount: float, trailing: int) -> None:
    stream.page_index[SIZE, page] += 1
    stream.meta[N_EVENTS] += 1
    for i in range(page + 1, stream.meta[N_PAGES]):
        stream.page_index[RANK, i] += 1
    if position == 0:
        stream.page_index[FIRST_TIME, page] = time
    if amount > stream.extremes[LARGEST, page]:
        stream.extremes[LARGEST, page], stream.page_index[MAX_TIME, page] = amount, time
    elif amount == stream.extremes[LARGEST, page]:
        stream.page_index[MAX_TIME, page] = max(time, stream.page_index[MAX_TIME, page])
    if amount < stream.extremes[SMALLEST, page]:
        stream.extremes[SMALLEST, page] = amount
    stream.page_index[MAX_TRAILING, page] = max(trailing, stream.page_index[MAX_TRAILING, page])


@compile_part()
def _add_trailing(stream: Arrays, page: int, position: int, until: int) -> None:
    """Add one to the number of events in the hour that ends with each event from a position up to a time."""
    while page < stream.meta[N_PAGES]:
        slot, size = stream.page_index[SLOT, page], stream.page_index[SIZE, page]
        if position == 0 and stream.pages[slot, TIME, size - 1] < until:
            stream.page_index[MORE_TRAILING, page] += 1
            stream.page_index[MAX_TRAILING, page] += 1
        else:
            while position < size and stream.pages[slot, TIME, position] < until:
                stream.pages[slot, TRAILING, position] += 1
                trailing = stream.pages[slot, TRAILING, position] + stream.page_index[MORE_TRAILING, page]
                stream.page_index[MAX_TRAILING, page] = max(trailing, stream.page_index[MAX_TRAILING, page])
                position += 1
            if position < size:
                return
        page, position = page + 1, 0


@compile_kernel()
def drop_events(stream: Arrays, time: int) -> int:
    """Drop the events before a time, and return their number.

    Intervals that keep dropped events are extended to the time, so that these count in them; the others are cut.

    Parameters
    ----------
    stream : HotArrays
        The events of one entity or one kind.
    time : int
        Microseconds since 1970.

    Returns
    -------
    int
    """
    stop_page, stop_at = seek(stream, time)
    n = rank_of(stream, stop_page, stop_at) - rank_of(stream, 0, 0)
    if n == 0:
        return 0
    for interval in range(len(stream.states)):
        left, right = stream.states[interval, LEFT], stream.states[interval, RIGHT]
        if stream.bounds[interval, KEEPS_DROPPED]:
            count_between(stream, interval, right, time, 1)
        elif left < time:
            count_between(stream, interval, left, min(time, right), -1)
            stream.states[interval, LEFT] = time
        stream.states[interval, RIGHT] = max(right, time)
    for page in range(min(stop_page + 1, stream.meta[N_PAGES])):
        for position in range(stream.page_index[SIZE, page] if page < stop_page else stop_at):
            _forget(stream, page, position)
    drop_pages(stream, stop_page, stop_at)
    stream.meta[N_EVENTS] -= n
    stream.meta[N_DROPPED] += n
    return n


@compile_part()
def _forget(stream: Arrays, page: int, position: int) -> None:
    """Record the totals that are kept of a dropped event, and free its unused codes."""
    slot = stream.page_index[SLOT, page]
    time, amount = stream.pages[slot, TIME, position], amount_of(stream.pages[slot, AMOUNT, position])
    stream.meta[FIRST] = time if stream.meta[FIRST] == NEVER else min(stream.meta[FIRST], time)
    stream.meta[LAST] = max(stream.meta[LAST], time)
    if amount == amount:
        if amount >= stream.dropped[DROPPED_MAX]:
            stream.dropped[DROPPED_MAX], stream.meta[DROPPED_MAX_TIME] = amount, time
        stream.dropped[DROPPED_MIN] = min(stream.dropped[DROPPED_MIN], amount)
        stream.dropped[LAST_AMOUNT] = amount
    trailing = stream.pages[slot, TRAILING, position] + stream.page_index[MORE_TRAILING, page]
    stream.meta[DROPPED_TRAILING] = max(stream.meta[DROPPED_TRAILING], trailing)
    for i in range(N_LATEST_EVENTS - 1, 0, -1):
        stream.meta[LATEST_TIMES + i] = stream.meta[LATEST_TIMES + i - 1]
        stream.dropped[LATEST_AMOUNTS + i] = stream.dropped[LATEST_AMOUNTS + i - 1]
    stream.meta[LATEST_TIMES], stream.dropped[LATEST_AMOUNTS] = time, amount
    stream.meta[N_LATEST] = min(stream.meta[N_LATEST] + 1, N_LATEST_EVENTS)
    for j in range(stream.sources.size):
        code = stream.pages[slot, CODES + j, position]
        if code >= 0:
            stream.refs[code] -= 1
            if stream.refs[code] == 0 and (stream.counts[code] == 0).all():
                free_code(stream, code)
