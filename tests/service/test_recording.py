"""Scores of records that are added to the history: as of their own times, once each, all of a request or none."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.evidence.log import EvidenceSettings
from fraudsieve.exceptions import EvidenceError, StateError
from fraudsieve.live.contents import erase, rewind, stored_records
from fraudsieve.live.recording import LoggedScore
from fraudsieve.live.store import open_store
from fraudsieve.live.store.score_rows import ScoreRow, iterate_scores
from fraudsieve.models import Scorer
from fraudsieve.models.batch.score import score_frame
from fraudsieve.models.rules import Rule
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.service.bodies import RejectedRequest, Reply, ScoreRequest
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.recording import MAX_RECORDED, Recording, why_not_recorded
from fraudsieve.service.score_log import NOT_LOGGED, NOT_RECORDED
from fraudsieve.service.settings import Settings
from tests.live.samples import count_commits
from tests.live.small_models import account_model, event_pair_model, message_pair_model
from tests.live.test_score_log import full_disk
from tests.profiles import examples
from tests.service.handling import handler_of, reply_of

MODELS: dict[str, Callable[[], Path]] = {"event": event_pair_model, "message": message_pair_model}
TEXT = "crabo muntel wirps dagobe linuf"
KINDS = pytest.mark.parametrize("kind", MODELS)


def record(name: Any, minute: int = 0, kind: str = "event", **change: Any) -> dict[str, Any]:
    at = f"2026-05-{1 + minute // 1440:02}T{minute % 1440 // 60:02}:{minute % 60:02}:00Z"
    if kind == "message":
        return {"message_id": name, "text": TEXT, "account_id": "ann", "sent_at": at} | change
    return {"event_id": name, "account_id": "ann", "kind": "message", "amount": 5, "occurred_at": at} | change


def records_in(store: Path, kind: str = "event", **settings: Any) -> RequestHandler:
    return handler_of(MODELS[kind](), "7", **{"state": store, "score_log": "scores", **settings})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "live.db"


@pytest.fixture
def handler(store: Path) -> Iterator[RequestHandler]:
    """A service of a model of events."""
    handler = records_in(store)
    yield handler
    handler.close()


def send(handler: RequestHandler, *bodies: Any, reasons: bool = False) -> list[Reply | RejectedRequest]:
    """Send requests that arrive together."""

    async def ask() -> list[Reply | RejectedRequest]:
        with ThreadPoolExecutor(2) as pool:
            recording = Recording(handler, pool)
            requests = [ScoreRequest(json.dumps(body).encode(), reasons, id=f"q{i}") for i, body in enumerate(bodies)]
            return await asyncio.gather(*map(recording.batcher.submit, requests))

    return asyncio.run(ask())


def answer(handler: RequestHandler, body: Any, **options: Any) -> Reply:
    (reply,) = send(handler, body, **options)
    assert isinstance(reply, Reply), reply
    return reply


def refusal(handler: RequestHandler, body: Any) -> tuple[int, str]:
    (reply,) = send(handler, body)
    assert isinstance(reply, RejectedRequest)
    return reply.status, str(reply)


def logged(store: Path) -> list[LoggedScore]:
    with open_store(store) as opened:
        return [LoggedScore.decode(row, "") for rows in iterate_scores(opened) for row in rows]


def n_rows(handler: RequestHandler) -> int:
    assert handler.live is not None
    return handler.live.offset


def in_list(reply: Reply) -> list[dict[str, Any]]:
    return [dict(score) for score in json.loads(reply.content)]


@KINDS
def test_each_record_is_scored_as_of_its_own_time(kind: str, tmp_path: Path) -> None:
    """Fraud is a record within an hour after another one. Equal times do not see each other."""
    records = [record(f"r{minute}-{i}", minute, kind) for i, minute in enumerate((30, 0, 0, 10, 200))]
    handler, scorer = records_in(tmp_path / "list.db", kind), Scorer.load(MODELS[kind]())
    reply = answer(handler, records)
    assert [score["label"] == "fraud" for score in in_list(reply)] == [True, False, False, True, False]
    assert reply.offset == n_rows(handler) == 5

    history: Any = records if kind == "event" else {"messages": records}
    expected = [{f"{kind}_id": one[f"{kind}_id"], **scorer.score(one, history=history)} for one in records]
    assert in_list(reply) == expected
    plain = reply_of(handler, records, name="plain")
    assert plain.content == reply.content
    frame = pd.DataFrame(records)
    batch = score_frame(scorer, frame, history=frame)
    assert batch["probability"].tolist() == [score["probability"] for score in expected]
    rows = [row for row in logged(tmp_path / "list.db") if row.request != "plain"]
    assert [(row.position, row.offset, row.score["probability"]) for row in rows] == [
        (position, 5, score["probability"]) for position, score in enumerate(expected)
    ]
    handler.close()

    one_by_one = records_in(tmp_path / "turns.db", kind)
    in_time = sorted(records, key=lambda one: str(one.get("sent_at", one.get("occurred_at"))))
    scores = {one[f"{kind}_id"]: json.loads(answer(one_by_one, one).content) for one in in_time}
    assert [scores[one[f"{kind}_id"]] for one in records] == expected
    one_by_one.close()


REQUESTS = st.lists(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 90)), min_size=1, max_size=4), min_size=1, max_size=4
)


@pytest.mark.slow
@examples(20)
@given(REQUESTS)
def test_each_logged_score_is_that_of_the_history_at_its_offset(
    tmp_path_factory: pytest.TempPathFactory, requests: list[list[tuple[str, int]]]
) -> None:
    store, scorer = tmp_path_factory.mktemp("store") / "live.db", Scorer.load(event_pair_model())
    handler, sent = records_in(store), dict[str, dict[str, Any]]()
    for number, request in enumerate(requests):
        names = [f"{number}-{position}" for position in range(len(request))]
        events = [
            record(name, minute, account_id=account) for name, (account, minute) in zip(names, request, strict=True)
        ]
        sent |= {event["event_id"]: event for event in events}
        answer(handler, events)
    handler.close()
    with open_store(store) as opened:
        history = [event for _, event in stored_records(opened)]
    rows = logged(store)
    assert len(rows) == len(history) == len(sent)
    for row in rows:
        expected = scorer.score(sent[row.ids["event_id"]], history=history[: row.offset])
        assert (row.score["probability"], row.score["status"]) == (expected["probability"], expected["status"])


def test_records_of_requests_that_arrive_together_share_a_commit(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = count_commits(monkeypatch)
    replies = send(handler, record("a"), [record("b", 10), record(None)], [], [record("c", 20)])
    assert groups == [4, 1]  # the records of all requests, and their scores
    assert [isinstance(reply, Reply) for reply in replies] == [True, False, True, True]
    assert n_rows(handler) == 3 - 1


def test_a_repeated_record_gets_the_answer_that_was_logged(handler: RequestHandler, store: Path) -> None:
    handler.replace_rules(RuleSet([Rule("mules", "account_id", ["ann"], "flag", "case 17")]))
    late, early = record(7, 30), record("b", 0)
    first = answer(handler, late)
    assert answer(handler, early).offset == 2
    handler.replace_rules(RuleSet([]))
    again = answer(handler, dict(reversed(late.items())))
    assert (again.content, again.offset) == (first.content, 1)  # though its history has another record by now
    assert json.loads(again.content)["rule"] == {"id": "mules", "action": "flag", "reason": "case 17"}
    explained = answer(handler, [late, record("c", 40)], reasons=True)
    known, new = in_list(explained)
    assert known == json.loads(first.content) | {"explained": None, "reasons": []}
    assert new["reasons"]
    assert explained.offset == n_rows(handler) == 3
    assert explained.counts == {"records": 2, "unscorable": 0, "repeated": 1}
    assert [(row.ids["event_id"], row.request, row.position) for row in logged(store)] == [
        ("7", "q0", 0), ("b", "q0", 0), ("c", "q0", 1),
    ]  # fmt: skip


def test_an_id_with_another_content_is_refused(handler: RequestHandler, store: Path) -> None:
    answer(handler, record("a"))
    expected = "record: position {}: expected the content that was sent with this id before, got another one"
    for other in (record("a", amount=6), record("a", note="x"), record("a", 1)):
        assert refusal(handler, [record("b"), other]) == (409, expected.format(1))
    for other in (record("b", amount=7), record("b", note="x")):  # the model does not use the note
        assert refusal(handler, [record("b"), other]) == (409, expected.format(1))
    assert n_rows(handler) == len(logged(store)) == 1
    twice = answer(handler, [record("b"), record("b")])
    assert in_list(twice)[0] == in_list(twice)[1]
    assert n_rows(handler) == len(logged(store)) == 2


def test_all_records_of_a_request_are_added_or_none(handler: RequestHandler, store: Path) -> None:
    bad = [record("a"), record(None, note="x17"), record("c", occurred_at=None), 5, record("d", amount="x17")]
    status, problem = refusal(handler, bad)
    assert (status, problem) == (
        422, "record: nothing was added, because records were rejected: position 3: expected an object, got int"
    )  # fmt: skip
    status, problem = refusal(handler, [one for one in bad if isinstance(one, dict)])
    assert (status, problem) == (
        422,
        "record: nothing was added, because records were rejected: "
        "position 1: event_id: expected a string or a whole number, the field is missing; "
        "position 2: occurred_at: expected a time, the field is missing; "
        "position 3: amount: expected a number, got other text",
    )
    assert n_rows(handler) == len(logged(store)) == 0
    assert b'fraudsieve_rejected_total{part="events"} 3.0' in handler.metrics.render()
    many = [record(None) for _ in range(12)]
    assert refusal(handler, many)[1].endswith("the field is missing; and 2 more")


def test_records_that_cannot_be_scored_beside_the_newest_are_refused(handler: RequestHandler) -> None:
    expected = "position 0: expected a time within the declared lateness of the newest record of the request, got an"
    status, problem = refusal(handler, [record("a", 0), record("b", 1441)])
    assert (status, expected in problem) == (422, True)
    answer(handler, [record("a", 0), record("b", 1440)])
    first = answer(handler, record("c", 1441))
    answer(handler, record("d", 5000))
    assert answer(handler, record("c", 1441)).content == first.content  # too late by now, but logged
    assert refusal(handler, record("e", 1441))[0] == 422


def test_events_that_were_sent_before_are_scored(handler: RequestHandler, store: Path) -> None:
    handler.ingest(json.dumps({"events": [record("a"), record("b", 10)]}).encode())
    assert refusal(handler, record("a", amount=6))[0] == 409
    scores = in_list(answer(handler, [record("a"), record("b", 10)]))
    assert [score["label"] for score in scores] == ["legitimate", "fraud"]
    assert n_rows(handler) == len(logged(store)) == 2


def test_what_cannot_be_stored_is_added_or_logged_when_it_is_sent_again(
    handler: RequestHandler, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full_disk(monkeypatch):
        status, problem = refusal(handler, record("a"))
    assert (status, "nothing was stored" in problem, n_rows(handler)) == (503, True, 0)

    def fail(_: Any, rows: Sequence[ScoreRow]) -> None:
        if rows:
            raise StateError("live.db", "cannot be written (SQLITE_FULL)", "Free disk space.")

    with monkeypatch.context() as patch:
        patch.setattr("fraudsieve.live.recording.append_scores", fail)
        assert refusal(handler, [record("a"), record("b", 10)]) == (503, NOT_LOGGED)
    assert (n_rows(handler), logged(store)) == (2, [])
    scores = in_list(answer(handler, [record("a"), record("b", 10)]))
    assert [score["label"] for score in scores] == ["legitimate", "fraud"]
    assert n_rows(handler) == len(logged(store)) == 2


def test_two_processes_answer_a_record_once(store: Path) -> None:
    """Both have added it before one of them logs its score."""
    one, two = records_in(store), records_in(store)
    same = json.dumps(record("a")).encode()
    other = json.dumps([record("b", 1), record("a", note="x")]).encode()  # as it is stored, it is equal
    with ThreadPoolExecutor(2) as pool:
        recordings = [Recording(handler, pool) for handler in (one, two)]
        first: Any = None
        log = recordings[1].log.store

        def store_after_the_other(parts: Sequence[Sequence[ScoreRow]]) -> Any:
            nonlocal first
            (first,) = recordings[0].add([ScoreRequest(same, False, id="x")])
            return log(parts)

        recordings[1].log.store = store_after_the_other  # type: ignore[method-assign]
        second, third = recordings[1].add([ScoreRequest(same, False, id="y"), ScoreRequest(other, False, id="z")])
    assert isinstance(second, Reply)
    assert (second.content, second.offset) == (first.content, first.offset)
    assert isinstance(third, RejectedRequest)
    assert third.status == 409
    assert [row.request for row in logged(store) if row.ids["event_id"] == "a"] == ["x"]
    one.close()
    two.close()


def test_evidence_is_written_before_a_score_is_logged(store: Path, tmp_path: Path) -> None:
    evidence = EvidenceSettings(tmp_path / "log.jsonl", "all")
    handler = records_in(store, evidence=evidence)
    assert in_list(answer(handler, [record("a")]))[0]["evidence"]["record"] == 1
    assert handler.evidence is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler.evidence.log, "sync", failing_sync)
        assert refusal(handler, [record("a"), record("b", 10)]) == (503, NOT_RECORDED)
    assert [row.ids["event_id"] for row in logged(store)] == ["a"]
    known, new = in_list(answer(handler, [record("a"), record("b", 10)]))
    assert ("evidence" in known, "evidence" in new) == (False, True)
    handler.close()


def failing_sync() -> None:
    raise EvidenceError("log.jsonl", "no space left", "Free disk space.")


def test_an_unscorable_record_is_in_the_history_but_not_logged(store: Path) -> None:
    handler = records_in(store)
    assert handler.live is not None
    score = handler.live.score_at

    def fail_of_b(records: list[dict[str, Any]], **options: Any) -> Any:
        if any(one["event_id"] == "b" for one in records):
            raise ZeroDivisionError
        return score(records, **options)

    handler.live.score_at = fail_of_b  # type: ignore[method-assign,assignment]
    scores = in_list(answer(handler, [record("a"), record("b", 1), record("c", 2)]))
    assert [score["status"] for score in scores] == ["no_history", "unscorable", "ok"]
    assert [(row.ids["event_id"], row.position) for row in logged(store)] == [("a", 0), ("c", 2)]
    assert n_rows(handler) == 3
    handler.close()


def test_ids_are_compared_beside_their_keys(handler: RequestHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.live.store.score_rows.key_of_record", lambda *_: 7)
    first, second = answer(handler, record("a")), answer(handler, record("b", 10))
    assert json.loads(first.content)["label"] != json.loads(second.content)["label"]
    assert answer(handler, record("a")).content == first.content
    assert answer(handler, record("b", 10)).content == second.content


def test_a_removed_record_can_be_sent_again(handler: RequestHandler, store: Path) -> None:
    answer(handler, [record("a"), record("b", 700), record("bob", 5, account_id="bob")])
    with open_store(store) as opened:
        rewind(opened, "2026-05-01T01:00:00Z")
        erase(opened, account_id="bob")
    answer(handler, record("b", 20))  # at another time
    answer(handler, record("bob", 6, account_id="bob"))
    assert [(row.ids["event_id"], row.offset) for row in logged(store)][:2] == [("a", 3), ("b", 3)]
    assert len(logged(store)) == 4


def test_the_number_of_records_is_bounded(handler: RequestHandler) -> None:
    records = [record(str(number), number) for number in range(MAX_RECORDED + 1)]
    assert refusal(handler, records) == (413, "record: expected at most 100 records, got 101")
    assert len(in_list(answer(handler, records[1:]))) == MAX_RECORDED


def test_records_are_added_only_where_they_are_a_history() -> None:
    settings, off = Settings(state="live.db", score_log="scores"), Settings()
    for build in MODELS.values():
        model = Scorer.load(build()).model
        assert why_not_recorded(model, settings) is None
        assert "start it with --score-log scores" in str(why_not_recorded(model, off))
    assert "accounts, which are no events" in str(why_not_recorded(Scorer.load(account_model()).model, settings))


def test_messages_without_campaigns_are_no_history(binary: Any) -> None:
    settings = Settings(state="live.db", score_log="scores")
    assert why_not_recorded(binary.model, settings) == "record: the model uses no history of messages"
