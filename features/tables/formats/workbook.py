"""Workbooks of Excel: the first sheet, its first row the names of the columns."""

import zipfile
from pathlib import Path

import pandas as pd

from fraudsieve.exceptions import SchemaError

from .loaded import LoadedTable, ReadOptions

__all__ = ["load_workbook"]


def load_workbook(file: Path, _: ReadOptions, origin: str) -> LoadedTable:
    """Read the first sheet of a workbook; numbers and times keep their types, formulas their last values."""
    import openpyxl  # a tenth of a second, which other files do not need
    from openpyxl.utils.escape import unescape

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        problem = f"the workbook cannot be read ({type(error).__name__})"
        raise SchemaError(origin, problem, "Save it again as .xlsx, without a password.") from None
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # the size that a sheet states may be wrong
        rows = [row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]
        n_sheets = len(book.worksheets)
    finally:
        book.close()
    if not rows:
        raise SchemaError(origin, "the first sheet is empty", "Put the table there, its first row the column names.")
    # Codes of characters that XML cannot hold, such as _x000D_ for a carriage return, are replaced.
    names = [unescape(str(name)) if name is not None else "" for name in rows[0]]
    cells = [
        [*(unescape(cell) if isinstance(cell, str) else cell for cell in row), *[None] * (len(names) - len(row))][
            : len(names)
        ]
        for row in rows[1:]
    ]
    frame = pd.DataFrame(cells, columns=range(len(names)), dtype=object).set_axis(names, axis=1)
    notes = (f"read the first of {n_sheets} sheets",) if n_sheets > 1 else ()
    return LoadedTable(frame.loc[:, [name != "" for name in names]], notes=notes)
