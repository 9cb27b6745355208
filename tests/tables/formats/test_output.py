"""Outputs: the extension sets the format, Excel opens CSV and workbooks as they are meant, and no cell is a formula."""

import json
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats import output as outputs
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.formats.output import (
    MAX_CHARACTERS,
    check_output_format,
    check_output_rows,
    publish,
    write_frame,
)
from tests.messages import refused


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Return a Parquet file of two row groups with odd values."""
    frame = pd.DataFrame(
        {
            "message_id": ["a,b", "雷", None],
            "occurred_at": pd.Series(["2026-05-01T10:00:00.000001", None, "2026-05-02"], dtype="datetime64[us, UTC]"),
            "probability": [0.1 + 0.2, 1e-300, None],
        }
    )
    frame.to_parquet(tmp_path / "scores", index=False, row_group_size=2)
    return tmp_path / "scores"


def test_csv_holds_what_parquet_does(scores: Path) -> None:
    publish(scores, scores.with_name("scores.csv"))
    frame, written = pd.read_parquet(scores), pd.read_csv(scores.with_name("scores.csv"), dtype={"probability": str})
    assert [*map(float, written["probability"][:2])] == frame["probability"].tolist()[:2]
    assert written["message_id"].tolist()[:2] == ["a,b", "雷"]
    assert pd.to_datetime(written["occurred_at"]).tolist()[::2] == frame["occurred_at"].tolist()[::2]
    assert written.isna().sum().to_dict() == {"message_id": 1, "occurred_at": 1, "probability": 1}


def test_json_lines_hold_what_parquet_does(scores: Path) -> None:
    publish(scores, scores.with_name("scores.jsonl"))
    lines = scores.with_name("scores.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    expected = {"message_id": "a,b", "occurred_at": "2026-05-01T10:00:00.000001+00:00", "probability": 0.1 + 0.2}
    assert json.loads(lines[0]) == expected
    assert lines[1] == '{"message_id": "雷", "occurred_at": null, "probability": 1e-300}'


@pytest.mark.parametrize("name", ["scores", "scores.xls", "scores.parquet.gz"])
def test_another_ending_is_an_error(name: str) -> None:
    with refused(SchemaError):
        check_output_format(Path(name))


@pytest.mark.parametrize(
    ("frame", "begins"),
    [
        (pd.DataFrame({"text": ["hello", None], "amount": [1.5, 2]}), b"text,"),
        (pd.DataFrame({"amount": [1.5]}), b"amount\n"),
        (pd.DataFrame({"text": ["hello", "您好"]}), b"\xef\xbb\xbftext\n"),
        (pd.DataFrame({"金额": [1.5]}), b"\xef\xbb\xbf"),
    ],
)
def test_csv_begins_with_a_byte_order_mark_where_text_is_not_ascii(
    tmp_path: Path, frame: pd.DataFrame, begins: bytes
) -> None:
    write_frame(frame, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes().startswith(begins)
    assert load(tmp_path / "t.csv").frame.columns.tolist() == frame.columns.tolist()


FORMULAS = ["=1+1", "@SUM(A1)", "+1+cmd|' /C calc'!A0", "-2+A1", "\t=1", "＝1", "\r=1"]
HARMLESS = ["+49 (171) 123-45", "-5.25", "hello", "a=b", "- ", "'=1", "+"]


def test_no_cell_of_csv_is_a_formula(tmp_path: Path) -> None:
    texts = [*FORMULAS, *HARMLESS]
    write_frame(pd.DataFrame({"id": texts, "text": texts, "number": -1.5}), tmp_path / "t.csv", exact=["id"])
    written = pd.read_csv(tmp_path / "t.csv", dtype={"id": str, "text": str})
    assert written["text"].tolist() == [*(f"'{text}" for text in FORMULAS), *HARMLESS]
    assert written["id"].tolist() == texts  # ids are joined
    assert set(written["number"]) == {-1.5}


def test_no_name_of_a_column_of_csv_is_a_formula(tmp_path: Path) -> None:
    names = [*FORMULAS, *HARMLESS]
    write_frame(pd.DataFrame([[1.5] * len(names)], columns=names), tmp_path / "t.csv")
    written = pd.read_csv(tmp_path / "t.csv")
    assert written.columns.tolist() == [*(f"'{name}" for name in FORMULAS), *HARMLESS]
    assert len(written) == 1


def test_cells_of_a_workbook_are_typed_and_no_formula(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "text": [*FORMULAS, "#N/A", "a\x00b\x1fc_x0041_\r\nd ", "😀", None],
            "number": [0.25, None, float("inf"), *[1.0] * 8],
            "long": [10**15, 7, *[0] * 9],
            "flag": [True, False, *[True] * 9],
            "at": pd.Series(["2026-05-01T10:00:00.123456", None, "1899-05-01", *["2026-05-01"] * 8]).astype(
                "datetime64[us, UTC]"
            ),
        }
    )
    assert write_frame(frame, tmp_path / "t.xlsx") == ()
    rows = list(openpyxl.load_workbook(tmp_path / "t.xlsx").worksheets[0].iter_rows())
    assert {cell.data_type for row in rows[1:] for cell in row[:1]} == {"s", "n"}  # n: the empty cell
    values = [[cell.value for cell in row] for row in rows]
    assert values[0] == list(frame)
    assert [row[1:4] for row in values[1:4]] == [
        [0.25, "1000000000000000", True],
        [None, 7, False],
        ["inf", 0, True],
    ]
    assert [row[4] for row in values[1:4]] == [
        datetime(2026, 5, 1, 10, 0, 0, 123000),
        None,
        "1899-05-01T00:00:00",
    ]
    assert load(tmp_path / "t.xlsx").frame["text"].tolist()[:-1] == frame["text"].tolist()[:-1]
    assert (tmp_path / "t.xlsx").stat().st_mode & 0o777 == 0o600


def test_a_cell_is_cut_at_the_limit_of_excel_with_a_note(tmp_path: Path) -> None:
    long = pd.DataFrame({"text": ["a" * 40_000, "a" * MAX_CHARACTERS, "😀" * 20_000]})
    assert write_frame(long, tmp_path / "t.xlsx") == ("2 cells are cut at 32,767 characters, the limit of Excel",)
    assert load(tmp_path / "t.xlsx").frame["text"].map(len).tolist() == [MAX_CHARACTERS, MAX_CHARACTERS, 16_383]


def test_more_rows_than_excel_has_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_output_rows(Path("scores.csv"), 2_000_000)
    with refused(SchemaError):
        check_output_rows(Path("scores.xlsx"), 1_048_576)
    monkeypatch.setattr(outputs, "MAX_ROWS", 3)
    with pytest.raises(SchemaError, match="limit of Excel"):
        write_frame(pd.DataFrame({"a": [1, 2, 3]}), tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []
