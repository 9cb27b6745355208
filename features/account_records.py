"""Columns of a DataFrame of records, parsed for `AccountFeatures`: cutoff times and the columns of subjects."""

from collections.abc import Container
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.features.history.columns.table import READ_IT, REMOVE_ROWS
from fraudsieve.features.history.declaration import ONE_KIND
from fraudsieve.features.profile.dates import NEVER
from fraudsieve.features.profile.frames import (
    NOT_PROFILE,
    as_strings,
    number_column,
    required_column,
)
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.schema import is_identifier

from .account_matrix import AccountMatrix

NOT_NUMBERS = NOT_PROFILE | {"amount", "kind", "row"}
MAX_CODES, CODE_ROWS = 100, 10
"""A column of at most this many distinct whole numbers, each of so many rows, holds codes of a type or an office."""


def cutoff_column(records: Container[Any], subject: Subject) -> str | None:
    """Return the column of cutoff times of a table, or None; events prefer ``occurred_at``, accounts ``as_of``."""
    names = ("occurred_at", "as_of") if subject.is_event else ("as_of", "occurred_at")
    return next((name for name in names if name in records), None)


def cutoff_times(records: pd.DataFrame, subject: Subject) -> Array:
    """Return the cutoff times of records as microseconds since 1970."""
    name = cutoff_column(records, subject)
    if name is None:
        raise SchemaError(
            "subjects", "column 'as_of' is missing, and the model was trained with times", "Add the column."
        )
    cutoffs = as_microseconds(records[name])
    if (cutoffs == NEVER).any():
        raise SchemaError("subjects", f"{name!r} is missing in {(cutoffs == NEVER).sum()} rows", REMOVE_ROWS)
    return cutoffs


def as_microseconds(column: pd.Series) -> Array:
    """Return times as microseconds since 1970, `NEVER` if missing; a time without a zone is UTC."""
    read = convert(column.reset_index(drop=True), "time")
    for reason, rows in read.faults.items():
        if rows.any():
            raise ColumnTypeError("subjects", f"{column.name!r}: {reason}", READ_IT)
    return read.column.dt.tz_convert(None).to_numpy("M8[us]").astype(np.int64)


def subject_columns(records: pd.DataFrame, cutoffs: Array, matrix: AccountMatrix) -> dict[str, Any]:
    """Return the columns of subjects that the batch runners need."""
    names = {name for history in matrix.histories for name in history.subjects} | {"account_id"}
    columns: dict[str, Any] = {name: required_column(records, name).to_numpy(object) for name in names}
    columns["as_of"] = cutoffs.astype("M8[us]")
    for name in matrix.custom_amounts:
        columns[name] = number_column(records, name) if name in records else np.full(len(records), np.nan)
    return columns


def number_columns(events: pd.DataFrame) -> tuple[str, ...]:
    """Return the numeric columns of events, other than the amount, that are not identifiers, labels, flags or codes."""
    return tuple(
        str(name)
        for name in events.columns
        if name not in NOT_NUMBERS
        and not is_identifier(str(name))
        and pd.api.types.is_numeric_dtype(events[name])
        and not pd.api.types.is_bool_dtype(events[name])
        and not _are_codes(events[name])
    )


def _are_codes(column: pd.Series) -> bool:
    """Return whether numbers are not amounts: their sums and means over a window say nothing."""
    values = column.dropna().unique()
    are_whole = bool((values == np.floor(values.astype(np.float64))).all())
    return len(values) < 2 or (are_whole and len(values) <= min(MAX_CODES, len(column) / CODE_ROWS))


def frequent_kinds(events: pd.DataFrame, max_kinds: int = 6) -> tuple[str, ...]:
    """Return the kinds with at least 1 % of the events; none if all events have the same kind."""
    shares = as_strings(events["kind"], "category").fillna(ONE_KIND).value_counts(normalize=True)
    kinds = [str(kind) for kind in shares.index[:max_kinds] if shares[kind] >= 0.01]
    return tuple(sorted(kinds)) if len(shares) > 1 else ()
