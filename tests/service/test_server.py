"""The server's open files, and how long it takes to stop; test_app and test_load test its connections."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services import TOKEN, Service, raw_post


def half_closed(service: Service, *requests: bytes) -> tuple[bytes, float]:
    """Send requests, shut down the writing side, and return what comes until the server closes, and its seconds."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(b"".join(requests))
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer, time.monotonic() - started


def post(path: str, content: Any) -> bytes:
    return raw_post(json.dumps(content).encode(), path=path)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_client_that_has_finished_sending_gets_its_answers(
    serve: Any, accounts_folder: Path, tmp_path: Path, workers: str
) -> None:
    service = serve(accounts_folder, "--workers", workers, "--state", str(tmp_path / "live.db"))
    at = datetime.now(UTC).isoformat()
    events = [{"event_id": f"e{n}", "account_id": "ann", "occurred_at": at, "kind": "message"} for n in range(20)]
    answers = [half_closed(service, post("/v1/events", {"events": [event]})) for event in events]
    assert [
        answer for answer, _ in answers if not answer.startswith(b"HTTP/1.1 200") or b'"accepted":1' not in answer
    ] == []
    score = post("/v1/score", {"account_id": "ann", "as_of": at})
    answers += [half_closed(service, score), half_closed(service, score, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")]
    assert [answer.count(b"HTTP/1.1 200") for answer, _ in answers[-2:]] == [1, 2]
    cut = half_closed(service, score[:-1])  # nothing is owed to it
    assert cut[0] == half_closed(service, b"")[0] == b""
    assert max(seconds for _, seconds in [*answers[1:], cut]) < 5  # the connection ends with the answer
    assert service.metric("fraudsieve_requests_running") == 0
    assert service.stop() == 0


@pytest.mark.slow
def test_the_soft_limit_on_open_files_is_raised(run_alone: Any) -> None:
    printed = run_alone("""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096))
from fraudsieve.service.server import _allow_open_files
_allow_open_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE))
""")
    assert "(4096, 4096)" in printed


@pytest.mark.slow
def test_a_watcher_that_hangs_does_not_keep_the_service_alive(binary: Any, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("rule = []")
    call = ["serve", "--model", str(binary.folder), "--port", "0", "--rules", str(tmp_path / "rules.toml")]
    program = f"""
import time
from fraudsieve.cli.app import app
from fraudsieve.service.json_log import log_event
from fraudsieve.service.watchers import RulesWatcher
RulesWatcher.check = lambda _: log_event("hangs") or time.sleep(600)
app({[*call, "--watch-seconds", "0.1"]!r})
"""
    with (tmp_path / "log").open("wb") as log:
        variables = os.environ | {"FRAUDSIEVE_TOKEN": TOKEN}
        process = subprocess.Popen([sys.executable, "-c", program], stderr=log, env=variables)
    service = Service(process, 0, tmp_path / "log")
    try:
        service.wait_for("ready", 120)
        service.wait_for("hangs")
        started = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - started < 5
        assert service.lines("stopped")[0]["abandoned"] == ["rules"]
    finally:
        service.kill()


@pytest.mark.slow
def test_a_long_request_does_not_outlast_the_grace(serve: Any, several: Any) -> None:
    service = serve(several.folder, "--grace-seconds", "1", "--max-records", "100000", "--max-body", "100000000")
    body = json.dumps([{"text": "pay the fee, " * 50}] * 40_000).encode()

    def call() -> None:
        with service.client() as client, suppress(httpx.HTTPError):
            client.post("/v1/score?reasons=true", content=body, headers={"content-type": "application/json"})

    thread = threading.Thread(target=call)
    thread.start()
    while not service.metric("fraudsieve_requests_running"):
        time.sleep(0.01)
    time.sleep(0.5)  # it is read, and being scored
    started = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - started < 4
    assert service.lines("stopped")[0]["abandoned"] == ["score"]
    thread.join()
