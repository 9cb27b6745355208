"""Packets of a connection."""

import asyncio
import re
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from fraudsieve.service.transport.http11 import bounded_protocol
from fraudsieve.service.transport.turns import Turns

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

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def body_of(receive: Any) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    return body + await body_of(receive) if message["more_body"] else body


async def answer(scope: Any, receive: Any, send: Any) -> None:
    body = b"hello" if scope["method"] != "POST" else await body_of(receive)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    if scope["path"] == "/fails":
        raise ValueError("after the head")
    await send({"type": "http.response.body", "body": body})


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
        connection, transport = bounded_protocol(5, 1000, 5, answer, Turns())(config, ServerState(), {}), Transport()
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


def test_a_response_without_its_body_closes_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    transport = sent(b"GET /fails HTTP/1.1\r\nhost: x\r\n\r\n")
    assert transport.closed
    assert not any(packet.endswith(b"hello") for packet in transport.written)
    assert "Exception in ASGI application" in caplog.text


def test_head_is_answered_without_a_body() -> None:
    head, get = sent(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").written
    assert head.endswith(b"content-length: 5\r\n\r\n")
    assert get.endswith(b"hello")


UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"


@pytest.mark.parametrize("parts", [1, 2, 3, 500])
def test_a_request_that_offers_an_upgrade_keeps_its_body(parts: int) -> None:
    request = b"POST / HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"content-length: 3\r\n\r\nabc"
    data = request + b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    step = -(-len(data) // parts)
    written = b"".join(sent(*(data[start : start + step] for start in range(0, len(data), step))).written)
    assert re.findall(rb"\r\n\r\n(\w{3,5})", written.replace(b"HTTP/1.1", b" ")) == [b"abc", b"hello"]


def test_many_pipelined_requests_that_offer_an_upgrade() -> None:
    written = b"".join(sent((b"GET / HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"\r\n") * 500).written)
    assert written.count(b"\r\n\r\nhello") == 500


def test_connect_is_rejected() -> None:
    transport = sent(b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n")
    assert transport.closed
    assert transport.written[0].startswith(b"HTTP/1.1 400")


def test_while_connections_arrive_requests_wait_and_probes_do_not() -> None:
    post = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n"

    async def run() -> tuple[int, list[bytes]]:
        config, turns = uvicorn.Config(answer, lifespan="off", log_config=None, access_log=False), Turns()
        config.load()
        protocol = bounded_protocol(5, 1000, 5, answer, turns)
        connections = [(protocol(config, ServerState(), {}), Transport()) for _ in range(2)]
        for connection, transport in connections:
            connection.connection_made(transport)
        (waiting, transport), (probe, of_probe) = connections
        waiting.data_received(post)
        probe.data_received(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        await handled(probe)
        n_probes = len(of_probe.written)
        waiting.data_received(b"abc")
        await handled(waiting)
        return n_probes, transport.written

    n_probes, written = asyncio.run(run())
    assert n_probes == 1
    assert written[0].endswith(b"\r\n\r\nabc")


def half_closed(*packets: bytes) -> tuple[bytes, bool]:
    """Send packets and close the sending side; return what was written, and whether the connection stayed open."""

    async def run() -> tuple[bytes, bool]:
        config = uvicorn.Config(answer, lifespan="off", log_config=None, access_log=False)
        config.load()
        turns, transport = Turns(), Transport()
        connection = bounded_protocol(5, 1000, 5, answer, turns)(config, ServerState(), {})
        connection.connection_made(transport)
        while turns.is_accepting:
            await asyncio.sleep(0)
        for packet in packets:
            connection.data_received(packet)
        stays_open = connection.eof_received()
        if stays_open:
            await handled(connection)
        assert transport.closed == stays_open  # else the event loop closes it
        connection.connection_lost(None)
        return b"".join(transport.written), stays_open

    return asyncio.run(run())


def test_a_client_that_closes_its_side_gets_the_answers_to_its_complete_requests() -> None:
    get, half = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na"
    for packets, n_answers in (([get], 1), ([get * 3], 3), ([get, half[:30]], 1)):
        written, stays_open = half_closed(*packets)
        assert (written.count(b"hello"), stays_open) == (n_answers, True)
        assert written.count(b"connection: close") == 1
    assert half_closed(half) == (b"", False)
    assert half_closed() == (b"", False)
