"""Heavy load within the limits: /healthz answers, and clients that never read lose their places."""

import json
import resource
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.services import raw_post

pytestmark = pytest.mark.slow

BODY_SECONDS = 3.0
HEALTH_SECONDS = 0.1
CLIENTS, CONNECTIONS = 64, 1100


@pytest.fixture(scope="module")
def service(serve: Any, several: Any) -> Any:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * CONNECTIONS:
        pytest.skip(f"this machine limits a process to {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * CONNECTIONS), hard))
    return serve(several.folder, "--body-seconds", str(BODY_SECONDS))


def status_of(service: Any, path: str) -> int:
    """Return the status of a request over a new connection; 0 if it is not answered."""
    request = f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    with suppress(OSError), socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(request)
        return int(connection.recv(65536).split()[1])
    return 0


@contextmanager
def health_checks(service: Any) -> Iterator[list[float]]:
    """Check the health again and again; yield the times in seconds."""
    stop, taken = threading.Event(), list[float]()

    def check() -> None:
        while not stop.wait(0.02):
            started = time.perf_counter()
            is_healthy = status_of(service, "/healthz") == 200
            taken.append(time.perf_counter() - started if is_healthy else float("inf"))

    thread = threading.Thread(target=check)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()


def check_times(taken: list[float]) -> None:
    # The median, because this process and others compete with the service for the cores.
    assert statistics.median(taken) < HEALTH_SECONDS
    assert max(taken) < 20 * HEALTH_SECONDS


BODIES: dict[str, tuple[str, bytes, set[int]]] = {
    "300 records with reasons": ("?reasons=true", json.dumps([{"text": "x"}] * 300).replace(" ", "").encode(), {200}),
    "empty lists": ("", b"[" + b",".join([b"[]"] * 349_000) + b"]", {413}),
    "records with long texts": ("", json.dumps([{"text": "pay, the fee " * 70}] * 1000).encode(), {200}),
    "numbers": ("", b"[" + b",".join([b"5"] * 1000) + b"]", {200}),
}


@pytest.mark.parametrize("name", BODIES)
def test_it_is_healthy_while_64_bodies_are_scored(service: Any, name: str) -> None:
    query, body, statuses = BODIES[name]
    headers = dict(service.client().headers) | {"content-type": "application/json"}
    together = threading.Barrier(CLIENTS)

    def call(_: int) -> int:
        with service.client(headers=headers, timeout=300) as client:
            together.wait(60)
            return int(client.post(f"/v1/score{query}", content=body).status_code)

    with health_checks(service) as taken, ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(call, range(CLIENTS)))
    assert set(answers) == statuses
    check_times(taken)


def connect(port: int) -> socket.socket:
    """Connect with small buffers on both sides: the small segments also limit the buffer of the service."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    connection.connect(("127.0.0.1", port))
    return connection


def send(connection: socket.socket, data: bytes) -> None:
    connection.setblocking(False)
    with suppress(BlockingIOError):
        connection.send(data)


def seconds_until(condition: Callable[[], bool], longest: float) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < longest
        time.sleep(0.05)
    return time.monotonic() - started


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_connections_that_never_read_lose_their_places(service: Any) -> None:
    def open_files() -> int:
        return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))

    token, before = service.client().headers["authorization"], open_files()
    requests = f"GET /openapi.json HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n\r\n".encode() * 5
    with ExitStack() as stack, health_checks(service) as taken:
        for _ in range(CONNECTIONS):
            send(stack.enter_context(connect(service.port)), requests)
        assert seconds_until(lambda: open_files() < before + 10, 60) < 2 * BODY_SECONDS + 5
        assert status_of(service, "/readyz") == 200
    check_times(taken)


def test_requests_whose_answers_are_never_read_lose_their_places(service: Any) -> None:
    request = raw_post(json.dumps([{"text": "pay the fee"}] * 60).encode(), path="/v1/score?reasons=true")
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            send(stack.enter_context(connect(service.port)), request * 4)
        seconds_until(lambda: service.metric("fraudsieve_requests_running") == CLIENTS, 60)
        seconds_until(lambda: service.metric("fraudsieve_requests_running") == 0, 60)
        with service.client() as client:
            assert client.post("/v1/score", json={"text": "x"}).status_code == 200


def test_a_slow_client_that_reads_is_not_disconnected(service: Any) -> None:
    """Check that it gets all of a large answer, over a longer time than a client may read nothing."""
    body, received = json.dumps([{"text": "pay the fee"}] * 300).encode(), b""
    started = time.monotonic()
    with connect(service.port) as connection:
        connection.sendall(raw_post(body, "connection: close", path="/v1/score?reasons=true"))
        while part := connection.recv(8192):
            received += part
            elapsed = time.monotonic() - started
            if len(received) < 90_000 * (elapsed + 0.1) or elapsed > 2.5 * BODY_SECONDS:
                continue
            time.sleep(0.05)  # reads about 90 kB a second
    head_received, _, content = received.partition(b"\r\n\r\n")
    assert head_received.startswith(b"HTTP/1.1 200")
    assert len(json.loads(content)) == 300
