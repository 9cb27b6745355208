"""Background tasks: failures are logged, counted and shown, and the task is tried again after growing pauses.

They run in daemon threads, because a thread that reads a file system or calls a server that hangs may never return.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from .json_log import error_location, log_event
from .metrics import Metrics

Result = TypeVar("Result")

MAX_PAUSE = 600.0
"""Seconds; a task with a longer interval keeps it."""
STALLED_SECONDS = 60.0
"""A round that takes longer, and longer than three intervals, has stalled."""
STOP_SECONDS = 0.5
"""Seconds that threads have to finish when the service stops. Then they are abandoned."""


def call_in_thread(action: Callable[[], Result]) -> asyncio.Future[Result]:
    """Call a function in a daemon thread, which does not keep the process alive.

    The future has its result.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        outcome: Callable[[], None]
        try:
            outcome = partial(future.set_result, action())
        except BaseException as error:
            outcome = partial(future.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(lambda: None if future.done() else outcome())

    threading.Thread(target=run, name="background", daemon=True).start()
    return future


class BackgroundTasks:
    """Tasks that run in background threads, such as snapshots of the history.

    After a failure the pause doubles, up to ten minutes. A success resets it.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._failures: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._runs: dict[str, asyncio.Future[object]] = {}
        self._completed: dict[str, float] = {}
        self._stalled: set[str] = set()

    @property
    def failing(self) -> list[str]:
        """Names of the tasks whose last run failed."""
        return sorted(name for name, failures in self._failures.items() if failures)

    @property
    def stalled(self) -> list[str]:
        """Names of the periodic tasks whose round has run for over a minute, and for over three intervals."""
        return sorted(self._stalled)

    @property
    def running(self) -> list[str]:
        """Names of the tasks that run now."""
        return sorted(name for name, run in self._runs.items() if not run.done())

    @property
    def ages(self) -> dict[str, float]:
        """Seconds since each periodic task completed its last round, with or without success; or since its start."""
        now = time.monotonic()
        return {name: round(now - completed, 1) for name, completed in self._completed.items()}

    def run_once(self, name: str, action: Callable[[], object], seconds: float) -> None:
        """Run an action until it succeeds."""
        self._start(name, self._retry(name, action, seconds))

    def repeat(self, name: str, action: Callable[[], object], seconds: float) -> None:
        """Run an action periodically, forever."""
        self._complete(name)
        self._start(name, self._repeat(name, action, seconds))

    async def stop(self) -> None:
        """Cancel all tasks, and wait for runs in progress for half a second."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.running:
            await asyncio.wait(self._runs.values(), timeout=STOP_SECONDS)

    def _start(self, name: str, loop: "asyncio._CoroutineLike[None]") -> None:
        self._failures[name] = 0
        self.metrics.background_failing.labels(name).set(0)
        self._tasks.append(asyncio.create_task(loop, name=name))

    async def _retry(self, name: str, action: Callable[[], object], seconds: float) -> None:
        while not await self._succeeds(name, action):
            await asyncio.sleep(self._pause(name, seconds / 2))

    async def _repeat(self, name: str, action: Callable[[], object], seconds: float) -> None:
        while True:
            await asyncio.sleep(self._pause(name, seconds))
            await self._succeeds(name, action, max(STALLED_SECONDS, 3 * seconds))
            self._complete(name)

    def _complete(self, name: str) -> None:
        self._completed[name] = time.monotonic()
        self.metrics.background_completed.labels(name).set_to_current_time()

    def _pause(self, name: str, seconds: float) -> float:
        # The exponent is limited because a large power does not fit into a float.
        return min(seconds * 2.0 ** min(self._failures[name], 30), max(seconds, MAX_PAUSE))

    async def _run(self, name: str, action: Callable[[], object], limit: float | None) -> None:
        """Run an action; if it takes longer than the limit, log and show it meanwhile."""
        run = self._runs[name] = call_in_thread(action)
        run.add_done_callback(lambda run: run.cancelled() or run.exception())  # it may be abandoned
        if not (await asyncio.wait([run], timeout=limit))[0]:
            self._stalled.add(name)
            log_event("background task stalled", level=logging.ERROR, task=name, seconds=limit)
            await asyncio.wait([run])
            self._stalled.remove(name)
        await run

    async def _succeeds(self, name: str, action: Callable[[], object], limit: float | None = None) -> bool:
        try:
            await self._run(name, action, limit)
        except Exception as error:
            self._failures[name] += 1
            self.metrics.background_failures.labels(name).inc()
            log_event(
                "background task failed, it will be tried again",
                level=logging.ERROR,
                task=name,
                failures=self._failures[name],
                error=error_location(error),
            )
        else:
            if self._failures[name]:
                log_event("background task works again", task=name, failures=self._failures[name])
            self._failures[name] = 0
        self.metrics.background_failing.labels(name).set(self._failures[name])
        return not self._failures[name]
