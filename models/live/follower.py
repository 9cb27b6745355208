"""A thread that follows a store, so that the state has the rows that other processes append."""

import logging
import threading
from collections.abc import Callable

from fraudsieve.exceptions import StateError

__all__ = ["Follower"]

logger = logging.getLogger("fraudsieve.live")

INTERVAL = 0.02
"""Seconds between two looks at a store."""
PAUSE = 1.0
"""Seconds to wait after a failure."""


class Follower:
    """A thread that calls a function every 20 ms, and once a second while it fails.

    Parameters
    ----------
    catch_up : callable
        The function.

    Attributes
    ----------
    error : StateError or None
        The last failure; None once it works again.
    """

    def __init__(self, catch_up: Callable[[], None]) -> None:
        self.error: StateError | None = None
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
            except StateError as error:
                if self.error is None:
                    logger.error("the live state cannot follow its store: %s", error.problem)
                self.error = error
