"""Text with a separator between columns: CSV and its variants."""

import csv
import io
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING, Mask
from fraudsieve.tables.column_names import find_header, has_known_name, header_note

from .encoding import BOM, check_format, read_content, to_utf8
from .loaded import LoadedTable, ReadOptions

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
    data, notes = to_utf8(read_content(file, "CSV", origin), options.encoding, origin)
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
    return LoadedTable(frame, broken, printed=True, header=True, notes=(*notes, *found, *quoting))


def load_names(file: Path, options: ReadOptions, origin: str) -> list[str]:
    """Read the names of the columns alone; none if other bytes of the file decide how they are read."""
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
        return []
    separator, _, start = _find_header(head, file, options, origin)
    return [name for name in _header(head[start:], separator, origin) if name]


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
