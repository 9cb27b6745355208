"""Load on an HTTP server: so many clients, each with a connection of its own, each asking again once it is answered."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

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
    return asyncio.run(_load(port, asked, clients, seconds))


async def _load(port: int, asked: Sequence[bytes], clients: int, seconds: float) -> Load:
    begin = time.perf_counter() + WARM_UP
    until = begin + seconds
    turns = [_turns(port, asked, client * len(asked) // clients, begin, until) for client in range(clients)]
    found = await asyncio.gather(*turns)
    taken = [one for seconds_of, _ in found for one in seconds_of]
    return Load(taken, time.perf_counter() - begin, sum(failed for _, failed in found))


async def _turns(port: int, asked: Sequence[bytes], at: int, begin: float, until: float) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken, failed = [], 0
    while (start := time.perf_counter()) < until:
        writer.write(asked[at % len(asked)])
        status = await _answer(reader)
        at += 1
        if start >= begin:
            taken.append(time.perf_counter() - start)
            failed += status != 200
    writer.close()
    await writer.wait_closed()
    return taken, failed


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read an answer to its end; return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split(b" ", 2)[1])
