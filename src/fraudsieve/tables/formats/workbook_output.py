"""Workbooks of Excel, written from a Parquet file: one sheet, with numbers, times and text as typed cells."""

import re
from collections.abc import Callable
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet

MAX_CHARACTERS: Final = 32_767
"""The limit of a cell of Excel, in units of UTF-16."""
MAX_DIGITS: Final = 15
"""Excel rounds numbers with more digits."""
FIRST_YEAR: Final = 1900
"""Excel has no earlier times."""
_NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""Characters that XML cannot hold, and the beginning of what Excel would read as the code of one."""
_NOT_TEXT: Final = ("=", "#")
"""The beginnings of text that openpyxl would write as a formula or as an error."""


def write_workbook(file: pyarrow.parquet.ParquetFile, stream: IO[bytes]) -> tuple[str, ...]:
    """Write the rows of a Parquet file as a workbook; return notes for the user.

    Times are those of UTC, since Excel has no time zones. Infinite numbers, whole numbers with more digits than Excel
    has, and times before it begins are text.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Rows")
    sheet.freeze_panes = "A2"
    cut = 0

    def cell(value: Any) -> Any:
        nonlocal cut
        if not isinstance(value, str):
            return value
        whole = _escape(value)
        text = _cut(whole)
        cut += len(text) < len(whole)
        if not text.startswith(_NOT_TEXT):
            return text
        literal = WriteOnlyCell(sheet, text)
        literal.data_type, literal.quotePrefix = "s", True  # stays text when a person edits it
        return literal

    sheet.append([cell(name) for name in file.schema_arrow.names])
    for batch in file.iter_batches():
        columns = [map(_converter(column.type), _values(column)) for column in batch.columns]
        for row in zip(*columns, strict=True):
            sheet.append([cell(value) for value in row])
    book.save(stream)
    return (f"{cut:,} cells are cut at {MAX_CHARACTERS:,} characters, the limit of Excel",) if cut else ()


def _escape(text: str) -> str:
    r"""Return text with codes for the characters that XML cannot hold."""
    return _NOT_IN_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def _cut(text: str) -> str:
    """Return text up to the limit of a cell."""
    if 2 * len(text) <= MAX_CHARACTERS:
        return text
    units = text.encode("utf-16-le")
    return units[: 2 * MAX_CHARACTERS].decode("utf-16-le", "ignore")


def _values(column: pa.Array) -> list[Any]:
    """Return the values of a column; times without a zone, in milliseconds, as Excel has them."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.timestamp("ms"))
    return list(column.to_pylist())


def _converter(kind: pa.DataType) -> Callable[[Any], Any]:
    if pa.types.is_floating(kind):
        return _number
    if pa.types.is_integer(kind):
        return _whole_number
    return _time if pa.types.is_temporal(kind) else lambda value: value


def _number(value: float | None) -> float | str | None:
    if value is None or value != value:
        return None
    return value if abs(value) != float("inf") else str(value)


def _whole_number(value: int | None) -> int | str | None:
    return value if value is None or abs(value) < 10**MAX_DIGITS else str(value)


def _time(value: Any) -> Any:
    return value if value is None or value.year >= FIRST_YEAR else value.isoformat()
