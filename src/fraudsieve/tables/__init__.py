"""Input tables of records: their schema, and how files are read and every cell is checked."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .formats.loaded import ReadOptions
    from .reader import CheckedTable, check_table, read_table, write_rejected
    from .schema import ACCOUNTS, EVENTS, LABELS, MESSAGES, TABLES, ColumnSchema, TableSchema
    from .source import InputTable

__all__ = [
    "ACCOUNTS",
    "EVENTS",
    "LABELS",
    "MESSAGES",
    "TABLES",
    "CheckedTable",
    "ColumnSchema",
    "InputTable",
    "ReadOptions",
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
    "InputTable": "source",
    "LABELS": "schema",
    "MESSAGES": "schema",
    "ReadOptions": "formats.loaded",
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
