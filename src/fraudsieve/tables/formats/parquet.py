"""Parquet files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING, Cells, infer_types

from .encoding import check_exists, check_format
from .loaded import LoadedTable, ReadOptions, frame_of

NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
"""The name of a folder for a missing value, as Spark and Hive write it."""


def load_parquet(file: Path, _: ReadOptions, origin: str) -> LoadedTable:
    """Read a Parquet file."""
    with file.open("rb") as stream:
        check_format(stream.read(64), "Parquet", origin)
        return load_parquet_batch(pyarrow.parquet.ParquetFile(stream).read(), origin)


def open_parquet(path: str | os.PathLike[str], origin: str) -> Any:
    """Open a Parquet file, to read it by row group.

    The caller must close it.
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
    """Convert rows of a Parquet file, unchanged."""
    # The unnamed index of a pandas frame is not a column. A named index was a column and becomes one again.
    kept = [position for position, name in enumerate(table.column_names) if not name.startswith("__index_level_")]
    return LoadedTable(frame_of(table.select(kept), origin))


def columns_of_folders(base: str | os.PathLike[str], files: Sequence[str], rows: Sequence[int]) -> dict[str, Cells]:
    """Return the columns that Spark and Hive write as names of folders, such as ``channel=sms``."""
    folders = [Path(file).relative_to(base).parent.parts for file in files]
    pairs = [[part.partition("=") for part in parts if "=" in part] for parts in folders]
    cells = [{name: None if cell == NO_VALUE else unquote(cell) for name, _, cell in parts} for parts in pairs]
    frame = pd.DataFrame(cells, dtype=STRING)
    places = np.repeat(np.arange(len(files)), rows)
    return {name: infer_types(frame[name], printed=True).take(places).reset_index(drop=True) for name in frame.columns}
