"""The service of the examples: its own process, used by several clients at the same time."""

import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.models import Scorer

EXAMPLE = Path(__file__).parents[2] / "examples" / "service.py"


@pytest.fixture(scope="module")
def address(binary: Any) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call = [sys.executable, str(EXAMPLE), str(binary.folder), binary.model.digest, str(port)]
    with subprocess.Popen(call) as process:
        try:
            for _ in range(600):
                assert process.poll() is None
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def post(address: str, body: bytes) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body), timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.slow
def test_scores_equal_those_of_the_scorer(address: str, binary: Any) -> None:
    scorer = Scorer.load(binary.folder)
    records = [{"text": text} for text in binary.texts[:40]]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda record: post(address, json.dumps(record).encode()), records))
    assert answers == [(200, score) for score in scorer.score(records, reasons=True)]
    assert post(address, json.dumps(records).encode()) == (200, [score for _, score in answers])
    assert post(address, b'{"text": null}')[1]["status"] == "unscorable"


@pytest.mark.slow
def test_invalid_records_are_a_bad_request(address: str) -> None:
    for body in (b"", b"secret", b"3", b'["secret"]', b"\xff", b"[" * 100_000):
        status, answer = post(address, body)
        assert status == 400
        assert set(answer) == {"error"}
        assert "secret" not in answer["error"]


@pytest.mark.slow
def test_a_large_body_is_rejected_by_its_head(address: str) -> None:
    """Check that the response comes without a body being sent, and that the connection is closed."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str((1 << 20) + 1))
    connection.endheaders()
    with closing(connection), connection.getresponse() as response:
        assert (response.status, set(json.load(response))) == (400, {"error"})
