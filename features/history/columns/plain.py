"""Columns in any form as arrays of Arrow or NumPy, or lists. No library of tables is imported. Needs only NumPy."""

from contextlib import suppress
from typing import Any

import numpy as np

__all__ = ["arrow_type", "plain_column", "plain_list", "plain_values"]


def plain_column(column: Any) -> Any:
    """Return a column as an array of Arrow, an array of numbers or times, or a list.

    Examples
    --------
    >>> plain_column(np.array(["ann", "bob"])), plain_column((1, 2)), plain_column(np.array([1.5]))
    (['ann', 'bob'], [1, 2], array([1.5]))
    """
    column = _as_arrow(column)
    if arrow_type(column):
        return _in_one_chunk(column)
    if not isinstance(column, np.ndarray) and hasattr(column, "to_numpy"):
        dtype = getattr(column, "dtype", None)
        column = (
            column.to_numpy() if getattr(dtype, "tz", None) is None else column.to_numpy(f"M8[{dtype.unit}]")
        )  # UTC
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
    if isinstance(column, np.ndarray) and column.dtype.kind not in "mM":
        return list(column.tolist())
    return column if isinstance(column, list) else list(column)
