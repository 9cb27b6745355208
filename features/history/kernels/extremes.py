"""Extremes and deviations in sliding windows, in NumPy and Numba alone.

Neither can be read off a running total: the largest of a window is at the head of a queue that only falls, and a
deviation is taken of two heaps, so that nothing is ever taken away again.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array

from .windows import HOUR, added, first_from

__all__ = ["SPREAD_MEASURES", "spread_in_windows"]


SPREAD_MEASURES = ("max", "min", "std", "gap_std", "burst", "since_max")
"""The measures of `spread_in_windows`, in the order of its places."""
MAX, MIN, STD, GAP_STD, BURST, SINCE_MAX = range(len(SPREAD_MEASURES))
SECOND = 1_000_000
HALVES = 2.0**27 + 1.0
"""Splits a float64 into two halves of its digits."""
NOWHERE = -1


@nb.njit(cache=True, nogil=True)
def _longest(starts: Array) -> int:
    longest = 0
    for e in range(starts.size - 1):
        longest = max(longest, starts[e + 1] - starts[e])
    return longest


@nb.njit(cache=True, nogil=True)
def _extreme_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    amounts: Array,
    sign: float,
    at: int,
    at_since: int,
    out: Array,
) -> None:
    """Find the largest amount of a window (``sign`` 1) or the smallest (-1), the last of several.

    A queue holds the events that no later one reaches. Those that come in are gone through from the last one back, so
    that of many at a time only the few are looked at twice that are larger than all behind them.
    """
    queue, fresh = np.empty(_longest(starts), np.int32), np.empty(_longest(starts), np.int32)
    for e in range(starts.size - 1):
        if asked_starts[e] == asked_starts[e + 1]:
            continue
        stop = starts[e + 1]
        left = right = first_from(times, starts[e], stop, moments[asked_starts[e]] - width)
        head, tail = 0, 0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment, before = moments[k], right
            while right < stop and times[right] < moment:
                right += 1
            while left < right and times[left] < moment - width:
                left += 1
            best, n_fresh = -np.inf, 0
            for i in range(right - 1, max(before, left) - 1, -1):
                if sign * amounts[i] > best:
                    best = sign * amounts[i]
                    fresh[n_fresh] = i
                    n_fresh += 1
            while tail > head and sign * amounts[queue[tail - 1]] <= best:
                tail -= 1
            while n_fresh > 0:
                n_fresh -= 1
                queue[tail] = fresh[n_fresh]
                tail += 1
            while head < tail and queue[head] < left:
                head += 1
            if head < tail:
                if at_since >= 0:
                    out[rows[k], at_since] = (moment - times[queue[head]]) / SECOND
                out[rows[k], at] = amounts[queue[head]]


@nb.njit(inline="always")
def _product(a: float, b: float) -> tuple[float, float]:
    """Multiply, and tell what rounding has left out (Dekker, 1971)."""
    far_a, far_b = HALVES * a, HALVES * b
    high_a, high_b = far_a - (far_a - a), far_b - (far_b - b)
    low_a, low_b = a - high_a, b - high_b
    product = a * b
    return product, ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


@nb.njit(inline="always")
def _deviated(sums: Array, amount: float, anchor: float) -> None:
    """Add to a count, a sum of deviations and one of their squares, each sum with what it lacks."""
    apart, lost = added(amount, 0.0, -anchor)
    square, square_lost = _product(apart, apart)
    sums[0] += 1.0
    sums[1], sums[2] = added(sums[1], sums[2] + lost, apart)
    sums[3], sums[4] = added(sums[3], sums[4] + (square_lost + 2.0 * apart * lost), square)


@nb.njit(inline="always")
def _deviation(sums: Array) -> float:
    """Return the standard deviation: the root of ``n * squares - total**2``, over n."""
    n, (total, lost), (squares, squares_lost) = sums[0], added(sums[1], 0.0, sums[2]), added(sums[3], 0.0, sums[4])
    more, more_lost = _product(n, squares)
    less, less_lost = _product(total, total)
    spread, rest = added(more, more_lost + n * squares_lost - less_lost - 2.0 * total * lost, -less)
    return float(np.sqrt(max(spread + rest, 0.0)) / n)


@nb.njit(cache=True, nogil=True)
def _std_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    amounts: Array,
    skip: int,
    at: int,
    out: Array,
) -> None:
    """Find the standard deviation of a window's amounts, without ever taking anything away again.

    A window is kept as two heaps: deviations from an anchor up to it, summed from it down, and those after it. Once the
    anchor has left the window, its last amount becomes the anchor, and all that is left becomes the lower heap: every
    event is summed twice, whatever the width. As the anchor is one of the window, little cancels out; and as the sums
    hold twice the digits of a float64, the result does not depend on the order of the sums, nor on what was before the
    window: a live state and a batch agree to the last bit. So many events at the start of a window are left out as
    ``skip`` says: 1 for gaps, since the first leads out of the window.
    """
    lower, upper, both = np.empty((_longest(starts), 5)), np.zeros(5), np.empty(5)
    for e in range(starts.size - 1):
        if asked_starts[e] == asked_starts[e + 1]:
            continue
        start, stop = starts[e], starts[e + 1]
        left = right = first_from(times, start, stop, moments[asked_starts[e]] - width)
        anchored, heaped, anchor = NOWHERE, False, 0.0
        upper[:] = 0.0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment = moments[k]
            while right < stop and times[right] < moment:
                if right >= left + skip and amounts[right] == amounts[right]:
                    if anchored == NOWHERE:
                        anchored, anchor = right, amounts[right]
                    _deviated(upper, amounts[right], anchor)
                right += 1
            while left < right and times[left] < moment - width:
                left += 1
            first = min(left + skip, right)
            if anchored != NOWHERE and first > anchored:
                anchored, heaped = NOWHERE, False
                upper[:] = 0.0
                for i in range(right - 1, first - 1, -1):
                    if amounts[i] == amounts[i]:
                        if anchored == NOWHERE:
                            anchored, heaped, anchor = i, True, amounts[i]
                        _deviated(upper, amounts[i], anchor)
                    lower[i - start] = upper
                upper[:] = 0.0
            both[:] = upper
            if heaped:
                low = lower[first - start]
                both[0] += low[0]
                both[1], both[2] = added(both[1], both[2] + low[2], low[1])
                both[3], both[4] = added(both[3], both[4] + low[4], low[3])
            if both[0] > 0.0:
                out[rows[k], at] = _deviation(both)


@nb.njit(cache=True, nogil=True)
def _gaps(starts: Array, times: Array) -> Array:
    """Return the seconds from every event's predecessor to it; NaN for an entity's first."""
    found = np.full(times.size, np.nan)
    for e in range(starts.size - 1):
        for i in range(starts[e] + 1, starts[e + 1]):
            found[i] = (times[i] - times[i - 1]) / SECOND
    return found


@nb.njit(cache=True, nogil=True)
def _trailing_counts(starts: Array, times: Array, width: int) -> Array:
    """Count, for every event, those of its entity in the time that ends with it, open at its start.

    The last of several events at a time has counted them all.
    """
    found = np.empty(times.size)
    for e in range(starts.size - 1):
        left = starts[e]
        for i in range(starts[e], starts[e + 1]):
            while times[left] <= times[i] - width:
                left += 1
            found[i] = i - left + 1
    return found


@nb.njit(cache=True, nogil=True)
def spread_in_windows(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    widths: Array,
    amounts: Array,
    places: Array,
    out: Array,
) -> None:
    """Measure extremes and deviations of windows, for every moment.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, widths
        As for `totals_in_windows`.
    amounts : ndarray of float64, shape (n_events,)
        NaN for none; empty where no measure of amounts is asked for.
    places : ndarray of int64, shape (n_windows, 6)
        The column of every one of `SPREAD_MEASURES`; -1 where it is not asked for.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; what stays undefined is left as it is.
    """
    bounds = starts, times, asked_starts, moments, rows
    gaps = _gaps(starts, times) if (places[:, GAP_STD] >= 0).any() else amounts[:0]
    trailing = _trailing_counts(starts, times, HOUR) if (places[:, BURST] >= 0).any() else amounts[:0]
    for w in range(widths.size):
        at = places[w]
        if at[MAX] >= 0:
            _extreme_in_window(*bounds, widths[w], amounts, 1.0, at[MAX], at[SINCE_MAX], out)
        if at[MIN] >= 0:
            _extreme_in_window(*bounds, widths[w], amounts, -1.0, at[MIN], -1, out)
        if at[BURST] >= 0:
            _extreme_in_window(*bounds, widths[w], trailing, 1.0, at[BURST], -1, out)
        if at[STD] >= 0:
            _std_in_window(*bounds, widths[w], amounts, 0, at[STD], out)
        if at[GAP_STD] >= 0:
            _std_in_window(*bounds, widths[w], gaps, 1, at[GAP_STD], out)
