"""Columns of records from a dict, or from a table of PyArrow, pandas or Polars without importing these libraries."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

import numpy as np

IN_A_DICT = ' Put a text in a dict: {"text": ...}.'

Columns: TypeAlias = Mapping[str, Sequence[Any]]


@runtime_checkable
class Batch(Protocol):
    """A table or a record batch of PyArrow, or an object with the same interface."""

    def to_pydict(self) -> dict[str, list[Any]]:
        """Return the columns."""


def columns_of(batch: Columns | Batch | Any) -> Columns:
    """Return the columns of a batch."""
    if isinstance(batch, Mapping):
        return batch
    names = getattr(batch, "column_names", None)
    if names is None and _has_arrow_interface(batch):
        names = getattr(batch, "columns", None)
    if names is None:
        kind = type(batch).__name__
        raise TypeError(f"Expected columns: a dict of sequences, or an Arrow table or batch, got {kind}.")
    names = [str(name) for name in names]
    if len(set(names)) < len(names):
        raise ValueError(f"Expected one column per name, got {len(names)} columns with {len(set(names))} names.")
    if isinstance(batch, Batch):
        return batch.to_pydict()
    return {name: _cells(batch[name]) for name in names}


def _has_arrow_interface(batch: object) -> bool:
    return hasattr(batch, "__arrow_c_stream__") or hasattr(batch, "__arrow_c_array__")


def _cells(column: Any) -> Sequence[Any]:
    to_list = getattr(column, "to_pylist", None) or getattr(column, "to_list", None)
    if to_list is None:
        raise TypeError(f"Expected columns with to_pylist or to_list, got {type(column).__name__}. Make a table of it.")
    return cast(Sequence[Any], to_list())


def _to_list(column: Any, name: str, n: int | None) -> list[Any]:
    """Return the cells of a column, which must be a sequence of length n."""
    if isinstance(column, str | bytes | Mapping) or not isinstance(column, Iterable):
        raise TypeError(f"Expected a sequence as column {name!r}, got one {type(column).__name__}. Put it in a list.")
    try:
        cells = column.tolist() if isinstance(column, np.ndarray) and column.dtype.kind not in "M" else list(column)
    except TypeError:  # a zero-dimensional array
        raise TypeError(f"Expected a sequence as column {name!r}, got one {type(column).__name__}.") from None
    if not isinstance(cells, list):
        raise TypeError(f"Expected a sequence as column {name!r}, got one {type(column).__name__}.")
    if n is not None and len(cells) != n:
        raise ValueError(f"Expected {n} cells in column {name!r}, as in the others, got {len(cells)}.")
    return cells


def lists_of(columns: Columns, names: Iterable[str]) -> dict[str, list[Any]]:
    """Return the named columns that exist, as lists of equal length."""
    n: int | None = None
    lists: dict[str, list[Any]] = {}
    for name in names:
        if name in columns:
            lists[name] = _to_list(columns[name], name, n)
            n = len(lists[name])
    return lists


def records_of(columns: Columns, names: Sequence[str]) -> list[dict[str, Any]]:
    """Convert columns to records with the named fields that exist."""
    lists = lists_of(columns, names)
    if len(lists) == 1:  # messages without a history
        ((name, cells),) = lists.items()
        return [{name: value} for value in cells]
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def check_records(records: object) -> None:
    """Raise TypeError unless these are a list or a tuple of records."""
    if not isinstance(records, list | tuple):
        hint = " For a table, call score_columns." if hasattr(records, "columns") else ""
        hint = IN_A_DICT if isinstance(records, str) else hint
        raise TypeError(f"Expected a dict or a list of dicts, got {type(records).__name__}.{hint}")
    wrong = next((i for i, record in enumerate(records) if not isinstance(record, Mapping)), None)
    if wrong is not None:
        hint = IN_A_DICT if isinstance(records[wrong], str) else ""
        raise TypeError(f"Expected a dict as record, got {type(records[wrong]).__name__} at position {wrong}.{hint}")
