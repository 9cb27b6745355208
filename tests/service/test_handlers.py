"""Handling of bodies if something fails; test_app tests the normal case over sockets."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from fraudsieve.exceptions import ArtifactError, ServiceError, StateError
from fraudsieve.models import Scorer
from fraudsieve.models.unlike_training.expected_shares import FLAGGED, ExpectedShare
from fraudsieve.service.app import create_app
from fraudsieve.service.bodies import RejectedRequest, ScoreRequest
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.loaded_model import LoadedModel
from fraudsieve.service.settings import Settings
from tests.live.small_models import message_scorer
from tests.messages import refused
from tests.service.handling import client_of, handler_of, reply_of

SECRET = "my secret words"
EVENT = {"account_id": "ann", "kind": "message", "device_id": "d", "counterparty_id": "bob", "amount": 1}
EVENTS = [EVENT | {"event_id": f"e{i}", "occurred_at": f"2026-05-01T10:00:0{i}Z"} for i in range(4)]


@pytest.fixture
def handler(accounts_folder: Path) -> Iterator[RequestHandler]:
    handler = handler_of(accounts_folder, max_records=10)
    yield handler
    handler.close()


def fail_for(function: Callable[..., Any], when: Callable[[Any], bool], error: Exception) -> Callable[..., Any]:
    """Return a function that raises an unexpected error for some records."""

    def call(records: Any = (), **options: Any) -> Any:
        if any(when(record) for record in records):
            raise error
        return function(records, **options)

    return call


def test_fields_that_the_history_needs_are_named_and_counted_where_they_are_missing() -> None:
    handler = handler_of(message_scorer())
    message = {"text": "pay now at shop1", "account_id": "a1", "sent_at": "2024-05-01T10:00:00Z"}
    others = [message | {"account_id": None}, {"text": "pay now", "acount_id": "a1"}, {"text": "pay now"}]
    scores = json.loads(reply_of(handler, [message, *others]).content)
    assert [score.get("missing") for score in scores] == [
        None,
        None,
        ["account_id (not 'acount_id')", "sent_at"],
        ["account_id", "sent_at"],
    ]
    text = handler.metrics.render().decode()
    assert re.findall(r'missing_fields_total{field="(.*)"} (.*)', text) == [("account_id", "2.0"), ("sent_at", "2.0")]
    handler.close()


def test_a_record_that_fails_does_not_affect_the_others(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    records = [{"account_id": name, "as_of": "2026-05-01T10:00:09Z"} for name in ("ann", SECRET, "bob")]
    expected_reply = reply_of(handler, records, reasons=True)
    expected = json.loads(expected_reply.content)
    assert handler.live is not None
    failing = fail_for(handler.live.score_at, lambda record: record["account_id"] == SECRET, OverflowError(SECRET))
    monkeypatch.setattr(handler.live, "score_at", failing)
    reply = reply_of(handler, records, reasons=True)
    scores = json.loads(reply.content)
    assert [scores[0], scores[2]] == [expected[0], expected[2]]
    assert (scores[1]["status"], scores[1]["why"]) == ("unscorable", "the record cannot be scored (OverflowError)")
    assert scores[1].keys() == expected[1].keys()
    assert reply.counts == {"records": 3, "unscorable": 1}
    logged = [vars(record) for record in caplog.records]
    assert len(logged) == 1
    assert SECRET not in str(logged) + str(reply)


def test_requests_scored_together_equal_single_ones(handler: RequestHandler) -> None:
    record = {"account_id": "ann", "as_of": "2026-05-01T10:00:09Z"}
    bodies = [record, [record, 5, {"account_id": "bob"}], [], [record] * 11, "x", {}, [[record]]]
    requests = [ScoreRequest(json.dumps(body).encode(), reasons) for body in bodies for reasons in (False, True)]
    requests.append(ScoreRequest(b"{", True))
    alone = [handler.score([request])[0] for request in requests]
    together = handler.score(requests)
    assert [str(reply) for reply in together] == [str(reply) for reply in alone]
    statuses = [reply.status if isinstance(reply, RejectedRequest) else 200 for reply in together]
    assert statuses == [200] * 6 + [413] * 2 + [422] * 4 + [200] * 2 + [400]
    assert handler.score([]) == []


def test_an_event_that_fails_does_not_affect_the_others(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = handler.live
    assert live is not None
    failing = fail_for(live.update, lambda event: event["event_id"] == "e2", OverflowError(SECRET))
    monkeypatch.setattr(live, "update", failing)
    answer = json.loads(handler.ingest(json.dumps({"events": EVENTS}).encode()).content)
    why = "the record cannot be added (OverflowError)"
    assert answer == {"part": "events", "accepted": 3, "rejected": [{"position": 2, "reason": why}]}


def test_events_that_cannot_be_stored_are_not_acknowledged(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert handler.live is not None
    full = StateError("/secret/place", "no space left", "Make some.")
    monkeypatch.setattr(handler.live, "update", fail_for(handler.live.update, lambda event: True, full))
    with pytest.raises(RejectedRequest, match="nothing was stored; send it again") as caught:
        handler.ingest(json.dumps({"events": EVENTS}).encode())
    assert caught.value.status == 503
    assert "secret" not in str(caught.value)
    assert b'fraudsieve_accepted_total{part="events"}' not in handler.metrics.render()


def test_an_incompatible_model_does_not_replace_the_one_in_use(handler: RequestHandler, scorer: Scorer) -> None:
    before = handler.loaded
    with refused(ArtifactError):
        handler.replace_model(LoadedModel(scorer, "2"))
    assert handler.loaded is before


def test_a_snapshot_is_left_once_a_restart_would_read_many_rows(accounts_folder: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"state": tmp_path / "live.db", "checkpoint_rows": 2}
    handler = handler_of(accounts_folder, **settings)
    assert handler.live is not None
    for events, n_rows in ((EVENTS[:1], 1), (EVENTS[1:], 0)):
        handler.ingest(json.dumps({"events": events}).encode())
        handler.checkpoint()
        assert handler.live.size.rows_since_snapshot == n_rows
    handler.ingest(json.dumps({"events": [EVENTS[0] | {"event_id": "another"}]}).encode())
    handler.checkpoint(0)
    assert handler.live.size.rows_since_snapshot == 0
    handler.close()
    again = handler_of(accounts_folder, **settings)
    assert again.live is not None
    assert again.live.size.events == handler.live.size.events > 0
    again.close()


def test_replies_carry_the_offset_that_they_saw(handler: RequestHandler) -> None:
    query = ScoreRequest(b'{"account_id": "ann", "as_of": "2026-05-01T10:00:09Z"}', False)
    requests = [query, query._replace(reasons=True), ScoreRequest(b"[]", False)]
    added = [handler.ingest(json.dumps({"events": events}).encode()).offset for events in (EVENTS[:3], EVENTS)]
    assert added == [3, 4]  # repeated deliveries add no rows
    assert [getattr(reply, "offset", None) for reply in handler.score(requests)] == [4, 4, 4]
    assert handler.describe_model()["history"]["offset"] == 4
    assert handler.describe_model()["history"]["store"] == "memory"


def test_replies_of_a_model_without_history_carry_no_offset(scorer: Scorer) -> None:
    handler = handler_of(scorer)
    reply = reply_of(handler, b'{"text": "x"}')
    assert reply.offset is None
    with pytest.raises(RejectedRequest, match="no history"):
        handler.ingest(b'{"events": []}')


def test_a_durable_event_is_accepted_even_if_it_cannot_be_applied(
    accounts_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = handler_of(accounts_folder, state=tmp_path / "live.db")
    assert handler.live is not None
    body, query = json.dumps({"events": EVENTS}).encode(), {"account_id": "ann", "as_of": "2026-05-01T10:00:09Z"}
    with monkeypatch.context() as patch:
        patch.setattr(handler.live.state, "apply", fail_for(handler.live.state.apply, lambda _: True, MemoryError()))
        answer = handler.ingest(body)
    assert (json.loads(answer.content)["accepted"], answer.offset) == (4, 4)
    sent_again = handler.ingest(body)
    assert (json.loads(sent_again.content)["accepted"], sent_again.offset) == (4, 4)
    expected = Scorer.load(accounts_folder)
    state = expected.new_state()
    state.update(EVENTS)
    reply = reply_of(handler, query, reasons=True)
    assert json.loads(reply.content) == expected.score(query, history=state, reasons=True)
    handler.close()


def test_several_workers_need_a_store_for_a_history(accounts_folder: Path, scorer: Scorer) -> None:
    with pytest.raises(ServiceError, match="2 processes share only through a store"):
        handler_of(accounts_folder, workers=2)
    handler_of(scorer, workers=2)


def test_health_and_metrics_do_not_wait_for_the_history(accounts_folder: Path) -> None:
    app = create_app(Scorer.load(accounts_folder))
    handler = app.state.handler
    handler.is_warm = True
    handler.ingest(json.dumps({"events": EVENTS}).encode())

    async def call() -> list[httpx.Response]:
        async with client_of(app) as client:
            answers = [await client.get("/metrics")]
            with handler.live._replica.lock:
                async with asyncio.timeout(10):
                    for path in ("/healthz", "/readyz", "/metrics", "/metrics", "/v1/model"):
                        answers.append(await client.get(path))
            return answers

    answers = asyncio.run(call())
    handler.close()
    assert {answer.status_code for answer in answers} == {200}
    sizes = {line for answer in answers for line in answer.text.splitlines() if "_state_events " in line}
    assert len(sizes - {line for line in sizes if line.startswith("#")}) == 1  # the last known one is shown


@pytest.mark.slow
def test_without_the_extra_the_error_names_the_installation(run_alone: Any, binary: Any) -> None:
    for name in ("starlette", "uvicorn", "prometheus_client"):
        printed = run_alone(f"""
