"""A thread that follows a store, so that the state has the rows that other processes append."""

import logging
import threading
import time
from collections.abc import Callable

from fraudsieve.exceptions import StateError

logger = logging.getLogger("fraudsieve.live")

INTERVAL = 0.02
"""Seconds between two checks of a store."""
PAUSE = 1.0
"""Seconds to wait after a failure."""


class Follower:
    """A thread that calls a function every 20 ms, and once per second while it fails."""

    def __init__(self, catch_up: Callable[[], None], origin: str) -> None:
        self.error: StateError | None = None
        self.completed = time.monotonic()
        self._origin = origin
        self._catch_up, self._closing = catch_up, threading.Event()
        self._thread = threading.Thread(target=self._follow, name="live-state-follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._closing.wait(PAUSE if self.error else INTERVAL):
            try:
                self._catch_up()
                if self.error is not None:
                    logger.warning("the live state follows its store again")
                self.error = None
            except Exception as raised:  # whatever fails, the thread keeps running and tries again
                error = raised if isinstance(raised, StateError) else self._unexpected(raised)
                if self.error is None:
                    logger.error("the live state cannot follow its store: %s", error.problem)
                self.error = error
            self.completed = time.monotonic()

    def _unexpected(self, raised: Exception) -> StateError:
        """Return an error that names only the type, because the text can quote a record."""
        problem = f"its rows cannot be added to the live state ({type(raised).__name__})"
        return StateError(self._origin, problem, "It is tried again every second; free memory if it is short.")
