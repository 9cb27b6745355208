"""Workbooks of Excel: one sheet, and the row in it that has the names of the columns."""

import re
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Final

import pandas as pd

from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.column_names import find_header, header_note

from .loaded import LoadedTable, ReadOptions

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
        others = name is None and len(sheets) > 1
        return rows, (tr("read the first of {n} sheets", n=len(sheets)),) if others else ()


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
