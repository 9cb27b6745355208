"""Packets of a connection."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from fraudsieve.models.service.transport.http11 import bounded_protocol

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Transport:
    """Transport that stores written data."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def answer(scope: Any, receive: Any, send: Any) -> None:
    STATES.append((len(scope["state"]["tasks"]), scope["state"].get("whole", False)))
    body = (await receive())["body"] if scope["method"] == "POST" else b"hello"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    if scope["path"] == "/fails":
        raise ValueError("after the head")
    await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": body})


STATES: list[tuple[int, bool]] = []


async def handled(connection: Any) -> None:
    """Wait until the request is answered, or waits for its body."""
    for _ in range(10):
        await asyncio.sleep(0)  # lets the application start
    async with asyncio.timeout(60):
        while connection.tasks and not (connection.cycle.more_body and not connection.cycle.waiting_for_100_continue):
            await asyncio.sleep(0.001)


def sent(*packets: bytes) -> Transport:
    """Pass packets to a connection, and return its transport."""

    async def run() -> Transport:
        config = uvicorn.Config(answer, lifespan="off", log_config=None, access_log=False)
        config.load()
        connection, transport = bounded_protocol(5, 1000, 5)(config, ServerState(), {}), Transport()
        connection.connection_made(transport)
        for packet in packets:
            connection.data_received(packet)
            await handled(connection)
        connection.connection_lost(None)
        return transport

    return asyncio.run(run())


def test_head_and_body_are_one_packet() -> None:
    get = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    written = sent(get, get).written
    assert len(written) == 2
    for packet in written:
        assert packet.startswith(b"HTTP/1.1 200 OK\r\n")
        assert packet.endswith(b"\r\n\r\nhello")


def test_expect_continue_is_answered_at_once() -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n"
    interim, response = sent(head % 3, b"abc").written
    assert interim == CONTINUE
    assert response.endswith(b"\r\n\r\nabc")


def test_a_head_without_its_body_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    transport = sent(b"GET /fails HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (transport.written, transport.closed) == ([], True)
    assert "Exception in ASGI application" in caplog.text


def test_the_state_has_open_requests_and_completeness() -> None:
    STATES.clear()
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n"
    assert len(sent(head + b"abc", head, b"abc").written) == 2
    assert STATES == [(1, True), (1, False)]
