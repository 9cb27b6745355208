"""The service in its own process, over sockets: scores, history and shutdown."""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fraudsieve.models import Scorer
from fraudsieve.service.app import create_app
from fraudsieve.service.settings import listen
from tests.service.handling import client_of
from tests.services import raw_post

pytestmark = pytest.mark.slow

SECRET = "Wire 500 to the account of Zebedee"
AT = datetime.now(UTC) - timedelta(minutes=30)


@pytest.fixture(scope="module")
def service(serve: Any, several: Any) -> Any:
    return serve(several.folder)


@pytest.fixture(scope="module")
def live(serve: Any, accounts_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return serve(accounts_folder, "--state", str(tmp_path_factory.mktemp("live") / "live.db"))


def event(number: int, account: str = "ann") -> dict[str, Any]:
    at = (AT + timedelta(seconds=number)).isoformat()
    about = {"counterparty_id": "bob", "device_id": "d", "kind": "message", "amount": number}
    return {"event_id": f"e{number}", "account_id": account, "occurred_at": at, **about}


def test_scores_over_http_equal_those_of_the_scorer(service: Any, several: Any) -> None:
    scorer, records = Scorer.load(several.folder), [{"text": text} for text in several.texts[:200]]
    with service.client() as client:
        assert client.post("/v1/score", json=records).json() == scorer.score(records)
        assert client.post("/v1/score", json=records[0]).json() == scorer.score(records[0])
        explained = client.post("/v1/score?reasons=true", json=records[:20]).json()
        assert explained == scorer.score(records[:20], reasons=True)
        chinese = client.post("/v1/score?reasons=true&language=zh", json=records[:20]).json()
        assert chinese == scorer.score(records[:20], reasons=True, language="zh") != explained
        answer = client.post("/v1/score?reasons=true&language=fr", json=records[0])
        assert (answer.status_code, answer.json()["error"]) == (
            422,
            "language: expected one of en, zh, got another one",
        )
        assert client.post("/v1/score", json=[]).json() == []


def test_scores_of_accounts_equal_those_of_the_scorer_with_the_same_history(live: Any, accounts_folder: Path) -> None:
    scorer, events = Scorer.load(accounts_folder), [event(number, f"a{number % 3}") for number in range(60)]
    queries = [{"account_id": f"a{i}", "as_of": (AT + timedelta(minutes=2)).isoformat()} for i in range(4)]
    known = (AT + timedelta(seconds=90)).isoformat()
    state = scorer.new_state()
    state.update(events, account_labels={"account_id": "bob", "labelled_at": known, "is_fraud": True})
    labels = [{"subject_id": "bob", "label": "fraud", "labelled_at": known}, {"subject_id": "a1"}, 5]
    with live.client() as client:
        added = client.post("/v1/events", json={"events": events})
        assert added.json() == {"part": "events", "accepted": 60, "rejected": []}
        answer = client.post("/v1/labels", json={"labels": labels})
        missing = {"position": 1, "reason": "labelled_at: expected a time, the field is missing"}
        wrong = {"position": 2, "reason": "expected an object, got int"}
        assert answer.json() == {"part": "labels", "accepted": 1, "rejected": [missing, wrong], "unknown": [0]}
        assert int(answer.headers["fraudsieve-offset"]) > int(added.headers["fraudsieve-offset"])
        again = client.post("/v1/events", json={"events": events}).json()
        assert (again["accepted"], again["rejected"]) == (60, [])  # repeated deliveries, counted once
        scores = client.post("/v1/score?reasons=true", json=queries).json()
    assert scores == scorer.score(queries, history=state, reasons=True)
    assert [score["status"] for score in scores] == ["ok", "ok", "ok", "no_history"]
    assert live.metric("fraudsieve_cold_starts_total") == 1
    assert live.metric("fraudsieve_state_events") == state.n_events


def test_names_of_fields_with_broken_characters_are_refused(live: Any) -> None:
    for body in (b'{"account_id": "a", "x\\ud800": 1}', b'{"account_id": "a", "in": [{"x\\ud800": 1}]}'):
        with live.client() as client:
            answer = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422
        assert answer.json()["error"] == "body: expected names of fields in UTF-8, got broken characters"


def test_events_are_rejected_one_by_one_with_reasons(live: Any) -> None:
    late = event(0) | {"event_id": "late", "occurred_at": "2020-01-01T00:00:00Z"}
    with live.client() as client:
        events = [event(900), 5, event(901) | {"amount": SECRET}, late, {"account_id": SECRET}]
        answer = client.post("/v1/events", json={"events": events}).json()
        assert answer["accepted"] == 1
        assert [rejection["position"] for rejection in answer["rejected"]] == [1, 2, 3, 4]
        reasons = [rejection["reason"] for rejection in answer["rejected"]]
        assert reasons[0] == "expected an object, got int"
        assert reasons[1] == "amount: expected a number, got other text"
        assert reasons[2].startswith("occurred_at: expected a time within the declared lateness")
        assert SECRET not in json.dumps(answer)
        body: Any
        for body in ({"events": 5}, {}, [], {"events": [], "labels": []}, {"others": []}):
            assert client.post("/v1/events", json=body).status_code == 422
        unused = client.post("/v1/events", json={"messages": []})
        assert (unused.status_code, "does not use" in unused.json()["error"]) == (409, True)
        for path, body in (("/v1/events", {"labels": []}), ("/v1/labels", {"events": []})):
            assert client.post(path, json=body).status_code == 422


def test_acknowledged_events_survive_a_kill(serve: Any, accounts_folder: Path, tmp_path: Path) -> None:
    options = ("--state", str(tmp_path / "live.db"))
    query = {"account_id": "ann", "as_of": (AT + timedelta(minutes=2)).isoformat()}
    first = serve(accounts_folder, *options)
    with first.client() as client:
        cold = client.post("/v1/score", json=query).json()
        client.post("/v1/events", json={"events": [event(number) for number in range(30)]}).raise_for_status()
        warm = client.post("/v1/score", json=query).json()
    assert (cold["status"], warm["status"]) == ("no_history", "ok")
    first.process.kill()
    first.process.wait()
    with serve(accounts_folder, *options).client() as client:
        assert client.post("/v1/score", json=query).json() == warm


def test_an_invalid_record_does_not_affect_the_others(service: Any, several: Any) -> None:
    invalid: list[Any] = [
        5,
        None,
        [],
        "x",
        {},
        {"text": 5},
        {"text": None},
        {"text": " \u200b"},
        {"text": {"a": SECRET}},
    ]
    unusual = ['{"text": "\\ud800 held"}', '{"text": "x", "sent_at": 1e999}', '{"text": "x", "n": %s}' % ("9" * 400)]
    records: list[Any] = [{"text": several.texts[0]}, *invalid, {"text": several.texts[1]}]
    body = json.dumps(records)[:-1] + "," + ",".join(unusual) + "]"
    with service.client(headers={"content-type": "application/json"} | auth()) as client:
        answer = client.post("/v1/score?reasons=true", content=body)
    scores = answer.json()
    statuses = [score["status"] for score in scores]
    assert statuses == ["ok", *["unscorable"] * len(invalid), "ok", *["ok"] * len(unusual)]
    assert scores[0] == Scorer.load(several.folder).score(records[0], reasons=True)
    assert scores[1]["why"] == "expected an object, got int"
    assert {frozenset(score) for score in scores} == {frozenset(scores[0])}  # all have the same fields
    assert SECRET not in answer.text


def auth() -> dict[str, str]:
    return {"authorization": "Bearer correct-horse-battery-staple"}


def test_description_of_the_model(service: Any, live: Any, several: Any) -> None:
    with service.client() as client, live.client() as other:
        content, accounts = client.get("/v1/model").json(), other.get("/v1/model").json()
    model = several.model
    used = content["training"]
    assert used.keys() == {"rows", "since", "until", "mixture"}
    assert [used["since"], used["until"]] == (model.training.get("window") or [None, None])
    assert (content["name"], content["digest"], content["version"]) == ("several", model.digest, None)
    assert content["classes"] == list(model.classes)
    assert content["columns"] == list(model.matrix.columns)
    assert content["fields"] == [{"name": "text", "type": "string", "required": True}]
    assert [point["threshold"] for point in content["operating_points"]] == [point.threshold for point in model.points]
    assert accounts["history"]["parts"] == ["events"]
    assert {"account_id", "device_id", "kind"} <= set(accounts["history"]["event_fields"])
    assert [field["name"] for field in accounts["fields"] if field["required"]] == ["account_id", "as_of"]


def test_health_metrics_and_log(serve: Any, binary: Any) -> None:
    service = serve(binary.folder)
    with service.client() as client:
        score = client.post("/v1/score", json=[{"text": SECRET, "account_id": SECRET}, {"text": 5}]).json()[0]
        client.get("/" + SECRET.replace(" ", "-"))
        client.get("/healthz").raise_for_status()
        client.get("/readyz").raise_for_status()
    assert service.metric('fraudsieve_requests_total{route="/v1/score",status="200"}') == 1
    assert service.metric('fraudsieve_requests_total{route="other",status="404"}') == 1
    assert service.metric(f'fraudsieve_score_count{{type="{score["label"]}"}}') == 1
    assert service.metric('fraudsieve_rejected_total{part="records"}') == 1
    assert service.metric('fraudsieve_request_seconds_count{route="/healthz"}') == 1
    digest = binary.model.digest
    assert service.metric(f'fraudsieve_model{{digest="{digest}",name="binary",version=""}}') == 1
    logged = service.wait_for("request")  # lines are written a moment after the response
    assert logged["route"] == "/v1/score"
    assert (logged["status"], logged["records"], logged["unscorable"]) == (200, 2, 1)
    assert "Zebedee" not in service.log.read_text("utf-8")
    assert service.stop() == 0


def test_it_is_not_ready_before_the_warm_up(binary: Any) -> None:
    app = create_app(Scorer.load(binary.folder))

    async def send_requests() -> list[httpx.Response]:
        # Without its lifespan the application is not warmed up.
        async with client_of(app) as client:
            answers = [await client.get("/readyz"), await client.post("/v1/score", json={"text": "x"})]
            answers.append(await client.get("/healthz"))
            app.state.handler.warm_up()
            return [*answers, await client.get("/readyz"), await client.post("/v1/score", json={"text": "x"})]

    answers = asyncio.run(send_requests())
    assert [answer.status_code for answer in answers] == [503, 503, 200, 200, 200]
    assert answers[0].headers["retry-after"] == answers[1].headers["retry-after"] == "1"


def test_responses_do_not_wait_for_an_acknowledgement(service: Any) -> None:
    with listen("127.0.0.1", 0) as opened:
        assert opened.proto == socket.IPPROTO_TCP  # asyncio sets TCP_NODELAY by this
    with service.client() as client:
        times = []
        for _ in range(60):
            started = time.perf_counter()
            client.post("/v1/score", json={"text": "Your parcel is held"})
            times.append(time.perf_counter() - started)
    assert min(times) < 0.03


def test_two_hundred_concurrent_clients(service: Any, several: Any) -> None:
    records = [{"text": text} for text in several.texts[:70]]
    expected = {1: Scorer.load(several.folder).score(records[:1]), 70: Scorer.load(several.folder).score(records)}
    together = threading.Barrier(200)

    def call(number: int) -> tuple[int, bool]:
        # Small and large requests together, because LightGBM's threads must not be mixed.
        size = 70 if number % 3 == 0 else 1
        with service.client() as client:
            together.wait(60)
            answer = client.post("/v1/score", json=records[:size])
        if answer.status_code == 200:
            return 200, answer.json() == expected[size]
        return answer.status_code, int(answer.headers["retry-after"]) >= 1

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(call, range(200)))
    assert {status for status, _ in answers} <= {200, 503}
    assert all(right for _, right in answers)
    assert sum(status == 200 for status, _ in answers) >= 64
    assert service.process.poll() is None


