"""Load on an HTTP server: so many clients, each with a connection of its own, each asking again once it is answered."""

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
"""Seconds before anything counts."""
PATIENCE = 60.0
"""Seconds without any answer after which the server is given up."""


@dataclass(frozen=True)
class Load:
    """What a server did under load.

    Parameters
    ----------
    seconds : list of float
        What each request took, from its first byte out to its last byte in.
    during : float
        Seconds that the load lasted.
    failed : int
        Answers of another status than 200.
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
    """Ask a server of this machine, from one process.

    Parameters
    ----------
    port : int
        Where it listens.
    path : str
        What is posted to.
    bodies : sequence of bytes
        JSON; every client sends them in turn, each starting at another one.
    clients : int
        Connections, with one request at a time on each.
    seconds : float
        How long, after `WARM_UP`.
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
    with ExitStack() as held, selectors.DefaultSelector() as ready:
        made = [
            _Client(requests, client * len(requests) // clients, begin, begin + seconds) for client in range(clients)
        ]
        for client in made:
            held.enter_context(client.connection)
            client.connection.connect(("127.0.0.1", port))
            client.ask()
            ready.register(client.connection, selectors.EVENT_READ, client)
        while ready.get_map():
            for key, _ in ready.select(PATIENCE) or _nobody():
                if key.data.is_done():
                    ready.unregister(key.fileobj)
    taken = [one for client in made for one in client.taken]
    return Load(taken, time.perf_counter() - begin, sum(client.failed for client in made))


def _nobody() -> NoReturn:
    raise TimeoutError(f"no request was answered within {PATIENCE:g} s")


class _Client:
    """A connection that asks again once it is answered.

    No event loop and no streams: what the client takes, it takes from the cores that it shares with the server.
    """

    def __init__(self, requests: Sequence[bytes], at: int, begin: float, until: float) -> None:
        self.requests, self.at, self.begin, self.until = requests, at, begin, until
        self.connection = socket.socket()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.taken: list[float] = []
        self.failed = 0
        self.answer = b""

    def ask(self) -> None:
        self.start = time.perf_counter()
        self.connection.sendall(self.requests[self.at % len(self.requests)])
        self.at += 1

    def is_done(self) -> bool:
        """Read the answer; once it is complete, send the next request. Return whether the time is over."""
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
            self.ask()
        return now >= self.until
