"""Input tables of records: their schema, and how files are read and every cell is checked."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .formats.loaded import ReadOptions as ReadOptions
    from .reader import CheckedTable as CheckedTable
    from .reader import check_table as check_table
    from .reader import read_table as read_table
    from .reader import write_rejected as write_rejected
    from .schema import ACCOUNTS as ACCOUNTS
    from .schema import EVENTS as EVENTS
    from .schema import LABELS as LABELS
    from .schema import MESSAGES as MESSAGES
    from .schema import TABLES as TABLES
    from .schema import ColumnSchema as ColumnSchema
    from .schema import TableSchema as TableSchema
    from .source import InputTable as InputTable

__getattr__, __dir__, __all__ = attach(__name__, __file__)
