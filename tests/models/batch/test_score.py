"""Scoring a file: every row is scored or rejected, and the output is written completely or not at all."""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models import Scorer
from fraudsieve.models.batch.rows import has_account_events
from fraudsieve.models.batch.score import score_file, score_frame
from fraudsieve.models.unlike_training.expected_shares import FLAGGED, UNLIKE, ExpectedShare
from fraudsieve.models.unlike_training.shares import UNFAMILIAR
from fraudsieve.tables import InputTable, ReadOptions

BAD_ROWS = pd.DataFrame(
    {"message_id": ["m-0", None, "bad-2", "bad-3"], "text": ["the same id", "no id", None, " \u200b"]}
)


@pytest.fixture(scope="module")
def messages(labelled: pd.DataFrame) -> pd.DataFrame:
    texts = labelled["text"][:60].tolist()
    return pd.DataFrame({"message_id": [f"m-{at}" for at in range(60)], "text": texts})


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    elif ".csv" in path.name:
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "jsonl", "jsonl.gz"])
def test_scores_equal_those_of_the_scorer_for_every_format(
    scorer: Scorer, messages: pd.DataFrame, tmp_path: Path, ending: str
) -> None:
    source = write(pd.concat([messages, BAD_ROWS]), tmp_path / f"messages.{ending}")
    done = score_file(scorer, source, tmp_path / "new" / "scores.parquet")
    assert (done.scored, done.rejected) == (60, 4)
    assert done.output == tmp_path / "new" / "scores.parquet"
    assert done.rejected_output == tmp_path / "new" / "scores.rejected.parquet"
    scores = pd.read_parquet(done.output)
    assert scores["message_id"].tolist() == messages["message_id"].tolist()
    for name, values in scorer.score_columns({"text": messages["text"].tolist()}).items():
        if values.dtype.kind == "f":
            np.testing.assert_array_equal(scores[name], values)
        else:
            assert [None if pd.isna(value) else value for value in scores[name]] == values.tolist()
    rejected = pd.read_parquet(done.rejected_output)
    assert rejected["row"].tolist() == [60, 61, 62, 63]
    assert rejected["column"].tolist() == ["message_id", "message_id", "text", "text"]
    assert "text" not in scores.columns


def test_a_frame_is_scored_like_its_file(scorer: Scorer, messages: pd.DataFrame, tmp_path: Path) -> None:
    from_file = score_file(scorer, write(messages, tmp_path / "m.csv"), tmp_path / "a.parquet")
    from_frame = score_file(scorer, messages, str(tmp_path / "b.parquet"))
    assert from_file.output.read_bytes() == from_frame.output.read_bytes()
    assert from_frame.rejected_output is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet", "m.csv"]


def test_without_a_legitimate_class_the_probability_is_empty(
    types: Any, messages: pd.DataFrame, tmp_path: Path
) -> None:
    scores = pd.read_parquet(score_file(Scorer.load(types.folder), messages, tmp_path / "s.parquet").output)
    assert scores[["probability", "decision", "false_positive_rate", "why"]].isna().all(axis=None)
    assert set(scores["label"]) <= set(types.model.classes)


def test_rejected_rows_of_an_earlier_run_are_deleted(scorer: Scorer, messages: pd.DataFrame, tmp_path: Path) -> None:
    output = tmp_path / "scores.parquet"
    assert score_file(scorer, pd.concat([messages, BAD_ROWS]), output).rejected == 4
    assert (tmp_path / "scores.rejected.parquet").exists()
    done = score_file(scorer, messages, output)
    assert (done.rejected, done.rejected_output) == (0, None)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


