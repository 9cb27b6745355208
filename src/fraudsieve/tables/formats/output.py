"""Files of tables that people and programs open: Parquet, CSV, workbooks or JSON Lines, by the extension.

A file is written from a finished Parquet file, in batches. Parquet, CSV and JSON Lines are exact. CSV and workbooks are
written for a spreadsheet program, which runs no cell of them as a formula.
"""

import csv
import json
import math
import os
import re
import tempfile
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from fraudsieve._io import PRIVATE, replace_file, replacing
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING, Cells, match_pattern

from .files import MAX_ROWS, save

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
        whole = _NOT_IN_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", value)
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


ENDINGS: Final = (".parquet", ".csv", ".xlsx", ".jsonl", ".ndjson")
PUBLIC: Final = 0o644
BYTE_ORDER_MARK: Final = "\ufeff".encode()
FORMULA: Final = r"^[=@＝＠\t\r\n]|^[+\-＋－][\d ().,/-]*[^\d ().,/-]"
"""The beginning of a cell that a spreadsheet program may run. Numbers and telephone numbers are not among them."""


def check_output_format(output: Path) -> None:
    """Check that the extension of an output names a format."""
    if output.suffix.lower() not in ENDINGS:
        problem = f"expected a file to write ending in {', '.join(ENDINGS)}, got {output.suffix or 'no extension'!r}"
        raise SchemaError(os.fspath(output), problem, "The extension sets the format: choose one of these.")


def check_output_rows(output: Path, rows: int) -> None:
    """Check that an output can hold a number of rows, as a workbook does up to the limit of Excel."""
    if output.suffix.lower() == ".xlsx" and rows >= MAX_ROWS:
        problem = f"expected at most {MAX_ROWS - 1:,} rows, the limit of Excel, got {rows:,}"
        raise SchemaError(os.fspath(output), problem, "Write .csv or .parquet.")


def write_frame(frame: pd.DataFrame, output: Path, *, exact: Collection[str] = ()) -> tuple[str, ...]:
    """Write a frame of any cells, as `publish` does; only the owner can read the file."""
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as staging:
        return publish(save(frame, Path(staging, "rows")), output, private=True, exact=exact)


def publish(
    table: Path,
    output: Path,
    *,
    private: bool = False,
    exact: Collection[str] = (),
) -> tuple[str, ...]:
    """Move a finished Parquet file to its place, atomically, in the format of the output, and return notes.

    Columns of CSV in `exact` are written as they are, also where a cell looks like a formula.
    """
    suffix = output.suffix.lower()
    if suffix == ".parquet":
        replace_file(table, output, mode=PRIVATE if private else None)
        return ()
    with pyarrow.parquet.ParquetFile(table) as file, replacing(output, mode=PRIVATE if private else PUBLIC) as stream:
        if suffix == ".xlsx":
            check_output_rows(output, file.metadata.num_rows)
            return write_workbook(file, stream)
        if suffix == ".csv" and not _is_ascii(file):
            stream.write(BYTE_ORDER_MARK)  # without it, Excel reads another encoding
        for position, batch in enumerate(file.iter_batches()):
            is_csv = suffix == ".csv"
            stream.write(_to_csv(batch, exact, header=position == 0) if is_csv else _to_json_lines(batch))
    return ()


def _is_ascii(file: pyarrow.parquet.ParquetFile) -> bool:
    """Return whether all names and all text of a file are ASCII."""
    texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
    columns = (column for batch in file.iter_batches(columns=texts) for column in batch.columns) if texts else ()
    names = pa.array(file.schema_arrow.names, pa.string())
    return all(pc.all(pc.string_is_ascii(column)).as_py() is not False for column in (names, *columns))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _to_csv(batch: pa.RecordBatch, exact: Collection[str], *, header: bool) -> bytes:
    frame: pd.DataFrame = batch.to_pandas(integer_object_nulls=True)
    texts = [field.name for field in batch.schema if _is_text(field.type) and field.name not in exact]
    frame = frame.assign(**{name: _without_formulas(frame[name]) for name in texts})
    names = _without_formulas(pd.Series(frame.columns, dtype=STRING))
    cells = [names, *(frame[field.name] for field in batch.schema if _is_text(field.type))]
    # The csv module quotes a line feed, but not a carriage return, which ends a line for other readers.
    breaks = any(match_pattern(texts, r"\r").any() for texts in cells)
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if breaks else csv.QUOTE_MINIMAL
    frame = frame.set_axis(names, axis=1)
    written = frame.to_csv(index=False, header=header, quoting=quoting, date_format="%Y-%m-%dT%H:%M:%S.%f%z")
    return str(written).encode()


def _without_formulas(cells: Cells) -> Cells:
    """Put an apostrophe before each cell that a spreadsheet program may run as a formula."""
    return cells.mask(match_pattern(cells, FORMULA), "'" + cells)


def _to_json_lines(batch: pa.RecordBatch) -> bytes:
    # pandas.DataFrame.to_json rounds numbers; these are equal to those of Parquet to the last bit.
    lines = (json.dumps(_plain(record), ensure_ascii=False, default=datetime.isoformat) for record in batch.to_pylist())
    return "".join(f"{line}\n" for line in lines).encode()


def _plain(record: JsonObject) -> JsonObject:
    """Return a record with None for NaN and infinite numbers, which JSON does not have."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in record.items()
    }
