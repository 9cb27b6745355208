"""Tests of the zoo: every table is written as it says, twice alike, and has the frauds that a model needs."""

from pathlib import Path

import pandas as pd
import pytest

from tests.walk.table import TableFiles, UserTable
from tests.walk.zoo import SMOKE, ZOO

TABLES = {"message": "messages", "account": "accounts", "event": "events"}


def read(path: Path) -> pd.DataFrame:
    """Return the rows of a file."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".jsonl":
        return pd.read_json(path, lines=True, dtype=False)
    if path.suffix == ".xlsx":
        return pd.read_excel(path)
    separator = ";" if path.parent.name == "calls" else ","
    return pd.read_csv(path, sep=separator, encoding="gb18030" if "gb18030" in path.parent.name else "latin-1")


@pytest.fixture(scope="module", params=sorted(ZOO))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[UserTable, TableFiles]:
    """Return a table of the zoo and its files."""
    table = ZOO[request.param]
    folder = tmp_path_factory.mktemp("zoo") / table.name
    folder.mkdir()
    return table, table.write(folder)


@pytest.mark.slow
def test_table_is_written_twice_alike(written: tuple[UserTable, TableFiles], tmp_path: Path) -> None:
    table, files = written
    again = table.write(tmp_path)
    assert files.records == again.records
    assert files.events == again.events
    for path in sorted(files.new.parent.iterdir()):
        if path.suffix != ".xlsx":  # a workbook has the time at which it was written
            assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_table_has_what_the_doors_read(written: tuple[UserTable, TableFiles]) -> None:
    table, files = written
    assert TABLES[table.subject] in files.train
    assert set(files.train) == set(files.later)
    for path in (*files.train.values(), *files.later.values(), *files.history.values()):
        assert len(read(path)) >= 80
    assert len(read(files.new)) == len(files.records) + (table.name == "titled_loans")  # its header is one row lower
    assert bool(files.events) == bool(files.history)


def test_names_of_the_smoke_set_are_tables() -> None:
    assert len(set(SMOKE)) == len(SMOKE) == 4
    assert set(SMOKE) <= set(ZOO)
