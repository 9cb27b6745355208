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
    stream: Arrays, cutoff: int, columns: Array, code_columns: Array, earlier_parts: Array, longest: int, out: Array
) -> None:
    """Fill in the measures of all windows.

    Parameters
    ----------
    stream : HotArrays
        The events of one entity or one kind. Interval ``i`` is window ``i``.
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
    for interval in range(len(stream.states)):
        move_interval(stream, interval, cutoff)
    for window in range(len(columns)):
        _fill_amounts(stream, window, columns[window], out[0])
        _fill_rhythm(stream, window, cutoff, columns[window], out[0])
        if max(columns[window, FIRST_SPREAD + MAX], columns[window, FIRST_SPREAD + MIN]) >= 0:
            _fill_extremes(stream, window, cutoff, columns[window], out[0])
        if columns[window, FIRST_SPREAD + BURST] >= 0 and stream.states[window, N] > 0:
            out[0, columns[window, FIRST_SPREAD + BURST]] = window_burst(stream, window, cutoff)
        for j in range(stream.sources.size):
            first = OF_CODES + j * N_OF_CODES
            earlier = stream.states[earlier_parts[window], first + DISTINCT_OF] if earlier_parts[window] >= 0 else 0
            new = stream.states[longest, first + DISTINCT_OF] - earlier
            _fill_codes(stream.states[window, first : first + N_OF_CODES], new, code_columns[window, j], out[0])


@compile_part()
def _fill_amounts(stream: Arrays, window: int, columns: Array, out: Array) -> None:
    state = stream.states[window]
    if columns[COUNT] >= 0:
        out[columns[COUNT]] = state[N]
    if columns[SUM_COLUMN] >= 0 or columns[MEAN] >= 0:
        total = sum_of(state[SUM : SUM + N_DIGITS])
        if columns[SUM_COLUMN] >= 0:
            out[columns[SUM_COLUMN]] = total
        if columns[MEAN] >= 0 and state[N_VALID] > 0:
            out[columns[MEAN]] = total / state[N_VALID]
    if columns[FIRST_SPREAD + STD] >= 0 and state[N_VALID] > 0:
        squares = state[SQUARES : SQUARES + N_SQUARE_DIGITS]
        out[columns[FIRST_SPREAD + STD]] = deviation_of(state[N_VALID], state[SUM : SUM + N_DIGITS], squares)


@compile_part()
def _fill_rhythm(stream: Arrays, window: int, cutoff: int, columns: Array, out: Array) -> None:
    state = stream.states[window]
    n = state[N]
    if n == 0:
        return
    if columns[NIGHT] >= 0:
        out[columns[NIGHT]] = state[NIGHTS] / n
    if columns[WEEKEND] >= 0:
        out[columns[WEEKEND]] = state[WEEKENDS] / n
    if columns[HOUR_ENTROPY] >= 0:
        out[columns[HOUR_ENTROPY]] = entropy_of(n, state[N_HOURS], state[HOURS_WHOLE], state[HOURS_PART])
    mean_column, std_column, span_column = columns[GAP_MEAN], columns[FIRST_SPREAD + GAP_STD], columns[SPAN]
    if mean_column < 0 and std_column < 0 and span_column < 0:
        return
    first, last, gap = _ends_of(stream, window, cutoff)
    if span_column >= 0:
        out[span_column] = (cutoff - first) / SECOND
    if mean_column >= 0 and n > 1:
        out[mean_column] = (last - first) / (SECOND * (n - 1.0))
    if std_column >= 0 and n > 1:  # the gap of the first event begins before the window
        digits = state[GAP_SUM : GAP_SUM + N_DIGITS].copy()
        squares = state[GAP_SQUARES : GAP_SQUARES + N_SQUARE_DIGITS].copy()
        add_number(digits, float(gap), -1)
        add_square(squares, float(gap), -1)
        out[std_column] = deviation_of(n - 1, digits, squares) / float(SECOND)


@compile_part()
def _ends_of(stream: Arrays, window: int, cutoff: int) -> tuple[int, int, int]:
    """Return the times of the first and the last event of a window that is not empty, and the gap before the first."""
    page, position = seek(stream, stream.states[window, LEFT])
    end_page, end_position = seek(stream, cutoff)
    first, last, gap = stream.meta[FIRST], stream.meta[LAST], 0
    has_dropped = stream.bounds[window, KEEPS_DROPPED] and stream.meta[N_DROPPED] > 0
    if page < end_page or position < end_position:
        if not has_dropped:
            first, gap = (
                stream.pages[stream.page_index[SLOT, page], TIME, position],
                stream.pages[stream.page_index[SLOT, page], GAP, position],
            )
        if end_position == 0:
            end_page, end_position = end_page - 1, stream.page_index[SIZE, end_page - 1]
        last = stream.pages[stream.page_index[SLOT, end_page], TIME, end_position - 1]
    return first, last, gap


@compile_part()
def _fill_extremes(stream: Arrays, window: int, cutoff: int, columns: Array, out: Array) -> None:
    largest, max_time, smallest = window_extremes(stream, window, cutoff)
    max_column, min_column, since_column = (
        columns[FIRST_SPREAD + MAX],
        columns[FIRST_SPREAD + MIN],
        columns[FIRST_SPREAD + SINCE_MAX],
    )
    if max_column >= 0 and largest > -np.inf:
        out[max_column] = largest
        if since_column >= 0:
            out[since_column] = (cutoff - max_time) / SECOND
    if min_column >= 0 and smallest < np.inf:
        out[min_column] = smallest


@compile_part()
def _fill_codes(state: Array, new: int, columns: Array, out: Array) -> None:
    n, distinct = state[N_OF], state[DISTINCT_OF]
    if columns[DISTINCT] >= 0:
        out[columns[DISTINCT]] = distinct
    if columns[ENTROPY] >= 0 and n > 0:
        out[columns[ENTROPY]] = entropy_of(n, distinct, state[WHOLE_OF], state[PART_OF])
    if columns[REPEATS] >= 0:
        out[columns[REPEATS]] = n - distinct
    if columns[NEW] >= 0:
        out[columns[NEW]] = new