def test_stopped_under_load_it_finishes_accepted_requests(serve: Any, several: Any) -> None:
    service = serve(several.folder)
    records = [{"text": text} for text in several.texts[:200]]
    answers: list[Any] = []

    def call() -> None:
        while True:
            with service.client() as client:
                try:
                    answers.append(client.post("/v1/score?reasons=true", json=records))
                except httpx.ConnectError:
                    return  # it has stopped listening
                except httpx.TransportError as error:
                    answers.append(error)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(answers) < 8:
        time.sleep(0.01)
    with socket.create_connection(("127.0.0.1", service.port)) as half:  # a request that is incomplete at the signal
        body = json.dumps(records[0]).encode()
        half.sendall(raw_post(body[:5], length=len(body)))
        time.sleep(0.3)
        before = len(service.lines("request"))
        service.process.terminate()
        time.sleep(0.3)
        half.sendall(body[5:])
        half.settimeout(60)
        assert half.recv(15) == b"HTTP/1.1 200 OK"
    for thread in threads:
        thread.join(60)
    assert service.process.wait(60) == 0
    assert len(service.lines("request")) > before
    assert service.lines()[-1]["event"] == "stopped"
    # Connections that were accepted but not yet read are reset; no response is truncated or an error.
    responses = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert {answer.status_code for answer in responses} == {200}
    assert all(len(answer.json()) == 200 for answer in responses)
    lost = [error for error in answers if not isinstance(error, httpx.Response)]
    assert len([line for line in service.lines("request") if line["status"] == 200]) == len(responses) + 1, lost
