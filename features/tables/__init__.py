"""Tables of records: their schema, how files are read, and how every cell is checked."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .schema import (
        ACCOUNTS,
        EVENTS,
        LABELS,
        MESSAGES,
        TABLES,
        Checked,
        Table,
        check_table,
        read_table,
        write_rejected,
    )

__all__ = [
    "ACCOUNTS",
    "EVENTS",
    "LABELS",
    "MESSAGES",
    "TABLES",
    "Checked",
    "Table",
    "check_table",
    "read_table",
    "write_rejected",
]

# Imported at first use, as in the package above.
_HOMES = {
    "ACCOUNTS": "schema",
    "Checked": "schema",
    "EVENTS": "schema",
    "LABELS": "schema",
    "MESSAGES": "schema",
    "TABLES": "schema",
    "Table": "schema",
    "check_table": "schema",
    "read_table": "schema",
    "write_rejected": "schema",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
