"""Turns of the event loop: a limited number of requests start in each, so that /healthz is answered in between."""

import asyncio
from collections import deque

__all__ = ["Turns"]

STARTS = 32
"""Requests per turn: without scores, they take about 5 ms."""


class Turns:
    """Queue of requests that arrive at the same time, over a thousand connections, say."""

    def __init__(self) -> None:
        self.started = 0
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def start(self) -> None:
        """Return in this turn of the event loop, or in a later one if many requests start in this one."""
        loop = asyncio.get_running_loop()
        if not self.started:
            loop.call_soon(self._next_turn)
        self.started += 1
        if self.started > STARTS:
            future = loop.create_future()
            self.waiting.append(future)
            await future

    def _next_turn(self) -> None:
        self.started = min(len(self.waiting), STARTS)
        for _ in range(self.started):
            future = self.waiting.popleft()
            if not future.done():  # else the request was cancelled
                future.set_result(None)
        if self.started:
            asyncio.get_running_loop().call_soon(self._next_turn)
