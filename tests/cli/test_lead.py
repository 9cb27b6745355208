"""``fraudsieve lead``: from scores to a lead, its resolution and its withdrawal, and nothing of the house in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.leads import lead_schema, read_lead, read_register
from fraudsieve.models.artifact.folder import read_model
from tests.cli.conftest import Run, error_of
from tests.leads.planted import MARKERS, actions, messages, write_planted

pytestmark = pytest.mark.slow

RECIPIENT = ("--recipient", "Financial Intelligence Unit", "--legal-basis", "Art. 33", "--sender", "Example Bank")
OLD, NEW = f"2026-05-01 {'o' * 64}\n", f"2026-11-01 {'n' * 64}\n"
Create = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def case_id(run: Run, tmp_path: Path) -> str:
    """The id of the planted case, in a folder with the tables of the house."""
    messages().to_parquet("messages.parquet", index=False)
    events = actions().query("kind == 'payment'").rename(columns={"action_id": "event_id"})
    events.drop(columns=["type", "probability"]).to_parquet("events.parquet", index=False)
    Path("key").touch(0o600)
    Path("key").write_text(OLD)
    return write_planted(tmp_path / "cases")


@pytest.fixture
def create(run: Run, case_id: str) -> Create:
    def call(*options: str | Path) -> tuple[int, dict[str, Any], str]:
        return run("lead", "create", case_id, *RECIPIENT, "--key", "key", *options)

    return call


def test_from_messages_to_a_lead(run: Run, model: Path, tmp_path: Path, messages: pd.DataFrame) -> None:
    # The messages of the conftest, whose spam is scored with reasons, linked, and given.
    spam = messages[messages["label"] == "spam"].head(40)
    frame = spam[["message_id", "text"]].assign(
        account_id=[f"acc-{n % 4}" for n in range(len(spam))],
        sent_at=pd.date_range("2026-05-01", periods=len(spam), freq="h", tz="UTC"),
    )
    frame.to_parquet("new.parquet", index=False)
    Path("key").touch(0o600)
    Path("key").write_text(NEW)
    assert run("predict", "--model", model, "--messages", "new.parquet", "--reasons", "3")[0] == 0
    assert run("cases", "--scores", "scores.parquet", "--messages", "new.parquet")[0] == 0
    case = str(pd.read_parquet("cases/cases.parquet")["case_id"][0])
    given = ("--model", model, "--scores", "scores.parquet", "--messages", "new.parquet", "--output", "lead.json")
    code, content, errors = run("lead", "create", case, *RECIPIENT, "--key", "key", *given)
    assert code == 0, errors
    lead = read_lead("lead.json")
    support = read_model(model).ratio_support
    assert support is not None
    assert lead["strength"]["log10_bounds"] == [round(support.log10_low, 3), round(support.log10_high, 3)]
    assert all(support.log10_low <= action["log10_lr"] <= support.log10_high for action in lead["actions"])
    assert lead["error_rates"]["recall"]["groups"] == support.fraud_groups
    assert lead["reasons"] != []
    assert content["actions"] == len(lead["actions"]) > 1
    code, content, _ = run("lead", "resolve", "lead.json", "--key", "key", "--messages", "new.parquet")
    resolved = pd.read_csv("resolved.csv").dropna()
    assert code == 0
    assert set(resolved.loc[resolved["type"] == "action", "value"]) <= set(frame["message_id"])
    assert content["by_type"]["action"] == f"{len(lead['actions'])} of {len(lead['actions'])}"


def test_a_recipient_with_brackets_gets_one_lead(run: Run, case_id: str) -> None:
    named = ("--recipient", "FIU [/DE]", "--legal-basis", "Art. 33", "--sender", "Example Bank", "--key", "key")
    shown = CliRunner().invoke(app, ["lead", "create", case_id, *named])
    assert (shown.exit_code, shown.stdout.splitlines()[:1]) == (0, ["Lead for FIU [/DE]"]), shown.stderr
    assert [one["recipient"] for one in run("lead", "list")[1]["leads"]] == ["FIU [/DE]"]
    assert CliRunner().invoke(app, ["lead", "list"]).stdout.splitlines()[0] == "1 lead"


def test_secrets_rotate_and_old_leads_resolve(run: Run, create: Create) -> None:
    assert create("--output", "old.json")[0] == 0
    Path("key").write_text(NEW + OLD)
    assert create("--output", "new.json", "--format", "stix", "--per-case")[0] == 0
    leads = [read_lead(name) for name in ("old.json", "new.json")]
    assert leads[0]["key"]["id"] != leads[1]["key"]["id"]
    assert [lead["key"]["scope"] for lead in leads] == ["recipient", "case"]
    for name in ("old.json", "new.json"):
        code, content, _ = run("lead", "resolve", name, "--key", "key", "--events", "events.parquet")
        assert (code, content["by_type"]["account"]) == (0, "3 of 3")
    Path("key").write_text(NEW)
    assert "derived from none of the 1 secrets" in error_of(
        run, "lead", "resolve", "old.json", "--key", "key", "--events", "events.parquet"
    )


def test_leads_are_listed_and_withdrawn(run: Run, create: Create, case_id: str) -> None:
    first, second = create("--purpose", "first")[1]["lead"], create("--purpose", "second")[1]["lead"]
    code, content, _ = run("lead", "list")
    assert [(one["lead"], one["case"], one["withdrawn"]) for one in content["leads"]] == [
        (first, case_id, False),
        (second, case_id, False),
    ]
    assert run("evidence", "verify", "leads.jsonl")[0] == 0
    code, content, _ = run("lead", "withdraw", f"lead-{first}.json", "--reason", "given in error")
    assert (code, len(content["notices"])) == (0, 1)
    pd.DataFrame({"subject_id": ["M-MARKER-1"], "label": ["legitimate"]}).to_csv("labels.csv", index=False)
    code, content, _ = run("lead", "withdraw", "--labels", "labels.csv", "--key", "key")
    assert content["notices"] == [str(Path("withdrawals") / f"withdrawal-{second}.json")]
    assert run("lead", "withdraw", "--labels", "labels.csv", "--key", "key")[1]["notices"] == []
    assert [one["withdrawn"] for one in run("lead", "list")[1]["leads"]] == [True, True]
    assert all(one.is_written for one in read_register("leads.jsonl").withdrawals.values())


def test_nothing_of_the_house_is_in_what_leaves_it(case_id: str, tmp_path: Path) -> None:
    labels = pd.DataFrame({"subject_id": ["M-MARKER-1"], "label": ["legitimate"]})
    labels.to_csv("labels.csv", index=False)
    Path("broken.json").write_text('{"schema": "MARKER"}')
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    create = ["create", case_id, *RECIPIENT, "--key", "key", "--messages"]
    resolve = ["--key", "key", "--events", "events.parquet", "--messages", "messages.parquet"]
    calls: list[tuple[int, list[str]]] = [
        (0, [*create, "messages.parquet", "--texts", "excerpts", "--output", "lead.json"]),
        (0, [*create, "messages.parquet", "--format", "stix", "--amounts", "--times", "--output", "stix.json"]),
        (0, [*create, "messages.parquet", "--shared-accounts", "--per-case", "--purpose", "named by its id"]),
        (0, ["resolve", "lead.json", *resolve]),
        (0, ["resolve", "stix.json", *resolve]),
        (2, ["resolve", "broken.json", *resolve]),
        (2, [*create, "events.parquet"]),  # a table without texts
        (2, [*create, "messages.parquet", "--scores", "messages.parquet"]),  # a table without scores
        (2, ["withdraw", "--labels", "messages.parquet", "--key", "key"]),  # a table without labels
        (0, ["withdraw", "--labels", "labels.csv", "--key", "key"]),
        (0, ["list"]),
    ]
    printed = ""
    for code, arguments in [*calls, *((code, [*call, "--json"]) for code, call in calls)]:
        result = CliRunner().invoke(app, ["lead", *arguments])
        printed += result.stdout + result.stderr
        assert result.exit_code == code, (arguments, result.stderr)
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert len([path for path in written if path.name.startswith("withdrawal-")]) >= 3
    leaving = written - {tmp_path / "resolved.csv"}  # the house's own answer to whom a pseudonym is
    assert len(leaving) >= 7
    for path in leaving:
        content = path.read_bytes() + path.relative_to(tmp_path).as_posix().encode()
        assert [marker for marker in MARKERS if marker.encode() in content] == [], path.name
    assert [marker for marker in MARKERS if marker in printed] == []
    assert b"acc-marker-0" in (tmp_path / "resolved.csv").read_bytes()
    assert all(OLD.split()[1].encode() not in path.read_bytes() for path in written)


def test_notes_say_what_a_lead_does_not_say(create: Create, model: Path) -> None:
    code, _, errors = create()
    assert (code, "they need --model" in errors, "they need --scores" in errors) == (0, True, True)
    code, _, errors = create("--model", model)
    assert code == 0
    assert "strength" not in errors


def test_no_output_overwrites_the_key_the_log_or_an_input(run: Run, create: Create) -> None:
    assert create("--output", "lead.json")[0] == 0
    before = {path: path.read_bytes() for path in (Path("key"), Path("leads.jsonl"), Path("lead.json"))}
    resolve = ("lead", "resolve", "lead.json", "--key", "key", "--events", "events.parquet", "--output")
    calls = [create("--output", "key"), create("--output", "leads.jsonl"), create("--output", Path.cwd() / "key")]
    calls += [run(*resolve, name) for name in ("key", "lead.json", "events.parquet")]
    for code, content, _ in calls:
        assert (code, "would overwrite this input" in content["error"]) == (2, True)
    assert {path: path.read_bytes() for path in before} == before


def test_an_unknown_case_and_the_schema(run: Run, case_id: str) -> None:
    assert "no case has this id" in error_of(run, "lead", "create", "case-other", *RECIPIENT, "--key", "key")
    assert "cannot be read" in error_of(run, "lead", "resolve", "none", "--key", "key")
    assert not Path("leads.jsonl").exists()
    assert json.loads(json.dumps(lead_schema()))["$schema"] == "https://json-schema.org/draft/2020-12/schema"
