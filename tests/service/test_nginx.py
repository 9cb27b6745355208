"""The proxy of the examples: a real nginx in front of a real service."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from fraudsieve.service.settings import Settings

NGINX, OPENSSL = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"), shutil.which("openssl")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None or OPENSSL is None, reason="nginx and openssl are not installed"),
]
EXAMPLE = Path(__file__).parents[2] / "examples" / "nginx.conf"
MAIN = """
user root;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/example.conf;
}}
"""
SELF_SIGNED = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
SELF_SIGNED += ["-days", "1", "-subj", "/CN=localhost"]


@dataclass(frozen=True)
class Proxy:
    """A running nginx, the service behind it, and their files."""

    service: Any
    port: int
    folder: Path

    def client(self) -> httpx.Client:
        trusted = ssl.create_default_context(cafile=self.folder / "scores.pem")
        trusted.check_hostname = False
        headers = dict(self.service.client().headers)
        return httpx.Client(base_url=f"https://127.0.0.1:{self.port}", headers=headers, verify=trusted, timeout=60)

    def connect(self) -> ssl.SSLSocket:
        trusted = ssl.create_default_context(cafile=self.folder / "scores.pem")
        trusted.check_hostname = False
        return trusted.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=30))

    def head(self, length: int, *more: str) -> bytes:
        lines = ["POST /v1/score HTTP/1.1", "host: scores.example", "content-type: application/json", *more]
        lines += [f"authorization: {self.service.client().headers['authorization']}", f"content-length: {length}"]
        return "\r\n".join([*lines, "", ""]).encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def replaced(text: str, changes: dict[str, str]) -> str:
    """Return a configuration with other values of the same lines, so that a test takes no ten seconds."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def proxy(serve: Any, binary: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    assert NGINX is not None
    assert OPENSSL is not None
    service, folder, port = serve(binary.folder), tmp_path_factory.mktemp("nginx"), free_port()
    files = ["-keyout", str(folder / "scores.key"), "-out", str(folder / "scores.pem")]
    subprocess.run([OPENSSL, *SELF_SIGNED, *files], check=True, capture_output=True)
    changes = {"127.0.0.1:8000": f"127.0.0.1:{service.port}", "listen 443": f"listen 127.0.0.1:{port}"}
    changes |= {"/etc/nginx/": f"{folder}/", "_timeout 10s": "_timeout 1s"}
    changes |= {"connections 100;": "connections 8;", "rate=500r/s": "rate=20r/s", "burst=500": "burst=40"}
    (folder / "example.conf").write_text(replaced(EXAMPLE.read_text("utf-8"), changes))
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    with subprocess.Popen([NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]) as process:
        found = Proxy(service, port, folder)
        try:
            wait_until_open(found, process)
            yield found
        finally:
            process.terminate()


def wait_until_open(proxy: Proxy, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, (proxy.folder / "error.log").read_text("utf-8")
        assert time.monotonic() < deadline
        try:
            proxy.connect().close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def answer_of(connection: ssl.SSLSocket) -> bytes:
    """Read until the connection is closed."""
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


def test_scores_pass_and_health_is_public(proxy: Proxy) -> None:
    records = [{"text": f"pay the fee {number}"} for number in range(20)]
    with proxy.client() as client, proxy.service.client() as direct:
        assert client.post("/v1/score", json=records).json() == direct.post("/v1/score", json=records).json()
        assert client.get("/healthz", headers={"authorization": ""}).json() == {"status": "ok"}
        assert client.get("/v1/model", headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/metrics").status_code == 404


def test_the_limits_fit_those_of_the_service() -> None:
    """Check that the proxy closes idle connections first: else it sends a request over a closed one."""
    text, settings = EXAMPLE.read_text("utf-8"), Settings()
    (idle_seconds, megabytes) = re.findall(r"(\d+)[sm];  # (?:less than --body-seconds|as --max-body)", text)
    assert int(idle_seconds) < settings.body_seconds
    assert int(megabytes) << 20 == settings.max_body
    assert f"keepalive {settings.max_requests};" in text


def test_a_large_body_is_rejected_and_a_smaller_one_stays_in_memory(proxy: Proxy) -> None:
    with proxy.client() as client:
        assert client.post("/v1/score", json={"text": "x" * (1 << 20)}).status_code == 413
        client.post("/v1/score", json=[{"text": "pay the fee " * 80}] * 900).raise_for_status()
    assert "temporary file" not in (proxy.folder / "error.log").read_text("utf-8")


def test_a_slow_client_does_not_hold_the_service(proxy: Proxy) -> None:
    body = json.dumps({"text": "x"}).encode()
    for sent in (b"", b"POST /v1/score HT", proxy.head(len(body)) + body[:3]):
        with proxy.connect() as connection:
            started = time.monotonic()
            connection.sendall(sent)
            time.sleep(0.3)
            assert proxy.service.metric("fraudsieve_requests_running") == 0
            assert answer_of(connection) == b""
            assert 0.5 < time.monotonic() - started < 20


def test_a_long_head_does_not_reach_the_service(proxy: Proxy) -> None:
    with proxy.client() as client:
        assert client.get("/v1/model", headers={"x-long": "x" * 40_000}).status_code == 400


def test_one_address_has_few_requests_in_progress(proxy: Proxy) -> None:
    body = json.dumps({"text": "x"}).encode()
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(proxy.connect()).sendall(proxy.head(len(body)) + body[:3])
        last = stack.enter_context(proxy.connect())
        last.sendall(proxy.head(len(body), "connection: close") + body)
        assert answer_of(last).startswith(b"HTTP/1.1 503 ")


def test_a_post_that_offers_http_2_keeps_its_body(proxy: Proxy) -> None:
    body = json.dumps({"text": "x"}).encode()
    with proxy.connect() as connection:
        offer = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__")
        connection.sendall(proxy.head(len(body), *offer) + body)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_many_requests_of_one_address_are_answered_429(proxy: Proxy) -> None:
    with proxy.client() as client:
        statuses = [client.post("/v1/score", json={"text": "x"}).status_code for _ in range(120)]
        health = {client.get("/healthz").status_code for _ in range(20)}
    assert set(statuses) == {200, 429}
    assert health == {200}