def test_a_failed_write_leaves_the_earlier_scores(
    scorer: Scorer, messages: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = score_file(scorer, messages, tmp_path / "scores.parquet").output
    before = output.read_bytes()

    def to_parquet(frame: pd.DataFrame, path: Path, **_: Any) -> None:
        path.write_bytes(b"half of the scor")
        raise OSError("the disk is full")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", to_parquet)
    with pytest.raises(OSError, match="the disk is full"):
        score_file(scorer, messages[:30], output)
    assert output.read_bytes() == before
    assert list(tmp_path.iterdir()) == [output]


def test_rejected_rows_can_be_the_next_input(scorer: Scorer, messages: pd.DataFrame, tmp_path: Path) -> None:
    output = tmp_path / "scores.parquet"
    rejected = score_file(scorer, pd.concat([messages, BAD_ROWS]), output).rejected_output
    assert rejected is not None
    before = rejected.read_bytes()
    corrected = tmp_path / "corrected.parquet"
    table = InputTable(rejected, ReadOptions(max_rejected=1))
    assert score_file(scorer, table, corrected).scored == 1  # the second message with the same id
    assert rejected.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"message_id,words\n1,hello\n", "column 'text' is missing from messages"),
        (b"message_id,text\n", "no rows"),
        (b"message_id,text\n1,\n2, \n", "none of 2 rows is accepted"),
        (b"", "got an empty file"),
        (gzip.compress(b"message_id,text\n1,hello\n", mtime=0), "expected CSV, got gzip"),
    ],
)
def test_an_unusable_file_leaves_existing_outputs(
    scorer: Scorer, messages: pd.DataFrame, tmp_path: Path, content: bytes, text: str
) -> None:
    output = score_file(scorer, pd.concat([messages, BAD_ROWS]), tmp_path / "scores.parquet").output
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    source = tmp_path / "m.csv"
    source.write_bytes(content)
    with pytest.raises(SchemaError, match=text):
        score_file(scorer, source, output)
    source.unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_output_that_cannot_be_written_is_an_error_before_the_work(
    scorer: Scorer, messages: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    source = write(messages, tmp_path / f"m.{ending}")
    (tmp_path / "folder.rejected.parquet").mkdir()
    (tmp_path / "file").write_bytes(b"x")

    def score(*_: Any) -> None:
        pytest.fail("rows were scored")

    monkeypatch.setattr(Scorer, "score_columns", score)
    before = sorted(tmp_path.rglob("*"))
    for output, kind, text in (
        (tmp_path, IsADirectoryError, "expected a file to write, got a folder"),
        (tmp_path / "folder.parquet", IsADirectoryError, "rejected.parquet: expected a file to write, got a folder"),
        (tmp_path / "file" / "scores.parquet", PermissionError, "the folder of the output cannot be written to"),
        (Path("/proc/scores.parquet"), PermissionError, "the folder of the output cannot be written to"),
    ):
        with pytest.raises(kind, match=text):
            score_file(scorer, source, output)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_only_the_owner_can_read_rejected_rows(
    scorer: Scorer, messages: pd.DataFrame, tmp_path: Path, ending: str
) -> None:
    source = write(pd.concat([messages, BAD_ROWS]).astype({"message_id": "str"}), tmp_path / f"m.{ending}")
    (tmp_path / "scores.rejected.parquet").touch(0o644)
    rejected = score_file(scorer, source, tmp_path / "scores.parquet").rejected_output
    assert rejected is not None
    assert rejected.stat().st_mode & 0o777 == 0o600


def test_progress_is_reported_after_each_chunk(
    scorer: Scorer, messages: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = score_frame(scorer, messages)
    monkeypatch.setattr("fraudsieve.models.batch.score.CHUNK", 25)
    reported: list[tuple[int, int]] = []
    parts = score_frame(scorer, messages, lambda done, total: reported.append((done, total)))
    assert reported == [(25, 60), (50, 60), (60, 60)]
    pd.testing.assert_frame_equal(parts, whole)
    assert parts["message_id"].tolist() == messages["message_id"].tolist()


def test_history_is_an_event_strictly_before_the_cutoff_time() -> None:
    time = pd.Timestamp("2026-05-01", tz="UTC")
    events = pd.DataFrame({"account_id": ["ann", "ann"], "occurred_at": [time, time + pd.Timedelta("1h")]})
    cutoffs = [time, time + pd.Timedelta("1us"), time + pd.Timedelta("1h")]
    records = pd.DataFrame({"account_id": ["ann", "ann", "bob"], "as_of": cutoffs})
    assert has_account_events(records, events, "as_of").tolist() == [False, True, False]
    assert has_account_events(records, events, None).tolist() == [True, True, False]
    assert not has_account_events(records, None, "as_of").any()


OTHER = (ExpectedShare(UNLIKE, 0.01, 0.0), ExpectedShare(FLAGGED, 0.3, 10.0))
"""Any share of flagged records is as expected."""


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_other_traffic_gives_a_warning(
    scorer: Scorer, labelled: pd.DataFrame, tmp_path: Path, ending: str
) -> None:
    expecting = Scorer(replace(scorer.model, expected_shares=OTHER))
    texts = [f"\u10a0\u10a1\u10a2\u10a3\u10a4 {text}" for text in labelled["text"][:250]]
    table = pd.DataFrame({"message_id": [f"m-{at}" for at in range(len(texts))], "text": texts})
    source = write(pd.concat([table, BAD_ROWS]), tmp_path / f"messages.{ending}")
    (found,) = score_file(expecting, source, tmp_path / "scores.parquet").unusual_shares
    share = float((pd.read_parquet(tmp_path / "scores.parquet")["unlike_training"] > UNFAMILIAR).mean())
    assert (found.name, found.records, found.share) == (UNLIKE, 250, share)
    assert score_file(scorer, source, tmp_path / "scores.parquet").unusual_shares == ()
    few = write(table[:199], tmp_path / f"few.{ending}")
    assert score_file(expecting, few, tmp_path / "few-scores.parquet").unusual_shares == ()
