"""Files of tables that people and programs open: Parquet, CSV, workbooks or JSON Lines, by the extension.

A file is written from a finished Parquet file, in batches. Parquet, CSV and JSON Lines are exact. CSV and workbooks are
written for a spreadsheet program, which runs no cell of them as a formula.
"""

import csv
import json
import math
import os
import tempfile
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from fraudsieve._io import PRIVATE, replace_file, replacing
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING, Cells, match_pattern

from .files import save
from .workbook import MAX_ROWS
from .workbook_output import write_workbook

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
    lines = (json.dumps(_plain(record), ensure_ascii=False, default=_iso) for record in batch.to_pylist())
    return "".join(f"{line}\n" for line in lines).encode()


def _iso(time: datetime) -> str:
    return time.isoformat()


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with None for NaN and infinite numbers, which JSON does not have."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in record.items()
    }
