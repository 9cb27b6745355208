"""Extremes and deviations in sliding windows, and the time since the last event, in NumPy and Numba alone.

Neither can be read off a running total: the largest of a window is at the head of a queue that only falls, and a
deviation is merged from two heaps, so that nothing is ever subtracted.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["extreme_in_window", "since_last", "std_in_window"]

Array = npt.NDArray[Any]

SECOND = 1_000_000


@nb.njit(cache=True, nogil=True)
def _longest(starts: Array) -> int:
    longest = 0
    for e in range(starts.size - 1):
        longest = max(longest, starts[e + 1] - starts[e])
    return longest


@nb.njit(cache=True, nogil=True)
def extreme_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    amounts: Array,
    sign: float,
    out: Array,
) -> None:
    """Find the largest amount of a window (``sign`` 1) or the smallest (-1), by a queue that only falls.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, width
        As for `totals_in_window`.
    amounts : ndarray of float64, shape (n_events,)
        NaN for none.
    sign : float
        1 or -1.
    out : ndarray of float64, shape (n_subjects,)
        A column, filled in; left as it is where no event has an amount.
    """
    queue = np.empty(_longest(starts), np.int32)
    for e in range(starts.size - 1):
        left, right, stop = starts[e], starts[e], starts[e + 1]
        head, tail = 0, 0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment = moments[k]
            while right < stop and times[right] < moment:
                amount = sign * amounts[right]
                if amount == amount:
                    while tail > head and sign * amounts[queue[tail - 1]] <= amount:
                        tail -= 1
                    queue[tail] = right
                    tail += 1
                right += 1
            while left < right and times[left] < moment - width:
                left += 1
            while head < tail and queue[head] < left:
                head += 1
            if head < tail:
                out[rows[k]] = amounts[queue[head]]


@nb.njit(inline="always")
def _merged(
    n: float, mean: float, square: float, more: float, their_mean: float, their_square: float
) -> tuple[float, float, float]:
    """Join two sets of count, mean and sum of squared deviations (Chan, Golub and LeVeque, 1979)."""
    if n == 0.0:
        return more, their_mean, their_square
    if more == 0.0:
        return n, mean, square
    both = n + more
    apart = their_mean - mean
    return both, mean + apart * (more / both), square + their_square + apart * apart * (n * more / both)


@nb.njit(cache=True, nogil=True)
def std_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    amounts: Array,
    out: Array,
) -> None:
    """Find the standard deviation of a window's amounts, without ever taking anything away again.

    A window is kept as two heaps: deviations from every event up to a border, summed from the border down, and those
    from the border up. When the lower heap is used up, all that is left becomes the lower heap: every event is summed
    twice, whatever the width, and no cancellation can build up.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, width, amounts
        As for `extreme_in_window`.
    out : ndarray of float64, shape (n_subjects,)
        A column, filled in; left as it is where no event has an amount.
    """
    lower = np.empty((_longest(starts), 3))
    for e in range(starts.size - 1):
        start, stop = starts[e], starts[e + 1]
        left, border, right = start, start, start
        n, mean, square = 0.0, 0.0, 0.0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment = moments[k]
            while right < stop and times[right] < moment:
                if amounts[right] == amounts[right]:
                    n, mean, square = _merged(n, mean, square, 1.0, amounts[right], 0.0)
                right += 1
            while left < right and times[left] < moment - width:
                left += 1
            if left > border:
                n, mean, square = 0.0, 0.0, 0.0
                for i in range(right - 1, left - 1, -1):
                    if amounts[i] == amounts[i]:
                        n, mean, square = _merged(n, mean, square, 1.0, amounts[i], 0.0)
                    lower[i - start, 0], lower[i - start, 1], lower[i - start, 2] = n, mean, square
                border = right
                n, mean, square = 0.0, 0.0, 0.0
            total, spread = n, square
            if left < border:
                low = lower[left - start]
                total, _, spread = _merged(low[0], low[1], low[2], n, mean, square)
            if total > 0.0:
                out[rows[k]] = np.sqrt(spread / total)


@nb.njit(cache=True, nogil=True)
def since_last(starts: Array, times: Array, asked_starts: Array, moments: Array, rows: Array, out: Array) -> None:
    """Find the seconds since an entity's last event.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows
        As for `totals_in_window`.
    out : ndarray of float64, shape (n_subjects,)
        A column, filled in; left as it is where there was no event.
    """
    for e in range(starts.size - 1):
        right = starts[e]
        for k in range(asked_starts[e], asked_starts[e + 1]):
            while right < starts[e + 1] and times[right] < moments[k]:
                right += 1
            if right > starts[e]:
                out[rows[k]] = (moments[k] - times[right - 1]) / SECOND
