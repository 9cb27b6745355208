"""A table from a user, whose columns are checked when they are read, and ids of its columns encoded as integers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fraudsieve._typing import Array
from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.features.history.kernels.ids import code_numbers, code_strings
from fraudsieve.tables.cells import mask_signalling_nan
from fraudsieve.tables.conversion import Kind, convert, convert_numbers
from fraudsieve.tables.formats.loaded import frame_of
from fraudsieve.tables.limits import MAX_AMOUNT
from fraudsieve.tables.values.moments import EARLIEST, OUTSIDE, TOO_LATE

__all__ = ["SourceTable", "TableLike", "code_column", "code_ids", "join_ids"]

TableLike: TypeAlias = pa.Table | pd.DataFrame | Mapping[str, Any]

READ_IT = "Read the table with read_table."
REMOVE_ROWS = "Remove these rows, or read the table with read_table."


@dataclass(frozen=True, eq=False)
class SourceTable:
    """A table whose columns are checked when they are read; errors name it.

    Columns of the types of a checked table are taken as they are. Its strings have no surrounding blanks.

    Parameters
    ----------
    name : str
    columns : pyarrow Table, DataFrame or mapping of str to array
    kept : ndarray of bool, default=None
        The rows to read; None for all.
    """

    name: str
    columns: TableLike
    kept: Array | None = None

    def __getitem__(self, column: str) -> Any:
        cells = self._cells(column)
        if isinstance(cells, pd.Series) and isinstance(cells.dtype, pd.DatetimeTZDtype):
            cells = cells.dt.tz_convert(None)
        try:
            array = cells if isinstance(cells, pa.ChunkedArray | pa.Array) else pa.array(cells, from_pandas=True)
        except (pa.ArrowException, OverflowError):  # their messages contain cell values
            raise ColumnTypeError(self.name, f"{column!r} has values of several types", READ_IT) from None
        if isinstance(array, pa.ChunkedArray):
            # combine_chunks copies
            array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
        array = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        return array if self.kept is None else array.filter(pa.array(self.kept))

    def _cells(self, column: str) -> Any:
        if column not in self:
            fix = "Add the column, or remove the measures that need it."
            raise SchemaError(self.name, f"column {column!r} is missing", fix)
        return self.columns[column]

    def _read(self, column: str, kind: Kind, *usual: Callable[[pa.DataType], bool]) -> Any:
        """Return a column as it is if its type is a usual one; any other is read as in a table that is checked."""
        try:
            array = self[column]
        except ColumnTypeError:  # values of several types
            array = None
        if array is not None and any(is_usual(array.type) for is_usual in usual):
            return array
        cells = self._cells(column)
        if isinstance(cells, pa.Array | pa.ChunkedArray):
            cells = frame_of(pa.table([cells], [column]), self.name)[column]
        cells = mask_signalling_nan(pd.Series(cells).reset_index(drop=True))
        read = convert_numbers(cells, flags=True) if kind == "number" else convert(cells, kind)
        for reason, rows in read.faults.items():
            if rows.any():
                raise ColumnTypeError(self.name, f"{column!r}: {reason}", READ_IT)
        return replace(self, columns={column: read.column})[column]

    def without_repeats(self, column: str = "event_id", *, are_labels: bool = False) -> "SourceTable":
        """Return the table with only the first of the rows that share an id, as in a live state."""
        if column not in self:
            return self
        ids = self.ids(column)
        is_blank = pc.equal(ids, "")
        codes, n_codes = code_column(pc.if_else(is_blank, None, ids) if pc.any(is_blank).as_py() else ids)
        for values in (self.times("labelled_at"), self.amounts("is_fraud") + 0.0) if are_labels else ():
            others, _ = code_numbers(values.view(np.uint64))
            pairs = codes.astype(np.int64) * (len(others) + 1) + others
            codes, n_codes = code_numbers(pairs.astype(np.uint64), codes >= 0)
        if n_codes == np.count_nonzero(codes >= 0):
            return self
        newest = np.maximum.accumulate(codes)  # codes are in the order of first appearance
        return replace(self, kept=(codes < 0) | (codes > np.concatenate([[-1], newest[:-1]])))

    def ids(self, column: str, kind: Kind = "id") -> Any:
        """Return ids or categories as strings."""
        is_string = pa.types.is_string, pa.types.is_large_string
        array = self._read(column, kind, *is_string, pa.types.is_integer, pa.types.is_null)
        return array if any(is_type(array.type) for is_type in is_string) else array.cast(pa.string())

    def __contains__(self, column: str) -> bool:
        return column in (self.columns.column_names if isinstance(self.columns, pa.Table) else list(self.columns))

    def times(self, column: str) -> Array:
        """Return times as microseconds since 1970; a time without a zone is UTC."""
        array = self._read(column, "time", pa.types.is_timestamp)
        if array.null_count:
            raise SchemaError(self.name, f"{column!r} is missing in {array.null_count} rows", REMOVE_ROWS)
        times = np.asarray(array.cast(pa.timestamp("us"), safe=False).cast(pa.int64()))
        if times.size and not EARLIEST <= times.min() <= times.max() < TOO_LATE:
            raise SchemaError(self.name, f"{column!r}: {OUTSIDE}", READ_IT)
        return times

    def amounts(self, column: str) -> Array:
        """Return numbers as float64; NaN if missing."""
        numeric = pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null
        array = self._read(column, "number", *numeric)
        if pa.types.is_boolean(array.type):
            array = array.cast(pa.uint8())
        amounts = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        n_invalid = int((np.abs(amounts) > MAX_AMOUNT).sum())
        if n_invalid:
            problem = f"{column!r} is beyond {MAX_AMOUNT:.0e} or infinite in {n_invalid} rows"
            raise SchemaError(self.name, problem, REMOVE_ROWS)
        return np.asarray(amounts)


def code_ids(columns: Sequence[Any]) -> Array:
    """Encode the ids of several columns as integers, with equal codes for equal ids.

    Parameters
    ----------
    columns : sequence of pyarrow Array
        Columns of strings.

    Returns
    -------
    ndarray of int32, shape (n_rows,)
        Codes of the concatenated columns; -1 if an id is missing.

    Examples
    --------
    >>> code_ids([pa.array(["ann", "bob"]), pa.array(["bob", None])]).tolist()
    [0, 1, 1, -1]
    """
    return code_column(pa.concat_arrays([ids.cast(pa.large_string()) for ids in columns]))[0]


def join_ids(ids: Any, other_ids: Any) -> Any:
    return pa.concat_arrays([ids.cast(pa.large_string()), other_ids.cast(pa.large_string())])


def code_column(ids: Any) -> tuple[Array, int]:
    """Encode strings as integers; -1 if missing."""
    width = np.int64 if pa.types.is_large_string(ids.type) else np.int32
    _, offsets, data = ids.buffers()
    ends = np.zeros(1, width) if not len(ids) else np.frombuffer(offsets, width)[ids.offset :][: len(ids) + 1]
    letters = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    valid = ids.is_valid().to_numpy(zero_copy_only=False) if ids.null_count else None
    return code_strings(ends, letters, valid)
