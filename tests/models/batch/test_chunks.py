"""A file scored in chunks: killed at any time and run again, the output is the same to the last byte."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models import Policy, Scorer
from fraudsieve.models.batch import score as batch
from fraudsieve.models.batch.score import ScoringResult, score_file
from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.training.simulation.world import simulate
from tests.profiles import size

GROUP = 40


@pytest.fixture(scope="module")
def frame(labelled: pd.DataFrame) -> pd.DataFrame:
    """Messages, some of them invalid, some repeated far apart."""
    rng = np.random.default_rng(0)
    texts = labelled["text"].to_numpy(object)[rng.integers(0, len(labelled), 2000)]
    frame = pd.DataFrame({"message_id": [f"m-{at}" for at in range(2000)], "text": texts})
    frame.loc[rng.random(2000) < 0.03, "text"] = " "
    repeated = rng.choice(np.arange(1000, 2000), 50, replace=False)
    frame.loc[repeated, "message_id"] = [f"m-{at}" for at in rng.integers(0, 900, 50)]
    frame.loc[5 * GROUP : 6 * GROUP - 1, "text"] = None  # a chunk without a valid row
    return frame


@pytest.fixture
def source(frame: pd.DataFrame, tmp_path: Path) -> Path:
    frame.to_parquet(tmp_path / "messages.parquet", row_group_size=GROUP)
    return tmp_path / "messages.parquet"


@pytest.fixture(scope="module")
def uninterrupted(scorer: Scorer, frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    frame.to_parquet(folder / "messages.parquet", row_group_size=GROUP)
    score_file(scorer, folder / "messages.parquet", folder / "scores.parquet")
    return outputs(folder)


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "messages.parquet"}


@pytest.mark.slow
def test_the_rows_equal_those_of_a_frame(
    scorer: Scorer, frame: pd.DataFrame, source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    done = score_file(scorer, source, tmp_path / "scores.parquet")
    assert outputs(tmp_path) == uninterrupted
    (tmp_path / "frame").mkdir()
    whole = score_file(scorer, frame, tmp_path / "frame" / "scores.parquet")
    assert (done.scored, done.rejected, done.notes) == (whole.scored, whole.rejected, whole.notes)
    assert done.scored + done.rejected == len(frame)
    for name in ("scores.parquet", "scores.rejected.parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / name), pd.read_parquet(tmp_path / "frame" / name))
    groups = pyarrow.parquet.ParquetFile(tmp_path / "scores.parquet").num_row_groups
    assert groups == len(frame) // GROUP - 1  # one chunk has no valid row


@pytest.mark.slow
def test_progress_is_reported_after_each_chunk(scorer: Scorer, source: Path, tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    score_file(scorer, source, tmp_path / "scores.parquet", lambda done, total: reported.append((done, total)))
    assert reported == [(GROUP * (at + 1), 2000) for at in range(50)]


def interrupted(
    scorer: Scorer, source: Path | InputTable, output: Path, survived: int, patch: pytest.MonkeyPatch, **tables: Any
) -> ScoringResult | None:
    """Score, and stop as a kill would, before one of the calls that change the disk."""
    calls = 0

    def stopping(original: Any) -> Any:
        def call(*args: Any, **settings: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > survived:
                raise KeyboardInterrupt
            return original(*args, **settings)

        return call

    with patch.context() as within:
        for name in ("fsync", "replace"):
            within.setattr(os, name, stopping(getattr(os, name)))
        within.setattr(Path, "unlink", stopping(Path.unlink))
        try:
            return score_file(scorer, source, output, **tables)
        except KeyboardInterrupt:
            return None


@pytest.mark.slow
def test_a_run_resumes_after_a_stop_before_any_step(
    scorer: Scorer, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame[4 * GROUP : 8 * GROUP].to_parquet(tmp_path / "messages.parquet", row_group_size=GROUP)
    source = InputTable(tmp_path / "messages.parquet", ReadOptions(max_rejected=0.5))
    whole = score_file(scorer, source, tmp_path / "scores.parquet")
    expected, steps, done = outputs(tmp_path), 0, None
    while done is None:
        for name in expected:
            (tmp_path / name).unlink()
        done = interrupted(scorer, source, tmp_path / "scores.parquet", steps, monkeypatch)
        if done is None:
            result = score_file(scorer, source, tmp_path / "scores.parquet")
            assert (result.scored, result.rejected) == (whole.scored, whole.rejected)
        assert outputs(tmp_path) == expected, steps
        steps += 1
    assert steps > 20


@pytest.mark.slow
def test_finished_chunks_are_not_scored_again(
    scorer: Scorer, source: Path, uninterrupted: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "scores.parquet"
    assert interrupted(scorer, source, output, 90, monkeypatch) is None
    done = score_file(scorer, source, output)
    assert 0 < done.resumed < 2000
    assert done.resumed % GROUP == 0
    assert done.notes[0] == f"resumed an interrupted run: {done.resumed:,} rows had been processed"
    assert outputs(tmp_path) == uninterrupted


@pytest.mark.slow
def test_another_input_or_model_restarts_with_a_note(
    scorer: Scorer, several: Any, frame: pd.DataFrame, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "scores.parquet"
    assert interrupted(scorer, source, output, 90, monkeypatch) is None
    other = Scorer.load(several.folder)
    assert interrupted(other, source, output, 90, monkeypatch) is None
    frame[::-1].to_parquet(source, row_group_size=GROUP)
    done = score_file(other, source, output)
    assert done.resumed == 0
    assert "it started from the beginning" in done.notes[0]
    scores = pd.read_parquet(output)
    assert "probability__phishing" in scores
    assert scores["message_id"].tolist() == score_ids(other, frame[::-1], tmp_path)


@pytest.mark.parametrize("restarts", [True, False])
def test_another_policy_restarts(
    binary: Any, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    source, output = tmp_path / "messages.parquet", tmp_path / "scores.parquet"
    frame[: 3 * GROUP].to_parquet(source, row_group_size=GROUP)
    assert interrupted(Scorer.load(binary.folder), source, output, 10, monkeypatch) is None
    strict = Policy(unlike_training="unscorable", unlike_training_limit=0.01)
    done = score_file(Scorer.load(binary.folder, policy=strict if restarts else None), source, output)
    assert (done.resumed == 0) == restarts
    statuses = pd.read_parquet(output)["status"].value_counts(normalize=True)
    assert (statuses.get("unscorable", 0) > 0.9) == restarts


@pytest.mark.slow
def test_other_columns_of_the_events_restart(
    accounts_folder: Path, accounts: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, source, output = Scorer.load(accounts_folder), tmp_path / "accounts.parquet", tmp_path / "scores.parquet"
    accounts["events"].assign(payer=accounts["events"]["account_id"]).to_parquet(tmp_path / "events.parquet")
    events = InputTable(tmp_path / "events.parquet", ReadOptions(columns={"account_id": "payer"}))
    assert interrupted(scorer, source, output, 30, monkeypatch, events=events.source) is None
    assert score_file(scorer, source, output, events=events).resumed == 0


def score_ids(scorer: Scorer, frame: pd.DataFrame, folder: Path) -> list[str]:
    ids: list[str] = pd.read_parquet(score_file(scorer, frame, folder / "x.parquet").output)["message_id"].tolist()
    return ids


@pytest.fixture
def accounts(tmp_path: Path) -> dict[str, pd.DataFrame]:
    """Accounts, some invalid and some repeated, their events and their labels; each also as a file."""
    world = simulate(days=20, n_accounts=100, messages_per_day=30)
    times = world.events["occurred_at"].sort_values(ignore_index=True)
    cutoffs = times[np.linspace(len(times) // 5, len(times) - 1, 100).astype(int)].reset_index(drop=True)
    frame = world.accounts[["account_id"]].head(100).assign(as_of=cutoffs)
    frame.loc[::7, "as_of"] = pd.NaT
    frame.loc[[50, 90], "account_id"] = [None, frame["account_id"][3]]
    labels = pd.DataFrame({"subject_id": world.accounts["account_id"], "label": "fraud"})
    labels["labelled_at"] = times[len(times) // 2]
    tables = {"accounts": frame, "events": world.events, "labels": labels[::3]}
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet", row_group_size=8)
    return tables


@pytest.mark.slow
def test_accounts_with_their_events_resume(
    accounts_folder: Path, accounts: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, source, output = Scorer.load(accounts_folder), tmp_path / "accounts.parquet", tmp_path / "scores.parquet"
    tables: dict[str, Any] = {"events": tmp_path / "events.parquet", "known_labels": tmp_path / "labels.parquet"}
    whole = score_file(scorer, accounts["accounts"], tmp_path / "whole.parquet", **tables)
    assert interrupted(scorer, source, output, 30, monkeypatch, **tables) is None
    done = score_file(scorer, source, output, **tables)
    assert 0 < done.resumed < 100
    assert (done.scored, done.rejected, set(done.notes) >= set(whole.notes)) == (98, 2, True)
    pd.testing.assert_frame_equal(pd.read_parquet(output), pd.read_parquet(whole.output))
    assert pd.read_parquet(output)["probability"].nunique() > 3
    rejected = pd.read_parquet(output.with_suffix(".rejected.parquet"))
    assert rejected["row"].tolist() == [50, 90]


@pytest.mark.slow
def test_other_events_restart(
    accounts_folder: Path, accounts: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, source, output = Scorer.load(accounts_folder), tmp_path / "accounts.parquet", tmp_path / "scores.parquet"
    events = tmp_path / "events.parquet"
    assert interrupted(scorer, source, output, 30, monkeypatch, events=events) is None
    accounts["events"][:-50].to_parquet(events)
    done = score_file(scorer, source, output, events=events)
    assert done.resumed == 0
    assert any("it started from the beginning" in note for note in done.notes)


def test_with_events_in_memory_the_file_is_not_chunked(
    accounts_folder: Path, accounts: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[int] = []
    monkeypatch.setattr(batch, "score_chunks", lambda *_, **__: reported.append(1))
    scorer = Scorer.load(accounts_folder)
    score_file(scorer, tmp_path / "accounts.parquet", tmp_path / "scores.parquet", events=accounts["events"])
    assert not reported  # a change of the events could not be detected


@pytest.mark.slow
def test_a_file_that_changes_during_the_run_is_an_error(scorer: Scorer, source: Path, tmp_path: Path) -> None:
    def change(done: int, total: int) -> None:
        os.utime(source, ns=(done, done))

    with pytest.raises(SchemaError, match="the file changed while it was read"):
        score_file(scorer, source, tmp_path / "scores.parquet", change)
    assert outputs(tmp_path) == {}


def test_without_valid_rows_existing_outputs_stay(scorer: Scorer, frame: pd.DataFrame, tmp_path: Path) -> None:
    source, output = tmp_path / "messages.parquet", tmp_path / "scores.parquet"
    frame[:GROUP].to_parquet(source)
    score_file(scorer, source, output)
    before = outputs(tmp_path)
    frame[:100].assign(text=" ").to_parquet(source, row_group_size=GROUP)
    for limit, problem in ((None, "at least 40 of 100 rows are rejected"), (1, "none of 100 rows is accepted")):
        with pytest.raises(SchemaError, match=rf"{problem}.*: text: no text \((40|100)\)"):
            score_file(scorer, InputTable(source, ReadOptions(max_rejected=limit)), output)
    assert outputs(tmp_path) == before


def test_too_many_rejected_rows_are_an_error_as_soon_as_it_is_certain(
    scorer: Scorer, frame: pd.DataFrame, tmp_path: Path
) -> None:
    source, output = tmp_path / "messages.parquet", tmp_path / "scores.parquet"
    frame[: 4 * GROUP].assign(text=lambda rows: rows["text"].where(rows.index >= 33, " ")).to_parquet(
        source, row_group_size=GROUP
    )
    steps: list[int] = []
    with pytest.raises(SchemaError, match=r"at least 3\d of 160 rows are rejected, more than a share of 0\.2: text"):
        score_file(scorer, source, output, lambda done, _: steps.append(done))
    assert (steps, outputs(tmp_path)) == ([], {})  # the first chunk decides
    done = score_file(scorer, InputTable(source, ReadOptions(max_rejected=0.5)), output)
    assert (done.scored + done.rejected, done.rejected >= 33) == (160, True)


def test_another_limit_of_rejected_rows_resumes(
    scorer: Scorer, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = tmp_path / "messages.parquet", tmp_path / "scores.parquet"
    frame[3 * GROUP : 7 * GROUP].to_parquet(source, row_group_size=GROUP)  # a chunk of four has no valid row
    table = InputTable(source, ReadOptions(max_rejected=0.5))
    assert interrupted(scorer, source, output, 14, monkeypatch) is None
    assert interrupted(scorer, table, output, 14, monkeypatch) is None
    assert score_file(scorer, table, output).resumed > 0


def test_rejected_cells_of_several_types_become_strings(scorer: Scorer, tmp_path: Path) -> None:
    good = {"message_id": ["a", "b"], "text": ["hello there", " "]}
    schema = pyarrow.schema([("message_id", pyarrow.string()), ("text", pyarrow.string()), ("n", pyarrow.int64())])
    source = tmp_path / "messages.parquet"
    with pyarrow.parquet.ParquetWriter(source, schema) as writer:
        for n in ([None, None], [1, 2], [3, None]):
            writer.write_table(pyarrow.table({**good, "n": n}, schema=schema))
    table = InputTable(source, ReadOptions(max_rejected=1))
    rejected = score_file(scorer, table, tmp_path / "scores.parquet").rejected_output
    assert rejected is not None
    assert pd.read_parquet(rejected)["row"].tolist() == [1, 2, 3, 4, 5]


SCORE = """
import sys
from fraudsieve.models.batch.score import score_file
from fraudsieve.models.predict import Scorer

print(score_file(Scorer.load(sys.argv[1]), sys.argv[2], sys.argv[3]).resumed)
"""


@pytest.mark.slow
def test_a_run_resumes_after_kills_at_random_times(
    binary: Any, source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    rng = random.Random(7)
    output, journal = tmp_path / "scores.parquet", tmp_path / ".scores.parquet.parts" / "journal.jsonl"
    call = [sys.executable, "-c", SCORE, str(binary.folder), str(source), str(output)]
    killed, attempts = 0, size(5, usual=3)
    for _ in range(attempts):
        done = lines(journal)
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = done + rng.randint(1, 9)
        while process.poll() is None and lines(journal) < until:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.03)
        if process.poll() is None:
            process.kill()
            killed += 1
        process.wait(60)
        if output.exists():
            break
    assert killed >= attempts - 2  # the last may finish
    was_finished = output.exists()
    resumed = int(subprocess.run(call, capture_output=True, check=True, timeout=120).stdout)
    assert resumed > 0 or was_finished
    assert outputs(tmp_path) == uninterrupted


def lines(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0
