"""Columns of times, amounts and labels: each value, and whether it is invalid. Needs only NumPy."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.records import parse_amount, parse_is_fraud, parse_time
from fraudsieve.tables.limits import MAX_AMOUNT

__all__ = ["read_amounts", "read_frauds", "read_times"]

Values: TypeAlias = Array | Sequence[Any]

MAX_TIME = np.int64(2**62)
_YEAR_1, _YEAR_9999 = -1969, 8029
_NUMBERS = frozenset({float, int, type(None)})


def read_times(values: Values) -> tuple[Array, Array]:
    """Return times in microseconds since 1970, and which are missing or invalid.

    Parameters
    ----------
    values : ndarray or sequence
        An array of datetime64 or of whole numbers, which are microseconds; or what `parse_time` reads.

    Examples
    --------
    >>> times, invalid = read_times(np.array(["1970-01-02", "NaT"], "M8[s]"))
    >>> times.tolist()[0], invalid.tolist()
    (86400000000, [False, True])
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        beyond = values > MAX_TIME
        values = np.where(beyond, MAX_TIME, values).astype(np.int64).view("M8[us]")
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        years = values.astype("M8[Y]").astype(np.int64)
        invalid = np.isnat(values) | (years < _YEAR_1) | (years > _YEAR_9999)
        return np.where(invalid, np.datetime64(0, "us"), values.astype("M8[us]")).astype(np.int64), invalid
    return _one_by_one(values, lambda value: parse_time(value, "time"), np.int64)


def read_amounts(values: Values) -> tuple[Array, Array]:
    """Return amounts, NaN if missing, and which are invalid.

    Examples
    --------
    >>> amounts, invalid = read_amounts([3, None, "secret"])
    >>> amounts.tolist()[:2], invalid.tolist()
    ([3.0, nan], [False, False, True])
    """
    if not isinstance(values, np.ndarray) and not _NUMBERS.issuperset(map(type, values)):
        return _one_by_one(values, lambda value: parse_amount(value, "amount"), np.float64)
    if isinstance(values, np.ndarray) and values.dtype.kind not in "iuf":
        return _one_by_one(values.tolist(), lambda value: parse_amount(value, "amount"), np.float64)
    try:
        amounts = np.array(values, np.float64)  # None becomes NaN
    except OverflowError:
        return _one_by_one(values, lambda value: parse_amount(value, "amount"), np.float64)
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
    return _one_by_one(values, lambda value: parse_is_fraud({"is_fraud": value}), np.bool_)


def _one_by_one(values: Values, parse: Callable[[Any], Any], dtype: Any) -> tuple[Array, Array]:
    parsed, invalid = np.zeros(len(values), dtype), np.zeros(len(values), np.bool_)
    for position, value in enumerate(values):
        try:
            parsed[position] = parse(value)
        except RejectedRecordError:
            invalid[position] = True
    return parsed, invalid
