"""Sliding windows over coded values: how many different ones, how evenly spread, how many repeated.

NumPy and Numba alone. A window may end some time before the moment: so counterparties that were met before it are told
apart from those that were not.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from .history_ids import FIRST, HALF, SECOND
from .history_windows import DAY, HOUR, added, first_from

__all__ = ["CODE_MEASURES", "codes_in_window", "hours_of_day", "paired_keys"]

Array = npt.NDArray[Any]

CODE_MEASURES = ("distinct", "entropy", "repeats")
"""The measures of `codes_in_window`, in the order of its places."""


def hours_of_day(times: Array) -> Array:
    """Return the hour of day of every event, UTC.

    Parameters
    ----------
    times : ndarray of int64, shape (n_events,)
        Microseconds since 1970.

    Returns
    -------
    ndarray of int32, shape (n_events,)
        From 0 to 23.

    Examples
    --------
    >>> hours_of_day(np.array([0, 90 * 60 * 1_000_000])).tolist()
    [0, 1]
    """
    return (times % DAY // HOUR).astype(np.int32)


@nb.njit(cache=True, nogil=True)
def paired_keys(codes: Array, amounts: Array) -> tuple[Array, Array]:
    """Return a key for every pair of counterparty and amount, the same for equal pairs.

    Parameters
    ----------
    codes : ndarray of int32, shape (n_events,)
        Counterparties, -1 for none.
    amounts : ndarray of float64, shape (n_events,)
        NaN for none.

    Returns
    -------
    keys : ndarray of uint64, shape (n_events,)
        Two different pairs have the same one once in 2**64.
    valid : ndarray of bool, shape (n_events,)
        Where there are both.

    Examples
    --------
    >>> keys, valid = paired_keys(np.array([1, 1, 2, -1], np.int32), np.array([5.0, 5.0, 5.0, 5.0]))
    >>> bool(keys[0] == keys[1]), bool(keys[0] == keys[2]), valid.tolist()
    (True, False, [True, True, True, False])
    """
    keys = (amounts + 0.0).view(np.uint64)  # a negative zero is a zero
    valid = np.empty(codes.size, np.bool_)
    for i in range(codes.size):
        state = (keys[i] * FIRST) ^ (np.uint64(codes[i] + 1) * SECOND)
        state = (state ^ state >> HALF) * FIRST
        keys[i] = state ^ state >> HALF
        valid[i] = codes[i] >= 0 and amounts[i] == amounts[i]
    return keys, valid


@nb.njit(inline="always")
def _n_log_n(n: int) -> float:
    return n * np.log(float(n)) if n > 1 else 0.0


@nb.njit(cache=True, nogil=True)
def codes_in_window(
    starts: Array,
    times: Array,
    asked_starts: Array,
    moments: Array,
    rows: Array,
    width: int,
    lag: int,
    codes: Array,
    n_codes: int,
    places: Array,
    out: Array,
) -> None:
    """Measure the codes of the events from ``moment - width`` up to ``moment - lag``.

    Parameters
    ----------
    starts, times, asked_starts, moments, rows
        As for `totals_in_window`.
    width, lag : int
        Microseconds.
    codes : ndarray of int32, shape (n_events,)
        From 0 up; -1 for none.
    n_codes : int
        How many codes there are.
    places : ndarray of int64, shape (3,)
        The column of every one of `CODE_MEASURES`; -1 where it is not asked for. Entropy is in nats (Shannon, 1948).
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; an entropy without codes is left as it is.
    """
    at_distinct, at_entropy, at_repeats = places[0], places[1], places[2]
    times_met = np.zeros(n_codes, np.int32)
    for e in range(starts.size - 1):
        if asked_starts[e] == asked_starts[e + 1]:
            continue
        left = right = first_from(times, starts[e], starts[e + 1], moments[asked_starts[e]] - width)
        known, distinct, total, lost = 0, 0, 0.0, 0.0
        for k in range(asked_starts[e], asked_starts[e + 1]):
            while right < starts[e + 1] and times[right] < moments[k] - lag:
                code = codes[right]
                if code >= 0:
                    n = times_met[code]
                    distinct += n == 0
                    known += 1
                    times_met[code] = n + 1
                    if at_entropy >= 0:
                        total, lost = added(total, lost, _n_log_n(n + 1) - _n_log_n(n))
                right += 1
            while left < right and times[left] < moments[k] - width:
                code = codes[left]
                if code >= 0:
                    n = times_met[code]
                    distinct -= n == 1
                    known -= 1
                    times_met[code] = n - 1
                    if at_entropy >= 0:
                        total, lost = added(total, lost, _n_log_n(n - 1) - _n_log_n(n))
                left += 1
            if at_distinct >= 0:
                out[rows[k], at_distinct] = distinct
            if at_repeats >= 0:
                out[rows[k], at_repeats] = known - distinct
            if at_entropy >= 0 and known > 0:
                # One code alone has no entropy, whatever the logarithms round to.
                spread = np.log(float(known)) - (total + lost) / known
                out[rows[k], at_entropy] = max(spread, 0.0) if distinct > 1 else 0.0
        for i in range(left, right):
            if codes[i] >= 0:
                times_met[codes[i]] = 0
