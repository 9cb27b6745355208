"""The score log of a service: ids in answers, rows before answers, one commit for many, and 503 without it."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fraudsieve._microseconds import DAY
from fraudsieve.exceptions import ServiceError, StateError
from fraudsieve.live.recording import LoggedScore, logged_record
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.live.store.score_rows import ScoreRow, iterate_scores
from fraudsieve.live.store.sqlite import SqliteDatabase
from fraudsieve.models import Scorer
from fraudsieve.models.rules import Rule
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.service.app import create_app
from fraudsieve.service.bodies import RejectedRequest, Reply, ScoreRequest
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.score_log import NOT_LOGGED
from fraudsieve.service.settings import Settings
from tests.fitted_models import Fitted
from tests.messages import refused
from tests.service.handling import client_of, handler_of, reply_of

AT = "2026-05-01T10:00:00Z"


def logs_to(store: Path, folder: Path, mode: Any = "scores", **settings: Any) -> RequestHandler:
    return handler_of(folder, "7", state=store, score_log=mode, **settings)


@pytest.fixture
def handler(binary: Fitted, tmp_path: Path) -> Iterator[RequestHandler]:
    """A service of a model without history."""
    handler = logs_to(tmp_path / "log.db", binary.folder)
    yield handler
    handler.close()


def request(records: Any, name: str = "r1") -> ScoreRequest:
    return ScoreRequest(json.dumps(records).encode(), False, id=name)


def answer(handler: RequestHandler, *requests: ScoreRequest) -> list[Reply | RejectedRequest]:
    """Score requests that arrive together."""
    return handler.score(requests)


def logged(store: Path) -> list[tuple[LoggedScore, dict[str, Any] | None]]:
    with open_store(store) as opened:
        rows = [row for rows in iterate_scores(opened) for row in rows]
    return [(LoggedScore.decode(row, ""), None if row.record is None else logged_record(row, "")) for row in rows]


def test_each_score_is_logged_as_it_was_answered(handler: RequestHandler, binary: Fitted, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"message_id": 17, "text": binary.texts[0], "sent_at": AT},
        {"text": binary.texts[1]},
    ]
    reply = reply_of(handler, records, name="r1")
    scores = json.loads(reply.content)
    assert [score.pop("message_id") for score in scores] == [17, None]
    assert scores == Scorer.load(binary.folder).score(records)
    rows = [score for score, _ in logged(tmp_path / "log.db")]
    for position, (row, score) in enumerate(zip(rows, scores, strict=True)):
        assert (row.request, row.position, row.subject, row.offset) == ("r1", position, "message", None)
        assert (row.version, row.score) == ("7", score)
    assert (rows[0].ids, rows[1].ids) == ({"message_id": "17"}, {})
    assert (rows[0].as_of, rows[1].as_of) == (1_777_629_600_000_000, None)


def test_what_cannot_be_scored_is_not_logged(handler: RequestHandler, tmp_path: Path) -> None:
    reply = reply_of(handler, [{"message_id": "a", "text": 5}, 7, {"text": "win", "message_id": ["x"]}], name="r1")
    scores = json.loads(reply.content)
    assert [score["message_id"] for score in scores] == ["a", None, None]
    assert [score.position for score, _ in logged(tmp_path / "log.db")] == [2]
    reply = reply_of(handler, [{"text": None}], name="r1")
    assert len(logged(tmp_path / "log.db")) == 1


def test_requests_that_are_scored_together_are_logged_with_one_commit(
    handler: RequestHandler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    log_scores = LiveState.log_scores

    def counted(self: LiveState, rows: Sequence[ScoreRow]) -> Any:
        commits.append(len(rows))
        return log_scores(self, rows)

    monkeypatch.setattr(LiveState, "log_scores", counted)
    replies = answer(handler, *[request([{"text": "a"}, {"text": "b"}], name) for name in "xyz"])
    assert all(isinstance(reply, Reply) for reply in replies)
    assert commits == [6]
    assert [score.request for score, _ in logged(tmp_path / "log.db")] == ["x", "x", "y", "y", "z", "z"]


def test_no_score_is_answered_that_is_not_logged(
    handler: RequestHandler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise StateError("log.db", "cannot be written (SQLITE_FULL)", "Free disk space.")

    with monkeypatch.context() as patch:
        patch.setattr("fraudsieve.live.recording.append_scores", fail)
        replies = answer(handler, request([{"text": "a"}]), request([{"text": None}]))
    assert isinstance(replies[0], RejectedRequest)
    assert (replies[0].status, str(replies[0])) == (503, NOT_LOGGED)
    assert isinstance(replies[1], Reply)  # it has no score
    assert "scores cannot be logged" in caplog.text
    assert logged(tmp_path / "log.db") == []
    assert isinstance(answer(handler, request([{"text": "a"}]))[0], Reply)


def test_records_are_kept_as_they_came(binary: Fitted, tmp_path: Path) -> None:
    handler = logs_to(tmp_path / "log.db", binary.folder, "records", record_days=30)
    record = {"text": "a\ud800", "z": [1.5, None], "b": 2**70}
    answer(handler, request(record))
    assert handler.score_log is not None
    handler.score_log.drop_old()
    assert [kept for _, kept in logged(tmp_path / "log.db")] == [record]
    handler.score_log.store([[ScoreRow(1, b"[]", b"{}")]])
    handler.score_log.drop_old()
    handler.close()
    assert [kept for _, kept in logged(tmp_path / "log.db")] == [record]


def test_a_clock_that_is_ahead_deletes_no_scores(
    handler: RequestHandler, accounts_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    with_history = logs_to(tmp_path / "live.db", accounts_folder)
    at = datetime.now(UTC).isoformat()
    event = {"event_id": "e1", "account_id": "ann", "occurred_at": at, "kind": "message"}
    with_history.ingest(json.dumps({"events": [event]}).encode())
    account = {"account_id": "ann", "as_of": at}
    assert handler.score_log is not None
    assert with_history.score_log is not None
    answer(handler, request({"text": "a"}))
    answer(with_history, request(account))
    with monkeypatch.context() as patch:
        patch.setattr("time.time_ns", lambda: now + 2 * 366 * DAY * 1000)
        handler.score_log.drop_old()
        answer(with_history, request(account))  # its row is of the wrong clock: the events are not
        with_history.score_log.drop_old()
    assert (len(logged(tmp_path / "log.db")), len(logged(tmp_path / "live.db"))) == (1, 2)
    with_history.score_log.store([[ScoreRow(now // 1000 - 401 * DAY, b"[]")]])
    with_history.score_log.drop_old()
    assert len(logged(tmp_path / "live.db")) == 2
    with_history.close()


def test_decisions_of_rules_are_logged(handler: RequestHandler, tmp_path: Path) -> None:
    handler.replace_rules(RuleSet([Rule("mules", "account_id", ["a1"], "flag", "case 17")]))
    answer(handler, request([{"text": "hello there", "account_id": "a1"}, {"text": "hello there"}]))
    (first, _), (second, _) = logged(tmp_path / "log.db")
    assert first.score["rule"] == {"id": "mules", "action": "flag", "reason": "case 17"}
    assert (second.score["rule"], second.score["decision"]) == (None, second.score["model_decision"])
    assert first.ids == {"account_id": "a1"}


def test_scores_of_a_history_are_logged_with_its_offset_and_equal_those_at_that_offset(
    accounts_folder: Path, tmp_path: Path
) -> None:
    handler, now = logs_to(tmp_path / "live.db", accounts_folder), datetime.now(UTC)
    query = {"account_id": "ann", "as_of": now.isoformat()}
    events = [
        {"event_id": f"e{i}", "account_id": "ann", "occurred_at": (now - timedelta(minutes=9 - i)).isoformat()}
        | {"kind": "message", "device_id": f"d{i}", "counterparty_id": "bob", "amount": i}
        for i in range(4)
    ]
    for number, event in enumerate(events):
        answer(handler, request(query, f"r{number}"))
        handler.ingest(json.dumps({"events": [event]}).encode())
    handler.close()
    rows, scorer = [score for score, _ in logged(tmp_path / "live.db")], Scorer.load(accounts_folder)
    assert [row.offset for row in rows] == [0, 1, 2, 3]
    for row in rows:
        state = scorer.new_state()
        state.update(events[: row.offset])
        expected = scorer.score(query, history=state)
        assert (row.score["probability"], row.score["status"], row.score["label"]) == tuple(
            expected[name] for name in ("probability", "status", "label")
        )


def test_without_the_log_nothing_changes(binary: Fitted) -> None:
    handler = handler_of(binary.folder)
    reply = reply_of(handler, {"text": "a", "message_id": "m"})
    assert json.loads(reply.content) == Scorer.load(binary.folder).score({"text": "a", "message_id": "m"})
    handler.close()


def test_a_log_needs_a_store(binary: Fitted) -> None:
    with refused(ServiceError, "--score-log", "--state"):
        handler_of(binary.folder, score_log="scores")


def test_the_id_of_a_request_is_that_of_the_client(binary: Fitted, tmp_path: Path) -> None:
    app = create_app(
        Scorer.load(binary.folder), Settings(state=str(tmp_path / "log.db"), score_log="scores", is_open=True)
    )

    async def ask(*names: str | None) -> list[httpx.Response]:
        async with client_of(app) as client:
            app.state.handler.warm_up()
            headers = [{} if name is None else {"x-request-id": name} for name in names]
            return [await client.post("/v1/score", json={"text": "a"}, headers=one) for one in headers]

    responses = asyncio.run(ask("order-17", None, "x" * 129, "two words"))
    ids = [response.headers["x-request-id"] for response in responses]
    assert ids[0] == "order-17"
    assert all(len(name) == 32 for name in ids[1:])
    app.state.handler.close()
    assert [score.request for score, _ in logged(tmp_path / "log.db")] == ids


def _fill(store: EventStore) -> None:
    """Let a store grow no more, as on a full disk."""
    database = store.database
    assert isinstance(database, SqliteDatabase)
    ((pages,),) = database._connection.execute("PRAGMA page_count").fetchall()
    database._connection.execute(f"PRAGMA max_page_count = {pages}")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["scores", "off"])
def test_readiness_and_a_gauge_show_a_store_that_is_full_until_it_has_room(
    accounts_folder: Path, tmp_path: Path, mode: Any
) -> None:
    settings = Settings(state=str(tmp_path / "live.db"), score_log=mode, is_open=True)
    app = create_app(Scorer.load(accounts_folder), settings)
    account = {"account_id": "ann", "as_of": AT}
    event = {"account_id": "ann", "occurred_at": AT, "kind": "message", "counterparty_id": "b" * 4000}
    shown: list[tuple[int, bool | None, float]] = []
    numbers = itertools.count()

    async def run() -> None:
        async with app.router.lifespan_context(app), client_of(app) as client:

            async def write() -> int:
                events = {"events": [event | {"event_id": f"e{next(numbers)}"} for _ in range(9)]}
                answers = [await client.post("/v1/score", json=[account] * 9)] if mode == "scores" else []
                answers.append(await client.post("/v1/events", json=events))
                return max(answer.status_code for answer in answers)

            async def show() -> None:
                gauges = (await client.get("/metrics")).text.splitlines()
                ready = await client.get("/readyz")
                (gauge,) = [line for line in gauges if line.startswith("fraudsieve_state_unwritable ")]
                shown.append((ready.status_code, ready.json().get("unwritable"), float(gauge.split()[-1])))

            async def until(value: float) -> None:
                deadline = time.monotonic() + 30
                while not shown or shown[-1][2] != value:
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.1)
                    await show()

            store = app.state.handler.store._session.store
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
            assert await write() == 200
            await until(0)
            _fill(store)
            while await write() != 503:
                assert next(numbers) < 1000
            await until(1)
            await asyncio.sleep(1.5)  # it has tried again
            await show()
            assert shown[-1] == ((503, None, 1.0) if mode == "scores" else (200, True, 1.0))
            store.database._connection.execute("PRAGMA max_page_count = 1073741823")
            await until(0)  # without a request that stores something
            assert shown[-1] == (200, False, 0.0)
            assert await write() == 200

    asyncio.run(run())
    assert app.state.abandoned == []
