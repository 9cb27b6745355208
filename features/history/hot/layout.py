"""The arrays of a stream of events: their content and its layout. Needs only NumPy and Numba."""

from typing import Any, NamedTuple

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.exact import N_DIGITS, N_SQUARE_DIGITS

__all__ = ["HotArrays"]

PAGE = 512
"""Maximum number of events of a page, unless a test sets another."""

# Rows of `HotArrays.pages`.
TIME, AMOUNT, GAP, TRAILING, CODES = range(5)
# Rows of `HotArrays.page_index`.
SLOT, SIZE, RANK, FIRST_TIME, MAX_TIME, MAX_TRAILING, MORE_TRAILING = range(7)
N_INDEX = 7
# Rows of `HotArrays.extremes`.
LARGEST, SMALLEST = range(2)
# Columns of `HotArrays.bounds`.
LEFT_WIDTH, RIGHT_WIDTH, ONLY_CODES, KEEPS_DROPPED = range(4)
# Columns of `HotArrays.keys`.
ONE, TWO, OWNER = range(3)

# Columns of `HotArrays.states`.
LEFT, RIGHT, N, N_VALID = range(4)
SUM = 4
SQUARES = SUM + N_DIGITS
GAP_SUM = SQUARES + N_SQUARE_DIGITS
GAP_SQUARES = GAP_SUM + N_DIGITS
NIGHTS = GAP_SQUARES + N_SQUARE_DIGITS
WEEKENDS, N_HOURS, HOURS_WHOLE, HOURS_PART, HOURS = range(NIGHTS + 1, NIGHTS + 6)
OF_CODES = HOURS + 24
N_OF, DISTINCT_OF, WHOLE_OF, PART_OF = range(4)
N_OF_CODES = 4
"""Number of columns of each column of codes, from OF_CODES on."""

# Entries of `HotArrays.meta`: sizes, times of dropped events, and what is computed.
N_PAGES, N_FREE, N_CODES, FREE_CODE, N_EVENTS, FIRST, LAST, N_DROPPED = range(8)
DROPPED_MAX_TIME, DROPPED_TRAILING, N_LATEST, LATEST_TIMES = range(8, 12)
NEEDS_AMOUNTS, NEEDS_SQUARES, NEEDS_GAPS, NEEDS_CLOCK, NEEDS_HOURS, NEEDS_ENTROPY, NEEDS_TRAILING = range(17, 24)
NEEDS_EXTREMES, NIGHT_FROM, NIGHT_TO = range(24, 27)
N_META = 27
# Entries of `HotArrays.dropped`.
DROPPED_MAX, DROPPED_MIN, LAST_AMOUNT, LATEST_AMOUNTS = range(4)
N_DROPPED_FLOATS = 9
NO_TIME = -(1 << 62)
"""Earlier than any event."""


class HotArrays(NamedTuple):
    """The arrays of a stream of events of one entity.

    Events are in order of time and, at one time, of amount, a missing one first. They are in pages that are split when
    they are full, as in a B-tree of two levels. An interval is a window, or the part of the longest window before
    another window; it has sums over the events from its left end to its right end.

    Attributes
    ----------
    pages : ndarray of int64, shape (n_slots, n_rows, page_size)
        Per event: time, bits of the amount, microseconds since the event before, number of events in the hour that ends
        with it (without what `page_index` adds), codes, and what else a caller gave.
    page_index : ndarray of int64, shape (7, n_slots)
        Per page, in order: its slot, its size, the number of events before it, the first time, the last time of the
        largest amount, and the largest number of events in an hour. The last row is added to the hourly numbers of all
        events of the page.
    extremes : ndarray of float64, shape (2, n_slots)
        Per page, in order: the largest and the smallest amount; infinite without amounts.
    free : ndarray of int64, shape (n_slots,)
        Free slots.
    states : ndarray of int64, shape (n_intervals, n_columns)
        Ends and sums of the intervals.
    bounds : ndarray of int64, shape (n_intervals, 4)
        How far before the cutoff time the left and the right end are, whether only codes are counted, and whether
        events that are dropped stay counted.
    counts : ndarray of int32, shape (n_codes, n_intervals)
        Events of each code in each interval.
    keys : ndarray of int64, shape (n_codes, 3)
        What each code stands for: a digest, the bits of an amount for pairs, and the column of codes. Free codes are
        linked by the first column.
    refs : ndarray of int64, shape (n_codes,)
        Events held of each code.
    table : ndarray of int32, shape (n_table,)
        Places of the codes in `digest_table`; -1 if empty.
    sources : ndarray of int64, shape (n_code_columns,)
        The identifier of each column of codes; ``-1 - identifier`` for pairs of it and the amount.
    meta : ndarray of int64, shape (27,)
        Sizes, times of dropped events, and which measures are computed.
    dropped : ndarray of float64, shape (9,)
        Amounts of dropped events: largest, smallest, last, and the latest five.
    key : ndarray of uint64
        `digest_table.HASH_KEY`.
    zone_starts, zone_offsets : ndarray of int64, shape (n_offsets,)
        The offsets of the time zone of the view, as from `fraudsieve.tables.values.zones.zone_offsets`.
    """

    pages: Array
    page_index: Array
    extremes: Array
    free: Array
    states: Array
    bounds: Array
    counts: Array
    keys: Array
    refs: Array
    table: Array
    sources: Array
    meta: Array
    dropped: Array
    key: Array
    zone_starts: Array
    zone_offsets: Array


Arrays = Any
"""`HotArrays`, for kernels: Numba infers the types itself."""