import sys
sys.modules[{name!r}] = None
from typer.testing import CliRunner
from fraudsieve.cli.app import app
done = CliRunner().invoke(app, ["serve", "--model", {str(binary.folder)!r}, "--json"])
print(done.exit_code, done.stdout)
""")
        assert printed.startswith("2 ")
        assert f"{name} is not installed. Install it: pip install 'fraudsieve[serve]'." in printed


@pytest.mark.slow
def test_serve_needs_a_posix_system(run_alone: Any, binary: Any) -> None:
    """Check that without fcntl, as on Windows, the package can be imported and the command reports an error."""
    printed = run_alone(f"""
import sys
sys.modules["fcntl"] = None
from typer.testing import CliRunner
from fraudsieve.cli.app import app
from fraudsieve.live import LiveState
from fraudsieve.service import create_app
result = CliRunner().invoke(app, ["serve", "--model", {str(binary.folder)!r}, "--json"])
print(result.exit_code, result.stdout)
""")
    assert printed.startswith("2 ")
    assert "needs a POSIX system. Run it on Linux or macOS, or in a container." in printed


@pytest.mark.slow
def test_a_folder_is_served_without_mlflow(run_alone: Any, binary: Any) -> None:
    assert "no mlflow" in run_alone(f"""
import sys
for name in ("mlflow", "pandas", "sklearn", "pyarrow", "httpx"):
    sys.modules[name] = None
