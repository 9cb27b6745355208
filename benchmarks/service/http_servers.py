"""The servers that are measured, started as a user would: fraudsieve's and MLflow's, on the same model."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["TOKEN", "mlflow_server", "our_server"]

TOKEN = "a-token-of-the-benchmark"
PATIENCE = 120.0
"""Seconds that a server may take to start."""


@contextmanager
def our_server(folder: Path, *options: str) -> Iterator[int]:
    """Run ``fraudsieve serve`` on a model folder.

    Parameters
    ----------
    folder : Path
        The model folder.
    *options : str
        Further options of the command.

    Yields
    ------
    int
        Its port.
    """
    port = _free_port()
    command = [sys.executable, "-m", "fraudsieve", "serve", "--model", str(folder), "--port", str(port), *options]
    with _running(command, f"http://127.0.0.1:{port}/readyz", FRAUDSIEVE_TOKEN=TOKEN):
        yield port


@contextmanager
def mlflow_server(saved: Path) -> Iterator[int]:
    """Run ``mlflow models serve`` on an MLflow model, with its default number of workers.

    Parameters
    ----------
    saved : Path
        The MLflow model.

    Yields
    ------
    int
        Its port.
    """
    port = _free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--env-manager", "local"]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(saved), *options]
    # The command finds uvicorn on the PATH.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with _running(command, f"http://127.0.0.1:{port}/ping", PATH=path):
        yield port


@contextmanager
def _running(command: Sequence[str], ready: str, **environment: str) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        variables = os.environ | environment
        process = subprocess.Popen(command, stdout=log, stderr=log, env=variables, start_new_session=True)
        try:
            _wait(process, ready)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(process: subprocess.Popen[bytes], ready: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(ready, timeout=5):
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.2)
    raise RuntimeError(f"{process.args!r} did not start within {PATIENCE:g} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
