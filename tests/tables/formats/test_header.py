"""The header of files that people write: below a title or blank rows, found or named."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.reader import check_header, read_table
from tests.messages import refused

ROWS = [["id", "text", "date"], ["1", "hello", "2026-05-01"], ["2", "a;b", "2026-05-02"]]
NOTE = "row {} is the header; if it is not, name another with --header-row"


def write(file: Path, rows: list[list[str]], separator: str = ",") -> Path:
    if file.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.worksheets[0].append([cell or None for cell in row])
        book.save(file)
    else:
        quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in rows]
        file.write_text("".join(separator.join(row) + "\n" for row in quoted))
    return file


@pytest.mark.parametrize("name", ["m.csv", "m.xlsx", "m.tsv", "semicolons.csv"])
@pytest.mark.parametrize(
    ("above", "row"),
    [
        ([], 0),
        ([["Messages of May"]], 2),
        ([["Messages of May, all", "", ""], ["", "", ""]], 3),
        ([["", "", ""], ["", "", ""]], 3),
        ([["Exported by", "Ann"], ["Branch", "7"], []], 4),
    ],
)
def test_a_header_below_a_title_is_found(tmp_path: Path, name: str, above: list[list[str]], row: int) -> None:
    separator = "\t" if name.endswith("tsv") else ";" if name.startswith("semi") else ","
    file = write(tmp_path / name, above + ROWS, separator)
    loaded = load(file)
    assert loaded.frame.columns.tolist() == ROWS[0]
    assert loaded.frame["text"].tolist() == ["hello", "a;b"]
    assert (NOTE.format(row) in loaded.notes) == (row > 0)
    assert load(file, ReadOptions(header_row=row or 1)).frame.equals(loaded.frame)
    check_header(InputTable(file, ReadOptions({"message_id": "id", "sent_at": "date"})), "messages")


@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
def test_names_of_the_owner_are_found_where_options_name_them(tmp_path: Path, name: str) -> None:
    rows = [["Kredite"], ["Nummer", "Nachricht"], ["1", "hallo"], ["2", "du"]]
    file = write(tmp_path / name, rows)
    assert load(file).frame.columns.tolist() == ["Kredite"]
    table = InputTable(file, ReadOptions({"text": "Nachricht"}))
    assert read_table(table, "messages").good["text"].tolist() == ["hallo", "du"]
    check_header(table, "messages")


@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
def test_a_header_in_the_first_row_stays_whatever_follows(tmp_path: Path, name: str) -> None:
    rows = [["text", "what"], ["id", "text"], ["x", "y"]]
    assert load(write(tmp_path / name, rows)).frame["text"].tolist() == ["id", "x"]
    rows = [["alpha", "beta"], ["one text", "a"], ["date", "b"]]  # one known name is not enough without a title
    assert load(write(tmp_path / name, rows)).frame.columns.tolist() == ["alpha", "beta"]
    assert load(tmp_path / name, ReadOptions(header_row=3)).frame.columns.tolist() == ["date", "b"]


@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
@pytest.mark.parametrize("row", [2, 9])
def test_a_header_row_that_is_blank_or_missing_is_an_error(tmp_path: Path, name: str, row: int) -> None:
    file = write(tmp_path / name, [["text"], [""], ["a"]])
    for call in (check_header, read_table)[name == "m.xlsx" :]:
        with refused(SchemaError):
            call(InputTable(file, ReadOptions(header_row=row)), "messages")
    with pytest.raises(SchemaError, match="expected a row, counted from 1"):
        ReadOptions(header_row=0)


def test_rows_below_a_title_are_counted_from_the_header(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text('"A title\nof two lines"\n\nid,text\n1,a\n2\n')
    loaded = load(tmp_path / "m.csv")
    assert loaded.broken == {1: "1 fields where the header has 2"}
    assert loaded.notes == (NOTE.format(3),)
    assert loaded.frame["text"].tolist()[:1] == ["a"]


def test_a_quote_that_is_never_closed_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text('alpha,beta\n"' + "x" * 200_000)
    with pytest.raises(SchemaError, match="opens a quote that is never closed"):
        load(tmp_path / "m.csv")


def test_a_header_in_parquet_is_its_own(tmp_path: Path) -> None:
    pd.DataFrame({"a": ["id"], "b": ["text"]}).to_parquet(tmp_path / "m.parquet")
    assert load(tmp_path / "m.parquet", ReadOptions(header_row=2)).frame.columns.tolist() == ["a", "b"]
