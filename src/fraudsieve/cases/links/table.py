"""Links between flagged actions, and the hubs that link nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.cases.actions import NO_TIME

LINK_KINDS: Final = (
    "same_sender",
    "same_recipient",
    "onward",
    "against",
    "identifier",
    "text",
    "wording",
    "address_range",
    "sign_up",
)
"""The kinds of links, in the order of their codes: the first four are shared accounts, by what the account does."""
HARD: Final = LINK_KINDS.index("identifier")


@dataclass(frozen=True, eq=False)
class Entries:
    """Values of actions, sorted by value and time; an action may have several values, and a value several actions."""

    # Shape (n_entries,). The value, the position and the time of the action, and the role of the value in it.
    value: Array
    action: Array
    time: Array
    role: Array

    @classmethod
    def sort(cls, value: Array, action: Array, time: Array, role: Array | None = None) -> "Entries":
        """Sort entries by value and action; actions are ordered by time. Missing values are left out."""
        role = np.zeros(len(value), np.int64) if role is None else role
        has_value = value >= 0
        value, action, time, role = (column[has_value] for column in (value, action, time, role))
        order = np.lexsort((role, action, value))
        return cls(value[order], action[order], time[order], role[order])

    def __getitem__(self, rows: Array) -> "Entries":
        return Entries(self.value[rows], self.action[rows], self.time[rows], self.role[rows])


@compile_kernel()
def _starts_kernel(value: Array, time: Array, window: int, out: Array) -> None:
    """Write the first entry of each entry's value that is at most a window older; itself without a time."""
    # `start` only moves to the right, since times ascend within a value; the package has a picture.
    start = 0
    for k in range(value.size):
        if k > 0 and value[k] != value[k - 1]:
            start = k
        if time[k] == NO_TIME:  # these come first
            out[k] = k
            start = k + 1
            continue
        while time[k] - time[start] > window:
            start += 1
        out[k] = start


@compile_kernel()
def _pair_kernel(ends: Array, offsets: Array, earlier: Array, later: Array) -> None:
    """Write as many entries before the end of each entry as its offsets say."""
    #   ends         0   1   2   3         here, up to each entry itself
    #   offsets      0   0   1   3   4     0, 1, 2 and 1 pairs
    #   earlier      0 | 0   1 | 2
    #   later        1 | 2   2 | 3
    for k in range(ends.size):
        count = offsets[k + 1] - offsets[k]
        for m in range(count):
            earlier[offsets[k] + m] = ends[k] - count + m
            later[offsets[k] + m] = k


def entries_in_window(entries: Entries, window: int) -> Array:
    """Count the entries of the same value that are at most a window older, each entry itself included."""
    _, untimed, timed = _earlier(entries, window)
    return untimed + timed + 1


def _earlier(entries: Entries, window: int) -> tuple[Array, Array, Array]:
    """Return the first entry of each entry's value, and how many before it have no time, or are within the window."""
    starts, positions = np.empty(len(entries.value), np.int64), np.arange(len(entries.value))
    _starts_kernel(entries.value, entries.time, window, starts)
    first = np.searchsorted(entries.value, entries.value)
    untimed = np.concatenate([[0], np.cumsum(entries.time == NO_TIME)])
    return first, untimed[positions] - untimed[first], positions - starts


def pair_entries(entries: Entries, window: int, nearest: int) -> tuple[Array, Array]:
    """Pair each entry with the entries before it that have the same value."""
    first, untimed, timed = _earlier(entries, window)
    n_timed = np.minimum(timed, nearest)
    n_untimed = np.minimum(untimed, nearest - n_timed)
    pairs = _pairs(first + untimed, n_untimed), _pairs(np.arange(len(first)), n_timed)
    earlier, later = (np.concatenate(column) for column in zip(*pairs, strict=True))
    different = entries.action[earlier] != entries.action[later]
    return earlier[different], later[different]


