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
from zlib import crc32

import numpy as np

from fraudsieve.features.history.records import RecordIds
from fraudsieve.features.live_state import HistoryState
from fraudsieve.live.contents import rewind
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.models import Scorer
from tests.live.contents import content
from tests.live.small_models import message_model, message_scorer

__all__ = ["Spawner", "attempt", "fault_in", "live_and_die", "n_lost"]

LIVES = 2
THREADS = 8
MESSAGE_EVERY = 5
REWINDING, UNTIL = "rewinding", "2024-05-19"
"""How the names of lives begin in which events that are dated ahead are removed all the time, and their limit."""
IN_FLIGHT = 200
"""Records after the last acknowledged one that may be in the store."""
SPAWNER = """
import importlib.util, os, sys, threading, time
if importlib.util.find_spec("psycopg"):
    import psycopg  # once, and not in each process
from fraudsieve.exceptions import StateError
from fraudsieve.models import Scorer
from fraudsieve.live.contents import rewind
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from tests.attack.kills import MESSAGE_EVERY, REWINDING, THREADS, UNTIL, ahead, delivery

scorer = Scorer.load(sys.argv[1])
scorer.observe(scorer.new_state(), delivery("compile", 0))
scorer.new_state().update(delivery("compile", 1))

def report(line):
    os.write(1, (line + "\\n").encode())

def send(live, record, number):
    return live.update([record, record]) if number % MESSAGE_EVERY else live.observe(record)

def append(live, life, first):
    for number in range(first, 1_000_000, THREADS):
        record = delivery(life, number)
        while True:
            try:
                if send(live, record, number).rejected == ():
                    break
                assert life.startswith(REWINDING)  # too late, until the event that is ahead is removed
                time.sleep(0.01)
            except StateError:
                report("error")
                time.sleep(0.05)
        report(f"{life} {number}")

def rewind_often(live, life, address):
    for number in range(1_000_000):
        try:
            assert live.update(ahead(life, number)).rejected == ()
            with open_store(address) as store:
                assert rewind(store, UNTIL) > 0
        except StateError:
            report("error")
        report("rewound")
        time.sleep(0.02)

def snapshot(live):
    while not threading.Event().wait(0.05):
        try:
            live.checkpoint()
        except StateError:
            report("error")

for line in sys.stdin:
    command, life, address = line.rstrip("\\n").split(" ", 2)
    if command == "wait":
        os.waitpid(int(life), 0)
        report("dead")
        continue
    pid = os.fork()
    if pid == 0:
        live = LiveState(scorer, address)
        threads = [threading.Thread(target=append, args=(live, life, first)) for first in range(THREADS)]
        if life.startswith(REWINDING):
            threads.append(threading.Thread(target=rewind_often, args=(live, life, address)))
        [thread.start() for thread in threads]
        snapshot(live)
    report(f"pid {pid}")
"""


def attempt(seed: int, folder: Path) -> str:
    """Kill a process a few times, and compare what is restored with what was acknowledged.

    Returns "accepted" if everything is right, or a description of the fault.
    """
    chance, acknowledged = random.Random(seed), dict[str, set[int]]()
    spawner, address = _spawner(message_model()), str(folder / "live.db")
    for life in range(LIVES):
        seconds = chance.uniform(0, 0.8)
        fault = live_and_die(spawner, message_scorer(), address, f"{seed}-{life}", seconds, acknowledged)
        if fault is not None:
            return fault
    return "accepted"


def live_and_die(
    spawner: "Spawner", scorer: Scorer, address: str, life: str, seconds: float, acknowledged: dict[str, set[int]]
) -> str | None:
    """Start a process, kill it after some seconds, and check what is restored; return the fault.

    `acknowledged` holds the numbers of the acknowledged records of each life; those of this one are added.
    """
    pid = spawner.start(life, address)
    spawner.read(seconds)
    spawner.kill(pid)
    if life.startswith(REWINDING):
        with open_store(address) as store:
            rewind(store, UNTIL)
    acknowledged |= spawner.acknowledged
    return fault_in(scorer, address, acknowledged)


def fault_in(scorer: Scorer, address: str, acknowledged: dict[str, set[int]]) -> str | None:
    """Restore a state from a store, and compare it with one in memory of what was acknowledged; return the fault."""
    with LiveState(scorer, address) as live:
        restored = content(live.state)
        expected, lost = _expected(scorer, live.state, acknowledged)
        scores = live.score(QUERIES)
    if lost:
        return f"{lost} acknowledged records are lost"
    expected_content = content(expected)
    for part in ("views", "network", "watermark", "n_events"):
        if restored[part] != expected_content[part]:
            return f"the restored {part} differ"
    if restored["seen"]["ids"] != expected_content["seen"]["ids"]:
        return "the restored ids differ"
    if repr(scores) != repr(scorer.score(QUERIES, history=expected)):
        return "the restored scores differ"
    return None


