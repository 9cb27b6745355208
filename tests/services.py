"""A service in a process of its own, its log and its clients."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

__all__ = ["TOKEN", "Service", "raw_post", "start_service"]

TOKEN = "correct-horse-battery-staple"


def raw_post(body: bytes = b"", *more: str, path: str = "/v1/score", length: int | None = None) -> bytes:
    """Return a request as bytes, with more headers; its length can be another one than that of the body."""
    lines = [f"POST {path} HTTP/1.1", "host: x", f"authorization: Bearer {TOKEN}", "content-type: application/json"]
    lines += [*more, f"content-length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Service:
    """A running service and its log."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def client(self, **options: Any) -> httpx.Client:
        defaults: dict[str, Any] = {"headers": {"authorization": f"Bearer {TOKEN}"}, "timeout": 60}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", **defaults | options)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """Return the logged lines, of one event or of all; every line is JSON."""
        text = self.log.read_text("utf-8").rpartition("\n")[0]
        return [line for line in map(json.loads, text.splitlines()) if line["event"].startswith(event)]

    def metric(self, name: str) -> float:
        """Return a metric by its name and labels; 0 if it does not exist."""
        with self.client() as client:
            lines = client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))

    def wait_for(self, event: str, seconds: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while not self.lines(event):
            assert self.process.poll() is None, self.log.read_text("utf-8")
            assert time.monotonic() < deadline, self.log.read_text("utf-8")
            time.sleep(0.05)
        return self.lines(event)[0]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """End the process, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait_until_listening(self) -> None:
        """Wait until the port is known."""
        self.port = self.wait_for("listening")["port"]


def start_service(
    model: str | Path, log: Path, *options: str, before: Sequence[str] = (), **environment: str
) -> Service:
    """Start ``fraudsieve serve`` on a free port; it logs to a file, and does not listen yet."""
    command = [*before, sys.executable, "-m", "fraudsieve", "serve", "--model", str(model), "--port", "0", *options]
    with log.open("wb") as stream:
        variables = os.environ | {"FRAUDSIEVE_TOKEN": TOKEN} | environment
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=variables)
    return Service(process, 0, log)
