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
    required : bool, default=False
        Whether the column must exist, with a value in every row.
    meaning : str, default=""
        What it says, in words.

    Examples
    --------
    >>> ColumnSchema("text", "text", required=True).required
    True
    """

    name: str
    kind: Kind
    required: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class TableSchema:
    """An input table.

    Parameters
    ----------
    name : str
        Its name.
    columns : tuple of ColumnSchema
        The declared columns. Any further column is kept; one whose name ends in ``_id`` is an id.
    unique : tuple of str, default=()
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
        ColumnSchema("message_id", "id", required=True, meaning="Identifies the message."),
        ColumnSchema("text", "text", required=True, meaning="The text of the message."),
        ColumnSchema("account_id", "id", meaning="The account that sent it."),
        ColumnSchema("recipient_id", "id", meaning="The account that received it."),
        ColumnSchema("sent_at", "time", meaning="When it was sent."),
        ColumnSchema("channel", "category", meaning="How it was sent, such as sms."),
        ColumnSchema("label", "category", meaning="Its class; empty if unknown."),
        ColumnSchema(
            "campaign",
            "category",
            meaning="The campaign that it belongs to; without it, near-duplicates are one campaign.",
        ),
    ),
    unique=("message_id",),
)
"""The table of messages."""
ACCOUNTS: Final = TableSchema(
    "accounts",
    (
        ColumnSchema("account_id", "id", required=True, meaning="Identifies the account."),
        ColumnSchema("created_at", "time", meaning="When the account was opened."),
        ColumnSchema("as_of", "time", meaning="The cutoff time: features use what was known strictly before it."),
        ColumnSchema("label", "category", meaning="Its class; empty if unknown."),
    ),
    unique=("account_id",),
)
"""The table of accounts."""
EVENTS: Final = TableSchema(
    "events",
    (
        ColumnSchema("account_id", "id", required=True, meaning="The account that the event belongs to."),
        ColumnSchema("occurred_at", "time", required=True, meaning="When it took place."),
        ColumnSchema("kind", "category", required=True, meaning="What took place, such as payment."),
        ColumnSchema("event_id", "id", meaning="Identifies the event; an event that is sent again counts once."),
        ColumnSchema("counterparty_id", "id", meaning="The account on the other side."),
        ColumnSchema("amount", "number", meaning="The amount, in any one unit."),
        ColumnSchema("device_id", "id", meaning="The device that was used."),
        ColumnSchema("ip", "id", meaning="The IP address that was used."),
        ColumnSchema("card_id", "id", meaning="The card that was used."),
        ColumnSchema("label", "category", meaning="Its class; empty if unknown."),
        ColumnSchema("labelled_at", "time", meaning="When the label became known."),
    ),
    unique=("event_id",),
)
"""The table of events."""
LABELS: Final = TableSchema(
    "labels",
    (
        ColumnSchema("subject_id", "id", required=True, meaning="The message, account or event that is labelled."),
        ColumnSchema("label", "category", required=True, meaning="Its class."),
        ColumnSchema("labelled_at", "time", meaning="When the label became known."),
        ColumnSchema("source", "category", meaning="Who labelled it, such as user_report."),
    ),
)
"""The table of labels."""
TABLES: Final = {table.name: table for table in (MESSAGES, ACCOUNTS, EVENTS, LABELS)}
"""The four tables, by name."""
