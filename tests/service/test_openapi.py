"""The OpenAPI description, and requests generated from it: the service never answers with a server error."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fraudsieve.service.middleware import PROBES
from tests.live.small_models import event_pair_model
from tests.profiles import size

pytestmark = pytest.mark.slow

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
POSTS = [("POST", "/v1/score"), ("POST", "/v1/events"), ("POST", "/v1/labels")]
ROUTES = [*POSTS, ("GET", "/v1/model"), ("GET", "/healthz"), ("GET", "/readyz")]


def test_the_description_lists_the_routes(service: Any) -> None:
    with service.client() as client:
        description = client.get("/openapi.json").json()
        for path, operations in description["paths"].items():
            for method, operation in operations.items():
                assert operation["summary"]
                assert client.request(method, path, json={}).status_code not in (404, 405)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/model", "/metrics", "/openapi.json", "/nothing"])
def test_head_is_answered_like_get_without_a_body(service: Any, path: str) -> None:
    with service.client() as client:
        head, get = client.head(path, timeout=20), client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.fixture(scope="module", params=["messages", "accounts", "events"])
def service(
    request: pytest.FixtureRequest,
    serve: Any,
    several: Any,
    accounts_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """A service of messages without history, which logs scores, one of accounts, and one that records events."""
    if request.param == "accounts":
        return serve(accounts_folder)
    store = tmp_path_factory.mktemp("log") / "log.db"
    folder = several.folder if request.param == "messages" else event_pair_model()
    return serve(folder, "--state", str(store), "--score-log", "records")


# Before the others, whose events may be so late that the times of the examples are rejected afterwards.
def test_offsets_and_ids_are_described_if_there_are_any(service: Any) -> None:
    with service.client() as client:
        description = client.get("/openapi.json").json()
        has_history = bool(client.get("/v1/model").json()["history"]["parts"])
    operation = description["paths"]["/v1/score"]["post"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    has_log = "X-Request-ID" in names
    assert ("Fraudsieve-After" in names, "record" in names) == (has_history, has_history and has_log)
    headers = ["Fraudsieve-Offset"] * has_history + ["X-Request-ID"] * has_log
    assert list(operation["responses"]["200"]["headers"]) == headers


def test_examples_of_the_description_are_answered(service: Any) -> None:
    with service.client() as client:
        description = client.get("/openapi.json").json()
        model = client.get("/v1/model").json()
        for path in ("/v1/score", "/v1/events", "/v1/labels"):
            body = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]
            for name, example in body["examples"].items():
                answer = client.post(
                    path, content=json.dumps(example["value"]), headers={"content-type": "application/json"}
                )
                is_used = path == "/v1/score" or name in [*model["history"]["parts"], "labels"]
                assert answer.status_code == (200 if is_used else 409), name
                if path == "/v1/score":
                    scores = answer.json() if isinstance(answer.json(), list) else [answer.json()]
                    assert {score["status"] for score in scores} <= {"ok", "no_history"}


def attack(service: Any, examples: int) -> None:
    with service.client() as client:
        description = client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=f"http://127.0.0.1:{service.port}")
    headers, before, called = dict(service.client().headers), len(service.lines("request")), 0
    for method, path in ROUTES:
        operation = schema[path][method]
        modes = list(schemathesis.GenerationMode) if method == "POST" else [schemathesis.GenerationMode.POSITIVE]
        for mode in modes:
            before_probes = called
            number = examples if method == "POST" else 5
            quick = settings(
                max_examples=number,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )

            @seed(0)
            @quick
            @given(case=operation.as_strategy(generation_mode=mode))
            def call(case: Any) -> None:
                nonlocal called
                called += 1
                if str((case.headers or {}).get("Fraudsieve-After", "")).isdigit():
                    case.headers["Fraudsieve-After"] = "0"  # an offset that is yet to come is answered 503
                case.call_and_validate(headers=headers, checks=CHECKS)

            call()
            if path in PROBES:  # they are not logged
                called = before_probes
    assert service.process.poll() is None
    assert not service.lines("error")
    assert called >= 4 * examples
    deadline = time.monotonic() + 30
    while len(service.lines("request")) - before < called:  # a line is written after the response
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_few_hundred_requests_and_two_thousand_in_a_release(service: Any) -> None:
    attack(service, size(500, usual=30))
