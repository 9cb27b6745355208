"""Sums over intervals whose ends move with the cutoff time. Needs only NumPy and Numba.

An event is added to all sums of an interval, or subtracted from them, exactly; so the ends can move in either
direction. The cost of a move is proportional to the number of events between the old and the new end.
"""

import numpy as np

from fraudsieve._compiled import compile_part
from fraudsieve._microseconds import DAY, HOUR
from fraudsieve.features.history.kernels.categories import add_step
from fraudsieve.features.history.kernels.exact import N_DIGITS, N_SQUARE_DIGITS, add_number, add_square

from .layout import (
    AMOUNT,
    CODES,
    DISTINCT_OF,
    GAP,
    GAP_SQUARES,
    GAP_SUM,
    HOURS,
    HOURS_PART,
    HOURS_WHOLE,
    KEEPS_DROPPED,
    LEFT,
    LEFT_WIDTH,
    N_HOURS,
    N_OF,
    N_OF_CODES,
    N_PAGES,
    N_VALID,
    NEEDS_AMOUNTS,
    NEEDS_CLOCK,
    NEEDS_ENTROPY,
    NEEDS_GAPS,
    NEEDS_HOURS,
    NEEDS_SQUARES,
    NIGHT_FROM,
    NIGHT_TO,
    NIGHTS,
    OF_CODES,
    ONLY_CODES,
    PART_OF,
    RIGHT,
    RIGHT_WIDTH,
    SIZE,
    SLOT,
    SQUARES,
    SUM,
    TIME,
    WEEKENDS,
    WHOLE_OF,
    Arrays,
    N,
)
from .pages import amount_of, rank_of, seek

__all__ = ["add_gap", "count_event", "move_interval"]

MANY = 256
"""From this many events on, an interval that becomes empty is reset."""


@compile_part()
def move_interval(stream: Arrays, interval: int, cutoff: int) -> None:
    """Move an interval to a cutoff time."""
    left, right = cutoff - stream.bounds[interval, LEFT_WIDTH], cutoff - stream.bounds[interval, RIGHT_WIDTH]
    old_left, old_right = stream.states[interval, LEFT], stream.states[interval, RIGHT]
    if _leaves_all(stream, interval, left, right):
        stream.states[interval, :] = 0
        stream.counts[:, interval] = 0
    elif left >= old_right or right <= old_left:
        count_between(stream, interval, old_left, old_right, -1)
        count_between(stream, interval, left, right, 1)
    else:
        count_between(stream, interval, left, old_left, 1)
        count_between(stream, interval, old_left, left, -1)
        count_between(stream, interval, old_right, right, 1)
        count_between(stream, interval, right, old_right, -1)
    stream.states[interval, LEFT], stream.states[interval, RIGHT] = left, right


@compile_part()
def _leaves_all(stream: Arrays, interval: int, left: int, right: int) -> bool:
    """Return whether an interval of many events is to be empty: then its sums are set to zero, not taken back."""
    if stream.bounds[interval, KEEPS_DROPPED] or stream.states[interval, LEFT] == stream.states[interval, RIGHT]:
        return False
    page, position = seek(stream, left)
    end_page, end_position = seek(stream, right)
    if page != end_page or position != end_position:
        return False
    page, position = seek(stream, stream.states[interval, LEFT])
    end_page, end_position = seek(stream, stream.states[interval, RIGHT])
    return bool(rank_of(stream, end_page, end_position) - rank_of(stream, page, position) > MANY)


@compile_part()
def count_between(stream: Arrays, interval: int, since: int, until: int, sign: int) -> None:
    """Add the events from one time up to another to an interval, or subtract them; none if the first is the later."""
    if since >= until:
        return
    page, position = seek(stream, since)
    while page < stream.meta[N_PAGES]:
        slot = stream.page_index[SLOT, page]
        while position < stream.page_index[SIZE, page]:
            if stream.pages[slot, TIME, position] >= until:
                return
            count_event(stream, slot, position, interval, sign)
            position += 1
        page, position = page + 1, 0


@compile_part()
def count_event(stream: Arrays, slot: int, position: int, interval: int, sign: int) -> None:
    """Add an event to an interval, or subtract it."""
    if not stream.bounds[interval, ONLY_CODES]:
        state = stream.states[interval]
        state[N] += sign
        amount = amount_of(stream.pages[slot, AMOUNT, position])
        if stream.meta[NEEDS_AMOUNTS] and amount == amount:
            state[N_VALID] += sign
            add_number(state[SUM : SUM + N_DIGITS], amount, sign)
            if stream.meta[NEEDS_SQUARES]:
                add_square(state[SQUARES : SQUARES + N_SQUARE_DIGITS], amount, sign)
        if stream.meta[NEEDS_GAPS]:
            add_gap(stream, interval, stream.pages[slot, GAP, position], sign)
        if stream.meta[NEEDS_CLOCK] or stream.meta[NEEDS_HOURS]:
            _count_hour(stream, interval, stream.pages[slot, TIME, position], sign)
    for j in range(stream.sources.size):
        if stream.pages[slot, CODES + j, position] >= 0:
            _count_code(stream, stream.pages[slot, CODES + j, position], j, interval, sign)


@compile_part()
def add_gap(stream: Arrays, interval: int, gap: int, sign: int) -> None:
    """Add the gap before an event, or subtract it."""
    add_number(stream.states[interval, GAP_SUM : GAP_SUM + N_DIGITS], float(gap), sign)
    add_square(stream.states[interval, GAP_SQUARES : GAP_SQUARES + N_SQUARE_DIGITS], float(gap), sign)


@compile_part()
def _local(stream: Arrays, time: int) -> int:
    """Return what a clock of the time zone shows."""
    first, after = 0, stream.zone_starts.size
    while after - first > 1:
        middle = (first + after) // 2
        if stream.zone_starts[middle] <= time:
            first = middle
        else:
            after = middle
    return int(time + stream.zone_offsets[first])


@compile_part()
def _count_hour(stream: Arrays, interval: int, time: int, sign: int) -> None:
    state = stream.states[interval]
    time = _local(stream, time)
    hour = time % DAY // HOUR
    late, early = hour >= stream.meta[NIGHT_FROM], hour < stream.meta[NIGHT_TO]
    at_night = (late and early) if stream.meta[NIGHT_FROM] < stream.meta[NIGHT_TO] else (late or early)
    state[NIGHTS] += sign * at_night
    state[WEEKENDS] += sign * ((time // DAY + 3) % 7 >= 5)  # 1970 began on a Thursday
    if stream.meta[NEEDS_HOURS]:
        n = state[HOURS + hour]
        state[HOURS + hour] = n + sign
        state[N_HOURS] += (n == 0) if sign > 0 else -(n == 1)
        state[HOURS_WHOLE], state[HOURS_PART] = add_step(state[HOURS_WHOLE], state[HOURS_PART], n, n + sign)


@compile_part()
def _count_code(stream: Arrays, code: int, j: int, interval: int, sign: int) -> None:
    state, first = stream.states[interval], OF_CODES + j * N_OF_CODES
    n = int(np.int64(stream.counts[code, interval]))
    stream.counts[code, interval] = n + sign
    state[first + N_OF] += sign
    state[first + DISTINCT_OF] += (n == 0) if sign > 0 else -(n == 1)
    if stream.meta[NEEDS_ENTROPY]:
        state[first + WHOLE_OF], state[first + PART_OF] = add_step(
            state[first + WHOLE_OF], state[first + PART_OF], n, n + sign
        )