def n_lost(scorer: Scorer, address: str, acknowledged: dict[str, set[int]]) -> int:
    """Restore a state from a store, and return how many acknowledged records it lacks."""
    with LiveState(scorer, address) as live:
        return _expected(scorer, live.state, acknowledged)[1]


def _expected(scorer: Scorer, restored: HistoryState, acknowledged: dict[str, set[int]]) -> tuple[HistoryState, int]:
    """Return a state in memory of all records that a restored state holds, and how many acknowledged ones it lacks."""
    state, lost = scorer.new_state(), 0
    for life, numbers in acknowledged.items():
        for number in range(max(numbers, default=0) + IN_FLIGHT):
            record, is_message = delivery(life, number), number % MESSAGE_EVERY == 0
            identifier = RecordIds({"event_id": f"{life} {number}"}).delivery("message" if is_message else "event")
            if identifier in restored.seen:
                rejected = scorer.observe(state, record) if is_message else state.update(record)
                assert rejected == ()
            elif number in numbers:
                lost += 1
    return state, lost


def delivery(life: str, number: int) -> dict[str, Any]:
    """Return a message or an event; each has its own time, and all are within some hours."""
    at = np.datetime64("2024-05-01T10:00:00", "us") + number * 1_000_000 + crc32(life.encode()) % 1_000_000
    if number % MESSAGE_EVERY == 0:
        return {"message_id": f"{life} {number}", "text": "Your parcel 12 is held, pay now", "sent_at": at}
    return {
        "event_id": f"{life} {number}", "account_id": f"a{number % 7}", "occurred_at": at, "kind": "message",
        "amount": number % 90 / 7, "counterparty_id": f"c{number % 3}", "device_id": f"d{number % 4}",
    }  # fmt: skip


def ahead(life: str, number: int) -> dict[str, Any]:
    """Return an event that is dated weeks ahead of all others."""
    about = {"account_id": "a1", "kind": "message", "counterparty_id": "c1", "device_id": "d1"}
    return {"event_id": f"{life} ahead {number}", "occurred_at": "2024-05-20T00:00:00Z", **about}


QUERIES = [
    {"text": "Your parcel 99 is held, pay now", "account_id": f"a{number}", "sent_at": "2024-05-02T08:00:00Z"}
    for number in range(7)
]


class Spawner:
    """A process that has loaded a model, and starts processes that append until they are killed.

    It counts the acknowledged records of each life, errors after which records were sent again, and how often events
    that were dated ahead were removed.
    """

    def __init__(self, model: Path) -> None:
        root = Path(__file__).parent.parent.parent
        self.process = subprocess.Popen(
            [sys.executable, "-c", SPAWNER, str(model)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
        )
        self.rest = b""
        self.acknowledged: dict[str, set[int]] = {}
        self.n_errors = self.n_rewinds = 0

    def start(self, life: str, address: str) -> int:
        """Start a process and return its id."""
        self.acknowledged.setdefault(life, set())  # its rows may be stored before any is acknowledged
        self._send(f"start {life} {address}")
        return int(self._read_until("pid").split()[1])

    def kill(self, pid: int) -> None:
        """Kill a process, and wait until it is dead."""
        os.kill(pid, signal.SIGKILL)
        self._send(f"wait {pid} -")
        self._read_until("dead")

    def read(self, seconds: float) -> list[str]:
        """Read for some seconds what the processes report, and return the other lines."""
        assert self.process.stdout is not None
        end, pipe, others = time.monotonic() + seconds, self.process.stdout.fileno(), list[str]()
        while (left := end - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
            self.rest += os.read(pipe, 65536)
            *lines, self.rest = self.rest.split(b"\n")
            others += [line for line in map(bytes.decode, lines) if not self._count(line)]
        return others

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def _count(self, line: str) -> bool:
        """Count an acknowledged record or an error; return whether the line is one."""
        first, _, second = line.partition(" ")
        if first in ("pid", "dead"):
            return False
        if first == "error":
            self.n_errors += 1
        elif first == "rewound":
            self.n_rewinds += 1
        else:
            self.acknowledged.setdefault(first, set()).add(int(second))
        return True

    def _send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def _read_until(self, start: str) -> str:
        end = time.monotonic() + 100
        while True:
            for line in self.read(0.02):
                if line.startswith(start):
                    return line
            if time.monotonic() > end or self.process.poll() is not None:
                raise TimeoutError(f"The process did not report {start}.")


@cache
def _spawner(model: Path) -> Spawner:
    spawner = Spawner(model)
    atexit.register(spawner.close)
    return spawner
