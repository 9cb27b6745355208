"""Rows that a stray quote draws into the cell of another row: rejected or noted, never lost in silence."""

from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.tables.formats.files import load
from fraudsieve.tables.formats.loaded import LoadedTable

EXPORT = '1\t"Hello there\n2\tsecond\n3\tthird\n4\t"fourth"\n5\tfifth\n'


def read(folder: Path, content: str, name: str = "m.tsv") -> LoadedTable:
    (folder / name).write_text(content)
    return load(folder / name)


def test_a_plain_reader_loses_such_rows_in_silence(tmp_path: Path) -> None:
    """What the search for such cells is worth: three messages of five would be gone, and one would have their words."""
    loaded = read(tmp_path, f"message_id\ttext\n{EXPORT}")
    plain = pd.read_csv(tmp_path / "m.tsv", sep="\t")
    assert plain["message_id"].tolist() == [1, 5]
    assert "second" in plain["text"][0]
    assert list(loaded.broken) == [0]
    assert "1 rows contain 3 further lines" in loaded.notes[0]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_cell_that_took_in_other_rows_is_rejected(tmp_path: Path, end: str) -> None:
    loaded = read(tmp_path, f"message_id\ttext\n0\tzeroth\n{EXPORT}".replace("\n", end))
    reason = "a quote opens a cell of several lines, and is closed inside another row"
    assert loaded.broken == {1: reason}
    assert loaded.frame["text"].tolist()[0] == "zeroth"
    assert loaded.frame["text"].tolist()[2] == "fifth"
    assert loaded.notes == (
        "1 rows contain 3 further lines, first row 1, and are rejected: close the quotes, or double them and quote the "
        "cells",
    )


def test_the_rows_are_counted_beside_broken_ones(tmp_path: Path) -> None:
    content = f'message_id\ttext\n0\n{EXPORT}6\n7\t"Hi\n8\teight\n9\tsay "no" to it\n10\tten\n'
    loaded = read(tmp_path, content)
    assert sorted(loaded.broken) == [0, 1, 3, 4]
    assert loaded.frame["text"].tolist()[5] == "ten"
    assert "2 rows contain 5 further lines, first row 1," in loaded.notes[0]


@pytest.mark.parametrize(
    "rows",
    [
        'win\tspam\t"Hello\nlose\tham\tsecond\nfind\tham\t"third"\n',
        '"Hello\tspam\twin\nsecond\tham\tlose\n"third"\tham\tfind\n',
        'win\t"Hello\tspam\nlose\tsecond\tham\nfind\tsay "third"\tham\n',
        'win\t"Hello\tspam\nlose\tsecond\nfind\t"third"\tham\n',
    ],
    ids=["last column", "first column", "column between", "a line that is broken"],
)
def test_any_column_can_take_in_rows(tmp_path: Path, rows: str) -> None:
    assert list(read(tmp_path, f"a\tb\tc\n{rows}").broken) == [0]
    assert list(read(tmp_path, f"a;b;c\n{rows}".replace("\t", ";"), "m.csv").broken) == [0]


def test_a_quote_that_another_row_closes_at_its_end_is_noted(tmp_path: Path) -> None:
    loaded = read(tmp_path, 'message_id\ttext\n1\t"Hello\n2\tsecond\n3\tHe said no"\n4\tfourth\n')
    assert (len(loaded.frame), loaded.broken) == (2, {})
    assert loaded.notes == (
        "1 rows hold lines that look like rows, first row 0: if they are, close the quotes, or double them",
    )


@pytest.mark.parametrize(
    "content",
    [
        'message_id,text\n1,"Dear customer\nTotal 1,234"\n2,"Pay\r\n5,000"\n',
        'message_id,text\n1,"say ""no""\n2,to it"\n',
        'message_id,text\n1,"Hello\n2,second" \n',
        'message_id\ttext\n1\t"Hello\nbye"\n2\t"a ""quoted""\n""b"""\n',
        'message_id\ttext\n1\t"Hello\nsay "no""\n',
        'text\n"Hello\nsay no"\n',
    ],
)
def test_ordinary_cells_of_several_lines_are_read_as_they_are(tmp_path: Path, content: str) -> None:
    loaded = read(tmp_path, content, "m.tsv" if "\t" in content else "m.csv")
    assert (loaded.broken, loaded.notes) == ({}, ())
    assert not loaded.frame["text"].isna().any()
