"""HTTP/1.1 with bounds: how many connections are open, how long one may be silent, or dribble, between requests."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from .service_limits import RETRY, problem

__all__ = ["timed_protocol"]


def timed_protocol(seconds: float, most: int) -> type[H11Protocol]:
    """Return uvicorn's protocol over h11, with a time-out where it has none, and one connection too many told so.

    uvicorn waits for ever for the head of a request, and for the end of a body that was answered already. Its own limit
    of connections turns away those that are open too, and does not say when to come again.

    Parameters
    ----------
    seconds : float
        How long the next request's head may take, from when the connection is made or the answer before is out.
    most : int
        Open connections; what comes over one more is answered 503.

    Returns
    -------
    type
        A subclass of `H11Protocol`.
    """

    busy = problem(503, "too many connections are open, come again", RETRY | {"connection": "close"})

    class TimedProtocol(H11Protocol):
        head_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                self.app = busy
            self._set_timer()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._set_timer()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._set_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop_timer()

        def _set_timer(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop_timer()  # a request is being answered
            elif self.head_timer is None:
                self.head_timer = self.loop.call_later(seconds, self.transport.close)

        def _stop_timer(self) -> None:
            if self.head_timer is not None:
                self.head_timer.cancel()
                self.head_timer = None

    return TimedProtocol
