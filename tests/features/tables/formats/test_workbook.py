"""Workbooks: the first sheet, with the types that Excel has."""

from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.tables.formats.files import load
from fraudsieve.features.tables.reader import read_table


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
    assert checked.notes == ("read the first of 2 sheets", "sent_at has no time zone: taken as UTC")


def test_an_empty_sheet_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="the first sheet is empty"):
        load(write(tmp_path / "m.xlsx", []))
