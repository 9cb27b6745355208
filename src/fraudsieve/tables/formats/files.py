"""Files of tables, read into a frame by their ending, and written as Parquet.

Types are not guessed: cells of text files stay strings, JSON, Parquet and workbooks keep their own types. A row that
cannot be read (too many fields, a line that is not a JSON object) stays as an empty row with its reason.

Parquet files.

JSON: one object per line, or one array of objects.

Workbooks of Excel: one sheet, and the row in it that has the names of the columns.

Text with a separator between columns: CSV and its variants.
"""

import csv
import io
import json
import os
import re
import secrets
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, TypeAlias
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from fraudsieve._io import PRIVATE, replacing
from fraudsieve._translation import tr
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING, Cells, Mask, infer_types, mask_signalling_nan
from fraudsieve.tables.column_names import find_header, has_known_name, header_note
from fraudsieve.tables.schema import MAX_VALUES_SEARCHED
from fraudsieve.tables.values.reading import has_surrogate

from .encoding import BOM, check_exists, check_format, read_content, to_utf8
from .loaded import LoadedTable, ReadOptions, frame_of

REASON: Final = "a quote opens a cell of several lines, and is closed inside another row"


def cells_with_rows(table: Any, data: bytes, separator: str) -> tuple[dict[int, int], list[int]]:
    """Find the rows with a cell that holds lines which look like rows.

    The first line of such a cell has as many separators as columns follow, and the last has as many as columns precede.
    """
    alike = [
        (int(row), table.column(position)[int(row)].as_py())
        for position in range(table.num_columns)
        for row in _alike_rows(table, position, separator)
    ]
    misquoted = _misquoted_cells(data, separator) if alike else frozenset()
    sure = {row: cell.count("\n") for row, cell in alike if cell in misquoted}
    is_rare = separator != "," and table.num_columns > 1
    return sure, sorted({row for row, _ in alike if is_rare and row not in sure})


def _alike_rows(table: Any, position: int, separator: str) -> npt.NDArray[np.int64]:
    """Return the rows whose cell in a column begins with the rest of a row, and ends with the start of another."""
    column = table.column(position)
    rows = np.flatnonzero(_as_mask(pc.match_substring(column, "\n")))
    if not len(rows):  # the usual case
        return rows
    cells = column.take(pa.array(rows))
    first = pc.list_element(pc.split_pattern(cells, "\n", max_splits=1), 0)
    last = pc.list_element(pc.split_pattern(cells, "\n", max_splits=1, reverse=True), 1)
    begins = pc.equal(pc.count_substring(first, separator), table.num_columns - 1 - position)
    ends = pc.equal(pc.count_substring(last, separator), position)
    return rows[_as_mask(begins) & _as_mask(ends)]


def _as_mask(values: Any) -> Mask:
    mask: Mask = pc.fill_null(values, False).to_numpy().astype(bool)
    return mask


def _misquoted_cells(data: bytes, separator: str) -> frozenset[str]:
    """Return the cells of several lines that continue after the quote that closes them, as they are read."""
    mark = re.escape(separator.encode())
    quoted = re.compile(rb'(?:\A|[\r\n%b])"([^"]*+(?:""[^"]*+)*+)"([^\r\n%b]*)' % (mark, mark))
    cells = (match.groups() for match in quoted.finditer(data) if b"\n" in match[1] and match[2].strip())
    return frozenset((inside.replace(b'""', b'"') + rest).decode() for inside, rest in cells)


def quote_notes(sure: dict[int, int], doubtful: list[int]) -> tuple[str, ...]:
    """Return notes for the user on the rows that `cells_with_rows` found, numbered as in the file."""
    notes: list[str] = []
    if sure:
        notes.append(
            tr(
                "{n} rows contain {lines} further lines, first row {first}, and are rejected: close the quotes, or "
                "double them and quote the cells",
                n=len(sure),
                lines=sum(sure.values()),
                first=min(sure),
            )
        )
    if doubtful:
        notes.append(
            tr(
                "{n} rows hold lines that look like rows, first row {first}: if they are, close the quotes, or double "
                "them",
                n=len(doubtful),
                first=doubtful[0],
            )
        )
    return tuple(notes)


SEPARATORS: Final = {"\t": "tabs", ";": "semicolons", "|": "vertical bars"}
"""Characters that may separate columns if the first line has no comma outside quotes."""
BLOCK_LIMIT: Final = 2**31 - 1  # Arrow counts the bytes of a block in 32 bits
HEAD: Final = 2**20
"""Number of bytes that are read if only the header is needed."""


