"""Columns in any form: arrays of NumPy, lists, and whatever has ``to_numpy``, such as Arrow, pandas and Polars.

None of these libraries is imported. Needs only NumPy.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.tables.values.reading import read_category, read_id

from .encoded_ids import EncodedIds, Read, encode_dictionary, encode_ids
from .values import Values, read_amounts, read_frauds, read_times

__all__ = ["ColumnTable", "Columns", "is_columns"]

Columns: TypeAlias = Any
"""A mapping of names to columns, or a table with names of columns."""


def is_columns(records: Any, time_field: str) -> bool:
    """Return whether an argument holds columns; otherwise it is one record or a list of records.

    Examples
    --------
    >>> is_columns({"at": ["2026-05-01"]}, "at"), is_columns({"at": "2026-05-01"}, "at"), is_columns([], "at")
    (True, False, False)
    """
    if not isinstance(records, Mapping):
        return hasattr(records, "__getitem__") and (hasattr(records, "column_names") or hasattr(records, "columns"))
    return _is_column(records.get(time_field)) or (bool(records) and all(map(_is_column, records.values())))


def _is_column(values: Any) -> bool:
    is_sized = hasattr(values, "__len__") and not isinstance(values, str | bytes | Mapping)
    return is_sized and getattr(values, "ndim", 1) > 0


class ColumnTable:
    """The columns of a table, each read once; a column that does not exist has missing values only.

    Parameters
    ----------
    columns : mapping of str to column, or table
    lists : tuple of str, default=()
        Columns of lists: each element of a list becomes a row, and so do the other values of its row. A list may be
        missing.

    Raises
    ------
    ValueError
        If the columns differ in length.

    Examples
    --------
    >>> table = ColumnTable({"account_id": ["ann", "bob"], "at": np.array([0, 1])})
    >>> table.n_rows, table.ids("account_id").texts, table.record(1, ("account_id", "amount"))
    (2, ['ann', 'bob'], {'account_id': 'bob', 'amount': None})
    """

    def __init__(self, columns: Columns, lists: tuple[str, ...] = ()) -> None:
        self._columns = columns
        self._names = frozenset(columns if isinstance(columns, Mapping) else _names_of(columns))
        self.n_records = max((len(columns[name]) for name in self._names), default=0)
        for name in sorted(self._names):
            if len(columns[name]) != self.n_records:
                raise ValueError(f"Expected columns of one length, got {self.n_records} values and fewer of {name!r}.")
        self._ids: dict[tuple[str, Read], EncodedIds] = {}
        self._values: dict[str, Values] = {}
        self._amounts: dict[str, tuple[Array, Array]] = {}
        self.owners: Array | None = None
        self._lists = lists
        if lists:
            self._flatten(lists)

    @property
    def n_rows(self) -> int:
        """Number of rows: of records, or of the elements of lists."""
        return self.n_records if self.owners is None else len(self.owners)

    def _flatten(self, lists: tuple[str, ...]) -> None:
        """Encode the columns of lists, of which each row has one."""
        columns = {name: self.values(name) for name in lists}
        sizes = [sum(len(cell) for cell in cells if _is_column(cell)) for cells in zip(*columns.values(), strict=True)]
        self.owners = np.repeat(np.arange(self.n_records), sizes)
        for name, cells in columns.items():
            flat: list[Any] = []
            for cell, size in zip(cells, sizes, strict=True):
                flat += _plain_list(cell) if _is_column(cell) and len(cell) == size else [None] * size
            self._values[name] = flat
            self._ids[name, read_id] = encode_ids(flat)

    def values(self, name: str) -> Values:
        """Return a column as an array or a list."""
        if name not in self._values:
            column = self._columns[name] if name in self._names else [None] * self.n_records
            self._values[name] = _as_values(column)
        return self._values[name]

    def ids(self, name: str) -> EncodedIds:
        """Return a column of ids, row by row."""
        return self._encoded(name, read_id)

    def categories(self, name: str) -> EncodedIds:
        """Return a column of categories, row by row."""
        return self._encoded(name, read_category)

    def _encoded(self, name: str, read: Read) -> EncodedIds:
        if (name, read) not in self._ids:
            known = name in self._names
            nothing = np.full(self.n_records, -1)
            encoded = _encode(self._columns[name], read) if known else encode_dictionary(nothing, [], read)
            self._ids[name, read] = encoded if self.owners is None else encoded.repeat(self.owners)
        return self._ids[name, read]

    def times(self, name: str, zone: str = "UTC") -> tuple[Array, Array]:
        """Return times in microseconds, and which are missing or invalid; strings without a zone are in a given one."""
        return self._by_row(*read_times(self.values(name), zone))

    def amounts(self, name: str) -> tuple[Array, Array]:
        """Return amounts, and which are invalid."""
        if name not in self._amounts:
            missing = np.full(self.n_records, np.nan)
            self._amounts[name] = self._by_row(*read_amounts(self.values(name) if name in self._names else missing))
        return self._amounts[name]

    def frauds(self, name: str) -> tuple[Array, Array]:
        """Return whether labels are fraud, and which are invalid."""
        return self._by_row(*read_frauds(self.values(name)))

    def _by_row(self, values: Array, invalid: Array) -> tuple[Array, Array]:
        return (values, invalid) if self.owners is None else (values[self.owners], invalid[self.owners])

    def record(self, row: int, names: Sequence[str]) -> dict[str, Any]:
        """Return a row as a record."""
        return {name: self._cell(name, row) for name in names}

    def _cell(self, name: str, row: int) -> Any:
        is_own = self.owners is None or name in self._lists
        values = self.values(name)
        cell = values[row if is_own else self.owners[row]]  # type: ignore[index]
        return cell.item() if isinstance(values, np.ndarray) and values.dtype.kind != "M" else cell


def _names_of(table: Any) -> list[str]:
    return list(getattr(table, "column_names", None) or table.columns)


def _as_values(column: Any) -> Values:
    """Return a column as an array, or as a list of Python objects."""
    if not isinstance(column, np.ndarray) and hasattr(column, "to_numpy"):
        try:
            column = column.to_numpy(zero_copy_only=False)  # Arrow
        except TypeError:
            column = column.to_numpy()
    if isinstance(column, np.ndarray) and column.dtype.kind in "iufbM" and column.ndim == 1:
        return column
    return _plain_list(column)


def _plain_list(column: Any) -> list[Any]:
    if isinstance(column, np.ndarray) and column.dtype.kind not in "mM":
        return list(column.tolist())
    return column if isinstance(column, list) else list(column)


def _encode(column: Any, read: Read) -> EncodedIds:
    """Encode a column of ids or categories; Arrow encodes its own strings."""
    if hasattr(column, "dictionary_encode"):
        try:
            encoded = column.dictionary_encode()
            encoded = encoded.combine_chunks() if hasattr(encoded, "combine_chunks") else encoded
            return encode_dictionary(encoded.indices.fill_null(-1).to_numpy(), encoded.dictionary.to_pylist(), read)
        except NotImplementedError:
            return encode_ids(column.to_pylist(), read)
    return encode_ids(_plain_list(_as_values(column)), read)
