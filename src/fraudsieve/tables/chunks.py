"""Reading and checking a Parquet file in chunks, in bounded memory, with the same result as at once."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet

from fraudsieve.exceptions import SchemaError

from .checks import SeenIdHashes, check
from .column_names import rename_columns
from .formats.files import load_parquet_batch, open_parquet
from .formats.loaded import ReadOptions
from .reader import CheckedTable, kept_columns
from .schema import TABLES

CHUNK_ROWS: Final = 65_536
"""Maximum rows per chunk; a chunk does not cross row groups."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive rows of a file, checked."""

    # The position of its first row in the file.
    start: int
    rows: int
    # The good rows (possibly none) and the rejected ones; `row` counts from the start of the file.
    checked: CheckedTable


class ChunkReader:
    """Read a table in chunks."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        table: str,
        options: ReadOptions | None = None,
        *,
        keep: Sequence[str] = (),
    ) -> None:
        self.options, self.keep = options or ReadOptions(), keep
        self.path, self.origin, self.table = Path(path), os.fspath(path), TABLES[table]
        self.seen = SeenIdHashes()
        self.names: Mapping[str, str] = {}
        with open_parquet(self.path, self.origin) as file:
            self.n_rows = file.metadata.num_rows
        if not self.n_rows:
            raise SchemaError(self.origin, "there are no rows", f"Give {table} with at least one row.")

    def __iter__(self) -> Iterator[Chunk]:
        """Read all chunks; ids of a chunk count as duplicates in later chunks."""
        start = 0
        with open_parquet(self.path, self.origin) as file:
            for group in range(file.num_row_groups):
                for batch in _batches(file, group, self.origin):
                    if len(batch):
                        yield self._check(batch, start)
                    start += len(batch)

    def _check(self, batch: pa.Table, start: int) -> Chunk:
        as_given = load_parquet_batch(batch, self.origin)
        loaded = rename_columns(as_given, self.table, self.options, self.origin, self.path.name.partition(".")[0])
        self.names = loaded.given
        good, rejected, notes, _ = check(
            loaded, self.table, origin=self.origin, require=(), seen=self.seen, options=self.options, start=start
        )
        kept = kept_columns(as_given, self.keep, rejected["row"], self.origin) if self.keep else None
        rejected["row"] += start
        return Chunk(start, len(batch), CheckedTable(good, rejected, notes, kept=kept))


def _batches(file: pyarrow.parquet.ParquetFile, group: int, origin: str) -> Iterator[pa.Table]:
    try:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, row_groups=[group]):
            yield pa.Table.from_batches([batch])
        return
    except (OSError, ValueError, pa.ArrowException) as error:
        problem = f"row group {group} cannot be read ({type(error).__name__})"
    raise SchemaError(origin, problem, "The file may be damaged or cut short: write it again.")
