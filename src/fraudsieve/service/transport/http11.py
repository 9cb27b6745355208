"""HTTP/1.1 with limits on open connections, on idle and unread time, and on the size of a request.

It is a subclass of uvicorn's protocol over httptools, because uvicorn has none of these limits:

- It waits forever for the head of a first request, and for the end of a body that it has already answered.
- It waits forever for a client that does not read its answers.
- Its parser buffers a head, or what follows the last chunk of a body, of any length.
- Its own limit on connections also rejects those that are open already, and sends no Retry-After.
- It drops the answer to a client that has closed its sending side after its request.
- It loses the body of a request with an ``Upgrade`` header, which clients send to offer HTTP/2.

The names that are overridden and used are private to uvicorn, so pyproject.toml has an upper bound for its version, and
tests/test_private_names.py lists them.
"""

import asyncio
from functools import partial
from typing import Any, ClassVar, cast

import httptools
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .limits import PUBLIC_PATHS
from .turns import Turns

__all__ = ["BoundedProtocol", "JoinedWrites", "bounded_protocol"]

MAX_HEAD = 1 << 16
"""Bytes of a request's head; also what chunked encoding may add to a body of any size."""
CHUNK_OVERHEAD = 8
"""A body in chunks of one byte is six times as long on the wire."""
MIN_READ = 1 << 16
"""Bytes that a client must read within `max_seconds`, or all that wait for it."""

PROBES = tuple(f"{method} {path} ".encode() for method in ("GET", "HEAD") for path in sorted(PUBLIC_PATHS))
"""What the requests of probes begin with."""


class JoinedWrites:
    """A transport that joins all data written before the next turn of the event loop.

    uvicorn writes head and body of a response separately. As two packets, they take as long as all the rest of HTTP.
    Nothing is held back for longer than the current turn, whatever is written.

    Parameters
    ----------
    transport : asyncio.Transport
        The transport of the connection.
    loop : asyncio.AbstractEventLoop
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport, self.loop = transport, loop
        self.parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Write data together with other data of this turn."""
        if not self.parts:
            self.loop.call_soon(self.flush)
        self.parts.append(data)

    def flush(self) -> None:
        """Write everything now."""
        if self.parts:
            data = b"".join(self.parts)
            self.parts.clear()
            self.transport.write(data)

    def close(self) -> None:
        """Close the connection after everything has been written."""
        self.flush()
        self.transport.close()


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools, with limits that it lacks; `bounded_protocol` sets them."""

    max_seconds: ClassVar[float]
    max_body: ClassVar[int]
    max_connections: ClassVar[int]
    excess_app: ClassVar[ASGIApp]
    turns: ClassVar[Turns]

    joined: JoinedWrites
    timer: asyncio.TimerHandle | None = None
    in_head = False
    received = 0  # bytes of the request that is arriving

    def connection_made(self, transport: Any) -> None:
        self.joined = JoinedWrites(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, self.joined))
        if len(self.connections) > self.max_connections:
            self.app = cast(Any, type(self).excess_app)
        self.turns.connection_made()
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_timer()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's closes the connection
        """Answer complete requests before the connection is closed; return whether it must stay open for that."""
        is_answering = self._is_answering() and not self.cycle.more_body
        if is_answering:
            self.cycle.keep_alive = False  # of the last request; those before it are answered first
        return is_answering

    def data_received(self, data: bytes) -> None:
        if self.turns.is_accepting and not data.startswith(PROBES):
            self.transport.pause_reading()
            self.turns.call_later(partial(self._receive_later, data))
        else:
            self._receive(data)

    def _receive_later(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()
            self._receive(data)

    def _receive(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self._parse(memoryview(data))
        except httptools.HttpParserError:
            self.send_400_response("The request is not valid HTTP/1.1.")
        self.received += len(data)
        if self.in_head and self.received > MAX_HEAD:
            self.send_400_response("The request head is too long.")
        elif self._is_answering() and self.received > MAX_HEAD + CHUNK_OVERHEAD * self.max_body:
            self.transport.close()
        self._set_timer()

    def _parse(self, data: memoryview) -> None:
        while data and not self.transport.is_closing():
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # The parser stops behind the head, and skips the body. A server may ignore the header.
                data = data[upgrade.args[0] :]
                self._parse_without_upgrade()

    def _parse_without_upgrade(self) -> None:
        """Parse the head again, without the header for which the parser stopped."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":  # the parser stops for the method
            self.send_400_response("CONNECT is not supported.")
            return
        lines = [b"%b %b HTTP/%b" % (method, self.url, version.encode())]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head, self.received = True, 0

    def on_headers_complete(self) -> None:
        self.in_head = False
        if not self.parser.should_upgrade():  # else it is parsed again
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        self.joined.flush()
        super().on_response_complete()
        self._set_timer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._set_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._set_timer()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _set_timer(self) -> None:
        """Run the timer while the client must send a head or read; the application has timers of its own."""
        if self._is_answering() and not self.flow.write_paused:
            self._stop_timer()
        elif self.timer is None:
            unread = self.transport.get_write_buffer_size()
            self.timer = self.loop.call_later(self.max_seconds, self._end_if_idle, unread)

    def _end_if_idle(self, unread: int) -> None:
        self.timer = None
        left = self.transport.get_write_buffer_size()
        if not left:
            self.transport.close()
        elif left > unread - min(MIN_READ, unread):
            self.transport.abort()  # close would wait until everything is read
        else:
            self._set_timer()

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def bounded_protocol(
    seconds: float, max_body: int, max_connections: int, excess_app: ASGIApp, turns: Turns
) -> type[BoundedProtocol]:
    """Return a protocol class with limits; uvicorn makes an instance for each connection."""
    limits = {"max_seconds": seconds, "max_body": max_body, "max_connections": max_connections}
    attributes = {"excess_app": staticmethod(excess_app), "turns": turns}
    return type("LimitedProtocol", (BoundedProtocol,), limits | attributes)
