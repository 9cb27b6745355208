"""Arrays with wording columns, but without the column names by which a classifier would find them."""

from typing import Any
from weakref import WeakValueDictionary

from fraudsieve._typing import Array

_arrays: WeakValueDictionary[int, Array] = WeakValueDictionary()


def remember_unnamed(rows: Array) -> Array:
    """Remember that an array has wording columns, as long as it exists, and return it."""
    _arrays[id(rows)] = rows
    return rows


def is_unnamed(rows: Any) -> bool:
    """Return whether these rows are an array that was remembered."""
    return _arrays.get(id(rows)) is rows
