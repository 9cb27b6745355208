"""The input tables, declared as data: their columns, what each column holds and which columns are required."""

from dataclasses import dataclass
from typing import Final

from .conversion import Kind

__all__ = ["ACCOUNTS", "EVENTS", "LABELS", "MESSAGES", "TABLES", "ColumnSchema", "TableSchema"]


@dataclass(frozen=True)
class ColumnSchema:
    """A column of an input table.

    Parameters
    ----------
    name : str
        Its name.
    kind : {"id", "text", "time", "number", "category"}
        What it holds; see `fraudsieve.features.tables.conversion`.
    required : bool, default False
        Whether the column must exist, with a value in every row.

    Examples
    --------
    >>> ColumnSchema("text", "text", required=True).required
    True
    """

    name: str
    kind: Kind
    required: bool = False


@dataclass(frozen=True)
class TableSchema:
    """An input table.

    Parameters
    ----------
    name : str
        Its name.
    columns : tuple of ColumnSchema
        The declared columns. Any further column is kept; one whose name ends in ``_id`` is an id.
    unique : tuple of str, default ()
        The columns that identify a row. Of two good rows with the same values the first is kept. A row in which one
        of them is missing is not a duplicate.

    Examples
    --------
    >>> MESSAGES.required
    ('message_id', 'text')
    >>> MESSAGES.kind("thread_id"), MESSAGES.kind("length")
    ('id', None)
    """

    name: str
    columns: tuple[ColumnSchema, ...]
    unique: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)

    def kind(self, name: str) -> Kind | None:
        """Return the kind of a column; None for an undeclared column of any type."""
        further: Kind | None = "id" if name.endswith("_id") else None
        return next((column.kind for column in self.columns if column.name == name), further)


MESSAGES: Final = TableSchema(
    "messages",
    (
        ColumnSchema("message_id", "id", required=True),
        ColumnSchema("text", "text", required=True),
        ColumnSchema("account_id", "id"),
        ColumnSchema("recipient_id", "id"),
        ColumnSchema("sent_at", "time"),
        ColumnSchema("channel", "category"),
        ColumnSchema("label", "category"),
        ColumnSchema("campaign", "category"),
    ),
    unique=("message_id",),
)
"""The table of messages."""
ACCOUNTS: Final = TableSchema(
    "accounts",
    (
        ColumnSchema("account_id", "id", required=True),
        ColumnSchema("created_at", "time"),
        ColumnSchema("as_of", "time"),
        ColumnSchema("label", "category"),
    ),
    unique=("account_id",),
)
"""The table of accounts."""
EVENTS: Final = TableSchema(
    "events",
    (
        ColumnSchema("account_id", "id", required=True),
        ColumnSchema("occurred_at", "time", required=True),
        ColumnSchema("kind", "category", required=True),
        ColumnSchema("event_id", "id"),
        ColumnSchema("counterparty_id", "id"),
        ColumnSchema("amount", "number"),
        ColumnSchema("device_id", "id"),
        ColumnSchema("ip", "id"),
        ColumnSchema("card_id", "id"),
        ColumnSchema("label", "category"),
        ColumnSchema("labelled_at", "time"),
    ),
    unique=("event_id",),
)
"""The table of events."""
LABELS: Final = TableSchema(
    "labels",
    (
        ColumnSchema("subject_id", "id", required=True),
        ColumnSchema("label", "category", required=True),
        ColumnSchema("labelled_at", "time"),
        ColumnSchema("source", "category"),
    ),
)
"""The table of labels."""
TABLES: Final = {table.name: table for table in (MESSAGES, ACCOUNTS, EVENTS, LABELS)}
"""The four tables, by name."""
