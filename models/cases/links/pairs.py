"""Pairs of actions that share a value within a window of time, in linear time."""

from dataclasses import dataclass

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.models.cases.actions import NO_TIME

__all__ = ["Entries", "entries_in_window", "pair_entries", "time_decay"]


@dataclass(frozen=True, eq=False)
class Entries:
    """Values of actions, sorted by value and time; an action may have several values, and a value several actions.

    Parameters
    ----------
    value, action, time, role : ndarray of int64, shape (n_entries,)
        The value, the position and the time of the action, and the role of the value in it.
    """

    value: Array
    action: Array
    time: Array
    role: Array

    @classmethod
    def sort(cls, value: Array, action: Array, time: Array, role: Array | None = None) -> "Entries":
        """Sort entries by value and action; actions are ordered by time. Missing values are left out.

        Returns
        -------
        Entries
        """
        role = np.zeros(len(value), np.int64) if role is None else role
        has_value = value >= 0
        value, action, time, role = (column[has_value] for column in (value, action, time, role))
        order = np.lexsort((role, action, value))
        return cls(value[order], action[order], time[order], role[order])

    def __getitem__(self, rows: Array) -> "Entries":
        return Entries(self.value[rows], self.action[rows], self.time[rows], self.role[rows])


@compile_kernel()
def _starts_kernel(value: Array, time: Array, window: int, out: Array) -> None:
    """Write the first entry of each entry's value that is at most a window older."""
    start = 0
    for k in range(value.size):
        if value[start] != value[k]:
            start = k
        while time[start] != time[k] and time[start] != NO_TIME and time[k] - time[start] > window:
            start += 1
        out[k] = start


@compile_kernel()
def _pair_kernel(starts: Array, offsets: Array, earlier: Array, later: Array) -> None:
    for k in range(starts.size):
        count = offsets[k + 1] - offsets[k]
        for m in range(count):
            earlier[offsets[k] + m] = k - count + m
            later[offsets[k] + m] = k


def entries_in_window(entries: Entries, window: int) -> Array:
    """Count the entries of the same value that are at most a window older, each entry itself included.

    Parameters
    ----------
    entries : Entries
        Sorted entries.
    window : int
        Length in microseconds.

    Returns
    -------
    ndarray of int64, shape (n_entries,)
    """
    starts = np.empty(len(entries.value), np.int64)
    _starts_kernel(entries.value, entries.time, window, starts)
    return np.arange(len(starts)) - starts + 1


def pair_entries(entries: Entries, window: int, nearest: int) -> tuple[Array, Array]:
    """Pair each entry with the entries before it that have the same value.

    Parameters
    ----------
    entries : Entries
        Sorted entries.
    window : int
        Largest distance in microseconds. An entry without a time is paired whatever the distance.
    nearest : int
        Largest number of earlier entries.

    Returns
    -------
    earlier, later : ndarray of int64, shape (n_pairs,)
        Positions of entries.

    Examples
    --------
    >>> zero = np.zeros(3, np.int64)
    >>> entries = Entries.sort(zero, np.arange(3), np.array([0, 10, 15]))
    >>> [column.tolist() for column in pair_entries(entries, window=10, nearest=8)]
    [[0, 1], [1, 2]]
    """
    count = np.minimum(entries_in_window(entries, window) - 1, nearest)
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    earlier, later = np.empty(offsets[-1], np.int64), np.empty(offsets[-1], np.int64)
    _pair_kernel(count, offsets, earlier, later)
    different = entries.action[earlier] != entries.action[later]
    return earlier[different], later[different]


def time_decay(first: Array, second: Array, window: int, half_life: float) -> Array:
    """Return the share of the weight that a link keeps, given the time between its actions.

    Parameters
    ----------
    first, second : ndarray of int64, shape (n_links,)
        Times in microseconds.
    window : int
        Length of the window in microseconds.
    half_life : float
        Time, in windows, after which half is left. The decay is linear.

    Returns
    -------
    ndarray of float64, shape (n_links,)
        From 0 to 1; a half if a time is missing.

    Examples
    --------
    >>> time_decay(np.array([0, 0]), np.array([0, 10]), window=10, half_life=1).tolist()
    [1.0, 0.5]
    """
    timed = (first != NO_TIME) & (second != NO_TIME)
    apart = np.where(timed, second, 0) - np.where(timed, first, 0)
    return np.where(timed, np.clip(1 - np.abs(apart) / (2 * window * half_life), 0.0, 1.0), 0.5)
