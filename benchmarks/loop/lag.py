"""How long it takes until what one worker has acknowledged is in the history of every other one."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from .traffic import Acknowledged, Traffic

__all__ = ["measured_lag"]

AFTER: Final = "fraudsieve-after"
PAUSE: Final = 0.05
"""Seconds between two questions."""


@contextmanager
def measured_lag(traffic: Traffic) -> Iterator[None]:
    """Ask for the newest acknowledged offset all the time, until the end of the block.

    Each question is an empty list of records, over a connection of its own, so that any worker may get it: it answers
    when its history has the offset. A lag is the time from the acknowledgement to the answer, which includes the time
    of a request. ``behind`` counts the questions that a worker refused, because it did not have the offset in time.
    """
    is_over = threading.Event()
    thread = threading.Thread(target=_ask, args=(traffic, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        traffic.has_new.set()
        thread.join()


def _ask(traffic: Traffic, is_over: threading.Event) -> None:
    while not is_over.is_set():
        traffic.has_new.wait()
        traffic.has_new.clear()
        newest, was_down = traffic.newest, traffic.is_down.is_set()
        try:
            status = _status(traffic, newest)
        except httpx.TransportError:
            continue  # a worker or the service was killed: its clients count that
        if not (was_down or traffic.is_down.is_set()):
            traffic.lags.append(time.monotonic() - newest.time)
            traffic.counts["behind"] += status == 503
        is_over.wait(PAUSE)


def _status(traffic: Traffic, newest: Acknowledged) -> int:
    with traffic.service.client(timeout=60) as client:
        return client.post("/v1/score", json=[], headers={AFTER: str(newest.offset)}).status_code
