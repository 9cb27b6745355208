"""The input tables, declared as data, and the checks on what comes in.

A file or a frame goes in, good rows in canonical types come out, and every other row is set aside with its
reason: rows in = good + rejected, always. What is wrong with the table as a whole (a missing column, an
unreadable file, no good row) is a `SchemaError`. No error, note or reason holds the contents of a cell.

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
from typing import Final, TypeAlias

import pandas as pd

from .checks import check
from .conversion import MAX_TEXT_LENGTH, Kind
from .files import Loaded, load, save

__all__ = [
    "ACCOUNTS",
    "EVENTS",
    "LABELS",
    "MAX_TEXT_LENGTH",
    "MESSAGES",
    "TABLES",
    "Checked",
    "Column",
    "Table",
    "check_table",
    "read_table",
    "write_rejected",
]


@dataclass(frozen=True)
class Column:
    """A column of an input table.

    Parameters
    ----------
    name : str
        Its name.
    kind : {"id", "text", "time", "number", "category"}
        What it holds; `fraudsieve.features.tables.conversion` says what becomes of each kind.
    required : bool, default False
        Whether the column, and a value in every row, must be there.

    Examples
    --------
    >>> Column("text", "text", required=True).required
    True
    """

    name: str
    kind: Kind
    required: bool = False


@dataclass(frozen=True)
class Table:
    """An input table.

    Parameters
    ----------
    name : str
        Its name.
    columns : tuple of Column
        The columns that have a meaning. Any further column is kept; one whose name ends in ``_id`` is an id.
    unique : tuple of str, default ()
        The columns that tell rows apart. Of two good rows alike in them the first stays; a row that lacks one
        of them is like no other.

    Examples
    --------
    >>> MESSAGES.required
    ('message_id', 'text')
    >>> MESSAGES.kind("thread_id"), MESSAGES.kind("length")
    ('id', None)
    """

    name: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)

    def kind(self, name: str) -> Kind | None:
        """Tell what a column of this name holds; None for a further column that may hold anything."""
        further: Kind | None = "id" if name.endswith("_id") else None
        return next((column.kind for column in self.columns if column.name == name), further)


MESSAGES: Final = Table(
    "messages",
    (
        Column("message_id", "id", required=True),
        Column("text", "text", required=True),
        Column("account_id", "id"),
        Column("recipient_id", "id"),
        Column("sent_at", "time"),
        Column("channel", "category"),
        Column("label", "category"),
        Column("campaign", "category"),
    ),
    unique=("message_id",),
)
ACCOUNTS: Final = Table(
    "accounts",
    (
        Column("account_id", "id", required=True),
        Column("created_at", "time"),
        Column("as_of", "time"),
        Column("label", "category"),
    ),
    unique=("account_id",),
)
EVENTS: Final = Table(
    "events",
    (
        Column("account_id", "id", required=True),
        Column("occurred_at", "time", required=True),
        Column("kind", "category", required=True),
        Column("event_id", "id"),
        Column("counterparty_id", "id"),
        Column("amount", "number"),
        Column("device_id", "id"),
        Column("ip", "id"),
        Column("card_id", "id"),
        Column("label", "category"),
        Column("labelled_at", "time"),
    ),
    unique=("event_id",),
)
LABELS: Final = Table(
    "labels",
    (
        Column("subject_id", "id", required=True),
        Column("label", "category", required=True),
        Column("labelled_at", "time"),
        Column("source", "category"),
    ),
)
TABLES: Final = {table.name: table for table in (MESSAGES, ACCOUNTS, EVENTS, LABELS)}


@dataclass(frozen=True, eq=False)
class Checked:
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


def read_table(source: Source, table: Table | str, *, require: Iterable[str] = ()) -> Checked:
    """Read a table from a file or a frame, and check it.

    Parameters
    ----------
    source : path or DataFrame
        Parquet, CSV or JSON Lines (the last two may be gzipped; the ending tells), or a frame.
    table : Table or str
        The table that is expected, or its name.
    require : iterable of str, default ()
        Further columns that this call needs. They must be there; single values may still be missing.

    Returns
    -------
    Checked
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
    return Checked(*check(load(source), expected, origin=os.fspath(source), require=_names(require)))


def check_table(
    frame: pd.DataFrame, table: Table | str, *, origin: str = "frame", require: Iterable[str] = ()
) -> Checked:
    """Check a frame against a table.

    Parameters
    ----------
    frame : DataFrame
        Rows in any types; it is left as it is.
    table : Table or str
        The table that is expected, or its name.
    origin : str, default "frame"
        What errors call the frame.
    require : iterable of str, default ()
        Further columns that must be there.

    Returns
    -------
    Checked
        Good rows, rejected rows and notes.

    Raises
    ------
    SchemaError
        If a column is missing or ambiguous, or no row is good.

    Examples
    --------
    >>> check_table(pd.DataFrame({"message_id": ["a"], "Text": ["hi"]}), MESSAGES)
    Traceback (most recent call last):
    ...
    fraudsieve.exceptions.SchemaError: frame: column 'text' is missing from messages; ...
    """
    return Checked(*check(Loaded(frame), _table(table), origin=origin, require=_names(require)))


def write_rejected(rejected: Checked | pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write rejected rows as Parquet, whatever their cells hold: columns of mixed types become strings.

    Parameters
    ----------
    rejected : Checked or DataFrame
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
    >>> checked = check_table(pd.DataFrame({"message_id": [1, 2], "text": ["hi", 3]}), MESSAGES)
    >>> pd.read_parquet(write_rejected(checked, Path(tempfile.mkdtemp(), "rejected.parquet")))
       row column                         reason  message_id text
    0    1   text  int is no text: give a string           2    3
    """
    return save(rejected.rejected if isinstance(rejected, Checked) else rejected, path)


def _table(table: Table | str) -> Table:
    if isinstance(table, Table):
        return table
    if table not in TABLES:
        raise ValueError(f"table: one of {', '.join(TABLES)} was expected, an unknown name came")
    return TABLES[table]


def _names(require: Iterable[str]) -> tuple[str, ...]:
    return (require,) if isinstance(require, str) else tuple(require)
