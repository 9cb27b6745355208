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
"""From so many events on, an interval that becomes empty is reset."""


@compile_part()
def move_interval(s: Arrays, k: int, cutoff: int) -> None:
    """Move an interval to a cutoff time."""
    left, right = cutoff - s.bounds[k, LEFT_WIDTH], cutoff - s.bounds[k, RIGHT_WIDTH]
    old_left, old_right = s.states[k, LEFT], s.states[k, RIGHT]
    if _leaves_all(s, k, left, right):
        s.states[k, :] = 0
        s.counts[:, k] = 0
    elif left >= old_right or right <= old_left:
        count_between(s, k, old_left, old_right, -1)
        count_between(s, k, left, right, 1)
    else:
        count_between(s, k, left, old_left, 1)
        count_between(s, k, old_left, left, -1)
        count_between(s, k, old_right, right, 1)
        count_between(s, k, right, old_right, -1)
    s.states[k, LEFT], s.states[k, RIGHT] = left, right


@compile_part()
def _leaves_all(s: Arrays, k: int, left: int, right: int) -> bool:
    """Return whether an interval of many events is to be empty: then its sums are set to zero, not taken back."""
    if s.bounds[k, KEEPS_DROPPED] or s.states[k, LEFT] == s.states[k, RIGHT]:
        return False
    page, at = seek(s, left)
    end_page, end_at = seek(s, right)
    if page != end_page or at != end_at:
        return False
    page, at = seek(s, s.states[k, LEFT])
    end_page, end_at = seek(s, s.states[k, RIGHT])
    return bool(rank_of(s, end_page, end_at) - rank_of(s, page, at) > MANY)


@compile_part()
def count_between(s: Arrays, k: int, since: int, until: int, sign: int) -> None:
    """Add the events from one time up to another to an interval, or subtract them; none if the first is the later."""
    if since >= until:
        return
    page, at = seek(s, since)
    while page < s.meta[N_PAGES]:
        slot = s.page_index[SLOT, page]
        while at < s.page_index[SIZE, page]:
            if s.pages[slot, TIME, at] >= until:
                return
            count_event(s, slot, at, k, sign)
            at += 1
        page, at = page + 1, 0


@compile_part()
def count_event(s: Arrays, slot: int, at: int, k: int, sign: int) -> None:
    """Add an event to an interval, or subtract it."""
    if not s.bounds[k, ONLY_CODES]:
        state = s.states[k]
        state[N] += sign
        amount = amount_of(s.pages[slot, AMOUNT, at])
        if s.meta[NEEDS_AMOUNTS] and amount == amount:
            state[N_VALID] += sign
            add_number(state[SUM : SUM + N_DIGITS], amount, sign)
            if s.meta[NEEDS_SQUARES]:
                add_square(state[SQUARES : SQUARES + N_SQUARE_DIGITS], amount, sign)
        if s.meta[NEEDS_GAPS]:
            add_gap(s, k, s.pages[slot, GAP, at], sign)
        if s.meta[NEEDS_CLOCK] or s.meta[NEEDS_HOURS]:
            _count_hour(s, k, s.pages[slot, TIME, at], sign)
    for j in range(s.sources.size):
        if s.pages[slot, CODES + j, at] >= 0:
            _count_code(s, s.pages[slot, CODES + j, at], j, k, sign)


@compile_part()
def add_gap(s: Arrays, k: int, gap: int, sign: int) -> None:
    """Add the gap before an event, or subtract it."""
    add_number(s.states[k, GAP_SUM : GAP_SUM + N_DIGITS], float(gap), sign)
    add_square(s.states[k, GAP_SQUARES : GAP_SQUARES + N_SQUARE_DIGITS], float(gap), sign)


@compile_part()
def _local(s: Arrays, time: int) -> int:
    """Return what a clock of the time zone shows."""
    first, after = 0, s.zone_starts.size
    while after - first > 1:
        middle = (first + after) // 2
        if s.zone_starts[middle] <= time:
            first = middle
        else:
            after = middle
    return int(time + s.zone_offsets[first])


@compile_part()
def _count_hour(s: Arrays, k: int, time: int, sign: int) -> None:
    state = s.states[k]
    time = _local(s, time)
    hour = time % DAY // HOUR
    late, early = hour >= s.meta[NIGHT_FROM], hour < s.meta[NIGHT_TO]
    at_night = (late and early) if s.meta[NIGHT_FROM] < s.meta[NIGHT_TO] else (late or early)
    state[NIGHTS] += sign * at_night
    state[WEEKENDS] += sign * ((time // DAY + 3) % 7 >= 5)  # 1970 began on a Thursday
    if s.meta[NEEDS_HOURS]:
        n = state[HOURS + hour]
        state[HOURS + hour] = n + sign
        state[N_HOURS] += (n == 0) if sign > 0 else -(n == 1)
        state[HOURS_WHOLE], state[HOURS_PART] = add_step(state[HOURS_WHOLE], state[HOURS_PART], n, n + sign)


@compile_part()
def _count_code(s: Arrays, code: int, j: int, k: int, sign: int) -> None:
    state, of = s.states[k], OF_CODES + j * N_OF_CODES
    n = int(np.int64(s.counts[code, k]))
    s.counts[code, k] = n + sign
    state[of + N_OF] += sign
    state[of + DISTINCT_OF] += (n == 0) if sign > 0 else -(n == 1)
    if s.meta[NEEDS_ENTROPY]:
        state[of + WHOLE_OF], state[of + PART_OF] = add_step(state[of + WHOLE_OF], state[of + PART_OF], n, n + sign)
