"""JSON with objects inside objects: their values are columns."""

import json
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.reader import read_table


def write(file: Path, records: list[Any]) -> Path:
    lines = map(json.dumps, records)
    file.write_text("[" + ",".join(lines) + "]" if file.suffix == ".json" else "\n".join(lines))
    return file


@pytest.mark.parametrize("name", ["m.jsonl", "m.json"])
def test_values_of_objects_become_columns_with_a_dot(tmp_path: Path, name: str) -> None:
    records = [
        {"id": 1, "from": {"name": "ann", "geo": {"city": "rome"}}, "body": "hi", "tags": [{"a": 1}]},
        {"id": 2, "from": {"name": "bob", "age": 7}, "body": "yo"},
        {"id": 3, "from": None, "body": "so"},
    ]
    frame = load(write(tmp_path / name, records)).frame
    assert frame.columns.tolist() == ["id", "from.name", "from.geo.city", "from.age", "body", "tags"]
    assert frame["from.name"].tolist()[:2] == ["ann", "bob"]
    assert frame["from.name"].isna().tolist() == [False, False, True]
    assert frame["from.geo.city"].notna().tolist() == [True, False, False]
    assert frame["tags"][0] == [{"a": 1}]
    names = {"account_id": "from.name", "messages.text": "body", "message_id": "id"}
    table = InputTable(tmp_path / name, ReadOptions(names))
    checked = read_table(table, "messages")
    assert checked.good["account_id"].tolist()[:2] == ["ann", "bob"]
    # A service sends objects: what is not named would be a field that no record has.
    assert checked.good.columns.tolist() == ["message_id", "account_id", "text", "tags"]
    assert "values inside objects are left out, unless --column names them: from.geo.city, from.age" in checked.notes


def test_a_broken_line_between_objects_stays_a_row(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"text": "a", "from": {"id": 1}}\nnot\n{"text": "b", "from": {"id": 2}}\n')
    loaded = load(tmp_path / "m.jsonl")
    assert list(loaded.broken) == [1]
    assert loaded.frame["from.id"].tolist()[::2] == [1, 2]


@pytest.mark.parametrize(
    "cells",
    [
        [{"a": 1}, "text"],
        [{"a": 1}, 7.5],
        [{}, {}],
        [{f"user{number}": 1} for number in range(200)],
        [{"\ud800": 1}],
    ],
    ids=["text", "number", "empty", "mapping", "surrogate"],
)
def test_other_columns_stay_and_are_left_out_with_a_note(tmp_path: Path, cells: list[Any]) -> None:
    file = write(tmp_path / "m.jsonl", [{"text": "a", "meta": cell} for cell in cells])
    assert load(file).frame.columns.tolist() == ["text", "meta"]
    assert "meta holds objects: left out" in read_table(file, "messages").notes


def test_deep_objects_end(tmp_path: Path) -> None:
    deep: dict[str, Any] = {"x": 1}
    for _ in range(200):
        deep = {"x": deep}
    (name,) = load(write(tmp_path / "m.jsonl", [deep])).frame.columns
    assert name == ".".join("x" * 9)
