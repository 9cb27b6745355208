"""Time zones by name: which time of UTC a clock shows, and what it shows at a time of UTC. Needs only NumPy.

The offsets of a zone from 1969 to 2101 are two arrays, so that columns of times are converted at once. A time that a
clock shows twice is the first of the two; one that it skips counts from the offset before, as in `datetime`.
"""

import difflib
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array

FIRST_SECOND: Final = -172_800
LAST_SECOND: Final = 4_134_153_600
"""Two days before 1970 and after 2100."""
STEP: Final = 86_400
"""Seconds between two checks of an offset: no zone changes it and changes it back within a day."""
NEAREST: Final = 3


def time_zone(name: str) -> ZoneInfo:
    """Return a time zone."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder of zones, a path, an unknown name
        pass
    raise ValueError(f"expected a time zone such as Asia/Shanghai, got an unknown name{_nearest(name)}")


def _nearest(name: str) -> str:
    zones = available_timezones()
    if not zones:
        return "; this machine has no time zones: run pip install tzdata"
    by_end = {word: zone for zone in sorted(zones) for word in (zone.casefold(), zone.rpartition("/")[2].casefold())}
    found = difflib.get_close_matches(name.strip().replace(" ", "_").casefold(), by_end, n=2 * NEAREST)
    near = list(dict.fromkeys(by_end[word] for word in found))[:NEAREST]
    return f"; the nearest are {', '.join(near)}" if near else ""


@lru_cache(maxsize=16)
def zone_offsets(name: str) -> tuple[Array, Array]:
    """Return the offsets of a zone."""
    if name == "UTC":
        return np.array([FIRST_SECOND * SECOND]), np.zeros(1, np.int64)
    zone = time_zone(name)

    def offset(second: int) -> int:
        shift = datetime.fromtimestamp(second, zone).utcoffset()
        return 0 if shift is None else int(shift.total_seconds() * SECOND)

    starts, offsets = [FIRST_SECOND], [offset(FIRST_SECOND)]
    for second in range(FIRST_SECOND + STEP, LAST_SECOND, STEP):
        found = offset(second)
        if found != offsets[-1]:
            before, after = second - STEP, second
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (before, middle) if offset(middle) == found else (middle, after)
            starts.append(after)
            offsets.append(found)
    return np.array(starts, np.int64) * SECOND, np.array(offsets, np.int64)


def to_local(times: Array, name: str) -> Array:
    """Return what a clock of a zone shows, in microseconds since 1970 on that clock."""
    if name == "UTC":
        return times
    starts, offsets = zone_offsets(name)
    return times + offsets[np.searchsorted(starts[1:], times, side="right")]


def from_local(times: Array, name: str) -> Array:
    """Return the times of UTC at which a clock of a zone shows given times, as `datetime` with ``fold=0`` does."""
    if name == "UTC":
        return times
    starts, offsets = zone_offsets(name)
    changes = starts[1:] + np.maximum(offsets[:-1], offsets[1:])
    return times - offsets[np.searchsorted(changes, times, side="right")]
