"""Raw HTTP to a real service: requests changed in bytes, header lines and lengths, cut, or sent in pieces.

Whatever comes, the service answers with a status that it documents or closes the connection, quotes nothing of the
body, and scores the next ordinary request as before.
"""

import atexit
import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.attack.changes import change_bytes, change_json
from tests.attack.outcomes import ACCEPTED, OTHER, REFUSED, SECRET, Attempt, Outcome
from tests.attack.small_models import write_message_model

TOKEN = "correct-horse-battery-staple"
STATUSES = {200, 400, 401, 403, 404, 405, 408, 409, 413, 415, 421, 422, 431, 503}
METHODS = (b"POST", b"POST", b"POST", b"GET", b"HEAD", b"PUT", b"OPTIONS", b"PRI", b"post", b"\x00")
PATHS = (
    *(b"/v1/score", b"/v1/score", b"/v1/score?record=true", b"/v1/score?record=%00", b"/v1/events", b"/healthz"),
    *(b"/metrics", b"/v1/model", b"//", b"/%00", b"*"),
)
HEADERS = (
    *(b"Transfer-Encoding: chunked", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999999"),
    *(b"Expect: 100-continue", b"Upgrade: h2c", b"Connection: Upgrade", b"Connection: close"),
    *(b"Host:", b"Host: a\x00b"),
    *(b"Content-Encoding: gzip", b"Content-Type: text/plain", b"X: " + b"y" * 70_000, b": novalue", b" folded"),
    *(b"Authorization: Basic AAAA", b"Origin: http://evil.example", b"\xff\xfe: \xff", b"Transfer-Encoding: identity"),
)
ANSWER_SECONDS = 0.5
"""How long an answer is waited for: a request that is not complete gets none until the time limit of bodies."""


@dataclass(frozen=True)
class _Service:
    """A running service, and the body of its ordinary answer."""

    process: subprocess.Popen[bytes]
    port: int
    expected: bytes


def prepare(folder: Path) -> Attempt:
    """Train a model and serve it, and return a function that sends one request."""
    write_message_model(folder / "messages")
    return partial(_attempt, _start(folder))


def _start(folder: Path) -> _Service:
    log = folder / "log"
    command = [sys.executable, "-m", "fraudsieve", "serve", "--model", str(folder / "messages"), "--port", "0"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, cwd=folder, env=os.environ | {"FRAUDSIEVE_TOKEN": TOKEN}
        )
    atexit.register(process.kill)
    while b'"event": "ready"' not in log.read_bytes() and b'"event":"ready"' not in log.read_bytes():
        if process.poll() is not None:
            raise RuntimeError(log.read_text("utf-8"))
        time.sleep(0.1)
    found = re.search(rb'"port": ?(\d+)', log.read_bytes())
    port = int(found[1]) if found else 0
    expected = _body_of(_send(port, [_ordinary()], seconds=60))
    if b"probability" not in expected:
        raise RuntimeError(f"expected a score, got {expected!r}")
    return _Service(process, port, expected)


def _ordinary() -> bytes:
    return _request(b"POST", b"/v1/score", json.dumps({"text": "hello there"}).encode(), [b"Connection: close"])


def _request(method: bytes, path: bytes, body: bytes, headers: list[bytes]) -> bytes:
    lines = [
        method + b" " + path + b" HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Authorization: Bearer " + TOKEN.encode(),
        b"Content-Type: application/json",
        b"Content-Length: " + str(len(body)).encode(),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _attempt(service: _Service, rng: np.random.Generator) -> Outcome:
    request = _hostile(rng)
    n_parts = int(rng.integers(1, 4))
    edges = np.sort(rng.integers(0, len(request) + 1, n_parts - 1)).tolist()
    parts = [request[start:stop] for start, stop in zip([0, *edges], [*edges, len(request)], strict=True)]
    answer = _send(service.port, parts)
    if service.process.poll() is not None:
        return Outcome(OTHER, "the service has ended")
    if SECRET.encode() in answer:
        return Outcome(OTHER, "the answer quotes the body")
    statuses = {int(code) for code in re.findall(rb"(?:^|\r\n)HTTP/1\.[01] (\d{3})", answer)}
    if statuses - STATUSES - {100}:  # 100: continue
        return Outcome(OTHER, f"the statuses are {sorted(statuses)}")
    if _body_of(_send(service.port, [_ordinary()], seconds=60)) != service.expected:
        return Outcome(OTHER, "the next ordinary request is not answered as before")
    return Outcome(ACCEPTED if 200 in statuses else REFUSED)


def _hostile(rng: np.random.Generator) -> bytes:
    """Return a request that is changed in its body, its head or its bytes; sometimes two in one."""
    document: Any = [{"text": f"{SECRET} {number}"} for number in range(int(rng.integers(1, 5)))]
    if rng.random() < 0.6:
        change_json(document, rng)
    body = json.dumps(document).encode("utf-8", "surrogatepass")
    if rng.random() < 0.3:
        body = change_bytes(body, rng)
    chosen = [HEADERS[int(rng.integers(len(HEADERS)))] for _ in range(int(rng.integers(0, 3)))]
    method = METHODS[int(rng.integers(len(METHODS)))] if rng.random() < 0.3 else b"POST"
    path = PATHS[int(rng.integers(len(PATHS)))] if rng.random() < 0.4 else b"/v1/score"
    request = _request(method, path, body, [*chosen, b"Connection: close"])
    if rng.random() < 0.3:
        request = change_bytes(request, rng)
    return request if rng.random() < 0.9 else request + _ordinary()


def _send(port: int, parts: list[bytes], *, seconds: float = ANSWER_SECONDS) -> bytes:
    """Send a request in parts, and return all that comes until the service closes or says no more."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while received := connection.recv(1 << 16):
                answer += received
        except (TimeoutError, ConnectionError):
            pass  # the answer so far is judged
    return answer


def _body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]
