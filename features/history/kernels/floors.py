"""The floors of windows: no window of an entity reaches further back than its latest events, up to a number.

A window of a cutoff time begins at ``cutoff - width``, or at the floor of the cutoff time if that is later. So a query
costs no more for an entity with many events, and a live state can drop what is below the floor of its oldest cutoff
time. The floor is just after the newest event that is one too many. Events at one time are therefore all in or all out,
whatever the order of their arrival::

    position            0    1    2    3    4    5    6    7      max_events is 3
    times              10   20   20   30   40   50   50   60
    cutoff 31           .   20   20   30 |                        0 is one too many, the floor is 11
    cutoff 41           .    .    .   30   40 |                   1 is one too many; 2 has its time: the floor is 21
    cutoff 70           .    .    .    .    .   50   50   60 |    4 is one too many, the floor is 41

Later cutoff times have later floors, or equal ones. So both ends of a window move to the right only, and an event that
is below a floor is in no window of a later cutoff time. Needs only NumPy and Numba.
"""

from fraudsieve._compiled import compile_inlined, compile_kernel
from fraudsieve._typing import Array

from .recency import NEVER
from .windows import first_from

__all__ = ["any_floor", "fill_floors", "floor_before"]


@compile_inlined()
def floor_before(times: Array, start: int, stop: int, max_events: int) -> int:
    """Return the floor for the events of an entity from `start` up to `stop`; `NEVER` if they are few."""
    if stop - start <= max_events:
        return NEVER
    return int(times[stop - max_events - 1] + 1)


@compile_kernel()
def any_floor(starts: Array, times: Array, cutoff_starts: Array, cutoffs: Array, max_events: int, width: int) -> bool:
    """Return whether any window may have more than `max_events` events, and so needs a floor.

    Most histories need none, and their windows are computed faster without.

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
    bool

    Examples
    --------
    >>> import numpy as np
    >>> starts, times = np.array([0, 4]), np.array([10, 20, 30, 90])
    >>> any_floor(starts, times, np.array([0, 1]), np.array([95]), 2, 60)
    False
    >>> any_floor(starts, times, np.array([0, 1]), np.array([35]), 2, 60)
    True
    """
    # A window with three events, where two are allowed, needs three neighbours that are less than a width apart:
    #
    #   times         10   20   30                        90      width is 60
    #   cutoff 35    [10   20   30 )                              30 - 10 is less than 60
    #   cutoff 95     .    .    .            [             90 )   90 - 20 is not
    for e in range(starts.size - 1):
        if starts[e + 1] - starts[e] <= max_events or cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        first = first_from(times, starts[e], starts[e + 1], cutoffs[cutoff_starts[e]]) - 1
        stop = first_from(times, starts[e], starts[e + 1], cutoffs[cutoff_starts[e + 1] - 1])
        for i in range(max(first, starts[e] + max_events), stop):
            if times[i] - times[i - max_events] < width:
                return True
    return False


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
        Filled in, in the order of ``cutoffs``; `NEVER` for an entity with few events.
    """
    for e in range(starts.size - 1):
        has_many = starts[e + 1] - starts[e] > max_events
        right = starts[e]
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            floors[k] = NEVER
            if has_many:
                if k == cutoff_starts[e]:
                    right = first_from(times, right, starts[e + 1], cutoffs[k])
                while right < starts[e + 1] and times[right] < cutoffs[k]:
                    right += 1
                floors[k] = floor_before(times, starts[e], right, max_events)
