"""The current time, safe against jumps of the system clock."""

import time
from datetime import UTC, datetime

from fraudsieve._microseconds import SECOND
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.live_state import HistoryState


class PlausibleClock:
    """The system time, limited if it is ahead of both the events and the time since the clock was created."""

    def __init__(self) -> None:
        self._opened = time.time() - seconds_since_boot()

    def now(self, state: HistoryState) -> datetime:
        """Return the time with which a state recognises events in the future."""
        wall, newest = time.time(), state.watermark
        if newest != NEVER:
            plausible = newest / SECOND + window_seconds(state.lateness)
            wall = min(wall, max(self._opened + seconds_since_boot(), plausible))
        return datetime.fromtimestamp(wall, UTC)


def seconds_since_boot() -> float:
    """Return a monotonic clock, if possible one that includes the time in which the machine sleeps."""
    if not hasattr(time, "clock_gettime"):  # Windows
        return time.monotonic()
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
