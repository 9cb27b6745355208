"""Workbooks: the first sheet, with the types that Excel has."""

import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats import files
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import read_table
from tests.messages import refused


def write(path: Path, *sheets: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for position, rows in enumerate(sheets):
        sheet = book.active if position == 0 else book.create_sheet()
        assert sheet is not None
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_types_are_kept(tmp_path: Path) -> None:
    rows = [
        ["message_id", "text", "sent_at", "n", None],
        [1, "您好", datetime(2026, 5, 1, 10), 1.5, "unnamed"],
        [],
        [2, "a"],
    ]
    checked = read_table(write(tmp_path / "m.xlsx", rows, [["more"]]), "messages")
    assert checked.good["message_id"].tolist() == ["1", "2"]
    assert checked.good["text"].tolist() == ["您好", "a"]
    assert checked.good["sent_at"].dt.hour.tolist()[0] == 10
    assert list(checked.good.columns) == ["message_id", "text", "sent_at", "n"]
    assert checked.notes == (
        "read the first of 2 sheets, the others are 'Sheet1'",
        "sent_at has no time zone: taken as UTC",
    )


def test_an_error_names_the_other_sheets(tmp_path: Path) -> None:
    with refused(SchemaError, "Sheet1"):
        read_table(write(tmp_path / "m.xlsx", [["total"], [3]], [["message_id", "text"], [1, "a"]]), "messages")


def test_a_sheet_that_states_a_wrong_size_is_read_in_full(tmp_path: Path) -> None:
    rows = [["message_id", "text", "note"], *([f"{n}", "hello", "x"] for n in range(5))]
    whole = write(tmp_path / "whole.xlsx", rows)
    with zipfile.ZipFile(whole) as book, zipfile.ZipFile(tmp_path / "wrong.xlsx", "w") as wrong:
        for name in book.namelist():
            wrong.writestr(name, book.read(name).replace(b'ref="A1:C6"', b'ref="A1:B3"'))
        assert b'<dimension ref="A1:B3"' in wrong.read("xl/worksheets/sheet1.xml")
    pd.testing.assert_frame_equal(load(tmp_path / "wrong.xlsx").frame, load(whole).frame)


def test_characters_that_excel_escapes_are_restored(tmp_path: Path) -> None:
    rows = [["message_id", "text"], [1, "see you_x000D_\nat 1234"], [2, "_x005F_x000D_"]]
    texts = read_table(write(tmp_path / "m.xlsx", rows), "messages").good["text"]
    assert texts.tolist() == ["see you\r\nat 1234", "_x000D_"]


def test_an_empty_sheet_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="the first sheet is empty"):
        load(write(tmp_path / "m.xlsx", []))


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (b'<row r="3"', b'<row r="1000000000000"', "a row has a number that is not from 1 to 1,048,576"),
        (b'<row r="3"', b'<row r="1e12"', "a row has a number that is not from 1 to 1,048,576"),
        (b'r="B3"', b'r="ZZZ3"', "a row has more than 16,384 cells"),
        (b"<v>2</v>", b"<v>&undefined;</v>", r"cannot be read \((ParseError|XMLSyntaxError)\)"),
        (b" firstSheet=", b" firstcheet=", r"cannot be read \(TypeError\)"),
    ],
)
def test_what_no_sheet_of_excel_has_is_an_error(before: bytes, after: bytes, problem: str, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.xlsx", [["message_id", "text"], [1, "hi"], [2, "you"]])
    with zipfile.ZipFile(whole) as book, zipfile.ZipFile(tmp_path / "forged.xlsx", "w") as forged:
        for name in book.namelist():
            forged.writestr(name, book.read(name).replace(before, after))
        assert any(after in forged.read(name) for name in forged.namelist())
    with pytest.raises(SchemaError, match=problem):
        load(tmp_path / "forged.xlsx")


@pytest.mark.parametrize("chunk", [files.CHUNK, 16])
def test_rows_with_the_number_of_an_earlier_one_are_counted(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", chunk)
    whole = write(tmp_path / "whole.xlsx", [["message_id", "text"], [1, "hi"], [2, "you"], [3, "there"]])
    assert load(whole).notes == ()
    with zipfile.ZipFile(whole) as book, zipfile.ZipFile(tmp_path / "forged.xlsx", "w") as forged:
        for name in book.namelist():
            forged.writestr(name, book.read(name).replace(b'<row r="3"', b'<row r="2"'))
    loaded = load(tmp_path / "forged.xlsx")
    assert loaded.frame["message_id"].tolist() == [1, 3]
    assert loaded.notes == ("1 rows of the workbook have the number of an earlier row or less: not read",)


def test_a_sheet_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["notes"])
    for name, text in (("2026", "a"), ("2025", "b")):
        sheet = book.create_sheet(name)
        sheet.append(["text"])
        sheet.append([text])
    book.save(tmp_path / "m.xlsx")
    loaded = load(tmp_path / "m.xlsx", ReadOptions(sheet="2025"))
    assert loaded.frame["text"].tolist() == ["b"]
    assert loaded.notes == ()
    with refused(SchemaError, "Sheet"):
        load(tmp_path / "m.xlsx", ReadOptions(sheet="2024"))
