"""Rules, bodies without the scored field, and probes, over sockets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.models import Policy, Scorer, write_model

pytestmark = pytest.mark.slow

RULES = """
[[rule]]
id = "mules"
field = "account_id"
values = ["ann"]
action = "flag"
reason = "case 17"
"""


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
