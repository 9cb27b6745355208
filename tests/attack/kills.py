"""Processes that are killed at random while threads append and snapshots are taken every 50 ms.

Whatever was acknowledged is restored, and the restored state is equal to the last bit to one that never crashed.
"""

import atexit
import os
import random
import select
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fraudsieve.features.history.records import delivery_id
from fraudsieve.features.live_state import HistoryState
from fraudsieve.models import Scorer
from fraudsieve.models.live.state import LiveState
from tests.models.live.contents import content
from tests.models.live.small_models import message_model, message_scorer

__all__ = ["Spawner", "attempt", "live_and_die"]

LIVES = 2
THREADS = 3
MESSAGE_EVERY = 5
IN_FLIGHT = 100
"""Records after the last acknowledged one that may be in the log."""
SPAWNER = """
import os, sys, threading
from fraudsieve.models import Scorer
from fraudsieve.models.live.state import LiveState
from tests.attack.kills import MESSAGE_EVERY, THREADS, delivery

scorer = Scorer.load(sys.argv[1])
scorer.observe(scorer.new_state(), delivery("compile", 0))

def report(line):
    os.write(1, (line + "\\n").encode())

def append(live, life, first):
    for number in range(first, 1_000_000, THREADS):
        record = delivery(life, number)
        if number % MESSAGE_EVERY:
            assert live.update([record, record]) == ()
        else:
            assert live.observe(record) == ()
        report(f"{life} {number}")

def snapshot(live):
    while not threading.Event().wait(0.05):
        live.checkpoint()

for line in sys.stdin:
    life, folder = line.rstrip("\\n").split(" ", 1)
    pid = os.fork()
    if pid == 0:
        live = LiveState(scorer, folder, segment_bytes=4000)
        threads = [threading.Thread(target=append, args=(live, life, first)) for first in range(THREADS)]
        [thread.start() for thread in threads]
        snapshot(live)
    report(f"pid {pid}")
    os.waitpid(pid, 0)
    report("dead")
"""


def attempt(seed: int, folder: Path) -> str:
    """Kill a process a few times, and compare what is restored with what was acknowledged.

    Parameters
    ----------
    seed : int
        Seed of the times of the kills.
    folder : Path
        An empty folder.

    Returns
    -------
    str
        "accepted" if everything is right, or a description of the fault.
    """
    chance, acknowledged = random.Random(seed), set[str]()
    spawner = _spawner(message_model())
    for life in range(LIVES):
        fault = live_and_die(spawner, message_scorer(), folder, f"{seed}-{life}", chance.uniform(0, 0.8), acknowledged)
        if fault is not None:
            return fault
    return "accepted"


def live_and_die(
    spawner: "Spawner", scorer: Scorer, folder: Path, life: str, seconds: float, acknowledged: set[str]
) -> str | None:
    """Start a process, kill it after some seconds, and check what is restored; return the fault.

    `acknowledged` holds the acknowledged records of earlier lives; those of this one are added.
    """
    lines = spawner.live(life, folder, seconds)
    acknowledged |= {line for line in lines if line.startswith(f"{life} ")}
    lives = dict.fromkeys([*(line.split()[0] for line in sorted(acknowledged)), life])
    with LiveState(scorer, folder) as live:
        restored = content(live.state)
        expected, names = _expected(scorer, live.state, list(lives), acknowledged)
        scores = live.score(QUERIES)
    if acknowledged - names:
        return f"{len(acknowledged - names)} acknowledged records are lost"
    expected_content = content(expected)
    for part in ("views", "network", "watermark", "n_events"):
        if restored[part] != expected_content[part]:
            return f"the restored {part} differ"
    if restored["seen"]["ids"] != expected_content["seen"]["ids"]:
        return "the restored ids differ"
    if repr(scores) != repr(scorer.score(QUERIES, history=expected)):
        return "the restored scores differ"
    return None


def _expected(
    scorer: Scorer, restored: HistoryState, lives: list[str], acknowledged: set[str]
) -> tuple[HistoryState, set[str]]:
    """Return a state in memory of all records whose ids a restored state has seen, and their names."""
    state, names = scorer.new_state(), set[str]()
    for life in lives:
        numbers = [int(name.split()[1]) for name in acknowledged if name.startswith(f"{life} ")]
        for number in range(max(numbers, default=0) + IN_FLIGHT):
            record = delivery(life, number)
            kind = "event" if number % MESSAGE_EVERY else "message"
            if delivery_id({"event_id": f"{life} {number}"}, kind) in restored.seen:
                names.add(f"{life} {number}")
                rejected = scorer.observe(state, record) if kind == "message" else state.update(record)
                assert rejected == ()
    return state, names


def delivery(life: str, number: int) -> dict[str, Any]:
    """Return a message or an event; each has its own time, and all are within some hours."""
    at = np.datetime64("2024-05-01T10:00:00", "us") + number * 1_000_000 + sum(life.encode()) * 1000
    if number % MESSAGE_EVERY == 0:
        return {"message_id": f"{life} {number}", "text": "Your parcel 12 is held, pay now", "sent_at": at}
    return {
        "event_id": f"{life} {number}", "account_id": f"a{number % 7}", "occurred_at": at, "kind": "message",
        "amount": number % 90 / 7, "counterparty_id": f"c{number % 3}", "device_id": f"d{number % 4}",
    }  # fmt: skip


QUERIES = [
    {"text": "Your parcel 99 is held, pay now", "account_id": f"a{number}", "sent_at": "2024-05-02T08:00:00Z"}
    for number in range(7)
]


class Spawner:
    """A process that has loaded a model, and starts processes that append until they are killed."""

    def __init__(self, model: Path) -> None:
        root = Path(__file__).parent.parent.parent
        self.process = subprocess.Popen(
            [sys.executable, "-c", SPAWNER, str(model)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
        )
        self.rest = b""

    def live(self, life: str, folder: Path, seconds: float) -> list[str]:
        """Start a process, kill it after some seconds, and return the lines that it wrote."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{life} {folder}\n".encode())
        self.process.stdin.flush()
        lines = self._read_until("pid")
        pid = next(int(line.split()[1]) for line in lines if line.startswith("pid"))
        lines += self._read(seconds)
        os.kill(pid, signal.SIGKILL)
        return lines + self._read_until("dead")

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def _read(self, seconds: float) -> list[str]:
        """Return the complete lines that arrive within some seconds."""
        assert self.process.stdout is not None
        end, pipe = time.monotonic() + seconds, self.process.stdout.fileno()
        while (left := end - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
            self.rest += os.read(pipe, 65536)
        *whole, self.rest = self.rest.split(b"\n")
        return [line.decode() for line in whole]

    def _read_until(self, start: str) -> list[str]:
        lines: list[str] = []
        end = time.monotonic() + 100
        while not any(line.startswith(start) for line in lines):
            if time.monotonic() > end or self.process.poll() is not None:
                raise TimeoutError(f"The process did not report {start}.")
            lines += self._read(0.02)
        return lines


@cache
def _spawner(model: Path) -> Spawner:
    spawner = Spawner(model)
    atexit.register(spawner.close)
    return spawner
