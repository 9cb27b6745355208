"""Sliding windows over coded values: how many different ones, how evenly spread, how many repeated.

NumPy and Numba alone. What is new in a window is what its part of the longest window begins with: for every code the
earliest event in the longest window is kept, and whether the window holds that.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array

from .ids import FIRST, HALF, SECOND, number_keys
from .windows import ONE, added, first_from, hours_of_day

__all__ = ["CODE_MEASURES", "code_pairs", "codes_in_windows", "hours_in_windows", "pairs_in_windows"]


CODE_MEASURES = ("distinct", "entropy", "repeats", "new")
"""The measures of `codes_in_windows`, in the order of its places."""
DISTINCT, ENTROPY, REPEATS, NEW = range(len(CODE_MEASURES))


@nb.njit(cache=True, nogil=True)
def code_pairs(codes: Array, amounts: Array) -> tuple[Array, int]:
    """Number the pairs of counterparty and amount.

    Parameters
    ----------
    codes : ndarray of int32, shape (n_events,)
        Counterparties, -1 for none.
    amounts : ndarray of float64, shape (n_events,)
        NaN for none.

    Returns
    -------
    codes : ndarray of int32, shape (n_events,)
        The number of every pair, -1 where a part is missing. Two different ones share it once in 2**64.
    n_codes : int
        How many different pairs there are.

    Examples
    --------
    >>> codes, n_codes = code_pairs(np.array([1, 1, 2, -1], np.int32), np.array([5.0, 5.0, 5.0, 5.0]))
    >>> codes.tolist(), n_codes
    ([0, 0, 1, -1], 2)
    """
    keys = (amounts + 0.0).view(np.uint64)  # a negative zero is a zero
    valid = np.empty(codes.size, np.bool_)
    for i in range(codes.size):
        state = (keys[i] * FIRST) ^ (np.uint64(codes[i] + 1) * SECOND)
        state = (state ^ state >> HALF) * FIRST
        keys[i] = state ^ state >> HALF
        valid[i] = codes[i] >= 0 and amounts[i] == amounts[i]
    pairs = np.empty(codes.size, np.int32)
    return pairs, number_keys(keys, valid, pairs)


_SMALL = np.array([0.0, 0.0, *(n * np.log(n) for n in range(2, 4096))])


@nb.njit(inline="always")
def _n_log_n(n: int) -> float:
    """Return ``n * log(n)``, from a table where it may be: of few hours or counterparties, all counts are small."""
    return float(_SMALL[n]) if n < _SMALL.size else n * np.log(float(n))


@nb.njit(cache=True, nogil=True)
def _codes_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    codes: Array,
    n_codes: int,
    places: Array,
    out: Array,
) -> None:
    at_distinct, at_entropy, at_repeats = places[DISTINCT], places[ENTROPY], places[REPEATS]
    times_met = np.zeros(n_codes, np.int32)
    for e in range(starts.size - 1):
        if asked_starts[e] == asked_starts[e + 1]:
            continue
        left = right = np.uint64(first_from(times, starts[e], starts[e + 1], moments[asked_starts[e]] - width))
        stop = np.uint64(starts[e + 1])
        known, distinct, total, lost = 0, 0, 0.0, 0.0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment, row = moments[k], rows[k]
            while right < stop and times[right] < moment:
                code = codes[right]
                if code >= 0:
                    n = times_met[np.uint32(code)]
                    distinct += n == 0
                    known += 1
                    times_met[np.uint32(code)] = n + 1
                    if at_entropy >= 0:
                        total, lost = added(total, lost, _n_log_n(n + 1) - _n_log_n(n))
                right += ONE
            while left < right and times[left] < moment - width:
                code = codes[left]
                if code >= 0:
                    n = times_met[np.uint32(code)]
                    distinct -= n == 1
                    known -= 1
                    times_met[np.uint32(code)] = n - 1
                    if at_entropy >= 0:
                        total, lost = added(total, lost, _n_log_n(n - 1) - _n_log_n(n))
                left += ONE
            if at_distinct >= 0:
                out[row, at_distinct] = distinct
            if at_repeats >= 0:
                out[row, at_repeats] = known - distinct
            if at_entropy >= 0 and known > 0:
                # One code alone has no entropy, whatever the logarithms round to.
                spread = np.log(float(known)) - (total + lost) / known
                out[row, at_entropy] = max(spread, 0.0) if distinct > 1 else 0.0
        for i in range(left, right):
            if codes[i] >= 0:
                times_met[codes[i]] = 0


@nb.njit(cache=True, nogil=True)
def _new_in_windows(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    widths: Array,
    codes: Array,
    n_codes: int,
    places: Array,
    out: Array,
) -> None:
    """Count the codes whose earliest event in the longest window a window holds, for all windows in one pass."""
    earliest, latest = np.full(n_codes, -1, np.int32), np.empty(n_codes, np.int32)
    following = np.empty(times.size, np.int32)
    asked = np.flatnonzero(places >= 0)
    borders, old = np.empty(asked.size, np.int64), np.empty(asked.size, np.int64)
    longest = widths.max()
    for e in range(starts.size - 1):
        if asked_starts[e] == asked_starts[e + 1]:
            continue
        left = right = np.uint64(first_from(times, starts[e], starts[e + 1], moments[asked_starts[e]] - longest))
        stop = np.uint64(starts[e + 1])
        met, borders[:], old[:] = 0, left, 0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            moment = moments[k]
            while right < stop and times[right] < moment:
                if codes[right] >= 0:
                    code = np.uint32(codes[right])
                    if earliest[code] < 0:
                        earliest[code] = right
                        met += 1
                    else:
                        following[np.uint32(latest[code])] = right
                    latest[code] = right
                right += ONE
            for w in range(asked.size):
                border, n_old, since = np.uint64(borders[w]), old[w], moment - widths[asked[w]]
                while border < right and times[border] < since:
                    n_old += codes[border] >= 0 and earliest[np.uint32(codes[border])] == np.int64(border)
                    border += ONE
                borders[w], old[w] = border, n_old
            while left < right and times[left] < moment - longest:
                if codes[left] >= 0:
                    code = np.uint32(codes[left])
                    gone = latest[code] == np.int64(left)  # else it has another, and the earliest is always what leaves
                    earliest[code] = -1 if gone else following[left]
                    met -= gone
                    for w in range(asked.size):
                        old[w] -= gone or following[left] >= borders[w]
                left += ONE
            for w in range(asked.size):
                out[rows[k], places[asked[w]]] = met - old[w]
        for i in range(left, right):
            if codes[i] >= 0:
                earliest[codes[i]] = -1


@nb.njit(cache=True, nogil=True)
def codes_in_windows(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    widths: Array,
    codes: Array,
    n_codes: int,
    places: Array,
    out: Array,
) -> None:
    """Measure the codes of the events of windows, for every moment.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, widths
        As for `totals_in_windows`.
    codes : ndarray of int32, shape (n_events,)
        From 0 up; -1 for none.
    n_codes : int
        How many codes there are.
    places : ndarray of int64, shape (n_windows, 4)
        The column of every one of `CODE_MEASURES`; -1 where it is not asked for. Entropy is in nats (Shannon, 1948).
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; an entropy without codes is left as it is.
    """
    bounds = starts, times, asked_starts, moments, rows
    for w in range(widths.size):
        if (places[w, :NEW] >= 0).any():
            _codes_in_window(*bounds, widths[w], codes, n_codes, places[w], out)
    if (places[:, NEW] >= 0).any():
        _new_in_windows(*bounds, widths, codes, n_codes, places[:, NEW], out)


@nb.njit(cache=True, nogil=True)
def pairs_in_windows(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    widths: Array,
    codes: Array,
    amounts: Array,
    places: Array,
    out: Array,
) -> None:
    """Measure the pairs of counterparty and amount in windows, for every moment.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, widths, codes, places, out
        As for `codes_in_windows`.
    amounts : ndarray of float64, shape (n_events,)
        NaN for none.
    """
    pairs, n_pairs = code_pairs(codes, amounts)
    codes_in_windows(starts, times, asked_starts, moments, rows, widths, pairs, n_pairs, places, out)


@nb.njit(cache=True, nogil=True)
def hours_in_windows(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    widths: Array,
    places: Array,
    out: Array,
) -> None:
    """Measure the hours of day (UTC) of the events of windows, for every moment.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows, widths, places, out
        As for `codes_in_windows`.
    """
    codes_in_windows(starts, times, asked_starts, moments, rows, widths, hours_of_day(times), 24, places, out)
