"""Evidence in a service: recorded before it answers, one log per process, checkpoints in the log of the service."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.evidence import log as log_module
from fraudsieve.evidence.checkpoints import Checkpoint
from fraudsieve.evidence.log import EvidenceSettings
from fraudsieve.evidence.replay import replay_log
from fraudsieve.evidence.verification import verify_log
from fraudsieve.exceptions import EvidenceError
from fraudsieve.models import Scorer
from fraudsieve.service.bodies import RejectedRequest, Reply, ScoreRequest
from fraudsieve.service.handlers import RequestHandler
from tests.fitted_models import Fitted, Serve
from tests.service.handling import handler_of, reply_of

NOT_RECORDED = "the evidence of the scores cannot be written; send the request again"


@pytest.fixture
def handler(binary: Fitted, tmp_path: Path) -> Iterator[RequestHandler]:
    handler = handler_of(binary.folder, "7", evidence=EvidenceSettings(tmp_path / "log.jsonl", "all", "kept"))
    yield handler
    handler.close()


def request(texts: list[Any], *, reasons: bool = False) -> ScoreRequest:
    return ScoreRequest(json.dumps([{"text": text} for text in texts]).encode(), reasons)


def test_answers_say_where_their_evidence_is(handler: RequestHandler, binary: Fitted, tmp_path: Path) -> None:
    replies = handler.score([request(binary.texts[:3]), request(binary.texts[3:5], reasons=True)])
    places = [
        score["evidence"]["record"]
        for reply in replies
        if isinstance(reply, Reply)
        for score in json.loads(reply.content)
    ]
    assert sorted(places) == [1, 2, 3, 4, 5]
    report = replay_log(tmp_path / "log.jsonl", Scorer.load(binary.folder))
    assert (report.replayed, report.rebuilt, report.different) == (5, 5, 0)
    assert b'"version":"7"' in (tmp_path / "log.jsonl").read_bytes()


@pytest.mark.parametrize("part", ["_write_all", "sync_data"])
def test_a_score_without_its_evidence_is_not_given_out(
    handler: RequestHandler, binary: Fitted, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log_module, part, fail)
    replies = handler.score([request(binary.texts[:3]), request(["a"])])
    assert handler.evidence is not None
    if part == "sync_data":
        waiting = [reply for reply in replies if isinstance(reply, Reply) and reply.waits]
        replies = [asyncio.run(handler.evidence.secure(reply)) for reply in waiting]
    assert [(reply.status, str(reply)) for reply in replies if isinstance(reply, RejectedRequest)] == [
        (503, NOT_RECORDED)
    ] * 2
    monkeypatch.undo()
    (reply,) = handler.score([request(["a"])])
    assert isinstance(reply, RejectedRequest)  # until it is started again


def test_an_answer_waits_for_its_evidence(handler: RequestHandler, binary: Fitted, tmp_path: Path) -> None:
    reply = reply_of(handler, [{"text": text} for text in binary.texts[:2]])
    assert handler.evidence is not None
    assert handler.evidence.log._synced < (tmp_path / "log.jsonl").stat().st_size
    assert asyncio.run(handler.evidence.secure(reply)) == reply
    assert handler.evidence.log._synced == (tmp_path / "log.jsonl").stat().st_size


def test_a_log_that_cannot_be_opened_is_an_error_at_the_start(binary: Fitted, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be opened"):
        handler_of(binary.folder, evidence=EvidenceSettings(tmp_path / "none" / "log.jsonl"))


@pytest.mark.slow
def test_workers_have_logs_of_their_own_with_checkpoints(serve: Serve, binary: Fitted, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    service = serve(
        binary.folder, "--workers", "2", "--evidence", str(path), "--evidence-all", "--evidence-content", "kept"
    )
    for text in binary.texts[:40]:
        with service.client() as client:  # a new connection each, so that both workers get some
            answer = client.post("/v1/score", json={"text": text}).json()
            assert answer["evidence"]["record"] > 0
    assert service.stop() == 0
    kept = [
        Checkpoint(line["log"], line["size"], line["root"], line["time"])
        for line in service.lines("evidence checkpoint")
    ]
    logs = [tmp_path / f"log.{number}.jsonl" for number in range(2)]
    checks = {path: verify_log(path) for path in logs}
    assert sum(check.size for check in checks.values()) == 42
    for path, check in checks.items():
        assert verify_log(path, [one for one in kept if one.log == check.log]).problems == ()
        assert max(one.size for one in kept if one.log == check.log) == check.size
        assert replay_log(path, Scorer.load(binary.folder)).different == 0
