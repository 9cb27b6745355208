"""Times of ``/healthz`` while the service is under heavy load within its limits, and the time until places are free."""

import multiprocessing
import resource
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

import numpy as np
from tests.attack.small_models import write_message_model

from benchmarks.runner import Bar, progress
from benchmarks.service.http_servers import TOKEN, our_server

from .loads import LOADS
from .measured import Measured

__all__ = ["PROTOCOL", "measure_health"]

BODY_SECONDS: Final = 10.0
"""The default of ``--body-seconds``."""
MAX_MS: Final = 1000.0
"""A probe of Kubernetes waits for a second by default."""
PROBE_SECONDS: Final = 0.01
"""Pause between two probes."""
PATIENCE: Final = 120.0
"""Seconds within which a probe is answered, and all places are free."""
FILES: Final = 4096
"""Open files: connections of a load, and those of the service that is started."""
MOST_OPEN: Final = 5
"""Connections that the probes and the metrics may hold."""
PROTOCOL: Final = (
    "health: fraudsieve serve with its defaults and a token, on a small model of messages; another process asks for "
    f"/healthz over a new connection every {PROBE_SECONDS * 1000:g} ms. Loads: 64 clients send 300 records with "
    "reasons each; 64 clients send 1 MB of empty lists each; 1,100 connections send five requests and never read, with "
    "small buffers. seconds_until_free: from the end of the load until no request is in progress and its connections "
    "are closed."
)


def measure_health(loads: Mapping[str, Callable[[int, ExitStack], None]] = LOADS) -> Measured:
    """Serve a model, and probe its health under every load.

    Parameters
    ----------
    loads : mapping of str to callable, default=LOADS
        Each gets the port and a stack of what is to be closed once the places are free.

    Returns
    -------
    Measured
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    figures: dict[str, float] = {}
    n_probes = 0
    with tempfile.TemporaryDirectory(prefix="fraudsieve-health-") as folder:
        write_message_model(Path(folder, "messages"))
        with our_server(Path(folder, "messages")) as port:
            for name, load in loads.items():
                taken, seconds = _probe_under(port, load)
                n_probes += len(taken)
                p50, p99 = np.percentile(taken, [50, 99])
                of_load = {"p50_ms": p50, "p99_ms": p99, "max_ms": max(taken), "seconds_until_free": seconds}
                progress(f"{name}: " + ", ".join(f"{figure} {value:.1f}" for figure, value in of_load.items()))
                figures |= {f"health.{name}.{figure}": float(value) for figure, value in of_load.items()}
    bars = [Bar.at_most(f"health.{name}.max_ms", figures[f"health.{name}.max_ms"], MAX_MS) for name in loads]
    frees = [f"health.{name}.seconds_until_free" for name in loads]
    return Measured(n_probes, figures, bars + [Bar.at_most(name, figures[name], BODY_SECONDS + 1) for name in frees])


def _probe_under(port: int, load: Callable[[int, ExitStack], None]) -> tuple[list[float], float]:
    """Return the times of the probes in milliseconds, and the seconds until all places are free."""
    with _probes(port) as taken, ExitStack() as stack:
        load(port, stack)
        started = time.monotonic()
        while not _is_free(port):
            if time.monotonic() > started + PATIENCE:
                raise TimeoutError(f"the places were not free after {PATIENCE:g} s")
            time.sleep(0.05)
        seconds = time.monotonic() - started
    return taken, seconds


@contextmanager
def _probes(port: int) -> Iterator[list[float]]:
    """Probe from another process, and yield a list that holds the times at the end."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    stop, taken = context.Event(), list[float]()
    process = context.Process(target=_probe, args=(port, stop, sender), daemon=True)
    process.start()
    sender.close()
    try:
        receiver.recv()  # the first probe was answered
        yield taken
        stop.set()
        taken += receiver.recv()
    finally:
        process.kill()
        process.join()


def _probe(port: int, stop: Event, sender: Connection) -> None:
    """Send None after the first probe, and the times in milliseconds at the end."""
    _milliseconds_of_a_probe(port)
    sender.send(None)
    taken = []
    while not stop.is_set():
        taken.append(_milliseconds_of_a_probe(port))
        time.sleep(PROBE_SECONDS)
    sender.send(taken)


def _milliseconds_of_a_probe(port: int) -> float:
    """Return the time of a probe; `PATIENCE` if it is not answered or the answer is not 200."""
    started, answer = time.perf_counter(), b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = connection.recv(4096)
    return (time.perf_counter() - started if answer.startswith(b"HTTP/1.1 200") else PATIENCE) * 1000


def _is_free(port: int) -> bool:
    """Return whether no request is in progress, and few connections are open."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            metrics = answer.read()
    except (OSError, urllib.error.HTTPError):
        return False
    return b"fraudsieve_requests_running 0.0" in metrics and _open_connections(port) <= MOST_OPEN


def _open_connections(port: int) -> int:
    """Return the number of connections that the service has accepted and not closed; 0 on systems without /proc."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        return 0
    rows = [line.split() for line in table.read_text("ascii").splitlines()[1:]]
    mine = f"0100007F:{port:04X}"
    return sum(
        row[1] == mine and row[3] != "0A" and row[9] != "0" for row in rows
    )  # 0A listens; a closed one has no inode
