"""Columns in any form as plain arrays and lists, and their times, amounts and labels with those that are invalid.

Ordinary columns are read at once, and other values one by one by `fraudsieve.tables.values`. No library of tables is
imported. Needs only NumPy.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.records import record_time
from fraudsieve.tables.limits import MAX_AMOUNT
from fraudsieve.tables.values.moments import EARLIEST, TOO_LATE, read_epochs
from fraudsieve.tables.values.reading import read_is_fraud, read_number

Values: TypeAlias = Array | Sequence[Any]

_FIRST, _END = (np.datetime64(microseconds // 10**6, "s") for microseconds in (EARLIEST, TOO_LATE))
_NUMBERS = frozenset({float, int, type(None)})


def plain_column(column: Any) -> Any:
    """Return a column as an array of Arrow, an array of numbers or times, or a list."""
    column = _as_arrow(column)
    if arrow_type(column):
        return _in_one_chunk(column)
    if not isinstance(column, np.ndarray) and hasattr(column, "to_numpy"):
        has_zone = getattr(getattr(column, "dtype", None), "tz", None) is not None
        column = column.to_numpy(f"M8[{column.dtype.unit}]") if has_zone else column.to_numpy()  # in UTC
    if isinstance(column, np.ndarray) and column.dtype.kind in "iufbM" and column.ndim == 1:
        return column
    return plain_list(column)


def _as_arrow(column: Any) -> Any:
    """Return the array of Arrow that a column of pandas has, or the column."""
    with suppress(AttributeError, ImportError):
        return getattr(column, "array", column).__arrow_array__()
    return column


def arrow_type(column: Any) -> str:
    """Return the name of the type of an array of Arrow; an empty string for any other column."""
    return str(column.type) if hasattr(column, "to_pylist") else ""


def _in_one_chunk(array: Any) -> Any:
    if hasattr(array, "chunks"):  # combine_chunks copies
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    try:
        return array.dictionary_decode() if hasattr(array, "dictionary_decode") else array
    except NotImplementedError:
        return array.to_pylist()


def plain_values(column: Any) -> Any:
    """Return a column as an array of numbers or times, or as a list of Python objects."""
    column = plain_column(column)
    return plain_column(column.to_numpy(zero_copy_only=False)) if arrow_type(column) else column


def plain_list(column: Any) -> list[Any]:
    """Return a column as a list."""
    return list(column.tolist() if isinstance(column, np.ndarray) and column.dtype.kind not in "mM" else column)


def read_times(values: Values, zone: str = "UTC") -> tuple[Array, Array]:
    """Return times in microseconds since 1970, and which are missing or invalid; strings may be in a time zone."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        invalid = ~((values >= _FIRST) & (values < _END))  # in seconds: a distant year overflows microseconds
        return np.where(invalid, np.datetime64(0, "s"), values).astype("M8[us]").astype(np.int64), invalid
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        times, units = read_epochs(values.astype(np.float64))
        rest = units < 0
        times[rest], invalid = _one_by_one(values[rest].tolist(), partial(record_time, field=""), np.int64)
        rest[rest] = invalid
        return times, rest
    return _one_by_one(values, partial(record_time, field="", zone=zone), np.int64)


def read_amounts(values: Values) -> tuple[Array, Array]:
    """Return amounts, NaN if missing, and which are invalid."""
    with suppress(OverflowError):
        if values.dtype.kind in "iuf" if isinstance(values, np.ndarray) else _NUMBERS.issuperset(map(type, values)):
            amounts = np.array(values, np.float64)  # None becomes NaN
            amounts[np.isnan(amounts)] = np.nan  # one kind of NaN, whatever its bits are
            return amounts, np.abs(amounts) > MAX_AMOUNT
    return _one_by_one(values, read_number, np.float64)


def read_frauds(values: Values) -> tuple[Array, Array]:
    """Return whether labels are fraud, and which are invalid."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values == 1, (values != 0) & (values != 1)
    return _one_by_one(values, read_is_fraud, np.bool_)


def _one_by_one(values: Values, read: Callable[[Any], Any], dtype: Any) -> tuple[Array, Array]:
    """Read values one by one; a missing one is invalid unless it is read as NaN."""
    found, _ = read_each(values, read)
    invalid = np.array([value is None for value in found], np.bool_)
    return np.array([0 if value is None else value for value in found], dtype), invalid


def read_each(values: Values, read: Callable[[Any], Any]) -> tuple[list[Any], Array]:
    """Read values one by one; return None for those that are missing or rejected, and which are rejected."""
    found, is_rejected = [None] * len(values), np.zeros(len(values), np.bool_)
    for position, value in enumerate(values):
        try:
            found[position] = read(value)
        except RejectedRecordError:
            is_rejected[position] = True
    return found, is_rejected
