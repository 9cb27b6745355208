"""Input tables of records: their schema, and how files are read and every cell is checked."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .reader import CheckedTable, check_table, read_table, write_rejected
    from .schema import ACCOUNTS, EVENTS, LABELS, MESSAGES, TABLES, ColumnSchema, TableSchema

__all__ = [
    "ACCOUNTS",
    "EVENTS",
    "LABELS",
    "MESSAGES",
    "TABLES",
    "CheckedTable",
    "ColumnSchema",
    "TableSchema",
    "check_table",
    "read_table",
    "write_rejected",
]

# Imported at first use, as in the package above.
_HOMES = {
    "ACCOUNTS": "schema",
    "CheckedTable": "reader",
    "ColumnSchema": "schema",
    "EVENTS": "schema",
    "LABELS": "schema",
    "MESSAGES": "schema",
    "TABLES": "schema",
    "TableSchema": "schema",
    "check_table": "reader",
    "read_table": "reader",
    "write_rejected": "reader",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
