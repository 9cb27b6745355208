"""Time and table helpers of the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BY_DAY",
    "BY_NIGHT",
    "DAY",
    "HOUR",
    "Bools",
    "Floats",
    "Ints",
    "Period",
    "moments",
    "names",
    "utc",
]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR

BY_DAY: Final = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 10, 9, 9, 9, 10, 11, 12, 12, 11, 8, 4)
"""How busy each local hour is in ordinary life."""
BY_NIGHT: Final = (10, 11, 11, 10, 8, 5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 6, 8)
"""How busy each local hour is for those who work while others sleep."""


class Period(NamedTuple):
    """A stretch of time in microseconds since 1970, open on the right.

    Examples
    --------
    >>> Period(start=0, end=DAY).length == DAY
    True
    """

    start: int
    end: int
    drifts: bool = True

    @property
    def length(self) -> int:
        """Microseconds from start to end."""
        return self.end - self.start

    def progress(self, times: Ints) -> Floats:
        """Say how far into the period each time is, from 0 to 1; midway always where nothing drifts."""
        return (times - self.start) / self.length if self.drifts else np.full(len(times), 0.5)


def moments(rng: Generator, times: Ints, *, begin: Ints, end: int, ahead: Ints, busy: Sequence[int] = BY_DAY) -> Ints:
    """Move times within their local day, so that the busy hours get more of them.

    Parameters
    ----------
    rng : numpy.random.Generator
    times : ndarray of shape (n,), in microseconds since 1970
    begin : ndarray of shape (n,)
        Moment before which a time must not fall.
    end : int
        Moment that no time may reach.
    ahead : ndarray of shape (n,), in hours ahead of UTC
    busy : sequence of 24 int, default BY_DAY

    Returns
    -------
    ndarray of shape (n,)
        Times outside the bounds are reflected into them; times that would leave their bounds stay.

    Examples
    --------
    >>> noon = [0] * 12 + [1] + [0] * 11
    >>> moved = moments(
    ...     np.random.default_rng(0),
    ...     np.array([5 * HOUR]),
    ...     begin=np.array([0]),
    ...     end=DAY,
    ...     ahead=np.array([8]),
    ...     busy=noon,
    ... )
    >>> (moved // HOUR).tolist()
    [4]
    """
    times = begin + abs(times - begin)
    times = np.clip(end - 1 - abs(end - 1 - times), begin, end - 1)
    hour = rng.choice(24, size=len(times), p=np.array(busy) / sum(busy)) + rng.random(len(times))
    shift = ahead * HOUR
    moved = (times + shift) // DAY * DAY + (hour * HOUR).astype(np.int64) - shift
    inside = (moved >= begin) & (moved < end)
    return np.where(inside, moved, times)


def utc(times: Ints) -> pd.DatetimeIndex:
    """Turn microseconds since 1970 into UTC times.

    Examples
    --------
    >>> utc(np.array([0])).dtype
    datetime64[us, UTC]
    """
    return pd.DatetimeIndex(times.astype("datetime64[us]")).tz_localize("UTC")


def names(words: Sequence[str], codes: ArrayLike) -> pd.Series[str]:
    """Look up words by code; the code -1 has none.

    Examples
    --------
    >>> names(["no", "yes"], [1, 0, -1]).tolist()
    ['yes', 'no', nan]
    """
    lookup = np.array([*words, None], dtype=object)
    return pd.Series(lookup[np.asarray(codes, dtype=np.int64)], dtype="str")
