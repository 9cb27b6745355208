"""Answers over HTTP against the file that ``fraudsieve predict`` writes of the same records: every field."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from tests.attack.small_models import write_message_model
from tests.live.small_models import event_pair_model, message_pair_model
from tests.profiles import size

pytestmark = pytest.mark.slow

Records = list[dict[str, Any]]
N_REASONS = 5
"""As many as the service answers with."""
RULES = """
[[rule]]
id = "known-good"
field = "account_id"
action = "pass"
reason = "a partner"
values = ["a1"]
[[rule]]
id = "known-bad"
field = "account_id"
action = "flag"
reason = "a mule"
values = ["a2"]
"""
NESTED = ("model", "probabilities", "explained", "reasons", "text_spans", "rule")
OF_RECORDS = ("message_id", "event_id", "account_id", "occurred_at")
"""What a row has of its record; an answer that is logged has its identifier."""
NOT_REASONS = ("rest", "base", "calibration")


def predicted(folder: Path, model: Path, kind: str, records: Records, *options: object) -> Records:
    """Return the rows that the command writes, whose reasons are read."""
    (folder / "new.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    call = ["predict", "--model", model, f"--{kind}", folder / "new.jsonl", "--output", folder / "scores.jsonl"]
    done = CliRunner().invoke(app, [*map(str, (*call, "--reasons", N_REASONS, *options))])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in (folder / "scores.jsonl").read_text("utf-8").splitlines()]
    return [row | {"reasons": row["reasons"] and json.loads(row["reasons"])} for row in rows]


def as_row(answer: dict[str, Any], digest: str) -> dict[str, Any]:
    """Return an answer as the row of a file, field by field."""
    row = {name: value for name, value in answer.items() if name not in NESTED}
    assert answer["model"]["digest"] == digest
    if "rule" in answer:
        rule = answer["rule"] or {}
        row |= {"rule": rule.get("id"), "rule_reason": rule.get("reason")}
    row |= {f"probability__{name}": value for name, value in answer["probabilities"].items()}
    row["explained"] = answer["explained"]["class"]
    row["reasons"] = {name: answer[name] for name in ("explained", "reasons")}
    own = [reason for reason in answer["reasons"] if reason["family"] not in NOT_REASONS]
    for place in range(N_REASONS):
        reason = own[place] if place < len(own) else None
        code = reason and "__".join(filter(None, (reason["family"], reason["cue"])))
        row |= {f"reason_{place + 1}": code}
        row |= {f"reason_{place + 1}_{name}": reason and reason[name] for name in ("log_odds", "sentence")}
    return row


def asked(client: Any, records: Records, chance: np.random.Generator, *, record: bool = False) -> Records:
    """Ask for scores with reasons, in requests of any size."""
    path = f"/v1/score?reasons=true&record={str(record).lower()}"
    answers, place = Records(), 0
    while place < len(records):
        stop = place + int(chance.integers(1, 40))
        answers += client.post(path, json=records[place:stop]).raise_for_status().json()
        place = stop
    return answers


def check(rows: Sequence[dict[str, Any]], answers: Records, digest: str) -> None:
    assert len(rows) == len(answers) > 0
    for row, answer in zip(rows, answers, strict=True):
        of_record = {name: value for name, value in row.items() if name in OF_RECORDS}
        assert as_row(answer, digest) | of_record == row
        assert all(row[name] == answer[name] for name in OF_RECORDS if name in answer)


PAIRED: dict[str, tuple[Callable[[], Path], str, str]] = {
    "events": (event_pair_model, "occurred_at", "events"),
    "messages": (message_pair_model, "sent_at", "messages"),
}


def pairs(kind: str, time: str) -> Records:
    """Return records of nine accounts, 17 minutes apart: some have another one in the hour before."""
    chance = np.random.default_rng(2)
    records = Records()
    for number in range(size(400, usual=80)):
        at = (datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=17 * number)).isoformat()
        about = {"account_id": f"a{chance.integers(9)}", time: at}
        if kind == "messages":
            records.append({"message_id": f"m{number}", "text": f"crabo muntel {chance.integers(4)} wirps", **about})
        else:
            records.append({"event_id": f"e{number}", "kind": "message", "amount": int(chance.integers(9)), **about})
    return records


def test_messages_with_rules(serve: Any, tmp_path: Path) -> None:
    texts = write_message_model(tmp_path / "m")
    (tmp_path / "rules.toml").write_text(RULES, "utf-8")
    records = [
        {"message_id": f"m{number}", "text": texts[number % 20] + "!" * (number // 20), "account_id": f"a{number % 4}"}
        for number in range(size(400, usual=80))
    ]
    rows = predicted(tmp_path, tmp_path / "m", "messages", records, "--rules", tmp_path / "rules.toml")
    service = serve(tmp_path / "m", "--rules", str(tmp_path / "rules.toml"))
    with service.client() as client:
        digest = client.get("/v1/model").json()["digest"]
        answers = asked(client, records, np.random.default_rng(0))
    check(rows, answers, digest)
    assert {row["rule"] for row in rows} == {None, "known-good", "known-bad"}
    assert {row["decision"] for row in rows} == {"flag", "pass"}


@pytest.mark.parametrize("kind", ["events", "messages"])
def test_records_with_a_history(kind: str, serve: Any, tmp_path: Path) -> None:
    """Each is scored with those before it: in the file and its history, or in the service that records them."""
    model, time, part = PAIRED[kind]
    records = pairs(kind, time)
    earlier, later = records[:20], records[20:]
    past = records if kind == "events" else earlier  # scored messages are part of their history, and events are not
    (tmp_path / "past.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in past), "utf-8")
    rows = predicted(tmp_path, model(), kind, later, "--history", tmp_path / "past.jsonl")
    service = serve(model(), "--state", str(tmp_path / "live.db"), "--score-log", "scores")
    with service.client() as client:
        assert client.post("/v1/events", json={part: earlier}).raise_for_status().json()["rejected"] == []
        digest = client.get("/v1/model").json()["digest"]
        answers = asked(client, later, np.random.default_rng(1), record=True)
    check(rows, answers, digest)
    assert len({row["probability"] for row in rows}) > 1
