"""A file scored in chunks: the rows are those of one frame, and a stopped run writes nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models import Scorer
from fraudsieve.models.batch.score import score_file
from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.training.simulation.world import simulate
from tests.messages import refused

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


def test_a_stopped_run_leaves_nothing_and_the_next_one_writes_the_same(
    scorer: Scorer, source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 4 * GROUP:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_file(scorer, source, tmp_path / "scores.parquet", stop)
    assert outputs(tmp_path) == {}
    score_file(scorer, source, tmp_path / "scores.parquet")
    assert outputs(tmp_path) == uninterrupted


KILLED = """
import os, signal, sys
from fraudsieve.models.batch.score import score_file

def kill(done, total):
    if done > total / 2:
        os.kill(os.getpid(), signal.SIGKILL)

score_file(*sys.argv[1:], kill)
"""


@pytest.mark.slow
def test_a_killed_run_leaves_no_half_written_output(binary: Any, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.parquet"
    call = [sys.executable, "-c", KILLED, str(binary.folder), str(source), str(output)]
    assert subprocess.run(call, check=False, timeout=120).returncode == -signal.SIGKILL
    assert not output.exists()
    (left,) = [path for path in tmp_path.iterdir() if path != source]
    assert (left.name.startswith(".scores.parquet-"), left.stat().st_mode & 0o077) == (True, 0)
    assert score_file(Scorer.load(binary.folder), source, output).scored > 0


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
@pytest.mark.parametrize("in_memory", [False, True])
def test_accounts_with_their_events(
    accounts_folder: Path, accounts: dict[str, pd.DataFrame], tmp_path: Path, in_memory: bool
) -> None:
    scorer, source, output = Scorer.load(accounts_folder), tmp_path / "accounts.parquet", tmp_path / "scores.parquet"
    tables: dict[str, Any] = {"events": tmp_path / "events.parquet", "known_labels": tmp_path / "labels.parquet"}
    whole = score_file(scorer, accounts["accounts"], tmp_path / "whole.parquet", **tables)
    tables["events"] = accounts["events"] if in_memory else tables["events"]
    reported: list[int] = []
    done = score_file(scorer, source, output, lambda done, total: reported.append(done), **tables)
    assert reported == [*range(8, 100, 8), 100]
    assert (done.scored, done.rejected, set(done.notes) >= set(whole.notes)) == (98, 2, True)
    pd.testing.assert_frame_equal(pd.read_parquet(output), pd.read_parquet(whole.output))
    assert pd.read_parquet(output)["probability"].nunique() > 3
    rejected = pd.read_parquet(output.with_suffix(".rejected.parquet"))
    assert rejected["row"].tolist() == [50, 90]


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
    with refused(SchemaError):
        score_file(scorer, source, output, lambda done, _: steps.append(done))
    assert (steps, outputs(tmp_path)) == ([], {})  # the first chunk decides
    done = score_file(scorer, InputTable(source, ReadOptions(max_rejected=0.5)), output)
    assert (done.scored + done.rejected, done.rejected >= 33) == (160, True)


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
