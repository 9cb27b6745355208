"""Evidence of the scores of a file: with a history from tables, and when a run was interrupted."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.evidence.checkpoints import read_line
from fraudsieve.evidence.kept_content import Content
from fraudsieve.evidence.log import EvidenceLog
from fraudsieve.evidence.replay import replay_log
from fraudsieve.evidence.verification import verify_log
from fraudsieve.exceptions import EvidenceError
from fraudsieve.models import Scorer
from fraudsieve.models.batch.score import score_file
from fraudsieve.models.rules import Rule, RuleSet
from fraudsieve.training.simulation.world import simulate
from tests.evidence.logs import lines_of
from tests.fitted_models import Fitted


@pytest.mark.slow
def test_accounts_with_a_history_of_tables(accounts_folder: Path, tmp_path: Path) -> None:
    world, scorer = simulate(days=20, n_accounts=100, messages_per_day=30), Scorer.load(accounts_folder)
    accounts, events = tmp_path / "accounts.parquet", tmp_path / "events.parquet"
    world.accounts[["account_id"]].assign(as_of=world.events["occurred_at"].max()).to_parquet(accounts, index=False)
    world.events.to_parquet(events, index=False)
    with EvidenceLog(tmp_path / "log", which="all", content=Content("kept")) as log:
        done = score_file(scorer, accounts, tmp_path / "scores.parquet", events=events, evidence=log)
    bodies = [read_line(line, "log").body for line in lines_of(tmp_path / "log")[1:]]
    assert len(bodies) == done.scored == 100
    history = bodies[0]["history"]
    assert history["source"] == "tables"
    assert history["events"]["sha256"] == hashlib.sha256(events.read_bytes()).hexdigest()
    assert {body["has_history"] for body in bodies} >= {True}
    assert bodies[0]["subject"]["id"] == bodies[0]["input"]["fields"]["account_id"]
    report = replay_log(tmp_path / "log", scorer)
    assert (report.replayed, report.rebuilt, report.different) == (100, 0, 0)
    written = pd.read_parquet(tmp_path / "scores.parquet")["probability"]
    assert [float.fromhex(body["score"]["probability"]) for body in bodies] == written.tolist()
    ruled = Scorer(
        scorer.model, rules=RuleSet([Rule("mules", "account_id", [bodies[3]["subject"]["id"]], "flag", "case")])
    )
    with EvidenceLog(tmp_path / "rules", which="all", content=Content("kept")) as log:
        score_file(ruled, accounts, tmp_path / "ruled.parquet", events=events, evidence=log)
    decisions = [read_line(line, "log").body["rules"]["decision"] for line in lines_of(tmp_path / "rules")[1:]]
    assert decisions == [None, None, None, "flag", *[None] * 96]
    with EvidenceLog(tmp_path / "flagged") as log, pytest.raises(EvidenceError, match="no score is flagged"):
        score_file(scorer, accounts, tmp_path / "scores.parquet", events=events, evidence=log)


@pytest.mark.slow
def test_a_run_that_is_repeated_records_every_chunk_again(
    binary: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, source = Scorer.load(binary.folder), tmp_path / "m.parquet"
    ids = [f"m{at}" for at in range(40)]
    pd.DataFrame({"message_id": ids, "text": binary.texts[:40]}).to_parquet(source, index=False, row_group_size=10)

    def stop(done: int, total: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with EvidenceLog(tmp_path / "log", which="all", content=Content("kept")) as log:
        with pytest.raises(KeyboardInterrupt):
            score_file(scorer, source, tmp_path / "scores.parquet", stop, evidence=log)
        score_file(scorer, source, tmp_path / "scores.parquet", evidence=log)
    bodies = [read_line(line, "log").body for line in lines_of(tmp_path / "log")]
    assert [body["subject"]["id"] for body in bodies if body["kind"] == "score"] == [*ids[:20], *ids]
    assert verify_log(tmp_path / "log").problems == ()
    assert replay_log(tmp_path / "log", scorer).different == 0
