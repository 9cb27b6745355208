"""Rejected requests and their statuses; the service continues."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.services import raw_post

pytestmark = pytest.mark.slow

MAX_BODY = 20_000


@pytest.fixture(scope="module")
def service(serve: Any, binary: Any) -> Any:
    limits = ("--max-body", str(MAX_BODY), "--max-records", "50", "--max-requests", "4", "--body-seconds", "1")
    return serve(binary.folder, *limits)


def answer_of(connection: socket.socket, seconds: float = 30) -> bytes:
    """Read until the service closes the connection."""
    connection.settimeout(seconds)
    parts = b""
    while part := connection.recv(65536):
        parts += part
    return parts


@pytest.fixture(autouse=True)
def check_service(service: Any) -> Any:
    """Check after every test that the service scores."""
    yield
    with service.client() as client:
        assert client.post("/v1/score", json={"text": "x"}).status_code == 200
    assert service.metric("fraudsieve_requests_running") == 0


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer wrong", "Basic {}", "Bearer {}x", "Bearer {}\u00e9", "{}"]
)
@pytest.mark.parametrize("path", ["/v1/score", "/v1/events", "/v1/model", "/metrics", "/openapi.json", "/nothing"])
def test_without_the_token_requests_are_rejected(service: Any, shown: str | None, path: str) -> None:
    token = service.client().headers["authorization"].partition(" ")[2]
    headers = {} if shown is None else {"authorization": shown.format(token).encode("latin-1")}
    with service.client(headers=headers) as client:
        answer = client.post(path, json={"text": "x"}) if path in ("/v1/score", "/v1/events") else client.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert token not in answer.text
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_large_bodies_and_many_records(service: Any) -> None:
    with service.client() as client:
        assert client.post("/v1/score", json=[{"text": "x"}] * 50).status_code == 200
        many = client.post("/v1/score", json=[{"text": "x"}] * 51)
        assert (many.status_code, many.json()["error"]) == (413, "body: expected at most 50 records, got 51")
        for size in (MAX_BODY + 1, 100 * MAX_BODY):
            large = client.post("/v1/score", json={"text": "x" * size})
            assert (large.status_code, large.json()["error"].endswith("bytes, got more")) == (413, True)
        chunks = client.post(
            "/v1/score", content=(b" " * 1000 for _ in range(100)), headers={"content-type": "application/json"}
        )
        assert chunks.status_code == 413  # without a declared length


def test_invalid_bodies(service: Any) -> None:
    with service.client(headers=dict(service.client().headers) | {"content-type": "application/json"}) as client:
        for body in (b"", b"{", b"\xff\xfe\x00", b"[" * 15_000, b'{"text": "x"} x', b"1" * 10_000, b"NaN"):
            assert client.post("/v1/score", content=body).status_code == 400
        for body in (b"5", b"null", b'"x"', b"true"):
            assert client.post("/v1/score", content=body).status_code == 422
        wrong = client.post("/v1/score?reasons=private", content=b"{}")
        assert (wrong.status_code, "private" in wrong.text) == (422, False)
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            assert client.post("/v1/score", content=b"{}", headers={"content-type": kind}).status_code == 415
        assert client.post("/v1/score", content=b"{}", headers={"content-encoding": "gzip"}).status_code == 415
        assert client.get("/v1/score").status_code == 405
        assert client.get("/nothing").status_code == 404


@pytest.mark.parametrize(
    ("word", "expected"), [("true", True), ("Yes", True), ("on", True), ("0", False), ("off", False)]
)
def test_words_that_request_reasons(service: Any, word: str, expected: bool) -> None:
    with service.client() as client:
        assert bool(client.post(f"/v1/score?reasons={word}", json={"text": "x"}).json().get("reasons")) is expected


def test_half_a_body_times_out(service: Any) -> None:
    for sent in (b"", b'{"text"'):
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            started = time.monotonic()
            connection.sendall(raw_post(sent, length=100))
            answer = answer_of(connection)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"body: expected all of it within 1 s" in answer
            assert 0.9 < time.monotonic() - started < 20


def test_a_slow_body_times_out(service: Any) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(raw_post(length=1000))
        started = time.monotonic()
        while time.monotonic() - started < 30:
            try:
                connection.sendall(b" ")
            except OSError:
                return  # it was closed
            time.sleep(0.1)
    raise AssertionError("the service waited for 30 s")


def test_the_rest_of_a_rejected_body_is_not_read(service: Any) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(raw_post(length=10**9))
        assert answer_of(connection).startswith(b"HTTP/1.1 413 ")


def test_a_disconnected_client_leaves_nothing(service: Any) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            connection.sendall(raw_post(b'{"text"', length=100))
    deadline = time.monotonic() + 30
    while service.metric("fraudsieve_requests_running") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert service.metric('fraudsieve_requests_total{route="/v1/score",status="499"}') >= 1


def test_a_busy_service_answers_with_retry_after(service: Any) -> None:
    connections = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(4)]
    body = json.dumps({"text": "x"}).encode()
    try:
        for connection in connections:
            connection.sendall(raw_post(body[:3], "connection: close", length=len(body)))
        deadline, statuses = time.monotonic() + 0.8, set()
        with service.client() as client:
            while time.monotonic() < deadline and 503 not in statuses:
                busy = client.post("/v1/score", json={"text": "x"})
                statuses.add(busy.status_code)
            assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
            assert client.get("/healthz").status_code == 200  # busy, but healthy
        for connection in connections:
            connection.sendall(body[3:])
        answers = [answer_of(connection).split(b" ", 2)[1] for connection in connections]
        assert set(answers) <= {b"200", b"408"}
    finally:
        for connection in connections:
            connection.close()


def test_many_concurrent_requests_are_answered_or_get_retry_after(service: Any) -> None:
    together = threading.Barrier(60)

    def call(_: int) -> httpx.Response:
        with service.client() as client:
            together.wait(60)
            answer: httpx.Response = client.post(
                "/v1/score?reasons=true", json=[{"text": "pay the fee now " * 20}] * 50
            )
            return answer

    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(call, range(60)))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(answer.headers.get("retry-after") == "1" for answer in answers if answer.status_code == 503)


@pytest.mark.parametrize("line", ["POST /v1/score", "GET /v1/model"])
def test_a_request_that_offers_http_2_is_rejected(service: Any, line: str) -> None:
    """Check what the HTTP client of Java sends by default."""
    body = json.dumps({"text": "x"}).encode()
    offer = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__")
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(raw_post(body, *offer).replace(b"POST /v1/score", line.encode()))
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"turn HTTP/2 off in the client" in answer


def test_deep_nesting_and_many_objects_are_rejected(service: Any) -> None:
    with service.client(headers=dict(service.client().headers) | {"content-type": "application/json"}) as client:
        assert client.post("/v1/score", content=b"[" * 33 + b"]" * 33).status_code == 400
        many = client.post("/v1/score", content=b"[" + b",".join([b"[]"] * 400) + b"]")
        assert (many.status_code, many.json()["error"].endswith("objects and lists, got 401")) == (413, True)
