"""Reading an input table from a file or a frame, with every cell checked.

Good rows come out in canonical types. Every other row is rejected with a reason: rows in = good + rejected.
A problem with the whole table (a missing column, an unreadable file, no good row) raises a `SchemaError`.
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
from typing import TypeAlias

import pandas as pd

from .checks import check
from .files import LoadedTable, load, save
from .schema import TABLES, TableSchema

__all__ = ["CheckedTable", "Source", "check_table", "read_table", "write_rejected"]


@dataclass(frozen=True, eq=False)
class CheckedTable:
    """What came of a table: ``len(good) + len(rejected)`` is the number of rows that went in.

    Attributes
    ----------
    good : DataFrame
        The good rows in canonical types, in their order, with a fresh index.
    rejected : DataFrame
        ``row`` (position in the input, from 0), ``column`` (empty where no single one is at fault),
        ``reason``, and the columns as they came; one of these three names becomes ``input_...``.
    notes : tuple of str
        What was assumed or changed, for the user.
    """

    good: pd.DataFrame
    rejected: pd.DataFrame
    notes: tuple[str, ...] = ()


Source: TypeAlias = str | os.PathLike[str] | pd.DataFrame


def read_table(source: Source, table: TableSchema | str, *, require: Iterable[str] = ()) -> CheckedTable:
    """Read a table from a file or a frame, and check it.

    Parameters
    ----------
    source : path or DataFrame
        Parquet, CSV or JSON Lines (the last two may be gzipped; the ending tells), or a frame.
    table : TableSchema or str
        The table that is expected, or its name.
    require : iterable of str, default ()
        Further columns that this call needs. They must be there; single values may still be missing.

    Returns
    -------
    CheckedTable
        Good rows, rejected rows and notes.

    Raises
    ------
    SchemaError
        If the file cannot be read, a column is missing or ambiguous, or no row is good.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": [7.0, None], "label": ["spam", "spam"]})
    >>> read_table(labels, "labels").good
      subject_id label
    0          7  spam
    """
    if isinstance(source, pd.DataFrame):
        return check_table(source, table, require=require)
    expected = _table(table)
    return CheckedTable(*check(load(source), expected, origin=os.fspath(source), require=_names(require)))


def check_table(
    frame: pd.DataFrame, table: TableSchema | str, *, origin: str = "frame", require: Iterable[str] = ()
) -> CheckedTable:
    """Check a frame against a table.

    Parameters
    ----------
    frame : DataFrame
        Rows in any types; it is left as it is.
    table : TableSchema or str
        The table that is expected, or its name.
    origin : str, default "frame"
        What errors call the frame.
    require : iterable of str, default ()
        Further columns that must be there.

    Returns
    -------
    CheckedTable
        Good rows, rejected rows and notes.

    Raises
    ------
    SchemaError
        If a column is missing or ambiguous, or no row is good.

    Examples
    --------
    >>> check_table(pd.DataFrame({"message_id": ["a"], "Text": ["hi"]}), "messages")
    Traceback (most recent call last):
    ...
    fraudsieve.exceptions.SchemaError: frame: column 'text' is missing from messages; ...
    """
    return CheckedTable(*check(LoadedTable(frame), _table(table), origin=origin, require=_names(require)))


def write_rejected(rejected: CheckedTable | pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write rejected rows as Parquet, whatever their cells hold: columns of mixed types become strings.

    Parameters
    ----------
    rejected : CheckedTable or DataFrame
        The outcome of a check, or its rejected rows.
    path : str or path
        Where to write; a file that is there is replaced.

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
    0    1   text  int is no text: give a string           2    3
    """
    return save(rejected.rejected if isinstance(rejected, CheckedTable) else rejected, path)


def _table(table: TableSchema | str) -> TableSchema:
    if isinstance(table, TableSchema):
        return table
    if table not in TABLES:
        raise ValueError(f"table: one of {', '.join(TABLES)} was expected, an unknown name came")
    return TABLES[table]


def _names(require: Iterable[str]) -> tuple[str, ...]:
    return (require,) if isinstance(require, str) else tuple(require)
