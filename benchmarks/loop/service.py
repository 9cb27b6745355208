"""A service that follows the champion, its kills, restarts and swaps, and the commands beside it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.services import Service, start_service

__all__ = ["LoopService", "command", "finish", "run_command_line"]

START_SECONDS: Final = 300.0
RSS: Final = re.compile(r"VmRSS:\s+(\d+) kB")


def command(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start a command of fraudsieve in a folder, which is also that of the store of MLflow."""
    call = [sys.executable, "-m", "fraudsieve", *arguments, "--json"]
    return subprocess.Popen(call, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for a command, and return what it printed.

    Raises
    ------
    RuntimeError
        If it failed.
    """
    output, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {output}{errors}")
    content: dict[str, Any] = json.loads(output.splitlines()[-1])
    return content


def run_command_line(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a command of fraudsieve in a folder, and return what it printed."""
    return finish(command(folder, *arguments))


@dataclass(eq=False)
class LoopService:
    """A service on a store, which is started again after kills and stops.

    Attributes
    ----------
    swaps : int
        Models that workers have swapped.
    """

    model: str
    options: Sequence[str]
    workers: int
    folder: Path
    swaps: int = 0
    n_starts: int = 0
    service: Service = field(init=False)

    def start(self) -> None:
        """Start it, and wait until all workers are ready."""
        self.n_starts += 1
        options = (*self.options, "--workers", str(self.workers))
        self.service = start_service(self.model, self.folder / f"service-{self.n_starts}.log", *options)
        self.service.wait_until_listening()
        self.service.wait_for("ready" if self.workers == 1 else "all workers are ready", START_SECONDS)

    def kill(self, pids: Iterable[int]) -> None:
        """Kill the supervisor and workers at once, and start the service again."""
        for pid in {self.service.process.pid, *pids}:
            os.kill(pid, signal.SIGKILL)
        self.service.process.wait()
        self._count_swaps()
        self.start()

    def kill_a_worker(self, pids: Iterable[int]) -> None:
        """Kill the oldest worker, and wait until another one is ready instead."""
        n_ready = len(self.service.lines("ready"))
        os.kill(next(iter(pids)), signal.SIGKILL)
        _wait(lambda: len(self.service.lines("ready")) > n_ready, "no worker was started instead of the killed one")

    def stop(self) -> None:
        """Stop it cleanly: it writes a snapshot, and deletes old rows."""
        if code := self.service.stop():
            raise RuntimeError(f"the service ended with {code}")
        self._count_swaps()

    @property
    def versions(self) -> dict[int, str]:
        """The version of the model that each running worker uses, by its process, the oldest first."""
        versions, ended = dict[int, str](), set[int]()
        for line in self.service.lines():
            if line["event"] in ("ready", "model swapped"):
                versions[line.get("pid", self.service.process.pid)] = line["version"]
            elif line["event"].startswith("worker ended"):
                ended.add(line["pid"])
        return {pid: version for pid, version in versions.items() if pid not in ended}

    @property
    def memory(self) -> float:
        """Resident memory of the largest worker in MB; 0 on systems without /proc."""
        texts = [path.read_text("ascii") for pid in self.versions if (path := Path(f"/proc/{pid}/status")).exists()]
        return max((int(found[1]) / 1024 for text in texts if (found := RSS.search(text))), default=0.0)

    def _count_swaps(self) -> None:
        self.swaps += len(self.service.lines("model swapped"))


def _wait(is_done: Callable[[], bool], problem: str) -> None:
    end = time.monotonic() + START_SECONDS
    while not is_done():
        if time.monotonic() > end:
            raise RuntimeError(problem)
        time.sleep(0.05)
