"""A live state whose process is killed at any time: acknowledged records are kept and count once."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from fraudsieve.features.history.records import id_digest
from fraudsieve.features.history.timeline import EVENT, signed
from fraudsieve.models import Scorer
from fraudsieve.models.live.state import LiveState
from tests.profiles import size

KILLS = size(20, dev=6)
# Loads the libraries once. For every line it reads, it starts a process that appends until it is killed.
SPAWNER = """
import os, sys, threading
from fraudsieve.models import Scorer
from fraudsieve.features.message_records import message_history
from fraudsieve.models.live.state import LiveState

scorer = Scorer.load(sys.argv[1])
scorer.observe(scorer.new_state(), {"text": "compiled before", "sent_at": "2024-05-01"})
def report(line):
    os.write(1, (line + "\\n").encode())

def work(live, first):
    for step in range(100_000):
        number = 3 * step + first
        at = f"2024-05-{1 + number // 86400 % 28:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
        event = {"event_id": f"{sys.round}-{number}", "account_id": f"a{number % 7}", "occurred_at": at,
                 "kind": "message", "amount": number % 90, "counterparty_id": "c"}
        sent = {"message_id": f"{sys.round}-{number}", "text": "Your parcel 12 is held, pay now", "sent_at": at}
        if number % 5:
            assert live.update([event, event]) == ()
        else:
            assert live.observe(sent) == ()
        report(f"{'em'[number % 5 == 0]} {sys.round}-{number}")
        if number % 40 == 0:
            live.checkpoint()

for line in sys.stdin:
    sys.round = line.strip()
    pid = os.fork()
    if pid == 0:
        live = LiveState(scorer, sys.argv[2], segment_bytes=4000)
        threads = [threading.Thread(target=work, args=(live, first)) for first in range(3)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    report(f"pid {pid}")
    os.waitpid(pid, 0)
    report("dead")
"""


class Spawner:
    """A process that starts processes, which append until they are killed."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SPAWNER, str(model), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.rest = b""

    def start(self, name: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name}\n".encode())
        self.process.stdin.flush()

    def read(self, seconds: float) -> list[str]:
        """Return the complete lines that arrive within some seconds."""
        assert self.process.stdout is not None
        end, pipe = time.monotonic() + seconds, self.process.stdout.fileno()
        while (left := end - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
            self.rest += os.read(pipe, 65536)
        *whole, self.rest = self.rest.split(b"\n")
        return [line.decode() for line in whole]

    def read_until(self, start: str) -> list[str]:
        lines: list[str] = []
        end = time.monotonic() + 100
        while not any(line.startswith(start) for line in lines):
            assert time.monotonic() < end
            lines += self.read(0.02)
        return lines


def count_ids(live: LiveState) -> tuple[Counter[int], Counter[int]]:
    """Count the ids of events and of messages in the state."""
    senders, campaigns = live.state.views[0], live.state.views[1]
    counted = (
        Counter(identifier for line in view.timelines.values() for identifier in line.column(EVENT).tolist())
        for view in (senders, campaigns)
    )
    return next(counted), next(counted)


@pytest.mark.slow
def test_acknowledged_records_survive_a_kill_and_count_once(
    message_scorer: Scorer, messages_folder: Path, tmp_path: Path
) -> None:
    chance, folder = random.Random(7), tmp_path / "live"
    acknowledged: set[str] = set()
    spawner, max_bytes = Spawner(messages_folder, folder), 0
    try:
        for number in range(KILLS):
            spawner.start(f"r{number}")
            lines = spawner.read_until("pid")
            pid = next(int(line.split()[1]) for line in lines if line.startswith("pid"))
            lines += spawner.read(chance.uniform(0.0, 0.8))
            os.kill(pid, signal.SIGKILL)
            lines += spawner.read_until("dead")
            acknowledged |= {line for line in lines if line[:2] in ("e ", "m ")}
            with LiveState(message_scorer, folder) as live:
                events, messages = count_ids(live)
                max_bytes = max(max_bytes, live.size.log_bytes)
            for line in acknowledged:
                identifier = signed(id_digest(line[2:], "event_id"))
                assert (events if line[0] == "e" else messages)[identifier] == (1 if line[0] == "e" else 8), line
            assert set(events.values()) <= {1}
            assert set(messages.values()) <= {8}
    finally:
        spawner.process.kill()
        spawner.process.communicate()
    assert len(acknowledged) > 15 * KILLS
    assert {line.split("-")[0] for line in acknowledged if line[0] == "e"} > {"e r0"}
    assert max_bytes < 300_000  # checkpoints were made
