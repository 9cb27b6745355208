"""``fraudsieve cases``: the folder that it writes, ids that stay, and wrong calls."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from tests.cases.planted import planted_rings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with scores and events of two rings, and of a payment that is not flagged."""
    events = planted_rings([5, 4]).rename(columns={"action_id": "event_id"}).drop(columns="ring").assign(amount=10.0)
    events.to_parquet(tmp_path / "events.parquet")
    scores = events[["event_id", "account_id", "occurred_at"]].assign(probability=0.9, decision="flag", label="scam")
    scores.loc[8, "probability"] = 0.1
    scores.loc[8, "decision"] = "pass"
    scores.to_parquet(tmp_path / "scores.parquet")
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    tables = ("--scores", str(folder / "scores.parquet"), "--events", str(folder / "events.parquet"))
    result = CliRunner().invoke(app, ["cases", *tables, *arguments, "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_the_folder_holds_the_tables(folder: Path) -> None:
    code, content = run(folder, "--output", str(folder / "cases"))
    assert (code, content["cases"], content["members"]) == (0, 2, 8)
    tables = {path.stem: pd.read_parquet(path) for path in (folder / "cases").glob("*.parquet")}
    assert set(tables) == {"cases", "members", "links", "hubs", "changes"}
    assert tables["cases"][["rank", "actions", "amount", "types"]].to_numpy().tolist() == [
        [1, 5, 50.0, "scam 5"],
        [2, 3, 30.0, "scam 3"],
    ]
    assert set(tables["links"]["source_id"]) <= set(tables["members"]["action_id"])
    assert tables["changes"]["change"].tolist() == ["opened", "opened"]


@pytest.mark.slow
def test_a_threshold_and_earlier_cases(folder: Path) -> None:
    run(folder, "--output", str(folder / "first"))
    arguments = ("--threshold", "0.05", "--previous", str(folder / "first"), "--output", str(folder / "second"))
    code, content = run(folder, *arguments)
    assert (code, content["members"]) == (0, 9)
    first, second = (pd.read_parquet(folder / name / "cases.parquet")["case_id"] for name in ("first", "second"))
    assert set(first) == set(second)
    changes = pd.read_parquet(folder / "second" / "changes.parquet")
    assert changes["change"].tolist() == ["opened", "opened", "grew"]


def test_cases_as_they_were_known(folder: Path) -> None:
    options = ("--as-of", "2026-01-02T00:00:00", "--language", "zh")
    code, content = run(folder, *options, "--output", str(folder / "cases"))
    assert "，截至 2026-01-02 00:00 UTC 的已知信息" in (folder / "cases" / "cases.html").read_text("utf-8")
    members = pd.read_parquet(folder / "cases" / "members.parquet")
    assert code == 0
    assert 0 < content["members"] == len(members) < 8
    assert members["occurred_at"].max() < pd.Timestamp("2026-01-02", tz="UTC")


def test_days_come_first_in_scores_too(folder: Path) -> None:
    scores = pd.read_parquet(folder / "scores.parquet").assign(known_at="02/06/2026")
    scores.to_parquet(folder / "scores.parquet")
    arguments = ("--day-first", "--as-of", "2026-05-15T00:00:00", "--output", str(folder / "cases"))
    code, content = run(folder, *arguments)
    assert (code, content["members"]) == (0, 0)


@pytest.mark.slow
def test_the_page_hides_identifiers_unless_asked(folder: Path) -> None:
    code, content = run(folder, "--output", str(folder / "cases"))
    page = folder / "cases" / "cases.html"
    assert (code, content["page"]) == (0, str(page))
    assert page.stat().st_mode & 0o077 == 0
    assert "payer-0-0" not in page.read_text("utf-8")
    run(folder, "--show-identifiers", "--output", str(folder / "shown"))
    assert "payer-0-0" in (folder / "shown" / "cases.html").read_text("utf-8")


@pytest.mark.slow
def test_labels_are_those_of_the_moment(folder: Path) -> None:
    times = ["2026-01-02T01:00:00", "2026-06-01T01:00:00"]
    labels = pd.DataFrame({"subject_id": ["a-0-0", "a-0-1"], "label": ["scam", "ham"], "labelled_at": times})
    labels.to_csv(folder / "labels.csv", index=False)
    arguments = ("--labels", str(folder / "labels.csv"), "--as-of", "2026-05-01T00:00:00")
    assert run(folder, *arguments, "--output", str(folder / "cases"))[0] == 0
    confirmed = pd.read_parquet(folder / "cases" / "members.parquet").set_index("action_id")["confirmed"].dropna()
    assert confirmed.to_dict() == {"a-0-0": "fraud"}
    cases = pd.read_parquet(folder / "cases" / "cases.parquet").iloc[0]
    assert cases["expected_frauds"] == pytest.approx(1 + 4 * 0.9)
    code = run(folder, *arguments, "--legitimate", "scam", "--output", str(folder / "other"))[0]
    assert code == 0
    assert pd.read_parquet(folder / "other" / "members.parquet")["confirmed"].dropna().tolist() == ["legitimate"]


def test_scores_of_messages_and_of_events_in_one_call(folder: Path) -> None:
    messages = pd.DataFrame({"message_id": ["m1", "m2"], "text": "pay me", "account_id": ["payer-0-0", "nobody"]})
    messages = messages.assign(sent_at=pd.Timestamp("2026-01-01 12:00", tz="UTC"))
    messages.to_parquet(folder / "messages.parquet")
    messages[["message_id"]].assign(probability=0.7, decision="flag").to_parquet(folder / "m.parquet")
    both = ("--scores", str(folder / "m.parquet"), "--messages", str(folder / "messages.parquet"))
    code, content = run(folder, *both, "--output", str(folder / "cases"))
    members = pd.read_parquet(folder / "cases" / "members.parquet")
    assert (code, content["members"]) == (0, 10)
    assert sorted(members["subject"].value_counts().items()) == [("event", 8), ("message", 2)]
    assert set(members["record"]) >= {"m1", "m2", "a-0-0"}
    assert members["action_id"].str.contains("message:m1").any()
    code, content = run(folder, "--scores", str(folder / "scores.parquet"), "--output", str(folder / "twice"))
    assert (code, "expected one file of scores for events, got several" in content["error"]) == (2, True)


def test_wrong_calls_are_named(folder: Path) -> None:
    (folder / "full").mkdir()
    assert run(folder, "--output", str(folder / "full"))[0] == 2
    code, content = run(folder, "--threshold", "0.99", "--output", str(folder / "cases"))
    assert (code, "none of the 9 records is flagged" in content["error"]) == (2, True)
    code, content = run(folder, "--previous", str(folder / "full"), "--output", str(folder / "cases"))
    assert (code, "expected a folder of cases" in content["error"]) == (2, True)
    (folder / "long.key").touch(0o600)
    (folder / "long.key").write_text("k" * 65)
    code, content = run(folder, "--key", str(folder / "long.key"), "--output", str(folder / "cases"))
    assert (code, "long.key: expected a key of 1 to 64 bytes, got 65" in content["error"]) == (2, True)
    pd.read_parquet(folder / "events.parquet").iloc[1:].to_parquet(folder / "events.parquet")
    code, content = run(folder, "--output", str(folder / "cases"))
    assert (code, "1 flagged records are not in the table of events" in content["error"]) == (2, True)
