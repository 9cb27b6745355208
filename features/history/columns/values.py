"""Columns of times, amounts and labels: each value, and whether it is invalid.

Ordinary columns are read at once, and other values one by one by `fraudsieve.tables.values`. Needs only NumPy.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.records import record_time
from fraudsieve.tables.limits import MAX_AMOUNT
from fraudsieve.tables.values.moments import EARLIEST, TOO_LATE, read_epochs
from fraudsieve.tables.values.reading import read_is_fraud, read_number

__all__ = ["read_amounts", "read_frauds", "read_times"]

Values: TypeAlias = Array | Sequence[Any]

_FIRST, _END = (np.datetime64(microseconds // 10**6, "s") for microseconds in (EARLIEST, TOO_LATE))
_NUMBERS = frozenset({float, int, type(None)})


def read_times(values: Values, zone: str = "UTC") -> tuple[Array, Array]:
    """Return times in microseconds since 1970, and which are missing or invalid; strings may be in a time zone.

    Examples
    --------
    >>> times, invalid = read_times(np.array(["1970-01-02", "NaT"], "M8[s]"))
    >>> times.tolist()[0], invalid.tolist()
    (86400000000, [False, True])
    """
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
    """Return amounts, NaN if missing, and which are invalid.

    Examples
    --------
    >>> amounts, invalid = read_amounts([3, None, "secret"])
    >>> amounts.tolist()[:2], invalid.tolist()
    ([3.0, nan], [False, False, True])
    """
    if not isinstance(values, np.ndarray) and not _NUMBERS.issuperset(map(type, values)):
        return _one_by_one(values, read_number, np.float64)
    if isinstance(values, np.ndarray) and values.dtype.kind not in "iuf":
        return _one_by_one(values.tolist(), read_number, np.float64)
    try:
        amounts = np.array(values, np.float64)  # None becomes NaN
    except OverflowError:
        return _one_by_one(values, read_number, np.float64)
    amounts[np.isnan(amounts)] = np.nan  # one kind of NaN, whatever its bits are
    return amounts, np.abs(amounts) > MAX_AMOUNT


def read_frauds(values: Values) -> tuple[Array, Array]:
    """Return whether labels are fraud, and which are invalid.

    Examples
    --------
    >>> read_frauds([True, 0, "yes"])[1].tolist()
    [False, False, True]
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values == 1, (values != 0) & (values != 1)
    return _one_by_one(values, read_is_fraud, np.bool_)


def _one_by_one(values: Values, read: Callable[[Any], Any], dtype: Any) -> tuple[Array, Array]:
    """Read values one by one; a missing one is invalid unless it is read as NaN."""
    found, invalid = np.zeros(len(values), dtype), np.zeros(len(values), np.bool_)
    for position, value in enumerate(values):
        try:
            one = read(value)
        except RejectedRecordError:
            one = None
        if one is None:
            invalid[position] = True
        else:
            found[position] = one
    return found, invalid
