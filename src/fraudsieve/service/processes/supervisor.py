"""The supervisor: starts workers on one socket, replaces those that die, and stops all of them in order.

uvicorn's own supervisor (tried: 0.54) does less. Its workers live on when it is killed, since each holds both ends of
the pipe to it. A second signal is ignored while a request keeps a worker from ending. If a replacement cannot start,
for example because the store is away, the whole service ends within seconds; one that dies later is replaced at once
and forever. Workers have no numbers, which evidence logs and snapshots need, and none waits until all have answered.

Workers are spawned, because threads of Numba and LightGBM do not survive a fork. They share the listening socket rather
than have one each: connections that wait for a dead worker are then accepted by the others.
"""

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.context import SpawnProcess

from prometheus_client.multiprocess import mark_process_dead

from fraudsieve._io import lock_file
from fraudsieve.exceptions import FraudsieveError
from fraudsieve.service.json_log import log_event, log_listening
from fraudsieve.service.settings import Settings

from .messages import CLOSE, DRAINED, READY
from .worker import run_worker

FIRST_PAUSE, MAX_PAUSE = 0.5, 60.0
"""Seconds before a dead worker is replaced: after the first death, and at most."""
STABLE_SECONDS = 60.0
"""After a worker that served for at least this long, the next pause is the first one again."""


def supervise(settings: Settings, listener: socket.socket) -> bool:
    """Run the workers until SIGTERM or SIGINT, then let them finish their requests.

    Returns whether all workers stopped cleanly.
    """
    with tempfile.TemporaryDirectory(prefix="fraudsieve-workers-") as folder, _stop_signals() as signals:
        lock_file(os.open(folder, os.O_RDONLY))  # systemd-tmpfiles deletes old files of folders that are not locked
        return Supervisor(replace(settings, folder=folder), listener, signals).run()


@contextmanager
def _stop_signals() -> Iterator[Connection]:
    """Yield a pipe that becomes readable with each SIGTERM and SIGINT."""
    reader, writer = Pipe(duplex=False)
    stops = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(stop, lambda *_: writer.send(None)) for stop in stops]
    try:
        yield reader
    finally:
        for stop, handler in zip(stops, before, strict=True):
            signal.signal(stop, handler)


@dataclass(eq=False)
class _Worker:
    number: int
    process: SpawnProcess
    pipe: Connection
    ready_at: float | None = None
    is_drained: bool = False
    error: Exception | None = None


class Supervisor:
    """Supervisor of the workers of a service."""

    def __init__(self, settings: Settings, listener: socket.socket, signals: Connection) -> None:
        self.settings, self.listener, self.signals = settings, listener, signals
        self.workers: list[_Worker] = []
        self.deaths = [0] * settings.workers
        self.next_starts: dict[int, float] = {}
        self.was_ready = self.is_stopping = False

    def run(self) -> bool:
        """Run until a signal; return whether all workers stopped cleanly."""
        log_listening(self.listener)
        for number in range(self.settings.workers):
            self._start(number, is_replacement=False)
        try:
            while not self._receive(self._pause()):
                self._replace_dead()
        except FraudsieveError:
            self._stop()
            raise
        return self._stop()

    def _start(self, number: int, *, is_replacement: bool) -> None:
        ours, theirs = Pipe()
        context = multiprocessing.get_context("spawn")
        given = number, self.settings, is_replacement, self.listener, theirs
        process = context.Process(target=run_worker, args=given, name=f"worker-{number}")
        process.start()
        theirs.close()  # so that ours ends when the worker does
        self.workers.append(_Worker(number, process, ours))

    def _pause(self) -> float | None:
        """Return the seconds until a worker must be started; None if there is no worker to start."""
        return max(0.0, min(self.next_starts.values()) - time.monotonic()) if self.next_starts else None

    def _replace_dead(self) -> None:
        now = time.monotonic()
        for number in [number for number, at in self.next_starts.items() if at <= now]:
            del self.next_starts[number]
            self._start(number, is_replacement=True)

    def _receive(self, seconds: float | None = None) -> bool:
        """Wait for messages of the workers and handle them; return whether a signal has arrived."""
        by_pipe = {worker.pipe: worker for worker in self.workers}
        readable = wait([self.signals, *by_pipe], seconds)
        for pipe in readable:
            if isinstance(pipe, Connection) and pipe in by_pipe:
                self._handle(by_pipe[pipe])
        if self.signals in readable:
            self.signals.recv()
            return True
        return False

    def _handle(self, worker: _Worker) -> None:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            self._remove(worker)
            if not self.is_stopping:
                self._plan_replacement(worker)
            return
        if message == READY:
            worker.ready_at = time.monotonic()
            self._log_if_all_are_ready()
        elif message == DRAINED:
            worker.is_drained = True
        elif isinstance(message, Exception):
            worker.error = message

    def _log_if_all_are_ready(self) -> None:
        if len(self.workers) == self.settings.workers and all(worker.ready_at for worker in self.workers):
            log_event("all workers are ready", workers=len(self.workers))
            self.was_ready = True

    def _remove(self, worker: _Worker) -> None:
        worker.process.join()
        worker.pipe.close()
        self.workers.remove(worker)
        mark_process_dead(worker.process.pid, self.settings.folder)  # type: ignore[no-untyped-call]

    def _plan_replacement(self, worker: _Worker) -> None:
        """Plan the start of a worker in place of one that has ended; raise if the service cannot start at all."""
        if worker.error is not None and not self.was_ready:
            raise worker.error
        now = time.monotonic()
        if worker.ready_at is not None and now - worker.ready_at > STABLE_SECONDS:
            self.deaths[worker.number] = 0
        pause = min(FIRST_PAUSE * 2.0 ** min(self.deaths[worker.number], 30), MAX_PAUSE)
        self.deaths[worker.number] += 1
        self.next_starts[worker.number] = now + pause
        process = worker.process
        log_event(
            "worker ended and will be replaced",
            level=logging.ERROR,
            pid=process.pid,
            exit_code=process.exitcode,
            deaths=self.deaths[worker.number],
            pause=pause,
        )

    def _stop(self) -> bool:
        """Let all workers answer what they have accepted, then let them close one by one.

        Once all have answered, no event is added any more: the first that closes leaves a snapshot of everything, and
        the others find it.
        """
        self.is_stopping = True
        self.listener.close()  # else a connection could be opened that is never served
        started = list(self.workers)
        for worker in started:
            worker.process.terminate()
        while not all(worker.is_drained for worker in self.workers):
            self._receive_or_kill()
        for worker in started:
            with suppress(OSError):  # it has died
                worker.pipe.send(CLOSE)
            while worker in self.workers:
                self._receive_or_kill()
        codes = [worker.process.exitcode for worker in started]
        log_event("all workers have stopped", exit_codes=codes)
        return all(
            code == 0 or (worker.ready_at is None and code == -signal.SIGTERM)  # it was still starting
            for worker, code in zip(started, codes, strict=True)
        )

    def _receive_or_kill(self) -> None:
        """Handle messages; on a second signal, kill all workers. Acknowledged events are stored."""
        if self._receive():
            for worker in self.workers:
                worker.process.kill()
