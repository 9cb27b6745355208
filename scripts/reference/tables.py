"""The input tables and their columns, from their declarations."""

from fraudsieve.features.tables.schema import TABLES, ColumnSchema

from .entries import entry, inline, sentence

__all__ = ["input_columns", "tables_page"]

NUMBERED = ("messages", "message_id")
"""The column that is added to a table without it, so that nobody has to give it."""

KINDS = {"id": "identifier", "text": "text", "time": "time", "number": "number", "category": "category"}


def input_columns() -> list[str]:
    """Return every declared column, as ``table.column``."""
    return [f"{table.name}.{column.name}" for table in TABLES.values() for column in table.columns]


def tables_page() -> str:
    """Return a heading per table, and an entry per column."""
    parts = []
    for table in TABLES.values():
        unique = " and ".join(f"`{name}`" for name in table.unique)
        parts.append(f"## `{table.name}`\n\n{f'Rows are identified by {unique}.' if unique else ''}\n")
        parts += [
            entry("input-column", f"{table.name}.{column.name}", _meaning(column), _kind(table.name, column))
            for column in table.columns
        ]
    return "\n".join(parts)


def _meaning(column: ColumnSchema) -> str:
    return sentence(inline(column.meaning))


def _kind(table: str, column: ColumnSchema) -> str:
    required = column.required and (table, column.name) != NUMBERED
    return f"{KINDS[column.kind].capitalize()}, {'required' if required else 'optional'}."
