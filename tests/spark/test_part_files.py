"""Files that workers write: a task that runs twice writes two, and names one."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fraudsieve.spark.part_files import FILE, WritePart


def test_every_call_writes_a_file_of_its_own(tmp_path: Path) -> None:
    tables = [pa.table({"row": [1, 2]}), pa.table({"row": pa.array([], pa.int64())}), pa.table({"row": [3]})]
    names = [WritePart(str(tmp_path), "{}")(iter(tables))[FILE].to_pylist() for _ in range(2)]
    assert [len(part) for part in names] == [1, 1]
    assert {path.name for path in tmp_path.iterdir()} == {names[0][0], names[1][0]}
    file = pq.ParquetFile(tmp_path / names[0][0])
    assert file.read()["row"].to_pylist() == [1, 2, 3]
    assert file.num_row_groups == 2


def test_without_rows_no_file(tmp_path: Path) -> None:
    empty = pa.table({"row": pa.array([], pa.int64())})
    assert WritePart(str(tmp_path), "{}")(iter([empty]))[FILE].to_pylist() == []
    assert list(tmp_path.iterdir()) == []
