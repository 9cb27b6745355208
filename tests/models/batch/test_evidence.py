"""Evidence of the scores of a file: with a history from tables, and when a run was interrupted."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.evidence.kept_content import Content
from fraudsieve.evidence.lines import read_line
from fraudsieve.evidence.log import EvidenceLog
from fraudsieve.evidence.replay import replay_log
from fraudsieve.evidence.verification import verify_log
from fraudsieve.exceptions import EvidenceError
from fraudsieve.models import Scorer
from fraudsieve.models.batch import chunks
from fraudsieve.models.batch.score import score_file
from fraudsieve.models.rules import Rule, RuleSet
from fraudsieve.training.simulation.world import simulate
from tests.evidence.logs import lines_of
from tests.fitted_models import Fitted
from tests.profiles import size


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
def test_a_run_that_goes_on_has_the_evidence_of_every_chunk(
    binary: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, source = Scorer.load(binary.folder), tmp_path / "m.parquet"
    ids = [f"m{at}" for at in range(40)]
    frame = pd.DataFrame({"message_id": ids, "text": binary.texts[:40]})
    frame.to_parquet(source, index=False, row_group_size=10)
    monkeypatch.setattr("fraudsieve.tables.chunks.CHUNK_ROWS", 10)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    def run(name: str) -> list[str]:
        with EvidenceLog(tmp_path / name, which="all", content=Content("kept")) as log:
            score_file(scorer, source, tmp_path / "scores.parquet", evidence=log)
        bodies = [read_line(line, "log").body for line in lines_of(tmp_path / name)]
        return [body["subject"]["id"] for body in bodies if body["kind"] == "score"]

    for name in ("first", "second"):  # the second log has nothing of the chunks of the first run
        with monkeypatch.context() as patch:
            patch.setattr(chunks, "_assemble", stop)
            with pytest.raises(KeyboardInterrupt):
                run(name)
        assert run(name) == ids


KILLS = """
import os, random, signal, sys, time
import fraudsieve.tables.chunks
from fraudsieve.evidence.kept_content import Content
from fraudsieve.evidence.log import EvidenceLog
from fraudsieve.models import Scorer
from fraudsieve.models.batch.score import score_file

model, source, output, folder, seed = sys.argv[1:]
fraudsieve.tables.chunks.CHUNK_ROWS = 10
scorer, chance, killed = Scorer.load(model), random.Random(int(seed)), 0

def score(output, folder):
    with EvidenceLog(folder, which="all", content=Content("kept")) as log:
        score_file(scorer, source, output, evidence=log)

score(output + ".whole.parquet", folder + ".whole")
while not os.path.exists(output):
    pid = os.fork()
    if pid == 0:
        score(output, folder)
        os._exit(0)
    time.sleep(chance.uniform(0.1, 0.6))
    os.kill(pid, signal.SIGKILL)
    killed += os.waitpid(pid, 0)[1] == signal.SIGKILL
print(killed)
"""
N_KILLED = 400


@pytest.mark.slow
def test_a_run_that_is_killed_often_has_all_evidence(binary: Fitted, tmp_path: Path) -> None:
    ids = [f"m{at}" for at in range(N_KILLED)]
    texts = [f"{binary.texts[at % 40]} {at}" for at in range(N_KILLED)]
    source, output, log = tmp_path / "m.parquet", tmp_path / "scores.parquet", tmp_path / "log"
    pd.DataFrame({"message_id": ids, "text": texts}).to_parquet(source, index=False, row_group_size=10)
    killed, seed, scorer = 0, 0, Scorer.load(binary.folder)
    while killed < size(50, usual=3):
        for path in (output, log, Path(f"{log}.whole")):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        call = [sys.executable, "-c", KILLS, str(binary.folder), str(source), str(output), str(log), str(seed)]
        done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=300)
        killed, seed = killed + int(done.stdout), seed + 1
        assert output.read_bytes() == Path(f"{output}.whole.parquet").read_bytes()
        bodies = [read_line(line, "log").body for line in lines_of(log)]
        recorded = [body["subject"]["id"] for body in bodies if body["kind"] == "score"]
        assert set(recorded) == set(ids)
        assert len(recorded) - len(ids) <= 10 * int(done.stdout)  # a chunk that was recorded, and not noted as done
        assert verify_log(log).problems == ()
        report = replay_log(log, scorer)
        assert (report.replayed, report.different) == (len(recorded), 0)
