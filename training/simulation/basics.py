"""Times, tables and data files of the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from fraudsieve._microseconds import DAY, HOUR
from fraudsieve.tables.cells import STRING

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


BY_DAY: Final = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 10, 9, 9, 9, 10, 11, 12, 12, 11, 8, 4)
"""Activity of ordinary people, for each local hour."""
BY_NIGHT: Final = (10, 11, 11, 10, 8, 5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 6, 8)
"""Activity of fraud rings, which work at night, for each local hour."""


class Period(NamedTuple):
    """A period of time in microseconds since 1970, closed on the left and open on the right."""

    start: int
    end: int
    drifts: bool = True

    @property
    def length(self) -> int:
        """Microseconds from start to end."""
        return self.end - self.start

    def progress(self, times: Ints) -> Floats:
        """Return how far into the period each time is, from 0 to 1; always 0.5 if nothing drifts."""
        return (times - self.start) / self.length if self.drifts else np.full(len(times), 0.5)


def move_to_busy_hours(
    rng: Generator, times: Ints, *, begin: Ints, end: int, ahead: Ints, busy: Sequence[int] = BY_DAY
) -> Ints:
    """Move times within their local day, so that busy hours get more of them.

    Times and bounds are in microseconds since 1970, `ahead` in hours ahead of UTC. Times outside [`begin`, `end`) are
    reflected into it first. A time that would leave the bounds is not moved.
    """
    times = begin + abs(times - begin)
    times = np.clip(end - 1 - abs(end - 1 - times), begin, end - 1)
    hour = rng.choice(24, size=len(times), p=np.array(busy) / sum(busy)) + rng.random(len(times))
    shift = ahead * HOUR
    moved = (times + shift) // DAY * DAY + (hour * HOUR).astype(np.int64) - shift
    inside = (moved >= begin) & (moved < end)
    return np.where(inside, moved, times)


def utc_times(times: Ints) -> pd.DatetimeIndex:
    """Convert microseconds since 1970 to UTC times."""
    return pd.DatetimeIndex(times.astype("datetime64[us]")).tz_localize("UTC")


def lookup(words: Sequence[str], codes: ArrayLike) -> pd.Series[str]:
    """Look up words by their position; -1 gives a missing value."""
    by_code = np.array([*words, None], dtype=object)
    return pd.Series(by_code[np.asarray(codes, dtype=np.int64)], dtype=STRING)


def read_text(name: str) -> str:
    """Read a data file of the simulator."""
    return (files("fraudsieve.training.simulation") / "data" / name).read_text("utf-8")


def read_rows(name: str) -> list[list[str]]:
    """Read a table of tab-separated columns, without its comments."""
    return [line.split("\t") for line in read_text(name).splitlines() if not line.startswith("#")]
