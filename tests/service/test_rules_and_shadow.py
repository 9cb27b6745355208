"""RuleSet, a shadow, bodies without the scored field, and probes, over sockets."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.models import Policy, Scorer, write_model
from fraudsieve.models.calibration import Calibration
from tests.service.processes.conftest import wait_until

pytestmark = pytest.mark.slow

RULES = """
[[rule]]
id = "mules"
field = "account_id"
values = ["ann"]
action = "flag"
reason = "case 17"
"""


@pytest.fixture(scope="module")
def challenger(binary: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with higher probabilities."""
    folder = tmp_path_factory.mktemp("challenger") / "model"
    write_model(replace(binary.model, calibration=Calibration(shift=-3.0)), folder)
    return folder


def test_rules_are_read_again_and_counted_apart(serve: Any, binary: Any, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    service = serve(binary.folder, "--rules", str(rules), "--watch-seconds", "0.1")
    scorer, record = Scorer.load(binary.folder), {"text": "see you at six", "account_id": "ann"}
    with service.client() as client:
        score = client.post("/v1/score", json=record).json()
        assert (score["decision"], score["rule"]["id"], score["model_decision"]) == ("flag", "mules", "pass")
        assert score["probability"] == scorer.score(record)["probability"]
        fields = {frozenset(one) for one in client.post("/v1/score", json=[record, 5]).json()}
        assert fields == {frozenset(score)}
        assert client.get("/v1/model").json()["rules"]["rules"] == ["mules"]
        rules.write_text(RULES.replace("flag", "drop"))
        service.wait_for("rules refused")
        assert client.post("/v1/score", json=record).json()["decision"] == "flag"
        rules.write_text(RULES.replace("flag", "pass"))
        service.wait_for("rules loaded")
        assert client.post("/v1/score", json=record).json()["decision"] == "pass"
    assert service.metric('fraudsieve_rule_decisions_total{action="flag",rule="mules"}') == 3
    assert service.metric('fraudsieve_rule_decisions_total{action="pass",rule="mules"}') == 1
    assert service.metric("fraudsieve_flagged_total") == 0  # the model would have let all pass
    assert "ann" not in service.log.read_text("utf-8")
    assert service.stop() == 0


def test_a_shadow_is_compared_and_touches_no_answer(serve: Any, binary: Any, challenger: Path, tmp_path: Path) -> None:
    file = tmp_path / "shadow.jsonl"
    service = serve(binary.folder, "--shadow", str(challenger), "--shadow-file", str(file), "--shadow-ids")
    records = [{"text": text, "message_id": f"m{n}"} for n, text in enumerate(binary.texts[:200])]
    scorer, shadow = Scorer.load(binary.folder), Scorer.load(challenger)
    expected = scorer.score(records)
    with service.client() as client:
        assert client.post("/v1/score", json=records).json() == expected
        assert [client.post("/v1/score", json=record).json() for record in records[:20]] == expected[:20]
        about = client.get("/v1/model").json()["shadow"]
        assert (about["address"], about["digest"]) == (str(challenger), shadow.model.digest)
    wait_until(lambda: service.metric("fraudsieve_shadow_difference_count") == 220)
    pairs = [(one["decision"], two["decision"]) for one, two in zip(expected, shadow.score(records), strict=True)]
    pairs += pairs[:20]
    differing = pairs.count(("pass", "flag"))
    assert service.metric('fraudsieve_shadow_decisions_total{model="pass",shadow="flag"}') == differing > 0
    assert service.stop() == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert sum(line["weight"] == 1 for line in lines) == differing
    assert all(line["message_id"].startswith("m") for line in lines)
    assert not any(text in file.read_text() for text in binary.texts[:200] if len(text) > 10)


def test_each_worker_has_a_sample_of_its_own(serve: Any, binary: Any, challenger: Path, tmp_path: Path) -> None:
    options = ("--workers", "2", "--shadow", str(challenger), "--shadow-file", str(tmp_path / "s.jsonl"))
    service = serve(binary.folder, *options)
    for record in [{"text": text} for text in binary.texts[:60]]:
        with service.client() as client:  # each connection may reach any worker
            client.post("/v1/score", json=record).raise_for_status()
    wait_until(lambda: service.metric("fraudsieve_shadow_difference_count") == 60)
    assert service.stop() == 0
    assert {path.name for path in tmp_path.iterdir()} == {"s.0.jsonl", "s.1.jsonl"}


def test_a_body_without_the_scored_field_is_422_unless_the_policy_says_otherwise(
    serve: Any, binary: Any, accounts_folder: Path, tmp_path: Path
) -> None:
    service = serve(binary.folder)
    error = (
        "body: text: expected a value, no record has the field. Provide it; the fields of the model are at /v1/model."
    )
    with service.client() as client:
        body: Any
        for body in ({}, {"message": "hi"}, [{"message": "hi"}], [{"message": "hi"}, 5]):
            answer = client.post("/v1/score", json=body)
            assert (answer.status_code, answer.json()) == (422, {"error": error})
        for body in ([{"text": "hi"}, {"message": "hi"}], {"text": None}, [], [5]):
            assert client.post("/v1/score", json=body).status_code == 200
        client.get("/healthz")
        client.get("/metrics")
        client.post("/healthz")
    assert service.stop() == 0
    assert [line["route"] for line in service.lines("request")] == ["/v1/score"] * 8 + ["/healthz"]
    lenient, strict = tmp_path / "lenient", tmp_path / "strict"
    write_model(replace(binary.model, policy=Policy(missing="missing")), lenient)
    write_model(replace(binary.model, policy=Policy(unknown="error", wrong_type="error")), strict)
    with serve(lenient).client() as client:
        assert client.post("/v1/score", json={"message": "hi"}).json()["status"] == "unscorable"
    with serve(strict).client() as client:
        answer = client.post("/v1/score", json=[{"text": "hi"}, {"text": "hi", "mine": 1}])
        assert (answer.status_code, "record 1: 1 fields are unknown" in answer.text) == (422, True)
        answer = client.post("/v1/score", json=[{"text": 5}])
        assert (answer.status_code, "text: expected a string, got int" in answer.text) == (422, True)


def test_the_alias_of_a_shadow_is_followed(serve: Any, registry: Any, accounts_folder: Path) -> None:
    registry.champion("1")
    options = ("--shadow", "models:/accounts@champion", "--watch-seconds", "0.2")
    service = serve(accounts_folder, *options, **registry.environment)
    event = {"account_id": "ann", "kind": "message", "device_id": "d", "counterparty_id": "bob", "amount": 1}
    event |= {"event_id": "e1", "occurred_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    with service.client() as client:
        assert client.get("/v1/model").json()["shadow"]["version"] == "1"
        client.post("/v1/events", json={"events": [event]}).raise_for_status()
        registry.champion("2")
        service.wait_for("shadow swapped")
        about = client.get("/v1/model").json()
        assert (about["shadow"]["version"], about["version"]) == ("2", None)
        query = {"account_id": "ann", "as_of": datetime.now(UTC).isoformat()}
        score = client.post("/v1/score", json=query).json()
    assert (score["status"], score["model"]["digest"]) == ("ok", Scorer.load(accounts_folder).model.digest)
    wait_until(lambda: service.metric("fraudsieve_shadow_difference_count") == 1)
    # Counted after the line in the log, once the folder of the download is removed.
    wait_until(lambda: service.metric('fraudsieve_shadow_swaps_total{outcome="swapped"}') == 1)
    assert service.metric('fraudsieve_model_swaps_total{outcome="swapped"}') == 0
