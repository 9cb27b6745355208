"""The server's open files, and how long it takes to stop; test_app and test_load test its connections."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services import TOKEN, Service


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
