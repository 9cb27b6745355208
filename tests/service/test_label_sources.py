"""Tokens that are bound to sources: their labels are of no other source, at every door, since trust depends on it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import ServiceError
from fraudsieve.live.contents import stored_records
from fraudsieve.live.store import open_store
from fraudsieve.models import Scorer
from fraudsieve.service.settings import Settings, read_label_tokens
from tests.live.small_models import message_pair_model
from tests.messages import refused
from tests.service.handling import handler_of
from tests.services import TOKEN

BOUND = "a-token-of-the-hotline"
MESSAGE = {"message_id": "m1", "text": "pay now", "sent_at": "2026-05-01T10:00:00Z", "account_id": "ann"}
LABEL = {"label": "fraud", "labelled_at": "2026-05-02T10:00:00Z"}
REASON = "source: expected one that the token may write, got another one or none"
DOORS: dict[str, Any] = {
    "/v1/labels": lambda labelled: {"labels": [{"subject_id": "m1"} | labelled]},
    "/v1/events": lambda labelled: {"messages": [MESSAGE | labelled]},
    "/v1/score?record=true": lambda labelled: [MESSAGE | labelled],
}


@pytest.mark.slow
def test_a_bound_token_writes_labels_of_its_sources_only(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "tokens").touch(0o600)
    (tmp_path / "tokens").write_text(f"{BOUND} hotline,branch\n")
    store = ("--state", str(tmp_path / "live.db"), "--score-log", "scores")
    with serve(message_pair_model(), *store, "--label-tokens", str(tmp_path / "tokens")).client() as client:

        def send(door: str, token: str, labelled: dict[str, Any]) -> Any:
            return client.post(door, json=DOORS[door](labelled), headers={"authorization": f"Bearer {token}"})

        for door in DOORS:
            assert send(door, "another-token-of-nobody", LABEL).status_code == 401
            for source in ({}, {"source": "bank"}, {"source": None}, {"source": ["hotline"]}, {"source": "Hotline"}):
                answer = send(door, BOUND, LABEL | source)
                if "record" in door:
                    assert (answer.status_code, answer.json()["error"].rpartition("position 0: ")[2]) == (422, REASON)
                else:
                    assert answer.json()["rejected"] == [{"position": 0, "reason": REASON}]
            assert send(door, BOUND, LABEL | {"source": "hotline"}).status_code == 200
        for door in DOORS:
            assert send(door, TOKEN, LABEL | {"source": "bank"}).json() is not None
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        for door in DOORS:
            for number in ("NaN", "Infinity", "-Infinity"):  # which Python reads, and JSON does not have
                answer = client.post(door, content=f'{{"labels": [{{"x": {number}}}]}}', headers=headers)
                assert answer.status_code == 400
        assert send("/v1/events", BOUND, {"label": " "}).json()["accepted"] == 1  # without a label
    with open_store(tmp_path / "live.db") as opened:
        sources = [record["source"] for part, record in stored_records(opened) if part == "labels"]
    assert sources == ["hotline", "bank"]


def test_labels_under_the_names_of_the_training_are_of_no_other_source_either(tmp_path: Path) -> None:
    columns = {"label": "outcome", "source": "reporter"}
    model = replace(Scorer.load(message_pair_model()).model, training={"recipe": {"data": {"columns": columns}}})
    handler = handler_of(Scorer(model), state=tmp_path / "live.db")
    label = {"subject_id": "m1", "outcome": "fraud", "labelled_at": "2026-05-02T10:00:00Z"}
    for of_source in ({}, {"reporter": "bank"}, {"source": "bank"}):
        body = json.dumps({"labels": [label | of_source]}).encode()
        reply = handler.ingest(body, are_labels=True, sources=frozenset({"hotline"}))
        assert json.loads(reply.content)["rejected"] == [{"position": 0, "reason": REASON}]
    body = json.dumps({"labels": [label | {"reporter": "hotline"}]}).encode()
    reply = handler.ingest(body, are_labels=True, sources=frozenset({"hotline"}))
    assert json.loads(reply.content)["accepted"] == 1
    handler.close()


@pytest.mark.parametrize("line", ["short hotline", BOUND, f"{TOKEN} hotline", "a-token with-é-é-é,x"])
def test_a_line_without_a_token_or_sources_is_an_error(line: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.touch(0o600)
    file.write_text(f"{BOUND} hotline, branch\n\n")
    assert read_label_tokens(file, TOKEN) == {BOUND: {"hotline", "branch"}}
    with pytest.raises(ServiceError, match="there is no token"):
        read_label_tokens(file, None)
    file.write_text(f"{BOUND}2 hotline\n{line}\n")
    with refused(ServiceError) as caught:
        read_label_tokens(file, TOKEN)
    assert BOUND not in str(caught.value)
    assert BOUND not in repr(Settings(label_tokens={BOUND: frozenset("a")}))
