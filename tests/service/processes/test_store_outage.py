"""Workers whose PostgreSQL goes away and comes back: scores go on, events are refused, and nothing is lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.live.postgres import PostgresServer, binaries, running_server

from .conftest import Workers, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed"),
]

AT = datetime.now(UTC) - timedelta(minutes=30)
QUERY = {"account_id": "ann", "as_of": (AT + timedelta(minutes=20)).isoformat()}


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with running_server() as server:
        yield server


def body(number: int) -> dict[str, Any]:
    at = (AT + timedelta(seconds=number)).isoformat()
    about = {"counterparty_id": "zed", "device_id": "d", "kind": "message", "amount": number}
    return {"events": [{"event_id": f"e{number}", "account_id": "ann", "occurred_at": at, **about}]}


def test_scores_go_on_without_the_store(start_workers: Any, accounts_folder: Path, postgres: PostgresServer) -> None:
    workers: Workers = start_workers(accounts_folder, "--state", postgres.new_address())

    def is_behind() -> set[bool]:
        """Ask over several new connections, so that both workers answer."""
        answers = set()
        for _ in range(8):
            with workers.service.client() as client:
                answers.add(client.get("/readyz").raise_for_status().json()["behind"])
        return answers

    with workers.service.client() as client:
        added = client.post("/v1/events", json=body(0)).raise_for_status()
        after = {"fraudsieve-after": added.headers["fraudsieve-offset"]}
        before = client.post("/v1/score", json=QUERY, headers=after).json()
        assert before["status"] == "ok"
        assert is_behind() == {False}
        postgres.kill()
        refused = client.post("/v1/events", json=body(1))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "nothing was stored; send it again later" in refused.json()["error"]
        wait_until(lambda: is_behind() == {True})
        answer = client.post("/v1/score", json=QUERY).raise_for_status()
        assert (answer.json(), answer.headers["fraudsieve-offset"]) == (before, "1")  # what the score has seen
        postgres.start()
        wait_until(lambda: is_behind() == {False})
        added = client.post("/v1/events", json=body(1)).raise_for_status()
        assert added.headers["fraudsieve-offset"] == "2"
        shown = client.get("/v1/model").text
    assert '"store":"postgresql"' in shown
    assert "secret" not in shown
    assert workers.service.stop() == 0
    assert "secret" not in workers.service.log.read_text("utf-8")
    assert workers.service.lines("the live state cannot follow its store")
