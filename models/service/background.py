"""Background tasks: failures are logged, counted and shown, and the task is tried again after growing pauses."""

import asyncio
import logging
from collections.abc import Callable

from .json_log import error_location, log_event
from .metrics import Metrics

__all__ = ["BackgroundTasks"]

MAX_PAUSE = 600.0
"""Seconds; a task with a longer interval keeps it."""


class BackgroundTasks:
    """Tasks that run in background threads, such as snapshots of the history.

    After a failure the pause doubles, up to ten minutes. A success resets it.

    Parameters
    ----------
    metrics : Metrics
        Counts the failures.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._failures: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def failing(self) -> list[str]:
        """Names of the tasks whose last run failed."""
        return sorted(name for name, failures in self._failures.items() if failures)

    def run_once(self, name: str, action: Callable[[], object], seconds: float) -> None:
        """Run an action until it succeeds.

        Parameters
        ----------
        name : str
            Its name in the log and in the metrics.
        action : callable
            Runs in a thread.
        seconds : float
            Pause after the first failure.
        """
        self._start(name, self._retry(name, action, seconds))

    def repeat(self, name: str, action: Callable[[], object], seconds: float) -> None:
        """Run an action periodically, forever.

        Parameters
        ----------
        name : str
            Its name in the log and in the metrics.
        action : callable
            Runs in a thread.
        seconds : float
            Pause before the first run and after a success.
        """
        self._start(name, self._repeat(name, action, seconds))

    async def stop(self) -> None:
        """Cancel all tasks. A run in progress ends by itself."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, name: str, loop: "asyncio._CoroutineLike[None]") -> None:
        self._failures[name] = 0
        self.metrics.set_background_failures(name, 0)
        self._tasks.append(asyncio.create_task(loop, name=name))

    async def _retry(self, name: str, action: Callable[[], object], seconds: float) -> None:
        while not await self._succeeds(name, action, seconds):
            await asyncio.sleep(self._pause(name, seconds / 2))

    async def _repeat(self, name: str, action: Callable[[], object], seconds: float) -> None:
        while True:
            await asyncio.sleep(self._pause(name, seconds))
            await self._succeeds(name, action, seconds)

    def _pause(self, name: str, seconds: float) -> float:
        # The exponent is limited because a large power does not fit into a float.
        return min(seconds * 2.0 ** min(self._failures[name], 30), max(seconds, MAX_PAUSE))

    async def _succeeds(self, name: str, action: Callable[[], object], seconds: float) -> bool:
        try:
            await asyncio.to_thread(action)
        except Exception as error:
            self._failures[name] += 1
            self.metrics.count_background_failure(name)
            fields = {"task": name, "failures": self._failures[name], "error": error_location(error)}
            log_event("background task failed, it will be tried again", level=logging.ERROR, **fields)
        else:
            if self._failures[name]:
                log_event("background task works again", task=name, failures=self._failures[name])
            self._failures[name] = 0
        self.metrics.set_background_failures(name, self._failures[name])
        return not self._failures[name]
