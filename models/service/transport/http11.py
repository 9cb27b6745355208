"""HTTP/1.1 with limits on open connections, on idle time, and on the size of a request."""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from fraudsieve.models.service.limits import RETRY_AFTER, error_response

__all__ = ["BoundedProtocol", "bounded_protocol"]

MAX_HEAD = 1 << 16
"""Bytes of a request's head; also what chunked encoding may add to a body of any size."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNK_OVERHEAD = 8
"""A body in chunks of one byte is six times as long on the wire."""
TOO_MANY_CONNECTIONS = error_response(503, "too many open connections", RETRY_AFTER | {"connection": "close"})


class _SinglePacketTransport:
    """A transport for one response that sends head and body together: each packet costs as much as all of HTTP."""

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


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools, with limits that it lacks; `bounded_protocol` sets them.

    uvicorn waits forever for the head of a request, and for the end of a body that it has already answered. Its parser
    buffers a head, or what follows the last chunk of a body, of any length. Its own limit on connections also rejects
    those that are open already, and sends no Retry-After.
    """

    max_seconds: ClassVar[float]
    max_body: ClassVar[int]
    max_connections: ClassVar[int]

    head_timer: asyncio.TimerHandle | None = None
    in_head = False
    received = 0  # bytes of the request that is arriving

    @staticmethod
    def on_rejection() -> None:
        """Run for each connection that is answered 503."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self.app = cast(Any, TOO_MANY_CONNECTIONS)
            self.on_rejection()
        self._set_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["tasks"] = self.tasks  # requests in progress, over all connections
        self.in_head, self.received = True, 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.scope["state"]["whole"] = True

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.in_head = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.transport = cast(asyncio.Transport, _SinglePacketTransport(self.transport))
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.received += len(data)
        if self.in_head and self.received > MAX_HEAD:
            self.send_400_response("The request head is too long.")
        elif self._is_answering() and self.received > MAX_HEAD + CHUNK_OVERHEAD * self.max_body:
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
            self.head_timer = self.loop.call_later(self.max_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None


def bounded_protocol(
    seconds: float, max_body: int, max_connections: int, on_rejection: Callable[[], None] = lambda: None
) -> type[BoundedProtocol]:
    """Return a protocol class with limits; uvicorn makes an instance for each connection.

    Parameters
    ----------
    seconds : float
        Time for the head of the next request, from the connection or from the previous response.
    max_body : int
        Bytes of a body.
    max_connections : int
        Open connections; further ones are answered 503.
    on_rejection : callable, optional
        Called for each connection that is answered 503.

    Returns
    -------
    type
    """
    limits = {"max_seconds": seconds, "max_body": max_body, "max_connections": max_connections}
    return type("LimitedProtocol", (BoundedProtocol,), limits | {"on_rejection": staticmethod(on_rejection)})
