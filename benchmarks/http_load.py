"""Load on an HTTP server: so many clients, each with a connection of its own, each asking again once it is answered."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import uvloop

__all__ = ["Load", "load"]

WARM_UP = 1.0
"""Seconds before anything counts."""


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
        """Return requests a second, and percentiles in milliseconds, under a name."""
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
        JSON; every client goes through them, each from another one on.
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
    asked = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    return uvloop.run(_load(port, asked, clients, seconds))


async def _load(port: int, asked: Sequence[bytes], clients: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    begin = time.perf_counter() + WARM_UP
    made = [_Client(asked, client * len(asked) // clients, begin, begin + seconds) for client in range(clients)]
    for client in made:
        await loop.create_connection(partial(_same, client), "127.0.0.1", port)
    await asyncio.gather(*[client.done for client in made])
    taken = [one for client in made for one in client.taken]
    return Load(taken, time.perf_counter() - begin, sum(client.failed for client in made))


def _same(client: "_Client") -> "_Client":
    return client


class _Client(asyncio.Protocol):
    """A connection that asks again once it is answered; a protocol, for streams take as long as a fast server."""

    def __init__(self, asked: Sequence[bytes], at: int, begin: float, until: float) -> None:
        self.asked, self.at, self.begin, self.until = asked, at, begin, until
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.taken: list[float] = []
        self.failed = 0
        self.answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self.start = time.perf_counter()
        if self.start >= self.until:
            self.transport.close()
            return
        self.transport.write(self.asked[self.at % len(self.asked)])
        self.at += 1

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return
        if self.start >= self.begin:
            self.taken.append(time.perf_counter() - self.start)
            self.failed += int(head.split(b" ", 2)[1]) != 200
        self.answer = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.start >= self.until:
            self.done.set_result(None)
        else:
            self.done.set_exception(ConnectionError("the server closed the connection"))
