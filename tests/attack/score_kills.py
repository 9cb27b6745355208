"""Services whose workers are killed at random while clients get scores: every answered score is in the log once.

Some clients also record what they score, and send a request again until it is answered. The log is compared with the
answers that the clients have, and each logged score with that of a scorer in memory whose history ends at the logged
offset. The history has each recorded message once.
"""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx

from fraudsieve.live.recording import LoggedScore
from fraudsieve.live.records import fold_rows
from fraudsieve.live.store import EventStore, open_store
from fraudsieve.live.store.score_rows import iterate_scores
from fraudsieve.models import Scorer
from tests.live.postgres import PostgresServer
from tests.services import Service, start_service

__all__ = ["LogFaults", "kill_while_scores_are_logged"]

CLIENTS, RECORDS = 6, 3
"""Concurrent clients, and records of a request."""
RECORDING = "r"
"""How the names of requests begin whose messages are recorded."""
ANSWERS = 10
"""Requests that are answered before a kill."""
START_SECONDS = 300.0
AT = datetime.now(UTC) - timedelta(minutes=30)


@dataclass
class LogFaults:
    """What a comparison of the log with the answers of the clients found."""

    # Scores that clients have, and rows of the log: also those whose answers were lost with a worker.
    answered: int = 0
    logged: int = 0
    # Answered scores that are not logged, and rows beyond the first of a score.
    missing: int = 0
    repeated: int = 0
    # Rows that are not the answered score or that of a scorer at the logged offset.
    differing: int = 0
    # Logged scores of recorded messages that the history does not have once, at the logged offset.
    absent: int = 0

    def __add__(self, other: Self) -> "LogFaults":
        return LogFaults(*(one + two for one, two in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass
class _Load:
    """Clients that send requests until they are stopped, and the scores that they got."""

    service: Service
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, client: int) -> None:
        connection, turn = self.service.client(timeout=20), 0
        while not self.stop.is_set():
            turn += 1
            try:
                if client == 0:
                    connection.post("/v1/events", json={"events": [_event(turn)]})
                elif client % 2:
                    self._score(connection, f"{client}-{turn}")
                else:
                    name = f"{RECORDING}{client}-{turn}"
                    self._score(connection, name, "?record=true")
                    turn -= name not in self.answers  # it was answered 503
            except httpx.TransportError:  # the worker was killed, or none listens
                connection.close()
                connection = self.service.client(timeout=20)
                turn -= client > 0 and client % 2 == 0  # it is sent again
                time.sleep(0.05)
        connection.close()

    def _score(self, connection: httpx.Client, name: str, query: str = "") -> None:
        response = connection.post(f"/v1/score{query}", json=_records(name), headers={"x-request-id": name})
        if response.status_code == 200:
            assert response.headers["x-request-id"] == name
            self.answers[name] = response.json()
        else:
            assert response.status_code == 503, response.text

    def wait_for_answers(self, number: int) -> None:
        end = time.monotonic() + START_SECONDS
        while len(self.answers) < number:
            assert time.monotonic() < end, "the service answers too little"
            time.sleep(0.01)


def kill_while_scores_are_logged(
    model: Path, address: str, folder: Path, n_kills: int, seed: int, server: PostgresServer | None = None
) -> LogFaults:
    """Start a service with a model of messages on a new store, kill workers and at last the service; compare the log.

    It has two workers, or three on a server of PostgreSQL, which every second kill is of.
    """
    workers = "2" if server is None else "3"
    chance, options = random.Random(seed), ("--workers", workers, "--state", address, "--score-log", "records")
    service = start_service(model, folder / f"log{seed}", *options)
    load = _Load(service)
    threads: list[threading.Thread] = []
    try:
        service.wait_until_listening()
        service.wait_for("all workers are ready", START_SECONDS)
        for client in range(CLIENTS):
            threads.append(threading.Thread(target=load.run, args=(client,)))
            threads[-1].start()
        for kill in range(n_kills):
            load.wait_for_answers(len(load.answers) + ANSWERS)
            time.sleep(chance.uniform(0.2, 1.2))
            if server is not None and kill % 2 and kill + 1 < n_kills:
                server.kill()
                server.start()
                continue
            pids = _workers(service)
            for pid in pids[:1] if kill + 1 < n_kills else [service.process.pid, *pids]:
                os.kill(pid, signal.SIGKILL)
            if kill + 1 < n_kills:
                _wait_for_workers(service, len(service.lines("ready")) + 1)
    finally:
        load.stop.set()
        service.kill()
        for thread in threads:
            thread.join(60)
    return _compare(Scorer.load(model), address, load.answers)


def _workers(service: Service) -> list[int]:
    """Return the processes that are ready and run, the oldest first."""
    ended = {line["pid"] for line in service.lines("worker ended")}
    return [line["pid"] for line in service.lines("ready") if line["pid"] not in ended]


def _wait_for_workers(service: Service, n_ready: int) -> None:
    end = time.monotonic() + START_SECONDS
    while len(service.lines("ready")) < n_ready:
        assert time.monotonic() < end, "no worker was started instead of the killed one"
        time.sleep(0.05)


def _compare(scorer: Scorer, address: str, answers: dict[str, list[dict[str, Any]]]) -> LogFaults:
    answered = {(name, position): score for name, scores in answers.items() for position, score in enumerate(scores)}
    with open_store(address) as store:
        rows = [LoggedScore.decode(row, "log") for rows in iterate_scores(store) for row in rows]
        at_offset = dict(_scores_at_offsets(scorer, store, rows))
        absent = _count_absent(store, rows)
    count = Counter((row.request, row.position) for row in rows)
    differing = sum(_figures(row.score) != _figures(at_offset[row.request, row.position]) for row in rows)
    in_log = {(row.request, row.position): row for row in rows}
    both = answered.keys() & in_log.keys()
    differing += sum(_figures(answered[key]) != _figures(in_log[key].score) for key in both)
    differing += sum(answered[key]["message_id"] != in_log[key].ids["message_id"] for key in both)
    repeated = sum(number - 1 for number in count.values())
    return LogFaults(len(answered), len(rows), len(answered) - len(both), repeated, differing, absent)


def _count_absent(store: EventStore, rows: list[LoggedScore]) -> int:
    """Count scores of recorded messages that the history does not have once, or only after the logged offset."""
    offsets: dict[str, list[int]] = {}
    for offset, _, entry, _ in (row for rows in store.rows() for row in rows):
        _, fields = json.loads(entry).get("messages", (0, {}))
        offsets.setdefault(fields.get("event_id", ""), []).append(offset)
    recorded = [row for row in rows if row.request.startswith(RECORDING)]
    assert all(row.body is not None for row in recorded)
    found = [offsets.get(row.ids["message_id"], []) for row in recorded]
    return sum(len(of) != 1 or of[0] > (row.offset or 0) for of, row in zip(found, recorded, strict=True))


def _scores_at_offsets(
    scorer: Scorer, store: EventStore, rows: list[LoggedScore]
) -> Iterator[tuple[tuple[str, int], Mapping[str, Any]]]:
    """Yield the score of each logged record by a scorer whose history ends at the logged offset."""
    state, offset = scorer.new_state(), 0
    events = [event for events in store.rows() for event in events]
    for row in sorted(rows, key=lambda row: row.offset or 0):
        assert row.offset is not None
        fold_rows(state, events[offset : row.offset], "log")
        offset = row.offset
        yield (row.request, row.position), scorer.score(_records(row.request)[row.position], history=state)


def _figures(score: Mapping[str, Any]) -> str:
    return json.dumps([score[name] for name in ("probability", "label", "decision", "status", "probabilities")])


def _records(name: str) -> list[dict[str, Any]]:
    at = (AT + timedelta(minutes=25, milliseconds=int(name.partition("-")[2]))).isoformat()
    about = {"text": f"Your parcel {name} is held, pay now", "account_id": f"a{len(name) % 3}", "sent_at": at}
    return [{"message_id": f"{name}-{number}", **about} for number in range(RECORDS)]


def _event(number: int) -> dict[str, Any]:
    at = (AT + timedelta(milliseconds=number)).isoformat()
    about = {"counterparty_id": "bob", "device_id": f"d{number % 4}", "kind": "message", "amount": number % 9}
    return {"event_id": f"e{number}", "account_id": f"a{number % 3}", "occurred_at": at, **about}
