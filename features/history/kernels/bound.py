"""The bound of windows: a window has at most the newest events of its entity, up to a number.

So a query costs no more for an entity with many events, and a live state can drop what no window can have. Events at
one time are in the order of a keyed digest. The order is therefore total, and does not depend on how events arrive. The
*floor* of a cutoff time is the position of the first event that its windows may have::

    position            0    1    2    3    4    5    6    7      max_events is 3
    times              10   20   20   30   40   50   50   60
    digests             5    3    8    2    7    1    9    4
    cutoff 31           .   20   20   30 |                        right is 4, the floor 4 - 3 = 1
    cutoff 41           .    .   20   30   40 |                   the floor is 2: of those at 20, the larger digest
    cutoff 70           .    .    .    .    .   50   50   60 |    the floor is 5

A window begins at its own begin or at the floor, whichever is later. Later cutoff times have later floors, or equal
ones. So both ends of a window move to the right only, and an event below a floor is in no window of a later cutoff
time, whatever arrives later: an event that is inserted can only push others below it.

Clients choose ids and amounts, and so could choose which events at one time remain. Digests are therefore keyed by
`History.order_key`. The batch runner sorts by them only the events at one time that a floor divides. Needs only NumPy
and Numba.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Self

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

from .digest_table import fold_product
from .windows import first_from

TIME, DIGEST, AMOUNT, KIND, IDS = range(5)
"""The columns of a row of an event or a label; the identifiers have one column each, from IDS on."""
SUBJECT = KIND
"""The column of a label that has the digest of its event."""
HALF, PART = np.uint64(32), np.uint64(40)
NEGATIVE_ZERO: Final[Any] = np.int64(-(2**63))
"""The bits of the amount -0.0, which equals 0.0."""


@compile_kernel()
def _fill_digests(rows: Array, key: Array, subject: int, classes: int) -> None:
    # Of labels of a subject at one time, the one with the largest class counts, and so must be the newest:
    #
    #   bits       63..32                 31..24     23..0
    #              digest of the subject  class      digest of the row
    for i in range(len(rows)):
        state = fold_product(np.uint64(rows[i, DIGEST]) ^ key[0], key[1])
        for column in range(AMOUNT, rows.shape[1]):
            word = np.uint64(rows[i, column] if rows[i, column] != NEGATIVE_ZERO else 0)
            state = fold_product(state ^ word ^ key[2], key[3])
        if subject >= 0 and rows[i, subject] != 0:
            of_class = np.uint64(min(max(rows[i, classes] + 1, 0), 255))
            of_subject = fold_product(np.uint64(rows[i, subject]) ^ key[0], key[1])
            state = of_subject >> HALF << HALF | of_class << PART - np.uint64(16) | state >> PART
        rows[i, DIGEST] = np.int64(state)


class RowBound(NamedTuple):
    """The bound of the rows of an entity."""

    # Shape (4,). The key of the digests.
    key: Array
    # How many rows a window may have.
    max_events: int
    # How many rows of one time, and before the horizon, a live state keeps: all, if they can be taken back.
    max_kept: int
    # For labels, the columns of what is labelled and of the label: a later label of a subject replaces this one.
    subject: int = -1
    classes: int = KIND

    @classmethod
    def of(cls, max_events: int, key: str = "") -> Self:
        """Return the bound of events, whose key is derived from that of a view."""
        digest = blake2b(key.encode(), digest_size=32).digest()
        return cls(np.frombuffer(digest, np.uint64).copy(), max_events, max_events)

    def fill_digests(self, rows: Array) -> None:
        """Replace the digest of the id of every row, 0 without one, by the digest that orders the row."""
        _fill_digests(rows, self.key, self.subject, self.classes)


def sort_ties(starts: Array, times: Array, order: Array, chosen: Array, digests_of: Callable[[Array], Array]) -> None:
    """Sort the rows of one time by their digests, in place, of some entities; the arrays are those of `sort_events`."""
    follows = np.repeat(chosen, np.diff(starts))
    follows[1:] &= times[1:] == times[:-1]
    follows[starts[:-1][starts[:-1] < times.size]] = False
    tied = np.flatnonzero(follows | np.append(follows[1:], False)[: times.size])
    if tied.size:
        rows = order[tied]
        order[tied] = rows[np.lexsort((digests_of(rows), np.cumsum(~follows[tied])))]


@compile_kernel()
def count_bounded(
    starts: Array, times: Array, cutoff_starts: Array, cutoffs: Array, max_events: int, width: int
) -> int:
    """Count the entities of which a window may lack events, because it has more than `max_events`.

    Most histories have none, and their windows are computed faster without floors.

    Parameters
    ----------
    starts, times, cutoff_starts, cutoffs
        As for `totals_in_windows`.
    max_events : int
        Maximum number of events of a window.
    width : int
        Length of the longest window in microseconds.

    Returns
    -------
    int

    Examples
    --------
    >>> starts, times = np.array([0, 4]), np.array([10, 20, 30, 90])
    >>> count_bounded(starts, times, np.array([0, 1]), np.array([95]), 2, 60)
    0
    >>> count_bounded(starts, times, np.array([0, 1]), np.array([35]), 2, 60)
    1
    """
    # A window with three events, where two are allowed, needs three neighbours that are less than a width apart:
    #
    #   times         10   20   30                        90      width is 60
    #   cutoff 35    [10   20   30 )                              30 - 10 is less than 60
    #   cutoff 95     .    .    .            [             90 )   90 - 20 is not
    n = 0
    for e in range(starts.size - 1):
        if starts[e + 1] - starts[e] <= max_events or cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        first = first_from(times, starts[e], starts[e + 1], cutoffs[cutoff_starts[e]]) - 1
        stop = first_from(times, starts[e], starts[e + 1], cutoffs[cutoff_starts[e + 1] - 1])
        for i in range(max(first, starts[e] + max_events), stop):
            if times[i] - times[i - max_events] < width:
                n += 1
                break
    return n


@compile_kernel()
def fill_floors(
    starts: Array, times: Array, cutoff_starts: Array, cutoffs: Array, max_events: int, floors: Array
) -> None:
    """Fill in the floor of every cutoff time.

    Parameters
    ----------
    starts, times, cutoff_starts, cutoffs
        As for `totals_in_windows`.
    max_events : int
        Maximum number of events of a window.
    floors : ndarray of int64, shape (n_subjects,)
        Filled in, in the order of ``cutoffs``: the position of the first event that windows may have.
    """
    for e in range(starts.size - 1):
        right = starts[e]
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            right = first_from(times, right, starts[e + 1], cutoffs[k])
            floors[k] = max(right - max_events, starts[e])
