"""Heavy loads within the limits of the service: large bodies, costly bodies, and connections that never read."""

import json
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from types import MappingProxyType
from typing import Final

from benchmarks.service.http_servers import TOKEN

__all__ = ["LOADS"]

CLIENTS: Final = 64
CONNECTIONS: Final = 1100
PIPELINED: Final = 5
PATIENCE: Final = 600.0
RECORDS: Final = json.dumps([{"text": "x"}] * 300, separators=(",", ":")).encode()
EMPTY_LISTS: Final = b"[" + b",".join([b"[]"] * 349_000) + b"]"


def _post(port: int, query: str, body: bytes) -> None:
    """Send a body, and read the answer."""
    head = f"POST /v1/score{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection, suppress(ConnectionError):
        connection.sendall(head.encode() + body)
        while connection.recv(1 << 16):
            pass


def _send_bodies(query: str, body: bytes, port: int, _: ExitStack) -> None:
    """Send a body over many connections at the same time; return once all are answered."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda _: _post(port, query, body), range(CLIENTS)))


def _never_read(port: int, stack: ExitStack) -> None:
    """Send requests over many connections with small buffers; their answers wait until the stack closes them."""
    request = f"GET /openapi.json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode() * PIPELINED
    for _ in range(CONNECTIONS):
        connection = stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # also limits the buffer of the service
        connection.connect(("127.0.0.1", port))
        connection.setblocking(False)
        with suppress(OSError):
            connection.send(request)


LOADS: Final[Mapping[str, Callable[[int, ExitStack], None]]] = MappingProxyType(
    {
        "reasons": partial(_send_bodies, "?reasons=true", RECORDS),
        "empty_lists": partial(_send_bodies, "", EMPTY_LISTS),
        "never_read": _never_read,
    }
)
"""Each gets the port of a service, and a stack that closes its connections at the end."""
