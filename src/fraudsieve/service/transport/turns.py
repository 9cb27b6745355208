"""Turns of the event loop: few requests start in each, so that /healthz is answered in between."""

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Turns"]

STARTS = 32
"""Requests per turn: without scores, they take about 5 ms."""
CONNECTIONS_PER_START = 16
"""Connections that are accepted before one more waiting request starts."""
MAX_BURST = 2048
"""Connections that can wait to be accepted; if more arrive without a pause, requests do not wait for them."""


class Turns:
    """Queue of requests that arrive at the same time, over a thousand connections, say.

    uvloop accepts one connection per turn, and `/healthz` may be asked over the last of them. So requests wait while
    a burst of connections arrives: the turns are short then.
    """

    def __init__(self) -> None:
        self.free = STARTS  # requests that may still start in this turn
        self.connections = 0  # accepted in this turn, and in all turns before it since one without any
        self.has_connection = self.is_scheduled = False
        self.waiting: deque[Callable[[], None]] = deque()

    @property
    def is_accepting(self) -> bool:
        """Whether a connection of a burst was accepted in this turn, so that requests wait."""
        return self.has_connection and self.connections <= MAX_BURST

    def connection_made(self) -> None:
        """Note that a connection was accepted in this turn."""
        self.connections += 1
        self.has_connection = True
        if self.is_accepting:
            self.free = 0
        self._schedule()

    async def start(self) -> None:
        """Return in this turn of the event loop, or in a later one if many requests or connections arrive."""
        self._schedule()
        if self.free:
            self.free -= 1
            return
        turn = asyncio.Event()
        self.waiting.append(turn.set)
        await turn.wait()

    def call_later(self, callback: Callable[[], None]) -> None:
        """Call a function in a later turn, in order with the waiting requests."""
        self._schedule()
        self.waiting.append(callback)

    def _schedule(self) -> None:
        if not self.is_scheduled:
            self.is_scheduled = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self.is_scheduled = False
        self.free = int(self.connections % CONNECTIONS_PER_START == 0) if self.is_accepting else STARTS
        if not self.has_connection:
            self.connections = 0
        while self.waiting and self.free:
            self.free -= 1
            self.waiting.popleft()()
        if self.waiting or self.has_connection:
            self._schedule()
        self.has_connection = False
