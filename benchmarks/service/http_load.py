"""Load on an HTTP server: each client keeps one connection, and sends a request once the previous one is answered."""

import selectors
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

__all__ = ["Load", "load"]

WARM_UP = 1.0
"""Seconds before measuring starts."""
PATIENCE = 60.0
"""Seconds without any answer after which the benchmark stops."""


@dataclass(frozen=True)
class Load:
    """Result of a server under load.

    Parameters
    ----------
    seconds : list of float
        Duration of each request, from the first byte sent to the last byte received.
    during : float
        Seconds that the load lasted.
    failed : int
        Answers with another status than 200.
    """

    seconds: list[float]
    during: float
    failed: int

    def figures(self, name: str) -> dict[str, float]:
        """Return requests per second, and percentiles in milliseconds, under a name."""
        p50, p99 = np.percentile(self.seconds, [50, 99]) * 1000
        figures = {"requests_per_second": len(self.seconds) / self.during, "p50_ms": p50, "p99_ms": p99}
        return {f"{name}.{figure}": float(value) for figure, value in figures.items()}


def load(
    port: int, path: str, bodies: Sequence[bytes], *, clients: int, seconds: float, headers: Mapping[str, str]
) -> Load:
    """Send requests to a server of this machine, from one process.

    Parameters
    ----------
    port : int
        Port of the server.
    path : str
        Path of the requests.
    bodies : sequence of bytes
        JSON; every client sends them in turn, each starting with another one.
    clients : int
        Connections, with one request at a time on each.
    seconds : float
        Duration, after `WARM_UP`.
    headers : mapping of str to str
        Further headers.

    Returns
    -------
    Load
    """
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    begin = time.perf_counter() + WARM_UP
    with ExitStack() as stack, selectors.DefaultSelector() as ready:
        all_clients = [
            _Client(requests, client * len(requests) // clients, begin, begin + seconds) for client in range(clients)
        ]
        for client in all_clients:
            stack.enter_context(client.connection)
            client.connection.connect(("127.0.0.1", port))
            client.send()
            ready.register(client.connection, selectors.EVENT_READ, client)
        while ready.get_map():
            for key, _ in ready.select(PATIENCE) or _raise_timeout():
                if key.data.is_done():
                    ready.unregister(key.fileobj)
    taken = [seconds for client in all_clients for seconds in client.taken]
    return Load(taken, time.perf_counter() - begin, sum(client.failed for client in all_clients))


def _raise_timeout() -> NoReturn:
    raise TimeoutError(f"no request was answered within {PATIENCE:g} s")


class _Client:
    """A connection that sends the next request once the previous one is answered.

    It uses no event loop and no streams, because it shares the cores with the server.
    """

    def __init__(self, requests: Sequence[bytes], at: int, begin: float, until: float) -> None:
        self.requests, self.at, self.begin, self.until = requests, at, begin, until
        self.connection = socket.socket()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.taken: list[float] = []
        self.failed = 0
        self.answer = b""

    def send(self) -> None:
        self.start = time.perf_counter()
        self.connection.sendall(self.requests[self.at % len(self.requests)])
        self.at += 1

    def is_done(self) -> bool:
        """Read the answer; once it is complete, send the next request. Return whether the time is up."""
        data = self.connection.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return False
        now = time.perf_counter()
        if self.start >= self.begin:
            self.taken.append(now - self.start)
            self.failed += int(head.split(b" ", 2)[1]) != 200
        self.answer = b""
        if now < self.until:
            self.send()
        return now >= self.until