def load_delimited(file: Path, options: ReadOptions, origin: str) -> LoadedTable:
    """Read a text file with a separator; all cells stay text."""
    data, encoding, notes = to_utf8(read_content(file, "CSV", origin), options, origin)
    separator, found, start = _find_header(data, file, options, origin)
    data = data[start:]
    names = _header(data, separator, origin)
    table, broken = _rows(data, names, separator, origin)
    rows = np.delete(np.arange(len(table) + len(broken)), list(broken))
    sure, doubtful = cells_with_rows(table, data, separator)
    quoting = quote_notes({int(rows[row]): lines for row, lines in sure.items()}, [int(rows[row]) for row in doubtful])
    positions = np.full(len(table) + len(broken), -1)
    positions[rows] = np.arange(len(table))
    for row in sure:
        positions[rows[row]] = -1
        broken[int(rows[row])] = REASON
    frame = table.rename_columns(list(map(str, range(len(names))))).to_pandas(types_mapper=lambda _: STRING)
    frame = frame.set_axis(table.column_names, axis=1)
    if broken:
        frame = frame.reindex(positions).reset_index(drop=True)
    if "" in names:
        frame = frame.loc[:, [name != "" for name in frame.columns]]
    notes = (*notes, *found, *quoting)
    return LoadedTable(frame, broken, printed=True, header=True, notes=notes, encoding=encoding)


def load_head(file: Path, options: ReadOptions, origin: str) -> pd.DataFrame | None:
    """Read the first rows, as strings; None if other bytes of the file decide how they are read."""
    with file.open("rb") as stream:
        head = stream.read(HEAD)
    check_format(head[:4096], "CSV", origin)
    head = head.removeprefix(BOM)
    if len(head) >= HEAD:
        head = head[: head.rfind(b"\n") + 1]
    try:
        is_known = options.encoding is None and bool(head.decode().strip())
    except UnicodeDecodeError:
        is_known = False
    if not is_known:
        return None
    separator, _, start = _find_header(head, file, options, origin)
    names = _header(head[start:], separator, origin)
    rows = islice(_rows_above(head[start:], separator), 1, MAX_VALUES_SEARCHED)
    read = pd.DataFrame([row for row in rows if len(row) == len(names)], columns=names, dtype=object)
    return read.loc[:, [bool(name) for name in names]]


def _find_header(data: bytes, file: Path, options: ReadOptions, origin: str) -> tuple[str, tuple[str, ...], int]:
    """Return the separator, notes, and the byte at which the header begins.

    The separator is the given one or that of the ending. Otherwise it is the one with which the header names a known
    column; below a title, the first line does not tell it.
    """
    if options.separator is not None:
        separators = [_check_separator(options.separator, origin)]
    elif ".tsv" in file.name.lower():
        separators = ["\t"]
    else:
        likely = _separator_of(data, options.header_row)
        separators = [likely, *(mark for mark in (",", *SEPARATORS) if mark != likely)]
    positions = {}
    for separator in separators:
        positions[separator] = find_header(_rows_above(data, separator), options, origin)
        row = next(islice(_rows_above(data, separator), positions[separator], None), [])
        if has_known_name(row, options):
            break
    else:
        separator = separators[0]
    is_found = len(separators) > 1 and separator != ","
    notes = (tr("columns are separated by {mark}", mark=tr(SEPARATORS[separator])),) if is_found else ()
    position = positions[separator]
    return separator, (*notes, *header_note(position)), _start_of(data, separator, position)


def _separator_of(data: bytes, header_row: int | None) -> str:
    """Return the separator of the line that the options name, or of the first one."""
    lines = islice(io.BytesIO(data), (header_row or 1) - 1, None)
    line = next((line for line in lines if line.strip()), b"").decode("utf-8", "replace")
    if len(next(csv.reader([line]), [])) > 1:
        return ","
    counts = {mark: len(next(csv.reader([line], delimiter=mark), [])) for mark in SEPARATORS}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] > 1 else ","


def _rows_above(data: bytes, separator: str) -> Iterator[list[str]]:
    """Yield the first rows, blank lines as empty ones; none after a cell that is too long for a name."""
    with suppress(csv.Error):
        yield from csv.reader(_text(data), delimiter=separator)


def _start_of(data: bytes, separator: str, position: int) -> int:
    """Return the byte at which a row begins."""
    reader = csv.reader(_text(data), delimiter=separator)
    for _ in islice(reader, position):
        pass
    return sum(len(line.encode()) for line in islice(_text(data), reader.line_num))


def _text(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="replace", newline="")


def _check_separator(separator: str, origin: str) -> str:
    if len(separator) == 1 and separator.isascii() and separator not in '"\r\n':
        return separator
    problem = f"--separator: expected one ASCII character such as ';', got {separator[:20]!r}"
    raise SchemaError(origin, problem, "Omit --separator to detect it.")


