"""Files of scores: columns of the input beside them, rejected rows in the same format and digits."""

import stat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.batch.score import score_file
from fraudsieve.models.predict import Scorer
from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.tables.formats.files import load

FORMATS = [".parquet", ".csv", ".xlsx", ".jsonl"]
FRAME = pd.DataFrame(
    {
        "id": ["1", "2", "3"],
        "Content": ["您好 there", " ", "win money now"],
        "code": ["007", "8", "9"],
        "message_score": [1, 2, 3],
    }
)
NAMES = ReadOptions(columns={"message_id": "id", "text": "Content"}, max_rejected=0.5)


def write(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path, index=False) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("source", ["messages.parquet", "messages.csv"])
def test_columns_of_the_input_are_kept_in_every_format(
    scorer: Scorer, tmp_path: Path, source: str, ending: str
) -> None:
    table = InputTable(write(FRAME, tmp_path / source), NAMES)
    done = score_file(scorer, table, tmp_path / f"scores{ending}", keep=["Content", "code"])
    written = load(done.output).frame
    assert written.columns[:4].tolist() == ["message_id", "Content", "code", "probability"]
    assert written["Content"].tolist() == ["您好 there", "win money now"]
    assert written["code"].tolist() == ["007", "9"]
    expected = scorer.score_columns({"text": written["Content"].tolist()})["probability"]
    np.testing.assert_allclose(written["probability"].astype(float), expected, rtol=1e-15)
    assert done.rejected_output == tmp_path / f"scores.rejected{ending}"
    assert load(done.rejected_output).frame["reason"].tolist() == ["no text"]
    for path in (done.output, done.rejected_output):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(list(tmp_path.iterdir())) == 3


def test_without_kept_columns_others_can_read_the_scores(scorer: Scorer, tmp_path: Path) -> None:
    output = score_file(scorer, InputTable(FRAME, NAMES), tmp_path / "scores.csv").output
    assert stat.S_IMODE(output.stat().st_mode) & 0o044


def test_columns_of_several_tables_are_kept(scorer: Scorer, tmp_path: Path) -> None:
    later = pd.DataFrame({"id": ["3", "4"], "Content": ["corrected", "new"], "code": ["x", "y"]})
    tables = InputTable([FRAME, later], NAMES)
    scores = pd.read_parquet(score_file(scorer, tables, tmp_path / "scores.parquet", keep=["code"]).output)
    assert scores[["message_id", "code"]].to_numpy().tolist() == [["1", "007"], ["3", "x"], ["4", "y"]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("content", r"expected one column 'content' to keep, got 'id', .* \(did you mean 'Content'\?\)"),
        ("message_id", r"expected columns that the scores do not have, got 'message_id'. It is written in any case"),
        ("label", r"columns that the scores do not have, got 'label'. Give it another name in the input"),
        ("probability__fraud", "columns that the scores do not have"),
        ("reason_1", "columns that the scores do not have"),
    ],
)
@pytest.mark.parametrize("source", ["messages.parquet", "messages.csv"])
def test_a_column_that_cannot_be_kept_is_an_error(
    scorer: Scorer, tmp_path: Path, source: str, name: str, text: str
) -> None:
    table = InputTable(write(FRAME.assign(label="x"), tmp_path / source), NAMES)
    with pytest.raises(SchemaError, match=text if source.endswith("parquet") else text.partition(", got")[0]):
        score_file(scorer, table, tmp_path / "scores.csv", keep=[name])
    assert [path.name for path in tmp_path.iterdir()] == [source]


def test_more_rows_than_excel_has_are_an_error_before_the_work(
    scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fraudsieve.tables.formats.output.MAX_ROWS", 2)
    monkeypatch.setattr("fraudsieve.models.batch.score._Run.score", lambda *_, **__: pytest.fail("it was scored"))
    for source in ("messages.parquet", "messages.csv"):
        table = InputTable(write(FRAME, tmp_path / source), NAMES)
        with pytest.raises(SchemaError, match="limit of Excel"):
            score_file(scorer, table, tmp_path / "scores.xlsx")


@pytest.mark.parametrize("ending", FORMATS)
def test_all_formats_are_exact(scorer: Scorer, tmp_path: Path, ending: str) -> None:
    texts = ["hello there", "win money now"]
    frame = pd.DataFrame({"message_id": ["a", "b"], "text": texts})
    written = load(score_file(scorer, frame, tmp_path / f"scores{ending}", reasons=1).output).frame
    exact = scorer.score_columns({"text": texts})["probability"]
    found = written["probability"].astype(float).to_numpy()
    np.testing.assert_allclose(found, exact, rtol=1e-15 if ending == ".xlsx" else 0)  # Excel has 15 digits


def test_kept_numbers_have_all_their_digits(scorer: Scorer, tmp_path: Path) -> None:
    kept: dict[str, Any] = {"score_log_odds": [0.1234567891, 2], "when": ["2026-05-01", None]}
    frame = pd.DataFrame({"message_id": ["a", "b"], "text": ["hello you", "win money"], **kept})
    written = pd.read_csv(score_file(scorer, frame, tmp_path / "s.csv", keep=[*kept]).output)
    assert written["score_log_odds"].tolist() == kept["score_log_odds"]
    assert written["when"].tolist()[:1] == ["2026-05-01"]
