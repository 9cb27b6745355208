"""Scores of records that are added to the history, over sockets and from two workers."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.live.recording import LoggedScore
from fraudsieve.live.store import open_store
from fraudsieve.live.store.score_rows import iterate_scores
from tests.live.small_models import event_pair_model, message_pair_model
from tests.service.test_recording import record

pytestmark = pytest.mark.slow

N, CLIENTS = 40, 6


def test_two_workers_answer_each_record_once(serve: Any, tmp_path: Path) -> None:
    """Every client sends every record, so that both workers get it at the same time."""
    store = tmp_path / "live.db"
    options = ("--workers", "2", "--state", str(store), "--score-log", "scores")
    service = serve(message_pair_model(), *options)

    def ask(_: int) -> list[tuple[Any, ...]]:
        answers = []
        for number in range(N):
            body = [record(f"m{number}", number, "message"), record(f"n{number}", number, "message")]
            with service.client() as client:  # a new connection may reach the other worker
                answer = client.post("/v1/score?record=true", json=body)
            answers.append((answer.status_code, answer.content, answer.headers["fraudsieve-offset"]))
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        first, *others = pool.map(ask, range(CLIENTS))
    assert {status for status, _, _ in first} == {200}
    assert all(other == first for other in others)
    labels = [[score["label"] for score in json.loads(content)] for _, content, _ in first]
    assert labels[1:] == [["fraud", "fraud"]] * (N - 1)
    with open_store(store) as opened:
        rows = [LoggedScore.decode(row, "") for rows in iterate_scores(opened) for row in rows]
        assert opened.head.offset == len(rows) == len({row.ids["message_id"] for row in rows}) == 2 * N


def test_what_cannot_be_recorded_is_answered_with_the_reason(serve: Any, accounts_folder: Path, tmp_path: Path) -> None:
    log = ("--state", str(tmp_path / "a.db"), "--score-log", "scores")
    with serve(accounts_folder, *log).client() as client:
        answer = client.post("/v1/score?record=true", json={"account_id": "ann", "as_of": "2026-05-01"})
        assert (answer.status_code, answer.json()["error"].partition(";")[0]) == (
            409, "record: the model scores accounts, which are no events"
        )  # fmt: skip
    with serve(event_pair_model(), "--state", str(tmp_path / "e.db")).client() as client:
        answer = client.post("/v1/score?record=1", json=record("a"))
        assert (answer.status_code, "--score-log scores" in answer.text) == (409, True)
        answer = client.post("/v1/score?record=perhaps", json=record("a"))
        assert (answer.status_code, answer.json()) == (
            422, {"error": "record: expected true or false, got something else"}
        )  # fmt: skip
        assert client.post("/v1/score?record=false", json=record("a")).status_code == 200
