"""A bucket, without Spark: chunks that are written are those that are returned."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import LocalFileSystem

from fraudsieve.features.history.declaration import History
from fraudsieve.spark.bucket_features import FILE, AppendFeatures, BucketFeatures, WritePart, group_views, read_block

VIEW = History(("1h",), measures=("count", "sum"))


def as_columns(rows: pa.Table) -> pa.Table:
    """Return the rows with their features as columns."""
    count, total = np.ascontiguousarray(read_block(rows["block"], 2).T)
    return pa.table({"row": rows["row"], "count": count, "sum": total})


def test_written_chunks_are_the_returned_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.spark.bucket_features.PART_ROWS", 4)
    monkeypatch.setattr("fraudsieve.spark.bucket_features.CHUNK", 3)
    hours = np.arange(1, 11) * 3_600_000_000
    subjects = pa.table({"row": np.arange(10), "id": ["ann", "bob"] * 5, "cutoff": hours})
    events = pa.table({"time": hours - 1, "id_0": ["ann"] * 10, "amount_0": np.arange(10.0)})
    group, columns = group_views([VIEW])[0], {"account_id": "id"}
    features = BucketFeatures(group, columns, "cutoff")
    returned = AppendFeatures(features, "block", as_columns).compute(subjects, events)
    assert returned["row"].to_pylist() == list(range(10))
    assert returned["count"].to_pylist() == [1.0, 0.0] * 5
    assert returned["sum"].to_pylist() == [0.0, 0.0, 2.0, 0.0, 4.0, 0.0, 6.0, 0.0, 8.0, 0.0]
    writing = AppendFeatures(features, "block", as_columns, WritePart(LocalFileSystem(), str(tmp_path), "{}"))
    names = writing.compute(subjects, events)[FILE].to_pylist()
    file = pq.ParquetFile(tmp_path / names[0])
    assert file.num_row_groups == 3
    assert file.read().replace_schema_metadata() == returned
