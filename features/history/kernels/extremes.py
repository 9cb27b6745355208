"""Extremes and standard deviations in sliding windows.

Neither is a difference of running totals. The extreme of a window is the head of a monotonic queue. A standard
deviation is the sum of two parts, so that no value is ever subtracted again. Needs only NumPy and Numba.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array

from .windows import HOUR, add_compensated, first_from

__all__ = ["SPREAD_MEASURES", "spread_in_windows"]


SPREAD_MEASURES = ("max", "min", "std", "gap_std", "burst", "since_max")
"""The measures of `spread_in_windows`, in the order of its columns."""
MAX, MIN, STD, GAP_STD, BURST, SINCE_MAX = range(len(SPREAD_MEASURES))
SECOND = 1_000_000
HALVES = 2.0**27 + 1.0
"""Factor that splits a float64 into two halves of its digits (Dekker, 1971)."""
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
    cutoff_starts: Array,
    cutoffs: Array,
    rows: Array,
    width: int,
    amounts: Array,
    sign: float,
    at: int,
    at_since: int,
    out: Array,
) -> None:
    """Return the largest amount of a window (``sign`` 1) or the smallest (-1), the last one of equal amounts.

    A monotonic queue holds the events that are more extreme than all later ones. New events are scanned backwards, so
    that only those more extreme than all later new events are compared with the queue.
    """
    queue, new_events = np.empty(_longest(starts), np.int32), np.empty(_longest(starts), np.int32)
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        stop = starts[e + 1]
        left = right = first_from(times, starts[e], stop, cutoffs[cutoff_starts[e]] - width)
        head, tail = 0, 0
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            cutoff, before = cutoffs[k], right
            while right < stop and times[right] < cutoff:
                right += 1
            while left < right and times[left] < cutoff - width:
                left += 1
            best, n_new = -np.inf, 0
            for i in range(right - 1, max(before, left) - 1, -1):
                if sign * amounts[i] > best:
                    best = sign * amounts[i]
                    new_events[n_new] = i
                    n_new += 1
            while tail > head and sign * amounts[queue[tail - 1]] <= best:
                tail -= 1
            while n_new > 0:
                n_new -= 1
                queue[tail] = new_events[n_new]
                tail += 1
            while head < tail and queue[head] < left:
                head += 1
            if head < tail:
                if at_since >= 0:
                    out[rows[k], at_since] = (cutoff - times[queue[head]]) / SECOND
                out[rows[k], at] = amounts[queue[head]]


@nb.njit(inline="always")
def _product(a: float, b: float) -> tuple[float, float]:
    """Return a product and its rounding error (Dekker, 1971)."""
    far_a, far_b = HALVES * a, HALVES * b
    high_a, high_b = far_a - (far_a - a), far_b - (far_b - b)
    low_a, low_b = a - high_a, b - high_b
    product = a * b
    return product, ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


@nb.njit(inline="always")
def _add_deviation(sums: Array, amount: float, anchor: float) -> None:
    """Add an amount to a count, a sum of deviations and a sum of squares; both sums are compensated."""
    difference, error = add_compensated(amount, 0.0, -anchor)
    square, square_error = _product(difference, difference)
    sums[0] += 1.0
    sums[1], sums[2] = add_compensated(sums[1], sums[2] + error, difference)
    sums[3], sums[4] = add_compensated(sums[3], sums[4] + (square_error + 2.0 * difference * error), square)


@nb.njit(inline="always")
def _deviation(sums: Array) -> float:
    """Return the standard deviation, ``sqrt(n * squares - total**2) / n``."""
    n = sums[0]
    total, error = add_compensated(sums[1], 0.0, sums[2])
    squares, squares_error = add_compensated(sums[3], 0.0, sums[4])
    n_squares, n_squares_error = _product(n, squares)
    total_square, total_square_error = _product(total, total)
    spread, rest = add_compensated(
        n_squares, n_squares_error + n * squares_error - total_square_error - 2.0 * total * error, -total_square
    )
    return float(np.sqrt(max(spread + rest, 0.0)) / n)


@nb.njit(cache=True, nogil=True)
def _std_in_window(
    starts: Array,
    times: Array,
    cutoff_starts: Array,
    cutoffs: Array,
    rows: Array,
    width: int,
    amounts: Array,
    skip: int,
    at: int,
    out: Array,
) -> None:
    """Compute the standard deviation of the amounts of a window, without ever subtracting a value again.

    A window is the sum of two parts, relative to an anchor amount: the events up to the anchor, as suffix sums, and the
    later events, as one running sum. When the anchor leaves the window, the last amount becomes the new anchor and the
    whole window the first part. Every event is therefore summed twice, for any width. Since the anchor is an amount of
    the window, there is little cancellation. The sums have twice the digits of a float64: the result does not depend on
    their order or on events before the window, and live and batch features are equal to the last bit.

    The first ``skip`` events of a window are left out: 1 for gaps, since the first gap begins before the window.
    """
    lower, upper, sums = np.empty((_longest(starts), 5)), np.zeros(5), np.empty(5)
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        start, stop = starts[e], starts[e + 1]
        left = right = first_from(times, start, stop, cutoffs[cutoff_starts[e]] - width)
        anchor_at, has_lower, anchor = NOWHERE, False, 0.0
        upper[:] = 0.0
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            cutoff = cutoffs[k]
            while right < stop and times[right] < cutoff:
                if right >= left + skip and amounts[right] == amounts[right]:
                    if anchor_at == NOWHERE:
                        anchor_at, anchor = right, amounts[right]
                    _add_deviation(upper, amounts[right], anchor)
                right += 1
            while left < right and times[left] < cutoff - width:
                left += 1
            first = min(left + skip, right)
            if anchor_at != NOWHERE and first > anchor_at:
                anchor_at, has_lower = NOWHERE, False
                upper[:] = 0.0
                for i in range(right - 1, first - 1, -1):
                    if amounts[i] == amounts[i]:
                        if anchor_at == NOWHERE:
                            anchor_at, has_lower, anchor = i, True, amounts[i]
                        _add_deviation(upper, amounts[i], anchor)
                    lower[i - start] = upper
                upper[:] = 0.0
            sums[:] = upper
            if has_lower:
                low = lower[first - start]
                sums[0] += low[0]
                sums[1], sums[2] = add_compensated(sums[1], sums[2] + low[2], low[1])
                sums[3], sums[4] = add_compensated(sums[3], sums[4] + low[4], low[3])
            if sums[0] > 0.0:
                out[rows[k], at] = _deviation(sums)


@nb.njit(cache=True, nogil=True)
def _gaps(starts: Array, times: Array) -> Array:
    """Return the seconds since the previous event of the entity; NaN for its first event."""
    gaps = np.full(times.size, np.nan)
    for e in range(starts.size - 1):
        for i in range(starts[e] + 1, starts[e + 1]):
            gaps[i] = (times[i] - times[i - 1]) / SECOND
    return gaps


@nb.njit(cache=True, nogil=True)
def _trailing_counts(starts: Array, times: Array, width: int) -> Array:
    """Count the events of the entity in the window ``(time - width, time]`` of every event.

    Only the last of several events with the same time counts all of them.
    """
    counts = np.empty(times.size)
    for e in range(starts.size - 1):
        left = starts[e]
        for i in range(starts[e], starts[e + 1]):
            while times[left] <= times[i] - width:
                left += 1
            counts[i] = i - left + 1
    return counts


@nb.njit(cache=True, nogil=True)
def spread_in_windows(
    starts: Array,
    times: Array,
    cutoff_starts: Array,
    cutoffs: Array,
    rows: Array,
    widths: Array,
    amounts: Array,
    columns: Array,
    out: Array,
) -> None:
    """Compute the measures of `SPREAD_MEASURES` for every cutoff time and window.

    Parameters
    ----------
    starts, times, cutoff_starts, cutoffs, rows, widths
        As for `totals_in_windows`.
    amounts : ndarray of float64, shape (n_events,)
        Amounts, NaN if missing; empty if no measure of amounts is computed.
    columns : ndarray of int64, shape (n_windows, 6)
        Column of each of `SPREAD_MEASURES`; -1 if it is not computed.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; undefined values are left as they are.
    """
    bounds = starts, times, cutoff_starts, cutoffs, rows
    gaps = _gaps(starts, times) if (columns[:, GAP_STD] >= 0).any() else amounts[:0]
    trailing = _trailing_counts(starts, times, HOUR) if (columns[:, BURST] >= 0).any() else amounts[:0]
    for w in range(widths.size):
        at = columns[w]
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
