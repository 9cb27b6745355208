"""Files of tables: reading Parquet, CSV and JSON Lines (gzipped or not) into a frame, and writing Parquet.

Types are not guessed: CSV cells stay strings, JSON and Parquet keep their own types. A row that cannot be read
(too many fields, a line that is not a JSON object) stays as an empty row with its reason.
"""

import csv
import gzip
import io
import json
import os
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from fraudsieve._io import PRIVATE, replacing
from fraudsieve.exceptions import SchemaError

from .cells import Cells, has_surrogate, mask_signalling_nan, string_series

__all__ = ["LoadedTable", "load", "load_parquet_batch", "open_parquet", "save"]

BROKEN_LINE: Final = "the line is not a JSON object in UTF-8"
MAX_BROKEN_SHARE: Final = 0.1  # of the rows; beyond it, the whole file has another encoding
BOM: Final = b"\xef\xbb\xbf"
BLOCK_LIMIT: Final = 2**31 - 1  # Arrow counts the bytes of a block in 32 bits
_TEXT_TYPES: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_SIGNATURES: Final = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"[": "one JSON array",
    b"{": "JSON Lines",
}


@dataclass(frozen=True, eq=False)
class LoadedTable:
    """A frame as it was read, before any check.

    Attributes
    ----------
    frame : DataFrame
        All rows, broken ones included (as missing values).
    broken : dict of int to str
        Positions of the rows that could not be read, and why.
    printed : bool
        Whether all cells, and the names of the columns, were read from plain text.
    notes : tuple of str
        Changes, for the user.
    """

    frame: pd.DataFrame
    broken: dict[int, str] = field(default_factory=dict)
    printed: bool = False
    notes: tuple[str, ...] = ()


def load(path: str | os.PathLike[str]) -> LoadedTable:
    """Read a table from a file whose ending gives the format.

    Parameters
    ----------
    path : str or path
        Ends in .parquet, .csv, .jsonl or .ndjson; the last three may be followed by .gz.

    Returns
    -------
    LoadedTable
        The rows as they were read.

    Raises
    ------
    SchemaError
        If the file is not there, cannot be read, is empty or is not what its ending says.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "m.csv")
    >>> _ = file.write_text("message_id,text\\n007,hello\\n8\\n")
    >>> load(file).frame["message_id"].tolist(), load(file).broken
    (['007', nan], {1: '1 fields where the header has 2'})
    """
    file, origin = Path(path), os.fspath(path)
    reader = _reader(file, origin)
    if not file.is_file():
        problem = "expected a file, got a folder" if file.is_dir() else "there is no such file"
        raise SchemaError(origin, problem, "Check the path.")
    try:
        return reader(file, origin)
    except SchemaError:
        raise
    except (OSError, EOFError, ValueError, OverflowError, zlib.error, csv.Error, pa.ArrowException) as error:
        problem = f"the file cannot be read as its ending says ({type(error).__name__})"
        fix = "It may be damaged, cut short, or in another format: write it again."
    raise SchemaError(origin, problem, fix)  # out here, so that the cause, which may quote cells, is not attached


def _reader(file: Path, origin: str) -> Callable[[Path, str], LoadedTable]:
    for ending, reader in READERS.items():
        if file.name.lower().endswith(ending):
            return reader
    raise SchemaError(origin, "the format is unknown", f"Name the file with one of {', '.join(READERS)}.")


def _check_format(head: bytes, expected: str, origin: str) -> None:
    head = head.removeprefix(BOM).lstrip()
    if not head:
        raise SchemaError(origin, f"expected {expected}, got an empty file", "Write it again with rows.")
    seen = next((name for sign, name in _SIGNATURES.items() if head.startswith(sign)), "something else")
    text = expected in ("CSV", "JSON Lines") and seen == "something else"
    if seen != expected and not text:
        raise SchemaError(origin, f"expected {expected}, got {seen}", "Rename or convert the file.")


def _content(file: Path, expected: str, origin: str) -> bytes:
    data = file.read_bytes()
    if file.name.lower().endswith(".gz"):
        _check_format(data[:64], "gzip", origin)
        data = gzip.decompress(data)
    _check_format(data[:4096], expected, origin)
    return data.removeprefix(BOM)


def _parquet(file: Path, origin: str) -> LoadedTable:
    with file.open("rb") as stream:
        _check_format(stream.read(64), "Parquet", origin)
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
    if not file.is_file():
        load(file)  # raises the error that fits
    try:
        with file.open("rb") as stream:
            _check_format(stream.read(64), "Parquet", origin)
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
    return LoadedTable(_frame(table.select(kept), origin))


def _jsonl(file: Path, origin: str) -> LoadedTable:
    lines = [line for line in io.BytesIO(_content(file, "JSON Lines", origin)) if line.strip()]
    records = [_record(line) for line in lines]
    broken = {position: BROKEN_LINE for position, record in enumerate(records) if record is None}
    if len(broken) == len(records):
        raise SchemaError(origin, "no line is a JSON object in UTF-8", "Write one object per line.")
    return LoadedTable(pd.DataFrame([record or {} for record in records], dtype=object), broken)


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    # Only an escape sequence can give a name that cannot be encoded.
    good = isinstance(record, dict) and not (b"\\u" in line and has_surrogate("".join(record)))
    return record if good else None


def _csv(file: Path, origin: str) -> LoadedTable:
    data = _content(file, "CSV", origin)
    names = _header(data, origin)
    data, notes = _replace_invalid(data, origin)
    table, broken = _rows(data, names, origin)
    positions = np.full(len(table) + len(broken), -1)
    positions[np.delete(np.arange(len(positions)), list(broken))] = np.arange(len(table))
    frame = _frame(table, origin).reindex(positions).reset_index(drop=True)
    return LoadedTable(frame.loc[:, [name != "" for name in frame.columns]], broken, printed=True, notes=notes)


