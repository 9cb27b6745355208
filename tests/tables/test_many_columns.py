"""Tables of many columns: undeclared ones are read together, and as each would be read alone."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fraudsieve.tables import cells, checks, conversion
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import InputTable

CELLS = [
    "",
    " ",
    "7",
    "+7",
    "-1.5e3",
    "007",
    "1234567890123456789",
    " 8 ",
    "NULL",
    "n/a",
    "-",
    "true",
    "False",
    "$7.90",
]
CELLS += ["1,234.50", "1.234,50", "word", "7 words", "\u200b", "2026-05-01"]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("decimal", [None, ".", ","])
def test_columns_that_are_read_together_are_as_read_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, decimal: str | None
) -> None:
    rng = np.random.default_rng(7)
    columns = {f"c{place}": [cell] * 3 for place, cell in enumerate(CELLS)}
    columns |= {f"d{place}": rng.choice(CELLS, 3).tolist() for place in range(300)}
    frame = pd.DataFrame({"message_id": list("abc"), "text": "hello", **columns}).replace({"": None})
    file = tmp_path / f"m.{ending}"
    if ending == "csv":
        frame.to_csv(file, index=False)
    elif ending == "parquet":
        frame.to_parquet(file)
    else:
        frame.to_json(file, orient="records", lines=True)
    table = InputTable(file, ReadOptions(decimal=decimal, categories=("messages.c2",)))
    together = read_table(table, "messages")
    monkeypatch.setattr(checks, "MAX_CELLS", 0)
    monkeypatch.setattr(checks, "_plain_columns", lambda *_: {})
    alone = read_table(InputTable(file, table.options), "messages")
    pd.testing.assert_frame_equal(together.good, alone.good)
    assert together.notes == alone.notes


@pytest.mark.parametrize("cell", ["7", "word", ""])
def test_patterns_are_not_searched_name_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    counts = []
    for n in (10, 1000):
        frame = pd.DataFrame({"message_id": ["a"], "text": ["hello"]} | {f"c{place}": [cell] for place in range(n)})
        frame.to_csv(tmp_path / "m.csv", index=False)
        match = Mock(wraps=cells.match_pattern)
        with monkeypatch.context() as patch:
            patch.setattr(conversion, "match_pattern", match)
            patch.setattr(cells, "match_pattern", match)
            read_table(tmp_path / "m.csv", "messages")
        counts.append(match.call_count)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("as_table", [pd.DataFrame, pa.table])
def test_what_is_written_to_a_result_leaves_the_input_as_it_is(as_table: Any) -> None:
    cells = {"message_id": ["a", "b"], "text": ["hello", "there"], "number": [1.5, 2.5], "word": ["x", "y"]}
    given = as_table(cells)
    good = read_table(given, "messages").good
    good.loc[0] = good.loc[1]
    assert good["number"].tolist() == [2.5, 2.5]
    assert {name: list(given[name].to_numpy()) for name in cells} == cells
