"""Parquet files."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from fraudsieve.exceptions import SchemaError

from .loaded import LoadedTable, ReadOptions, frame_of
from .signatures import check_exists, check_format

__all__ = ["load_parquet", "load_parquet_batch", "open_parquet"]


def load_parquet(file: Path, _: ReadOptions, origin: str) -> LoadedTable:
    """Read a Parquet file."""
    with file.open("rb") as stream:
        check_format(stream.read(64), "Parquet", origin)
        return load_parquet_batch(pyarrow.parquet.ParquetFile(stream).read(), origin)


def open_parquet(path: str | os.PathLike[str], origin: str) -> Any:
    """Open a Parquet file, to read it by row group.

    Parameters
    ----------
    path : str or path
        The file.
    origin : str
        Name of the file in errors.

    Returns
    -------
    pyarrow.parquet.ParquetFile
        To be closed.

    Raises
    ------
    SchemaError
        If the file does not exist, or is not a Parquet file.
    """
    file = Path(path)
    check_exists(file, origin)
    try:
        with file.open("rb") as stream:
            check_format(stream.read(64), "Parquet", origin)
        return pyarrow.parquet.ParquetFile(file)
    except SchemaError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        problem = f"the file cannot be read as its ending says ({type(error).__name__})"
    raise SchemaError(origin, problem, "It may be damaged, cut short, or in another format: write it again.")


def load_parquet_batch(table: Any, origin: str) -> LoadedTable:
    """Convert rows of a Parquet file, unchanged.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.
    origin : str
        Name of the file in errors.

    Returns
    -------
    LoadedTable
    """
    # The unnamed index of a pandas frame is not a column. A named index was a column and becomes one again.
    kept = [position for position, name in enumerate(table.column_names) if not name.startswith("__index_level_")]
    return LoadedTable(frame_of(table.select(kept), origin))