def _pairs(ends: Array, counts: Array) -> tuple[Array, Array]:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    earlier, later = np.empty(offsets[-1], np.int64), np.empty(offsets[-1], np.int64)
    _pair_kernel(ends, offsets, earlier, later)
    return earlier, later


def time_decay(first: Array, second: Array, window: int, half_life: float) -> Array:
    """Return the share of the weight that a link keeps, given the time between its actions."""
    is_timed, apart = _apart(first, second)
    return np.where(is_timed, np.clip(1 - apart / (2 * window * half_life), 0.0, 1.0), 0.5)


def within_window(first: Array, second: Array, window: int) -> Array:
    """Return whether actions are at most a window apart; True if a time is missing."""
    is_timed, apart = _apart(first, second)
    return ~is_timed | (apart <= window)


def _apart(first: Array, second: Array) -> tuple[Array, Array]:
    is_timed = (first != NO_TIME) & (second != NO_TIME)
    return is_timed, np.abs(np.where(is_timed, second, 0) - np.where(is_timed, first, 0))


def link_graph(source: Array, target: Array, weight: Array, n_actions: int) -> sp.csr_matrix:
    """Return the symmetric matrix of weights; several links between two actions are added up."""
    half = sp.coo_matrix((weight, (source, target)), (n_actions, n_actions)).tocsr()
    return half + half.T


@dataclass(frozen=True, eq=False)
class Links:
    """Links between actions; two actions may have several.

    Parameters
    ----------
    source, target : ndarray of int64, shape (n_links,)
        Positions of the earlier and the later action.
    kind : ndarray of int64, shape (n_links,)
        Code of `LINK_KINDS`.
    weight : ndarray of float64, shape (n_links,)
        Weight of the link after decay.
    value : ndarray of int64, shape (n_links,)
        Position in `shared`; -1 if the evidence is a similarity.
    strength : ndarray of float64, shape (n_links,)
        The similarity of texts, or the number of further accounts that link the other ends of both actions.
    shared : ndarray of object, shape (n_values,)
        The shared value: the id of an account, or the kind and the keyed digest of an identifier.
    """

    source: Array
    target: Array
    kind: Array
    weight: Array
    value: Array
    strength: Array
    shared: Array

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Array) -> "Links":
        columns = (self.source, self.target, self.kind, self.weight, self.value, self.strength)
        source, target, kind, weight, value, strength = (column[rows] for column in columns)
        return Links(source, target, kind, weight, value, strength, self.shared)

    def graph(self, n_actions: int) -> sp.csr_matrix:
        """Return the symmetric matrix of weights; several links between two actions are added up.

        Parameters
        ----------
        n_actions : int
            Number of actions.

        Returns
        -------
        csr_matrix of float64, shape (n_actions, n_actions)
        """
        return link_graph(self.source, self.target, self.weight, n_actions)


@dataclass(frozen=True, eq=False)
class Hubs:
    """Values that too many records share, and that therefore link nothing.

    Parameters
    ----------
    value : ndarray of object, shape (n_hubs,)
        As in `Links.shared`.
    actions, accounts : ndarray of int64, shape (n_hubs,)
        Numbers of flagged actions and of accounts that share the value.
    unflagged : ndarray of int64, shape (n_hubs,)
        Number of given records that are not flagged and have the value.
    """

    value: Array
    actions: Array
    accounts: Array
    unflagged: Array


def concatenate_links(parts: Sequence[Links]) -> Links:
    """Return the links of several sources as one table, without links of weight zero.

    They are sorted by source, target and kind.
    """
    shifts = np.cumsum([0, *(len(part.shared) for part in parts[:-1])])
    values = [np.where(part.value < 0, -1, part.value + shift) for part, shift in zip(parts, shifts, strict=True)]
    source, target, kind, weight, strength = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("source", "target", "kind", "weight", "strength")
    )
    order = np.lexsort((kind, target, source))
    order = order[weight[order] > 0]
    all_values = np.concatenate([part.shared for part in parts])
    return Links(source, target, kind, weight, np.concatenate(values), strength, all_values)[order]
