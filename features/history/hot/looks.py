"""The measures of all windows of a stream at a cutoff time. Needs only NumPy and Numba."""

import numpy as np

from fraudsieve._compiled import compile_part
from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.categories import DISTINCT, ENTROPY, NEW, REPEATS, entropy_of
from fraudsieve.features.history.kernels.exact import (
    N_DIGITS,
    N_SQUARE_DIGITS,
    add_number,
    add_square,
    deviation_of,
    sum_of,
)
from fraudsieve.features.history.kernels.extremes import BURST, GAP_STD, MAX, MIN, SINCE_MAX, SPREAD_MEASURES, STD
from fraudsieve.features.history.kernels.windows import COUNT, GAP_MEAN, MEAN, NIGHT, SPAN, WEEKEND, WINDOW_MEASURES
from fraudsieve.features.history.kernels.windows import SUM as SUM_COLUMN

from .extremes import window_burst, window_extremes
from .intervals import move_interval
from .layout import (
    DISTINCT_OF,
    FIRST,
    GAP,
    GAP_SQUARES,
    GAP_SUM,
    HOURS_PART,
    HOURS_WHOLE,
    KEEPS_DROPPED,
    LAST,
    LEFT,
    N_DROPPED,
    N_HOURS,
    N_OF,
    N_OF_CODES,
    N_VALID,
    NIGHTS,
    OF_CODES,
    PART_OF,
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
from .pages import seek

__all__ = ["HOUR_ENTROPY", "fill_windows"]

FIRST_SPREAD = len(WINDOW_MEASURES)
HOUR_ENTROPY = FIRST_SPREAD + len(SPREAD_MEASURES)
"""The column of the entropy of the hours of day. The columns of a window are those of `totals_in_windows`, those of
`spread_in_windows`, and this one."""


@compile_part()
def fill_windows(
    s: Arrays, cutoff: int, columns: Array, code_columns: Array, earlier_parts: Array, longest: int, out: Array
) -> None:
    """Fill in the measures of all windows.

    Parameters
    ----------
    s : HotArrays
        The stream. Interval ``w`` is window ``w``.
    cutoff : int
        Microseconds since 1970.
    columns : ndarray of int64, shape (n_windows, N_COLUMNS)
        Columns of the measures; -1 if one is not computed.
    code_columns : ndarray of int64, shape (n_windows, n_code_columns, 4)
        Columns of `CODE_MEASURES`.
    earlier_parts : ndarray of int64, shape (n_windows,)
        The interval of the part of the longest window before each window, for the measure `new`; -1 without it.
    longest : int
        The longest window.
    out : ndarray of float64, shape (2, n_columns)
        The first row is filled in; undefined values are left as they are.
    """
    for k in range(len(s.states)):
        move_interval(s, k, cutoff)
    for w in range(len(columns)):
        _fill_amounts(s, w, columns[w], out[0])
        _fill_rhythm(s, w, cutoff, columns[w], out[0])
        if max(columns[w, FIRST_SPREAD + MAX], columns[w, FIRST_SPREAD + MIN]) >= 0:
            _fill_extremes(s, w, cutoff, columns[w], out[0])
        if columns[w, FIRST_SPREAD + BURST] >= 0 and s.states[w, N] > 0:
            out[0, columns[w, FIRST_SPREAD + BURST]] = window_burst(s, w, cutoff)
        for j in range(s.sources.size):
            of = OF_CODES + j * N_OF_CODES
            earlier = s.states[earlier_parts[w], of + DISTINCT_OF] if earlier_parts[w] >= 0 else 0
            new = s.states[longest, of + DISTINCT_OF] - earlier
            _fill_codes(s.states[w, of : of + N_OF_CODES], new, code_columns[w, j], out[0])


@compile_part()
def _fill_amounts(s: Arrays, w: int, at: Array, out: Array) -> None:
    state = s.states[w]
    if at[COUNT] >= 0:
        out[at[COUNT]] = state[N]
    if at[SUM_COLUMN] >= 0 or at[MEAN] >= 0:
        total = sum_of(state[SUM : SUM + N_DIGITS])
        if at[SUM_COLUMN] >= 0:
            out[at[SUM_COLUMN]] = total
        if at[MEAN] >= 0 and state[N_VALID] > 0:
            out[at[MEAN]] = total / state[N_VALID]
    if at[FIRST_SPREAD + STD] >= 0 and state[N_VALID] > 0:
        squares = state[SQUARES : SQUARES + N_SQUARE_DIGITS]
        out[at[FIRST_SPREAD + STD]] = deviation_of(state[N_VALID], state[SUM : SUM + N_DIGITS], squares)


@compile_part()
def _fill_rhythm(s: Arrays, w: int, cutoff: int, at: Array, out: Array) -> None:
    state = s.states[w]
    n = state[N]
    if n == 0:
        return
    if at[NIGHT] >= 0:
        out[at[NIGHT]] = state[NIGHTS] / n
    if at[WEEKEND] >= 0:
        out[at[WEEKEND]] = state[WEEKENDS] / n
    if at[HOUR_ENTROPY] >= 0:
        out[at[HOUR_ENTROPY]] = entropy_of(n, state[N_HOURS], state[HOURS_WHOLE], state[HOURS_PART])
    at_mean, at_std, at_span = at[GAP_MEAN], at[FIRST_SPREAD + GAP_STD], at[SPAN]
    if at_mean < 0 and at_std < 0 and at_span < 0:
        return
    first, last, gap = _ends_of(s, w, cutoff)
    if at_span >= 0:
        out[at_span] = (cutoff - first) / SECOND
    if at_mean >= 0 and n > 1:
        out[at_mean] = (last - first) / (SECOND * (n - 1.0))
    if at_std >= 0 and n > 1:  # the gap of the first event begins before the window
        digits = state[GAP_SUM : GAP_SUM + N_DIGITS].copy()
        squares = state[GAP_SQUARES : GAP_SQUARES + N_SQUARE_DIGITS].copy()
        add_number(digits, float(gap), -1)
        add_square(squares, float(gap), -1)
        out[at_std] = deviation_of(n - 1, digits, squares) / float(SECOND)


@compile_part()
def _ends_of(s: Arrays, w: int, cutoff: int) -> tuple[int, int, int]:
    """Return the times of the first and the last event of a window that is not empty, and the gap before the first."""
    page, at = seek(s, s.states[w, LEFT])
    end_page, end_at = seek(s, cutoff)
    first, last, gap = s.meta[FIRST], s.meta[LAST], 0
    has_dropped = s.bounds[w, KEEPS_DROPPED] and s.meta[N_DROPPED] > 0
    if page < end_page or at < end_at:
        if not has_dropped:
            first, gap = s.pages[s.page_index[SLOT, page], TIME, at], s.pages[s.page_index[SLOT, page], GAP, at]
        if end_at == 0:
            end_page, end_at = end_page - 1, s.page_index[SIZE, end_page - 1]
        last = s.pages[s.page_index[SLOT, end_page], TIME, end_at - 1]
    return first, last, gap


@compile_part()
def _fill_extremes(s: Arrays, w: int, cutoff: int, at: Array, out: Array) -> None:
    largest, max_time, smallest = window_extremes(s, w, cutoff)
    at_max, at_min, at_since = at[FIRST_SPREAD + MAX], at[FIRST_SPREAD + MIN], at[FIRST_SPREAD + SINCE_MAX]
    if at_max >= 0 and largest > -np.inf:
        out[at_max] = largest
        if at_since >= 0:
            out[at_since] = (cutoff - max_time) / SECOND
    if at_min >= 0 and smallest < np.inf:
        out[at_min] = smallest


@compile_part()
def _fill_codes(state: Array, new: int, at: Array, out: Array) -> None:
    n, distinct = state[N_OF], state[DISTINCT_OF]
    if at[DISTINCT] >= 0:
        out[at[DISTINCT]] = distinct
    if at[ENTROPY] >= 0 and n > 0:
        out[at[ENTROPY]] = entropy_of(n, distinct, state[WHOLE_OF], state[PART_OF])
    if at[REPEATS] >= 0:
        out[at[REPEATS]] = n - distinct
    if at[NEW] >= 0:
        out[at[NEW]] = new
