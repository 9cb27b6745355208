"""The columns of a table from a user, in any form: arrays of NumPy, lists, and those of Arrow, pandas and Polars.

Batches raise an error if a value is invalid, and live states reject its row. Needs only NumPy and Numba.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Final, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import ColumnTypeError, RejectedRecordError, SchemaError
from fraudsieve.features.history.declaration import ONE_KIND
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.reader import CAMPAIGN
from fraudsieve.features.history.records import record_time
from fraudsieve.tables.limits import MAX_AMOUNT
from fraudsieve.tables.values.moments import OUTSIDE
from fraudsieve.tables.values.reading import (
    NOT_A_LABEL,
    TOO_LARGE,
    read_category,
    read_id,
    read_is_fraud,
    read_number,
)

from .encoded_ids import (
    EncodedIds,
    Read,
    Values,
    combine_codes,
    encode_ids,
    first_rows,
    plain_list,
    plain_values,
    read_amounts,
    read_frauds,
    read_times,
)

Columns: TypeAlias = Any
"""A mapping of names to columns, or a table with names of columns."""

READ_IT: Final = "Read the table with read_table."
REMOVE_ROWS: Final = "Remove these rows, or read the table with read_table."
OF_ROWS: Final = {
    "": (" is missing in {} rows", REMOVE_ROWS),
    TOO_LARGE: (f" is beyond {MAX_AMOUNT:.0e} or infinite in {{}} rows", REMOVE_ROWS),
    OUTSIDE: (f": {OUTSIDE}", READ_IT),
    NOT_A_LABEL: (f": {NOT_A_LABEL} in {{}} rows", "Remove these rows, or correct them."),
}
"""The reasons that concern some rows of a column, and not its type, in the words of errors."""


@cache
def _read_times_in(zone: str) -> Callable[[Values], tuple[Array, Array]]:
    return partial(read_times, zone=zone)


def is_columns(records: Any, time_field: str) -> bool:
    """Return whether an argument holds columns; otherwise it is one record or a list of records."""
    if not isinstance(records, Mapping):
        return hasattr(records, "__getitem__") and (hasattr(records, "column_names") or hasattr(records, "columns"))
    return _is_column(records.get(time_field)) or (bool(records) and all(map(_is_column, records.values())))


def _is_column(values: Any) -> bool:
    is_sized = hasattr(values, "__len__") and not isinstance(values, str | bytes | Mapping)
    return is_sized and getattr(values, "ndim", 1) > 0


class ColumnTable:
    """The columns of a table, each read once."""

    def __init__(
        self, columns: Columns, lists: tuple[str, ...] = (), *, name: str = "", owners: Array | None = None
    ) -> None:
        self.name, self.owners = name, owners
        self._columns, self._lists = columns, lists
        names = columns if isinstance(columns, Mapping) else getattr(columns, "column_names", None) or columns.columns
        self._names = dict.fromkeys(names)
        self.n_records = max((len(columns[name]) for name in self._names), default=0)
        for column in self._names:
            if len(columns[column]) != self.n_records:
                problem = f"Expected columns of one length, got {self.n_records} values and fewer of {column!r}."
                raise ValueError(problem)
        self._ids: dict[tuple[str, Read], EncodedIds] = {}
        self._values: dict[str, Values] = {}
        self._found: dict[tuple[str, Callable[..., Any]], tuple[Array, Array]] = {}
        if lists:
            self._flatten(lists)

    def __contains__(self, name: str) -> bool:
        return name in self._names

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
                flat += plain_list(cell) if _is_column(cell) and len(cell) == size else [None] * size
            self._values[name] = flat
            self._ids[name, read_id] = encode_ids(flat, read_id)

    def without_repeats(self, column: str = "event_id", *, are_labels: bool = False) -> "ColumnTable":
        """Return the table with only the first of the rows that share an id, unless they are bands of messages."""
        if column not in self or any(name in self for name in CAMPAIGN):
            return self
        codes, n_codes = self.ids(column).codes, self.ids(column).n_codes
        for values, _ in (self.times("labelled_at"), self.frauds("is_fraud")) if are_labels else ():
            codes, n_codes = combine_codes(codes, *code_numbers(values.astype(np.uint64)))
        if n_codes == np.count_nonzero(codes >= 0):
            return self
        counts = codes < 0
        counts[first_rows(codes)] = True
        return ColumnTable(self._columns, name=self.name, owners=np.flatnonzero(counts))

    def select(self, rows: Array) -> "ColumnTable":
        """Return some rows, without a name: columns that do not exist have missing values."""
        return ColumnTable(self._columns, owners=rows if self.owners is None else self.owners[rows])

    def _column(self, name: str) -> Any:
        if name in self._names:
            return self._columns[name]
        if self.name and name != "kind":  # events need none
            fix = "Add the column, or remove the measures that need it."
            raise SchemaError(self.name, f"column {name!r} is missing", fix)
        return np.full(self.n_records, np.nan)

    def values(self, name: str) -> Values:
        """Return the column of records as an array or a list."""
        if name not in self._values:
            self._values[name] = plain_values(self._column(name))
        return self._values[name]

    def ids(self, name: str) -> EncodedIds:
        """Return a column of ids, row by row."""
        return self._encoded(name, read_id)

    def categories(self, name: str) -> EncodedIds:
        """Return a column of categories, row by row."""
        return self._encoded(name, read_category)

    def _encoded(self, name: str, read: Read) -> EncodedIds:
        if (name, read) not in self._ids:
            encoded = encode_ids(self._column(name), read)
            self._ids[name, read] = encoded if self.owners is None else encoded.repeat(self.owners)
            self._check(name, self._ids[name, read].is_invalid, read)
        return self._ids[name, read]

    def times(self, name: str, zone: str = "UTC") -> tuple[Array, Array]:
        """Return times in microseconds, and which are missing or invalid; strings without a zone are in a given one."""
        return self._read(name, _read_times_in(zone), partial(record_time, field="", zone=zone))

    def amounts(self, name: str) -> tuple[Array, Array]:
        """Return amounts, NaN if missing, and which are invalid."""
        return self._read(name, read_amounts, read_number)

    def frauds(self, name: str) -> tuple[Array, Array]:
        """Return whether labels are fraud, and which are invalid."""
        return self._read(name, read_frauds, read_is_fraud)

    def _read(
        self, name: str, read_column: Callable[[Values], tuple[Array, Array]], read: Callable[[Any], Any]
    ) -> tuple[Array, Array]:
        if (name, read_column) not in self._found:
            values, invalid = read_column(self.values(name))
            found = (values, invalid) if self.owners is None else (values[self.owners], invalid[self.owners])
            self._check(name, found[1], read)
            self._found[name, read_column] = found
        return self._found[name, read_column]

    def _check(self, name: str, invalid: Array, read: Callable[[Any], Any]) -> None:
        """Raise an error if a value is invalid and the table has a name."""
        if not self.name or not invalid.any():
            return
        reasons = [reason_of(read, self._cell(name, row)) for row in np.flatnonzero(invalid).tolist()]
        reason = next(filter(None, reasons), "")
        if reason in OF_ROWS:
            problem, fix = OF_ROWS[reason]
            raise SchemaError(self.name, f"{name!r}{problem.format(reasons.count(reason))}", fix)
        raise ColumnTypeError(self.name, f"{name!r}: {reason}", READ_IT)

    def record(self, row: int, names: Sequence[str]) -> dict[str, Any]:
        """Return a row as a record."""
        return {name: self._cell(name, row) for name in names}

    def _cell(self, name: str, row: int) -> Any:
        is_own = self.owners is None or name in self._lists
        values = self.values(name)
        cell = values[row if is_own else self.owners[row]]  # type: ignore[index]
        return cell.item() if isinstance(values, np.ndarray) and values.dtype.kind != "M" else cell


def kind_numbers(table: ColumnTable, numbers: Mapping[str, int]) -> Array:
    """Return the number of the kind of each event; -1 for another kind. Without one, it is `ONE_KIND`."""
    kinds = table.categories("kind")
    return kinds.by_row(np.array([numbers.get(text, -1) for text in kinds.texts], np.int32), numbers.get(ONE_KIND, -1))


def reason_of(check: Callable[..., Any], *arguments: Any) -> str:
    """Return why a check rejects something; an empty string if it does not."""
    try:
        check(*arguments)
    except RejectedRecordError as error:
        return str(error)
    return ""
