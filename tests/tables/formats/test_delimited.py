"""Separators: given, of the ending, or of the first line."""

from pathlib import Path

import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.formats.loaded import ReadOptions
from tests.messages import refused


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ('message_id;text\n1;a,b\n2;"c;d"\n', "columns are separated by semicolons"),
        ("message_id\ttext\n1\ta,b\n2\tc;d\n", "columns are separated by tabs"),
        ("message_id|text\n1|a,b\n2|c;d\n", "columns are separated by vertical bars"),
        ('message_id,text\n1,"a,b"\n2,c;d\n', None),
    ],
)
def test_the_separator_is_that_of_the_first_line(tmp_path: Path, content: str, note: str | None) -> None:
    file = tmp_path / "m.csv"
    file.write_text(content)
    loaded = load(file)
    assert loaded.frame["text"].tolist() == ["a,b", "c;d"]
    assert loaded.notes == (() if note is None else (note,))


def test_a_separator_can_be_given(tmp_path: Path) -> None:
    file = tmp_path / "m.txt"
    file.write_text("message_id^text,more\n1^a\n")
    assert load(file, ReadOptions(separator="^")).frame.columns.tolist() == ["message_id", "text,more"]


@pytest.mark.parametrize("separator", [";;", "", "，", '"', "\n"])
def test_a_separator_is_one_ascii_character(tmp_path: Path, separator: str) -> None:
    file = tmp_path / "m.csv"
    file.write_text("message_id,text\n1,a\n")
    with refused(SchemaError, "--separator"):
        load(file, ReadOptions(separator=separator))


def test_a_file_of_one_column_is_read_as_one(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("text\nhello; there | all\n")
    assert load(file).frame["text"].tolist() == ["hello; there | all"]


def test_broken_rows_are_found_with_any_separator(tmp_path: Path) -> None:
    file = tmp_path / "m.tsv"
    file.write_text("message_id\ttext\n1\ta\n2\n3\tb\n")
    assert load(file).broken == {1: "1 fields where the header has 2"}
