"""Serve a model folder and compare the answers with the scorer: ``python scripts/bare_serving.py FOLDER``.

It needs only the extra ``serve``, in whatever versions are installed. `scripts.golden_models` writes the folders.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from shutil import unpack_archive
from tempfile import TemporaryDirectory
from typing import Any

from fraudsieve.models import Scorer

LIBRARIES = ("starlette", "uvicorn", "uvloop")
PATIENCE = 300.0
"""Seconds within which the service is ready, with kernels to compile, and stops."""
TOKEN = "correct-horse-battery-staple"


def main(folder: Path) -> None:
    """Serve the first model that needs no history, and send its records twice over one connection."""
    archive, records = next(filter(None, map(_without_history, sorted(folder.rglob("records.json")))))
    with TemporaryDirectory() as model:
        unpack_archive(archive, model)
        _serve(model, records)


def _serve(model: str, records: list[Any]) -> None:
    expected = Scorer.load(model).score(records)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fraudsieve", "serve", "--model", model, "--port", str(port)]
    with subprocess.Popen(command, env=os.environ | {"FRAUDSIEVE_TOKEN": TOKEN}) as process:
        try:
            _wait_until_ready(port, process)
            answers = _scores(port, records)
        finally:
            process.send_signal(signal.SIGTERM)
        if process.wait(PATIENCE) or answers != [expected] * 2:
            sys.exit(f"expected the scores of the scorer and the exit code 0, got {process.returncode}")
    sys.stdout.write(f"{', '.join(f'{name} {version(name)}' for name in LIBRARIES)}: {len(records)} scores over HTTP\n")


def _without_history(path: Path) -> tuple[Path, list[Any]] | None:
    inputs = json.loads(path.read_text("utf-8"))
    return None if inputs["history"] else (path.parent / "model.zip", inputs["records"])


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    sys.exit("the service is not ready")


def _scores(port: int, records: list[Any]) -> list[Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answers = []
    for _ in range(2):
        connection.request("POST", "/v1/score", json.dumps(records), headers)
        answers.append(json.loads(connection.getresponse().read()))
    connection.close()
    return answers


if __name__ == "__main__":
    main(Path(sys.argv[1]))
