"""Workers with a history: they follow one store, lose no acknowledged event, and leave one snapshot."""

import sqlite3
import threading
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from fraudsieve.live import LiveState
from fraudsieve.models import Scorer

from .conftest import Workers, is_running, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc"),
]

AT = datetime.now(UTC) - timedelta(minutes=30)
ACCOUNTS = ("ann", "bob", "cid", "nobody")
QUERIES = [{"account_id": name, "as_of": (AT + timedelta(minutes=20)).isoformat()} for name in ACCOUNTS]


def event(number: int) -> dict[str, Any]:
    at = (AT + timedelta(seconds=number % 600)).isoformat()
    about = {"counterparty_id": "zed", "device_id": f"d{number % 5}", "kind": "message", "amount": number}
    return {"event_id": f"e{number}", "account_id": ACCOUNTS[number % 3], "occurred_at": at, **about}


def client_of_each(workers: Workers, stack: ExitStack) -> dict[int, httpx.Client]:
    """Return a client that is connected to each worker: new ones connect until all are found."""
    found: dict[int, httpx.Client] = {}
    while len(found) < 2:
        client = stack.enter_context(workers.service.client())
        n_requests = len(workers.service.lines("request")) + 1
        client.get("/v1/model").raise_for_status()
        wait_until(partial(lambda number: len(workers.service.lines("request")) >= number, n_requests))
        found[workers.service.lines("request")[-1]["pid"]] = client
    return found


def add(client: httpx.Client, number: int) -> int:
    """Add an event and return the offset of the answer."""
    answer = client.post("/v1/events", json={"events": [event(number)]})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    return int(answer.headers["fraudsieve-offset"])


def test_workers_hold_the_same_history(start_workers: Any, accounts_folder: Path, tmp_path: Path) -> None:
    options = "--state", str(tmp_path / "live.db"), "--after-seconds", "5"
    workers: Workers = start_workers(accounts_folder, *options)
    scorer = Scorer.load(accounts_folder)
    state = scorer.new_state()
    with ExitStack() as stack:
        first, second = client_of_each(workers, stack).values()
        for number in range(40):
            receiver, other = (first, second) if number % 2 else (second, first)
            offset = add(receiver, number)
            state.update(event(number))
            assert offset == number + 1
            answer = other.post("/v1/score?reasons=true", json=QUERIES, headers={"fraudsieve-after": str(offset)})
            assert (answer.status_code, answer.headers["fraudsieve-offset"]) == (200, str(offset))
            assert answer.json() == scorer.score(QUERIES, history=state, reasons=True)

        # A request that asks for what is yet to come waits for it, or is told that it did not come.
        answers = list[httpx.Response]()
        asked = threading.Thread(
            target=lambda: answers.append(second.post("/v1/score", json=QUERIES, headers={"fraudsieve-after": "41"}))
        )
        asked.start()
        wait_until(lambda: workers.service.metric("fraudsieve_requests_running") == 1)
        assert add(first, 40) == 41
        asked.join(60)
        assert (answers[0].status_code, answers[0].headers["fraudsieve-offset"]) == (200, "41")
        late = second.post("/v1/score", json=QUERIES, headers={"fraudsieve-after": "42"})
        assert (late.status_code, late.headers["retry-after"]) == (503, "1")
        assert "expected offset 42 within 5 s, the history is at 41" in late.json()["error"]

        def offsets_shown() -> set[str]:
            lines = first.get("/metrics").text.splitlines()
            return {line for line in lines if line.startswith("fraudsieve_state_offset{")}

        shown = {f'fraudsieve_state_offset{{pid="{pid}"}} 41.0' for pid in workers.pids()}
        wait_until(lambda: offsets_shown() == shown)
        history = first.get("/v1/model").json()["history"]
        assert (history["store"], history["offset"]) == ("sqlite", 41)
    assert workers.service.metric('fraudsieve_accepted_total{part="events"}') == 41
    assert workers.service.stop() == 0


def test_a_killed_worker_loses_no_acknowledged_event(start_workers: Any, accounts_folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "live.db"
    workers: Workers = start_workers(accounts_folder, "--state", str(store))
    acknowledged = list[int]()

    def call(client: httpx.Client, number: int) -> object:
        add(client, number)
        acknowledged.append(number)
        return client.post("/v1/score", json=QUERIES[0]).raise_for_status()

    victim = workers.pids()[0]
    with workers.load(call) as answers:
        wait_until(lambda: len(acknowledged) > 50)
        workers.kill(victim)
        wait_until(lambda: not is_running(victim))
        before = len(acknowledged)
        wait_until(lambda: len(acknowledged) > before + 50)
        assert victim not in workers.pids()
        wait_until(lambda: len(workers.pids()) == 2)
        before = len(acknowledged)
        wait_until(lambda: len(acknowledged) > before + 50)
        workers.service.process.terminate()  # under load
        assert workers.service.process.wait(60) == 0
    assert answers
    assert workers.service.lines()[-1]["exit_codes"] == [0, 0]

    # Everything that was acknowledged is in the store, and one snapshot holds all of it.
    with closing(sqlite3.connect(store)) as connection:
        (last,) = connection.execute('SELECT MAX("offset") FROM events').fetchone()
        snapshots = connection.execute("SELECT \"offset\" FROM snapshots WHERE facts <> ''").fetchall()
    assert snapshots == [(last,)]
    scorer = Scorer.load(accounts_folder)
    with LiveState(scorer, store) as live:
        assert live.offset == last >= len(set(acknowledged))
        accepted = live.update([event(number) for number in acknowledged])
        assert (accepted.rejected, accepted.offset) == ((), last)  # all of them are repeated deliveries


def test_a_store_that_cannot_be_used_ends_the_service_with_its_error(
    run_alone: Any, accounts_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "live.db").write_bytes(b"not a database" * 1000)
    call = ["serve", "--json", "--workers", "2", "--port", "0", "--model", str(accounts_folder)]
    printed = run_alone(f"""
import subprocess, sys
call = [sys.executable, "-m", "fraudsieve", *{call!r}, "--state", "live.db"]
done = subprocess.run(call, capture_output=True, text=True)
print(done.returncode, done.stdout)
""")
    assert printed.startswith("2 ")
    assert "live.db" in printed
