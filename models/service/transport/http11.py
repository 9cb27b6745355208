"""HTTP/1.1 with bounds: how many connections are open, how long one may be silent, how large a request is."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from fraudsieve.models.service.limits import RETRY_AFTER, error_response

__all__ = ["bounded_protocol"]

MAX_HEAD = 1 << 16
"""Bytes of a request's head; also of what a chunked body may add to a body of any size."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
OVERHEAD = 8
"""A body in chunks of a byte each is six times its own size."""


class _Whole:
    """A transport for one answer, whose head goes out with its body: each packet costs as much as all of HTTP."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.is_closing, self.close = transport.is_closing, transport.close
        self.head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self.head is None and data != CONTINUE:
            self.head = data
        else:
            self.transport.write((self.head or b"") + data)
            self.head = self.head and b""


def bounded_protocol(
    seconds: float, max_body: int, most: int, refuse: Callable[[], None] = lambda: None
) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol over httptools, with bounds where it has none.

    uvicorn waits for ever for the head of a request, and for the end of a body that was answered already; and the
    parser keeps a head, or what follows the last chunk of a body, however long it is. Its own limit of connections
    turns away those that are open too, and does not say when to come again.

    Parameters
    ----------
    seconds : float
        How long the next request's head may take, from when the connection is made or the answer before is out.
    max_body : int
        Bytes of a body.
    most : int
        Open connections; what comes over one more is answered 503.
    refuse : callable, optional
        Called for each of those.

    Returns
    -------
    type
        A subclass of `HttpToolsProtocol`.
    """

    busy = error_response(503, "too many connections are open, come again", RETRY_AFTER | {"connection": "close"})

    class BoundedProtocol(HttpToolsProtocol):
        head_timer: asyncio.TimerHandle | None = None
        in_head = False
        received = 0  # bytes of the request that is coming in

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                self.app = busy
                refuse()
            self._set_timer()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.scope["state"]["tasks"] = self.tasks  # the requests of all connections that are not answered
            self.in_head, self.received = True, 0

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self.scope["state"]["whole"] = True

        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            self.in_head = False

        def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
            cycle.transport = cast(asyncio.Transport, _Whole(self.transport))
            super()._start_asgi_task(cycle, app)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.received += len(data)
            if self.in_head and self.received > MAX_HEAD:
                self.send_400_response("The head of the request is too long.")
            elif self._is_answering() and self.received > MAX_HEAD + OVERHEAD * max_body:
                self.transport.close()
            self._set_timer()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._set_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop_timer()

        def _is_answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _set_timer(self) -> None:
            if self._is_answering():
                self._stop_timer()
            elif self.head_timer is None:
                self.head_timer = self.loop.call_later(seconds, self.transport.close)

        def _stop_timer(self) -> None:
            if self.head_timer is not None:
                self.head_timer.cancel()
                self.head_timer = None

    return BoundedProtocol
