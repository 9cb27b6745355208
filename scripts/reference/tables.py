"""The input tables and their columns, from their declarations."""

from fraudsieve.tables.schema import TABLES, ColumnSchema

from .entries import entry, inline, sentence

__all__ = ["input_columns", "tables_page"]

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
            entry("input-column", f"{table.name}.{column.name}", sentence(inline(column.meaning)), _kind(column))
            for column in table.columns
        ]
    return "\n".join(parts)


def _kind(column: ColumnSchema) -> str:
    must_exist = column.required and not column.numbered
    return f"{KINDS[column.kind].capitalize()}, {'required' if must_exist else 'optional'}."
