"""The columns of a table, read without its rows, so that a wrong path or column is an error before any work."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from .checks import check_columns
from .columns import rename_columns
from .formats.delimited import load_delimited, load_names
from .formats.files import reader_of
from .formats.loaded import LoadedTable, ReadOptions
from .formats.parquet import load_parquet, open_parquet
from .formats.signatures import check_exists
from .schema import TABLES
from .source import Source, as_input, local_file, origin_of

__all__ = ["check_header"]


def check_header(source: Source, table: str, *, require: Iterable[str] = ()) -> None:
    """Raise the error of `read_table` for a missing file or column, without reading the rows.

    The columns of Parquet and text files are checked, but not of a text file that is packed or not in UTF-8.

    Parameters
    ----------
    source : path, frame or InputTable
        The table; nothing is checked of what is not a local file.
    table : str
        Name of the expected table.
    require : iterable of str, default=()
        Further required columns.

    Raises
    ------
    SchemaError
        If the file does not exist or is of another format, or a column is missing.

    Examples
    --------
    >>> check_header("none.csv", "messages")
    Traceback (most recent call last):
    ...
    fraudsieve.exceptions.SchemaError: none.csv: there is no such file. Check the path.
    """
    given, file = as_input(source), local_file(source)
    if file is None:
        return
    origin = origin_of(given)
    names = _names(file, given.options, origin)
    if names:
        is_text = not file.name.lower().endswith(".parquet")
        loaded = LoadedTable(pd.DataFrame(columns=names, dtype=object), printed=is_text)
        loaded = rename_columns(loaded, TABLES[table], given.options, origin)
        check_columns(loaded, TABLES[table], origin, tuple(require))


def _names(file: Path, options: ReadOptions, origin: str) -> list[str]:
    """Return the columns of a file; none if they are read with the rows only."""
    reader = reader_of(file, origin)
    check_exists(file, origin)
    if reader is load_parquet:
        with open_parquet(file, origin) as opened:
            return [name for name in opened.schema_arrow.names if not name.startswith("__index_level_")]
    is_packed = file.name.lower().endswith((".gz", ".zip"))
    return load_names(file, options, origin) if reader is load_delimited and not is_packed else []
