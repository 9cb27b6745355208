"""Reading an input table from a file or a frame, with every cell checked.

Good rows come out in canonical types. Every other row is rejected with a reason: rows in = good + rejected.
A problem with the whole table (a missing column, an unreadable file, too few good rows) raises a `SchemaError`.
No error, note or reason holds the contents of a cell.

Examples
--------
>>> frame = pd.DataFrame({"message_id": [1, 2], "text": ["hello", " "], "sent_at": ["2024-05-01", None]})
>>> checked = read_table(frame, "messages")
>>> checked.good["message_id"].tolist()
['1']
>>> checked.rejected[["row", "column", "reason"]].values.tolist()
[[1, 'text', 'no text']]
>>> checked.notes
('sent_at has no time zone: taken as UTC',)
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .checks import check, require_columns
from .column_names import rename_columns
from .formats.delimited import load_delimited, load_names
from .formats.files import reader_of, save
from .formats.loaded import LoadedTable, ReadOptions
from .formats.parquet import load_parquet, open_parquet
from .formats.signatures import check_exists
from .schema import TABLES, TableSchema
from .source import Source, as_input, local_file, origin_of

__all__ = ["CheckedTable", "Source", "check_header", "check_table", "read_table", "write_rejected"]


@dataclass(frozen=True, eq=False)
class CheckedTable:
    """A table after its check: ``len(good) + len(rejected)`` is the number of input rows.

    Parameters
    ----------
    good : DataFrame
        The valid rows in canonical types, in their order, with a fresh index.
    rejected : DataFrame
        ``row`` (position in the input, from 0), ``column`` (empty if no single column is at fault), ``reason``, and the
        input columns; an input column with one of these three names becomes ``input_...``.
    notes : tuple of str
        Assumptions and changes, for the user.
    numbered : bool, default=False
        Whether the table had no ids, so that its rows are numbered. Such numbers do not identify rows of other tables.
    """

    good: pd.DataFrame
    rejected: pd.DataFrame
    notes: tuple[str, ...] = ()
    numbered: bool = False


def read_table(source: Source, table: TableSchema | str, *, require: Iterable[str] = ()) -> CheckedTable:
    """Read a table, and check it.

    Parameters
    ----------
    source : path, frame or InputTable
        A file, a frame, or any other source of `InputTable`.
    table : TableSchema or str
        The expected table, or its name.
    require : iterable of str, default=()
        Further columns that must exist; some of their values may be missing.

    Returns
    -------
    CheckedTable
        Good rows, rejected rows and notes.

    Raises
    ------
    SchemaError
        If the table cannot be read, a column is missing or ambiguous, or too many rows are rejected: more than the
        ``max_rejected`` of its options, or all of them.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": [7.0, None], "label": ["spam", "spam"]})
    >>> read_table(labels, "labels").good
      subject_id label
    0          7  spam
    """
    given = as_input(source)
    expected, origin = _table(table), origin_of(given)
    loaded = rename_columns(given.loaded, expected, given.options, origin)
    checked = check(loaded, expected, origin=origin, require=_names(require), options=given.options)
    return CheckedTable(*checked, numbered=_is_numbered(loaded, expected))


def check_header(source: Source, table: str, *, require: Iterable[str] = ()) -> None:
    """Raise the error of `read_table` for a missing file or column, without reading the rows.

    The columns of Parquet and text files are checked, but not of a text file that is packed or not in UTF-8.

    Parameters
    ----------
    source : path, frame or InputTable
        The table; only a local file is checked.
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
    names = _header_of(file, given.options, origin)
    if names:
        is_text = not file.name.lower().endswith(".parquet")
        loaded = LoadedTable(pd.DataFrame(columns=names, dtype=object), header=is_text)
        loaded = rename_columns(loaded, TABLES[table], given.options, origin)
        require_columns(loaded, TABLES[table], origin, _names(require))


def _header_of(file: Path, options: ReadOptions, origin: str) -> list[str]:
    """Return the columns of a file; none if they are read with the rows only."""
    reader = reader_of(file, origin)
    check_exists(file, origin)
    if reader is load_parquet:
        with open_parquet(file, origin) as opened:
            return [name for name in opened.schema_arrow.names if not name.startswith("__index_level_")]
    is_packed = file.name.lower().endswith((".gz", ".zip"))
    return load_names(file, options, origin) if reader is load_delimited and not is_packed else []


def check_table(
    frame: pd.DataFrame, table: TableSchema | str, *, origin: str = "frame", require: Iterable[str] = ()
) -> CheckedTable:
    """Check a frame against a table, however many of its rows are rejected.

    Parameters
    ----------
    frame : DataFrame
        Rows of any types; not modified.
    table : TableSchema or str
        The expected table, or its name.
    origin : str, default "frame"
        Name of the frame in errors.
    require : iterable of str, default=()
        Further columns that must exist.

    Returns
    -------
    CheckedTable
        Good rows, rejected rows and notes.

    Raises
    ------
    SchemaError
        If a column is missing or ambiguous, or every row is rejected.

    Examples
    --------
    >>> check_table(pd.DataFrame({"message_id": ["a"], "Text": ["hi"]}), "messages")
    Traceback (most recent call last):
    ...
    fraudsieve.exceptions.SchemaError: frame: column 'text' is missing from messages; ...
    """
    loaded, expected = LoadedTable(frame), _table(table)
    options = ReadOptions(max_rejected=1)
    checked = check(loaded, expected, origin=origin, require=_names(require), options=options)
    return CheckedTable(*checked, numbered=_is_numbered(loaded, expected))


def _is_numbered(loaded: LoadedTable, table: TableSchema) -> bool:
    """Return whether a table that passed the check got numbers as ids."""
    return table.numbered is not None and table.numbered not in loaded.frame.columns


def write_rejected(rejected: CheckedTable | pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write rejected rows as Parquet; columns of mixed types become strings.

    Parameters
    ----------
    rejected : CheckedTable or DataFrame
        A checked table, or its rejected rows.
    path : str or path
        The file to write; an existing file is replaced.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> checked = check_table(pd.DataFrame({"message_id": [1, 2], "text": ["hi", 3]}), "messages")
    >>> pd.read_parquet(write_rejected(checked, Path(tempfile.mkdtemp(), "rejected.parquet")))
       row column                         reason  message_id text
    0    1   text  expected a string, got int           2    3
    """
    return save(rejected.rejected if isinstance(rejected, CheckedTable) else rejected, path)


def _table(table: TableSchema | str) -> TableSchema:
    if isinstance(table, TableSchema):
        return table
    if table not in TABLES:
        raise ValueError(f"Expected table as one of {', '.join(TABLES)}, got an unknown name.")
    return TABLES[table]


def _names(require: Iterable[str]) -> tuple[str, ...]:
    return (require,) if isinstance(require, str) else tuple(require)
