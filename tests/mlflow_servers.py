"""A server of MLflow, and one before it that may fall silent or answer slowly."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mlflow

from tests.shared import mlflow_uri

__all__ = ["Gate", "gate_before", "mlflow_server", "running_mlflow", "silent_server"]


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Yield the address of a tracking server that also serves artifacts, so that no disk is shared."""
    stores = ["--backend-store-uri", mlflow_uri(folder), "--artifacts-destination", str(folder / "a")]
    try:
        with running_mlflow(folder, "server", "--workers", "1", *stores, ready="/health") as address:
            yield address
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]


@contextmanager
def running_mlflow(folder: Path, *command: str, ready: str) -> Iterator[str]:
    """Run a command of MLflow that serves, and yield its address once a path of it answers."""
    port, log = _free_port(), folder / "mlflow.log"
    where = ["--host", "127.0.0.1", "--port", str(port)]
    # The command finds uvicorn on the PATH.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        environment.pop(name, None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command, *where],
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 180
        while not _answers(f"http://127.0.0.1:{port}{ready}"):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):  # it has ended itself
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


class Gate:
    """Passes connections on to a server, at once, after a while, byte by byte, or not at all.

    Attributes
    ----------
    silent : bool
        Whether nothing is passed on. Connections are accepted.
    delay : float
        Seconds before each answer.
    drips : bool
        Whether the head of an answer is sent byte by byte and never ends.
    """

    def __init__(self, upstream: int | None) -> None:
        self.upstream, self.silent, self.delay, self.drips = upstream, upstream is None, 0.0, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed at the end of the test
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            if self.drips:
                client.sendall(b"HTTP/1.1 200 OK\r\nx: ")
            while self.drips:
                client.sendall(b"a")
                time.sleep(0.05)
            if self.upstream is None:
                client.recv(1)
                threading.Event().wait()
            with socket.create_connection(("127.0.0.1", self.upstream or 0)) as server:
                answers = threading.Thread(target=self._pass_on, args=(server, client, True), daemon=True)
                answers.start()
                self._pass_on(client, server, False)
                answers.join()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if is_answer:
                    time.sleep(self.delay)
                while self.silent:
                    time.sleep(0.05)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def gate_before(address: str) -> Iterator[Gate]:
    """Yield a gate before a server."""
    gate = Gate(int(address.rpartition(":")[2]))
    with gate.listener:
        yield gate


@contextmanager
def silent_server() -> Iterator[Gate]:
    """Yield a server that accepts connections and never answers."""
    gate = Gate(None)
    with gate.listener:
        yield gate
