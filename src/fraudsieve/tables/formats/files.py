"""Files of tables, read into a frame by their ending, and written as Parquet.

Types are not guessed: cells of text files stay strings, JSON, Parquet and workbooks keep their own types. A row that
cannot be read (too many fields, a line that is not a JSON object) stays as an empty row with its reason.
"""

import csv
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve._io import PRIVATE, replacing
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import Cells, mask_signalling_nan

from .delimited import load_delimited
from .encoding import check_exists
from .json_lines import load_json, load_json_lines
from .loaded import LoadedTable, ReadOptions
from .parquet import load_parquet
from .workbook import load_workbook

Reader: TypeAlias = Callable[[Path, ReadOptions, str], LoadedTable]

_PACKED: Final = ("", ".gz", ".zip")
READERS: Final[dict[str, Reader]] = {
    ".parquet": load_parquet,
    ".xlsx": load_workbook,
    **dict.fromkeys((f"{name}{packed}" for name in (".csv", ".tsv", ".txt") for packed in _PACKED), load_delimited),
    **dict.fromkeys((f"{name}{packed}" for name in (".jsonl", ".ndjson") for packed in _PACKED), load_json_lines),
    ".json": load_json,
}
"""The reader of every ending of a file name."""
_PLAIN_TYPES: Final = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_timestamp)
"""Types that objects of one type are stored as; others become strings."""


def load(path: str | os.PathLike[str], options: ReadOptions | None = None) -> LoadedTable:
    """Read a table from a file whose ending gives the format."""
    file, origin = Path(path), os.fspath(path)
    reader = reader_of(file, origin)
    check_exists(file, origin)
    try:
        return reader(file, options or ReadOptions(), origin)
    except SchemaError:
        raise
    except (OSError, EOFError, ValueError, OverflowError, zlib.error, csv.Error, pa.ArrowException) as error:
        problem = f"the file cannot be read as its ending says ({type(error).__name__})"
        fix = "It may be damaged, cut short, or in another format: write it again."
    raise SchemaError(origin, problem, fix)  # out here, so that the cause, which may quote cells, is not attached


def reader_of(file: Path, origin: str) -> Reader:
    """Return the reader of a file by its ending; raise SchemaError if there is none."""
    for ending, reader in READERS.items():
        if file.name.lower().endswith(ending):
            return reader
    unpacked = [ending for ending in READERS if ending.count(".") == 1]
    fix = f"Name the file with one of {', '.join(unpacked)}; text may be packed as .gz or .zip."
    raise SchemaError(origin, "the format is unknown", fix)


def save(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame of any cells as Parquet, columns of mixed types as strings; only the owner can read the file."""
    file = Path(path)
    columns = [storable(frame.iloc[:, position]) for position in range(frame.shape[1])]
    names = [_to_string(name) for name in frame.columns]
    with replacing(file, mode=PRIVATE) as stream:
        pyarrow.parquet.write_table(pa.Table.from_arrays(columns, names=names), stream)
    return file


def storable(cells: Cells) -> Any:
    """Return a column of any cells as an Arrow array; cells of mixed types become strings."""
    cells = mask_signalling_nan(cells)
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        return pa.array(cells.dt.tz_convert(None), pa.timestamp(cells.dt.unit, "UTC"), from_pandas=True)
    simple = isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "biufM" and cells.dtype.itemsize <= 8
    if simple or isinstance(cells.dtype, pd.StringDtype):
        return pa.array(cells, from_pandas=True)
    try:
        typed = pa.array(cells, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # several types, or characters that are broken
        typed = None
    if typed is not None and any(is_plain(typed.type) for is_plain in _PLAIN_TYPES):
        return typed
    printed = [_to_string(cell) if is_present else None for cell, is_present in zip(cells, cells.notna(), strict=True)]
    return pa.array(printed, pa.large_string())


def _to_string(cell: object) -> str:
    try:
        return str(cell).encode("utf-8", "replace").decode()
    except ValueError:  # an integer of more digits than Python prints
        return f"({type(cell).__name__})"