def _header(data: bytes, separator: str, origin: str) -> list[str]:
    names = next(row for row in csv.reader(_text(data), delimiter=separator) if row)
    if any("\ufffd" in name for name in names):
        raise SchemaError(origin, "the header is not in UTF-8", "Save the file as UTF-8.")
    return names


def _rows(data: bytes, names: list[str], separator: str, origin: str) -> tuple[Any, dict[int, str]]:
    """Return the rows, and why some are broken; raise if the file ends inside a quoted cell."""
    broken: dict[int, str] = {}
    # An additional row at the end: a cell whose quote is never closed would contain it.
    mark = secrets.token_hex(8)
    last = separator.join([mark] * len(names))
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
        pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=reject_row),
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


MAX_SHEETS: Final = 10
"""Sheets that a note names."""
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
"""The limits of a sheet of Excel. openpyxl does not check them, and creates all rows up to the number in the file."""
ROW_NUMBER: Final = re.compile(rb"""<(?:\w+:)?row\s[^>]*?\br\s*=\s*["']([^"']*)["']""")
CHUNK: Final = 1 << 20
FAULTS: Final = (
    *(OSError, SyntaxError, zipfile.BadZipFile, zlib.error),
    *(ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError),
)
"""Errors that zipfile and openpyxl raise for files that are damaged, or not written by Excel.

Errors of XML are syntax errors, both of Python's parser and of lxml, which openpyxl uses where it is installed.
"""
SAVE_AGAIN: Final = "Save it again as .xlsx, without a password."


def load_workbook(file: Path, options: ReadOptions, origin: str) -> LoadedTable:
    """Read a sheet of a workbook; numbers and times keep their types, formulas their last values."""
    from openpyxl.utils.escape import unescape  # a tenth of a second, which other files do not need

    try:
        # openpyxl leaves a file open that it cannot read, so that it is opened and closed here.
        with file.open("rb") as stream:
            repeated = _check_row_numbers(stream, origin)
            rows, notes = _read_sheet(stream, options.sheet, origin)
    except FAULTS as error:
        if isinstance(error, SchemaError):
            raise
        raise SchemaError(origin, f"the workbook cannot be read ({type(error).__name__})", SAVE_AGAIN) from None
    if max(map(len, rows), default=0) > MAX_COLUMNS:
        raise SchemaError(origin, f"a row has more than {MAX_COLUMNS:,} cells, the limit of Excel", SAVE_AGAIN)
    if not any(rows):
        name = "the first sheet" if options.sheet is None else f"sheet {options.sheet!r}"
        raise SchemaError(origin, f"{name} is empty", "Put the table there, or name another sheet with --sheet.")
    header = find_header(rows, options, origin)
    # Codes of characters that XML cannot hold, such as _x000D_ for a carriage return, are replaced.
    names = [unescape(str(name)) if name is not None else "" for name in rows[header]]
    cells = [
        [*(unescape(cell) if isinstance(cell, str) else cell for cell in row), *[None] * (len(names) - len(row))][
            : len(names)
        ]
        for row in rows[header + 1 :]
        if row
    ]
    frame = pd.DataFrame(cells, columns=range(len(names)), dtype=object).set_axis(names, axis=1)
    kept = frame.loc[:, [name != "" for name in names]]
    if repeated:
        notes += (tr("{n:,} rows of the workbook have the number of an earlier row or less: not read", n=repeated),)
    return LoadedTable(kept, header=True, notes=(*notes, *header_note(header)))


