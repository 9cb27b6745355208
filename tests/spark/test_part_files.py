"""Files that workers write: a task that runs twice writes two, and names one."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from fraudsieve.spark.bucket_features import FILE, WritePart


def test_every_call_writes_a_file_of_its_own(tmp_path: Path) -> None:
    tables = [pa.table({"row": [1, 2]}), pa.table({"row": pa.array([], pa.int64())}), pa.table({"row": [3]})]
    names = [WritePart(LocalFileSystem(), str(tmp_path), "{}")(iter(tables))[FILE].to_pylist() for _ in range(2)]
    assert names[0] != names[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[0] + names[1])
    file = pq.ParquetFile(tmp_path / names[0][0])
    assert file.read()["row"].to_pylist() == [1, 2, 3]
    assert file.num_row_groups == 2


def test_without_rows_no_file(tmp_path: Path) -> None:
    empty = pa.table({"row": pa.array([], pa.int64())})
    assert WritePart(LocalFileSystem(), str(tmp_path), "{}")(iter([empty]))[FILE].to_pylist() == []
    assert list(tmp_path.iterdir()) == []