from fraudsieve.service import Settings
from fraudsieve.service.processes.worker import load_app
import fraudsieve.cli.app
load_app(Settings(address={str(binary.folder)!r})).state.handler.warm_up()
print("no mlflow")
""")


@pytest.mark.slow
def test_the_scoring_path_imports_nothing_of_the_service(run_alone: Any) -> None:
    modules = run_alone("import sys, fraudsieve.models.predict, fraudsieve.live.state; print(*sys.modules)").split()
    assert {"starlette", "uvicorn", "pydantic", "prometheus_client", "mlflow"} & set(modules) == set()


TEXT = {"text": "see you at six"}


@pytest.fixture
def other_traffic(scorer: Scorer) -> RequestHandler:
    """A handler whose model expects that nearly all records are flagged."""
    model = replace(scorer.model, expected_shares=(ExpectedShare(FLAGGED, 0.9, 0.001),))
    return handler_of(Scorer(model))


def test_other_traffic_is_logged_once_and_shown_in_the_metrics(
    other_traffic: RequestHandler, caplog: pytest.LogCaptureFixture
) -> None:
    reply_of(other_traffic, [TEXT] * 100)
    assert b"fraudsieve_unusual_share{" not in other_traffic.metrics.render()
    for _ in range(5):
        reply_of(other_traffic, [TEXT] * 100)
    shown = other_traffic.metrics.render()
    assert b'fraudsieve_unusual_share{share="flagged"} 1.0' in shown
    assert b'fraudsieve_latest_share{share="flagged"} 0.0' in shown
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    fields = vars(record)["fields"]
    assert fields["why"].startswith("0 % of 200 records are flagged; expected at least")
    assert fields["fix"].endswith("fraudsieve recalibrate")


def test_another_model_starts_to_count_again(other_traffic: RequestHandler) -> None:
    reply_of(other_traffic, [TEXT] * 200)
    assert other_traffic.traffic.unusual
    model = other_traffic.loaded.scorer.model
    usual = replace(model, expected_shares=(ExpectedShare(FLAGGED, 0.001, 0.001),))
    other_traffic.replace_model(LoadedModel(Scorer(usual), "2"))
    assert b'fraudsieve_unusual_share{share="flagged"} 0.0' in other_traffic.metrics.render()
    reply_of(other_traffic, [TEXT] * 200)
    assert other_traffic.traffic.unusual == ()


def test_other_traffic_is_a_detail_of_readiness_without_figures(scorer: Scorer) -> None:
    model = replace(scorer.model, expected_shares=(ExpectedShare(FLAGGED, 0.9, 0.001),))
    app = create_app(Scorer(model), Settings(token="t"))

    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with client_of(app) as client:
            app.state.handler.warm_up()
            before = await client.get("/readyz")
            reply_of(app.state.handler, [TEXT] * 200)
            return before, await client.get("/readyz")

    before, after = asyncio.run(run())
    assert before.json()["unusual_shares"] == []
    assert after.status_code == 200
    assert (after.json()["status"], after.json()["unusual_shares"]) == ("ready", ["flagged"])
