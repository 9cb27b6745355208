"""Services with several workers, in processes of their own."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest


def wait_until(condition: Any, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Workers:
    """A service with several workers, its supervisor and its log."""

    def __init__(self, service: Any) -> None:
        self.service = service

    def ready_pids(self) -> list[int]:
        """Return the processes that have become ready, in that order, also those that have ended since."""
        return [line["pid"] for line in self.service.lines("ready")]

    def pids(self) -> list[int]:
        """Return the workers that are ready and run."""
        return [pid for pid in self.ready_pids() if is_running(pid)]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    @contextmanager
    def load(self, call: Callable[[httpx.Client, int], object], clients: int = 4) -> Iterator[list[Any]]:
        """Call without a pause from several clients; yield what they get, or the error of the connection.

        A client that is cut off connects again, and one that cannot connect stops.
        """
        answers, stop = list[Any](), threading.Event()

        def run(number: int) -> None:
            client, turn = self.service.client(), number
            while not stop.is_set():
                try:
                    answers.append(call(client, turn))
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    answers.append(error)
                    client.close()
                    client = self.service.client()
                turn += clients
            client.close()

        threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)


@pytest.fixture(scope="module")
def start_workers(serve: Any) -> Callable[..., Workers]:
    """Start a service with two workers and wait until both are ready."""

    def start(model: str | Path, *options: str, **environment: str) -> Workers:
        return Workers(serve(model, "--workers", "2", *options, **environment))

    return start
