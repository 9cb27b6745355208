"""The row with the names of the columns, in files that people write: a title or blank rows may stand above it."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.column_names import is_known_name

from .loaded import ReadOptions

MAX_ROWS_ABOVE: Final = 20
"""Number of rows after the first in which the header is searched."""


def find_header(rows: Iterable[Iterable[Any]], options: ReadOptions, origin: str) -> int:
    """Return the position of the header among the rows of a file, of which only the first are read.

    It is the row that the options name. Otherwise it is the first row that is not blank, unless that names no known
    column and a later one names two, or one below a title in a single cell.
    """
    filled = ((position, [cell for cell in row if cell not in (None, "")]) for position, row in enumerate(rows))
    if options.header_row is not None:
        return _named_row(filled, options.header_row, origin)
    first, names = next(((position, cells) for position, cells in filled if cells), (0, []))
    if has_known_name(names, options):
        return first
    needed = 1 if len(names) == 1 else 2
    for position, cells in islice(filled, MAX_ROWS_ABOVE):
        are_names = len(cells) > 1 and len(set(map(str, cells))) == len(cells)
        if are_names and sum(has_known_name([cell], options) for cell in cells) >= needed:
            return position
    return first


def _named_row(filled: Iterator[tuple[int, list[Any]]], row: int, origin: str) -> int:
    position, cells = next(islice(filled, row - 1, None), (-1, []))
    if not cells:
        problem = f"--header-row: row {row} is blank, or does not exist"
        raise SchemaError(origin, problem, "Give the row with the names of the columns, counted from 1.")
    return position


def has_known_name(cells: Iterable[Any], options: ReadOptions) -> bool:
    """Return whether a cell is the name of a column that fraudsieve knows, or that the options name."""
    return any(isinstance(cell, str) and (is_known_name(cell) or cell in options.columns.values()) for cell in cells)


def header_note(position: int) -> tuple[str, ...]:
    """Return a note for a header that is not in the first row."""
    if not position:
        return ()
    return (tr("row {row} is the header; if it is not, name another with --header-row", row=position + 1),)
