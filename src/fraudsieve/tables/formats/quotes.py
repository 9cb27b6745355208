"""Cells that contain the rows after them, because a quote is not closed in its row."""

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fraudsieve._translation import tr
from fraudsieve.tables.cells import Mask

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