def _read_sheet(stream: IO[bytes], name: str | None, origin: str) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """Return the rows of a sheet, blank ones without cells, and notes."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # warnings about styles and links, which are not read
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if name is not None and name not in sheets:
            fix = f"The sheets are {', '.join(map(repr, sheets))}: name one of them with --sheet."
            raise SchemaError(origin, f"there is no sheet {name!r}", fix)
        sheet = book.worksheets[0] if name is None else sheets[name]
        sheet.reset_dimensions()  # the size that a sheet states may be wrong
        given = sheet.iter_rows(max_row=MAX_ROWS, values_only=True)
        rows = [row if any(cell is not None for cell in row) else () for row in given]
        if name is not None or len(sheets) == 1:
            return rows, ()
        others = ", ".join(map(repr, [*sheets][1 : MAX_SHEETS + 1]))
        note = tr("read the first of {n} sheets, the others are {others}", n=len(sheets), others=others)
        return rows, (note,)


def _check_row_numbers(stream: IO[bytes], origin: str) -> int:
    """Return how many rows openpyxl leaves out, since their numbers do not increase."""
    repeated = 0
    with zipfile.ZipFile(stream) as archive:
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/"):
                continue
            with archive.open(name) as sheet:
                rest, highest = b"", 0
                while part := sheet.read(CHUNK):
                    part = rest + part
                    end = part.rfind(b"<")  # of a tag that may be split between chunks
                    for number in ROW_NUMBER.findall(part[:end]):
                        if not _is_row_number(number):
                            problem = f"a row has a number that is not from 1 to {MAX_ROWS:,}, the limit of Excel"
                            raise SchemaError(origin, problem, SAVE_AGAIN)
                        repeated += int(number) <= highest
                        highest = max(highest, int(number))
                    rest = part[end:]
    return repeated


def _is_row_number(number: bytes) -> bool:
    return number.isdigit() and len(number) <= 7 and 1 <= int(number) <= MAX_ROWS


BROKEN_LINE: Final = "the line is not a JSON object in UTF-8"
BROKEN_ITEM: Final = "the item is not a JSON object"
MAX_DEPTH: Final = 8
MAX_NAMES: Final = 100
"""An object with more names in a column is not a row of a table, but a mapping."""


def load_json_lines(file: Path, options: ReadOptions, origin: str) -> LoadedTable:
    """Read a file with one JSON object per line."""
    notes: tuple[str, ...] = ()
    data = read_content(file, "JSON Lines", origin)
    if options.encoding is not None:
        data, _, notes = to_utf8(data, options, origin)
    lines = [line for line in io.BytesIO(data) if line.strip()]
    return _table([_record(line) for line in lines], BROKEN_LINE, notes, origin)


def load_json(file: Path, options: ReadOptions, origin: str) -> LoadedTable:
    """Read a file with one JSON array of objects, or with one object per line."""
    head = file.read_bytes()[:4096].removeprefix(BOM).lstrip()
    if not head.startswith(b"["):
        return load_json_lines(file, options, origin)
    data, _, notes = to_utf8(read_content(file, "one JSON array", origin), options, origin)
    try:
        items = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise SchemaError(origin, "the file is not a JSON array", "It may be cut short: write it again.") from None
    return _table([item if _is_object(item) else None for item in items], BROKEN_ITEM, notes, origin)


def _table(records: list[JsonObject | None], problem: str, notes: tuple[str, ...], origin: str) -> LoadedTable:
    broken = {position: problem for position, record in enumerate(records) if record is None}
    if len(broken) == len(records):
        kind = "line" if problem == BROKEN_LINE else "item"
        raise SchemaError(origin, f"no {kind} is a JSON object in UTF-8", f"Write one object per {kind}.")
    given = pd.DataFrame([record or {} for record in records], dtype=object)
    frame = _flatten(given)
    inner = frozenset(map(str, frame.columns.difference(given.columns)))
    return LoadedTable(frame, broken, header=True, inner=inner, notes=notes)


def _flatten(frame: pd.DataFrame, depth: int = 1) -> pd.DataFrame:
    """Replace columns of objects by columns of their values, such as ``from.name``.

    Lists stay, and so do columns with other values beside objects, objects whose many names are data, and deep ones.
    """
    names = list(frame.columns)
    inner = {place: _values_of(frame.iloc[:, place]) for place in range(len(names))}
    if depth > MAX_DEPTH or not any(values is not None for values in inner.values()):
        return frame
    parts = [
        frame.iloc[:, [place]] if values is None else _flatten(values, depth + 1).add_prefix(f"{names[place]}.")
        for place, values in inner.items()
    ]
    return pd.concat(parts, axis=1)


def _values_of(cells: "pd.Series[Any]") -> pd.DataFrame | None:
    """Return the values of a column of objects as columns; None if it is not one."""
    types = set(map(type, cells))
    floats = (cell for cell in cells if isinstance(cell, float))  # NaN is a missing object
    if dict not in types or not types <= {dict, float, type(None)} or any(cell == cell for cell in floats):
        return None
    objects = [cell if isinstance(cell, dict) else {} for cell in cells]
    names: set[str] = set().union(*objects)
    is_row = 0 < len(names) <= MAX_NAMES and not has_surrogate("".join(names))
    return pd.DataFrame(objects, index=cells.index, dtype=object) if is_row else None


def _record(line: bytes) -> JsonObject | None:
    try:
        record = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    # Only an escape sequence can give a name that cannot be encoded.
    return record if isinstance(record, dict) and (b"\\u" not in line or _is_object(record)) else None


def _is_object(item: Any) -> bool:
    return isinstance(item, dict) and not has_surrogate("".join(item))


NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
"""The name of a folder for a missing value, as Spark and Hive write it."""


def load_parquet(file: Path, _: ReadOptions, origin: str) -> LoadedTable:
    """Read a Parquet file."""
    with open_parquet(file, origin) as opened:
        return load_parquet_batch(opened.read(), origin)


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
