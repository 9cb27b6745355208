"""The format of a file of scores, by its extension: Parquet, CSV or JSON Lines."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet

from fraudsieve._io import replace_file, replacing
from fraudsieve.exceptions import SchemaError

__all__ = ["check_output_format", "publish"]

ENDINGS: Final = (".parquet", ".csv", ".jsonl", ".ndjson")


def check_output_format(output: Path) -> None:
    """Check that the extension of an output names a format.

    Parameters
    ----------
    output : Path
        File to write.

    Raises
    ------
    SchemaError
        If it does not.

    Examples
    --------
    >>> check_output_format(Path("scores.csv"))
    """
    if output.suffix.lower() not in ENDINGS:
        problem = f"expected a file of scores ending in {', '.join(ENDINGS)}, got {output.suffix or 'no extension'!r}"
        raise SchemaError(os.fspath(output), problem, "The extension sets the format: choose one of these.")


def publish(scores: Path, output: Path) -> None:
    """Move a finished Parquet file of scores to its place, atomically, in the format of the output."""
    if output.suffix.lower() == ".parquet":
        replace_file(scores, output)
        return
    with replacing(output) as stream, pyarrow.parquet.ParquetFile(scores) as file:
        for position, batch in enumerate(file.iter_batches()):
            is_csv = output.suffix.lower() == ".csv"
            stream.write(_to_csv(batch, header=position == 0) if is_csv else _to_json_lines(batch))


def _to_csv(scores: pa.RecordBatch, *, header: bool) -> bytes:
    return str(scores.to_pandas().to_csv(index=False, header=header, date_format="%Y-%m-%dT%H:%M:%S.%f%z")).encode()


def _to_json_lines(scores: pa.RecordBatch) -> bytes:
    # pandas.DataFrame.to_json rounds numbers; these are equal to those of Parquet to the last bit.
    lines = (json.dumps(_plain(record), ensure_ascii=False, default=_iso) for record in scores.to_pylist())
    return "".join(f"{line}\n" for line in lines).encode()


def _iso(time: datetime) -> str:
    return time.isoformat()


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with None for NaN, which JSON does not have."""
    return {name: None if value != value else value for name, value in record.items()}