def _header(data: bytes, origin: str) -> list[str]:
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="replace", newline="")
    names = next(row for row in csv.reader(text) if row)
    if any("\ufffd" in name for name in names):
        raise SchemaError(origin, "the header is not in UTF-8", "Save the file as UTF-8.")
    if len(names) == 1 and any(mark in names[0] for mark in "\t;|"):
        raise SchemaError(origin, "the header has one column and no comma", "Separate the columns by commas.")
    return names


def _replace_invalid(data: bytes, origin: str) -> tuple[bytes, tuple[str, ...]]:
    """Replace invalid UTF-8: Arrow would drop a row that is broken in two ways."""
    if _is_utf8(data):
        return data, ()
    lines = data.splitlines()[1:]
    broken = sum(not _is_utf8(line) for line in lines)
    _check_share(broken, len(lines), origin)
    note = f"{broken} lines are not in UTF-8: their broken characters were replaced by U+FFFD"
    return data.decode("utf-8", "replace").encode(), (note,)


def _is_utf8(data: bytes) -> bool:
    try:
        pa.array([data], pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _check_share(broken: int, rows: int, origin: str) -> None:
    if broken == rows or broken > max(2, MAX_BROKEN_SHARE * rows):
        raise SchemaError(origin, f"{broken} of {rows} rows are not in UTF-8", "Save the file as UTF-8.")


def _rows(data: bytes, names: list[str], origin: str) -> tuple[Any, dict[int, str]]:
    """Return the rows, and why some are broken; raise if the file ends inside a quoted cell."""
    broken: dict[int, str] = {}
    # A row of our own at the end: a cell whose quote is never closed would contain it.
    mark = secrets.token_hex(8)
    last = ",".join([mark] * len(names))
    data += (b"" if data.endswith((b"\n", b"\r")) else b"\n") + last.encode() + b"\n"
    is_last_broken = False

    def reject_row(row: Any) -> str:
        nonlocal is_last_broken
        if row.text == last:  # the header has another number of fields for Arrow
            is_last_broken = True
        else:
            # Row 1 is the header.
            broken[row.number - 2] = f"{row.actual_columns} fields where the header has {row.expected_columns}"
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(data),
        pyarrow.csv.ReadOptions(use_threads=False, block_size=min(len(data) + 1, BLOCK_LIMIT)),
        pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=reject_row),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()), null_values=[""], strings_can_be_null=True
        ),
    )
    if is_last_broken:
        return table, broken
    if not len(table) or table.column(0)[-1].as_py() != mark:
        problem = f"row {len(table) + len(broken) - 1} opens a quote that is never closed"
        raise SchemaError(origin, problem, "The file may be cut short: write it again, or close or double the quote.")
    return table.slice(0, len(table) - 1), broken


def _frame(table: Any, origin: str) -> pd.DataFrame:
    columns = {position: _cells(column, origin) for position, column in enumerate(table.columns)}
    return pd.DataFrame(columns, index=range(len(table))).set_axis(table.column_names, axis=1)


def _cells(column: Any, origin: str) -> Cells:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if any(is_text(column.type) for is_text in _TEXT_TYPES):
        return _decode(column.cast(pa.large_binary()), origin)
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    # Whole numbers with gaps stay whole: as floats, long ids would lose digits.
    cells: Cells = column.to_pandas(integer_object_nulls=True)
    return cells


def _decode(column: Any, origin: str) -> Cells:
    """Decode bytes declared as UTF-8, which Parquet files do not always hold."""
    try:
        return string_series(column, range(len(column)))
    except pa.ArrowInvalid:
        cells = [cell if cell is None else cell.decode("utf-8", "surrogateescape") for cell in column.to_pylist()]
    _check_share(sum(cell is not None and has_surrogate(cell) for cell in cells), len(cells), origin)
    return pd.Series(cells, dtype=object)


READERS: Final[dict[str, Callable[[Path, str], LoadedTable]]] = {
    ".parquet": _parquet,
    **dict.fromkeys((".csv", ".csv.gz"), _csv),
    **dict.fromkeys((".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz"), _jsonl),
}


def save(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame of any cells as Parquet, columns of mixed types as strings; only the owner can read the file.

    Examples
    --------
    >>> import tempfile
    >>> file = save(pd.DataFrame({"a": [1, "x", None]}, dtype=object), Path(tempfile.mkdtemp(), "r.parquet"))
    >>> pd.read_parquet(file)["a"].tolist()
    ['1', 'x', nan]
    """
    file = Path(path)
    columns = [_storable(frame.iloc[:, position]) for position in range(frame.shape[1])]
    names = [_to_string(name) for name in frame.columns]
    with replacing(file, mode=PRIVATE) as stream:
        pyarrow.parquet.write_table(pa.Table.from_arrays(columns, names=names), stream)
    return file


def _storable(cells: Cells) -> Any:
    cells = mask_signalling_nan(cells)
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        return pa.array(cells.dt.tz_convert(None), pa.timestamp(cells.dt.unit, "UTC"), from_pandas=True)
    simple = isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "biufM" and cells.dtype.itemsize <= 8
    if simple or isinstance(cells.dtype, pd.StringDtype):
        return pa.array(cells, from_pandas=True)
    printed = [_to_string(cell) if is_present else None for cell, is_present in zip(cells, cells.notna(), strict=True)]
    return pa.array(printed, pa.large_string())


def _to_string(cell: object) -> str:
    try:
        return str(cell).encode("utf-8", "replace").decode()
    except ValueError:  # an integer of more digits than Python prints
        return f"({type(cell).__name__})"
