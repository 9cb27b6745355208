"""A file read in chunks gives the same result as at once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import ChunkReader, read_table
from fraudsieve.tables.source import InputTable


def messages(rows: int) -> pd.DataFrame:
    """Messages with duplicates near and far, missing ids and blank texts."""
    rng = np.random.default_rng(0)
    ids = pd.Series(rng.integers(0, rows // 2, rows)).astype(STRING).where(rng.random(rows) > 0.05)
    text = pd.Series([f"text {at}" for at in range(rows)]).where(rng.random(rows) > 0.05, " ")
    return pd.DataFrame({"message_id": ids, "text": text, "more": rng.random(rows)})


@pytest.mark.slow
@pytest.mark.parametrize("size", [7, 50, 500, 10_000])
def test_chunks_give_the_same_rows_as_the_whole_file(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fraudsieve.tables.reader.CHUNK_ROWS", 64)
    messages(1000).to_parquet(tmp_path / "m.parquet", row_group_size=size)
    whole = read_table(InputTable(tmp_path / "m.parquet", ReadOptions(max_rejected=1)), "messages")
    parts = list(ChunkReader(tmp_path / "m.parquet", "messages"))
    assert max(part.rows for part in parts) <= 64
    assert [part.start for part in parts] == np.cumsum([0, *(part.rows for part in parts[:-1])]).tolist()
    good = pd.concat([part.checked.good for part in parts], ignore_index=True)
    rejected = pd.concat([part.checked.rejected for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(good, whole.good)
    pd.testing.assert_frame_equal(rejected, whole.rejected)
    assert (rejected["reason"] == "duplicate id: only the first row is kept").sum() > 300


def test_a_chunk_may_have_no_good_row(tmp_path: Path) -> None:
    frame = pd.DataFrame({"message_id": ["a", "b", "c"], "text": [None, " ", "c"]})
    frame.to_parquet(tmp_path / "m.parquet", row_group_size=2)
    parts = list(ChunkReader(tmp_path / "m.parquet", "messages"))
    assert [len(part.checked.good) for part in parts] == [0, 1]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "got an empty file"),
        (b"a,b\n", "expected Parquet, got"),
        (b"PAR1" * 20, "cannot be read as its ending says"),
    ],
)
def test_other_files_than_parquet_are_rejected(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "m.parquet"
    with pytest.raises(SchemaError, match="there is no such file"):
        ChunkReader(file, "messages")
    file.write_bytes(content)
    with pytest.raises(SchemaError, match=problem):
        ChunkReader(file, "messages")


def test_a_damaged_row_group_is_named(tmp_path: Path) -> None:
    file = tmp_path / "m.parquet"
    messages(1000).to_parquet(file, row_group_size=500)
    content = bytearray(file.read_bytes())
    at = pyarrow.parquet.ParquetFile(file).metadata.row_group(1).column(1).data_page_offset
    content[at : at + 40] = b"\xff" * 40
    file.write_bytes(content)
    with pytest.raises(SchemaError, match="row group 1 cannot be read"):
        list(ChunkReader(file, "messages"))


def test_no_rows_are_an_error(tmp_path: Path) -> None:
    messages(10)[:0].to_parquet(tmp_path / "m.parquet")
    with pytest.raises(SchemaError, match="there are no rows"):
        ChunkReader(tmp_path / "m.parquet", "messages")
    pd.DataFrame({"message_id": ["a"], "words": ["b"]}).to_parquet(tmp_path / "m.parquet")
    with pytest.raises(SchemaError, match="column 'text' is missing"):
        list(ChunkReader(tmp_path / "m.parquet", "messages"))
