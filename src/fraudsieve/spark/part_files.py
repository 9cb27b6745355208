"""Parquet files that Spark's workers write directly: their rows do not pass through Java.

Java writes a table of hundreds of columns cell by cell, which takes far longer than computing it.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem

FILE = "file"
"""The column of the names of the files that were written."""
SCHEMA = "org.apache.spark.sql.parquet.row.metadata"
"""The key under which Spark keeps the types of its columns in a file, for types that Parquet does not have."""
PART_ROWS = 1 << 15
"""Rows of a row group; with 300 columns they take 75 MB."""


@dataclass(frozen=True)
class WritePart:
    """Write rows to a file of its own in a folder, and return its name.

    A task may run twice. So every call writes a file with another name, and only names that are returned count.
    """

    files: FileSystem
    folder: str
    # The types of the columns, as JSON of Spark.
    schema: str

    def __call__(self, tables: Iterator[pa.Table]) -> pa.Table:
        """Write tables of one schema as row groups; nothing if none has a row."""
        filled = (table for table in tables if len(table))
        first = next(filled, None)
        if first is None:
            return pa.table({FILE: pa.array([], pa.string())})
        name = f"part-{uuid.uuid4().hex}.parquet"
        schema = first.schema.with_metadata({SCHEMA: self.schema})
        with pq.ParquetWriter(f"{self.folder}/{name}", schema, filesystem=self.files) as writer:
            for table in chain([first], filled):
                writer.write_table(table)
        return pa.table({FILE: [name]})
