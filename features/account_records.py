"""Columns of a DataFrame of records, parsed for `AccountFeatures`: cutoff times, numbers and categories."""

from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import ColumnTypeError, SchemaError

from .account_matrix import AccountMatrix, Subject

__all__ = [
    "NEVER",
    "NOT_PROFILE",
    "as_microseconds",
    "as_strings",
    "category_column",
    "cutoff_column",
    "cutoff_times",
    "frequent_kinds",
    "number_column",
    "number_columns",
    "required_column",
    "subject_columns",
]


READ_IT = "Read the table with read_table."
REMOVE_ROWS = "Remove these rows, or read the table with read_table."
NEVER = np.iinfo(np.int64).min
NOT_PROFILE = frozenset(
    (
        "account_id",
        "as_of",
        "created_at",
        "label",
        "labelled_at",
        "label_weight",
        "source",
        "event_id",
        "occurred_at",
        "counterparty_id",
        "is_fraud",
    )
)
"""Columns of a record that are not features of its profile."""
NOT_NUMBERS = NOT_PROFILE | {"amount", "kind", "ip", "row"}


def cutoff_column(records: pd.DataFrame, subject: Subject) -> str | None:
    """Return the name of the column of cutoff times, or None; events prefer ``occurred_at``, accounts ``as_of``."""
    names = ("occurred_at", "as_of") if subject == "event" else ("as_of", "occurred_at")
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
    if not pd.api.types.is_datetime64_any_dtype(column):
        if column.isna().all():
            return np.full(len(column), NEVER)
        raise ColumnTypeError("subjects", f"{column.name!r}: expected timestamps, got {column.dtype}", READ_IT)
    naive = column.dt.tz_convert(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column
    return naive.to_numpy("M8[us]").astype(np.int64)


def subject_columns(records: pd.DataFrame, cutoffs: Array, matrix: AccountMatrix) -> dict[str, Any]:
    """Return the columns of subjects that the batch runners need."""
    names = {name for history in matrix.histories for name in history.subjects} | {"account_id"}
    columns: dict[str, Any] = {name: required_column(records, name).to_numpy(object) for name in names}
    columns["as_of"] = cutoffs.astype("M8[us]")
    if matrix.subject == "event":
        for name in dict.fromkeys(view.amount for view in matrix.histories):
            columns[name] = number_column(records, name) if name in records else np.full(len(records), np.nan)
    return columns


def required_column(records: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, or raise an error if it is missing."""
    if name not in records:
        raise SchemaError("subjects", f"column {name!r} is missing", "Add it: the model was trained with it.")
    return records[name]


def number_column(records: pd.DataFrame, name: str) -> Array:
    """Return a column as float64; NaN if a value is missing."""
    column = required_column(records, name)
    if not pd.api.types.is_numeric_dtype(column) and not column.isna().all():
        raise ColumnTypeError("subjects", f"{name!r}: expected numbers, as in training, got {column.dtype}", READ_IT)
    numbers = pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        problem = f"{name!r} is infinite in {np.isinf(numbers).sum()} rows"
        raise SchemaError("subjects", problem, REMOVE_ROWS)
    return numbers


def category_column(column: pd.Series) -> Array:
    """Return a column as strings without surrounding blanks; None if missing or blank."""
    missing = column.isna().to_numpy()
    categories = as_strings(column).str.strip().to_numpy(object)
    categories[missing] = None
    categories[categories == ""] = None
    return categories


def as_strings(column: pd.Series) -> pd.Series:
    """Return a column as strings, also if pandas stored whole numbers with gaps as floats."""
    whole = pd.api.types.is_float_dtype(column) and bool((column.dropna() % 1 == 0).all())
    return (column.astype("Int64") if whole else column).astype("str")


def number_columns(events: pd.DataFrame) -> tuple[str, ...]:
    """Return the numeric columns of events, other than the amount, that are no identifiers, labels or flags."""
    return tuple(
        str(name)
        for name in events.columns
        if name not in NOT_NUMBERS
        and not str(name).endswith("_id")
        and pd.api.types.is_numeric_dtype(events[name])
        and not pd.api.types.is_bool_dtype(events[name])
        and events[name].min() != events[name].max()
    )


def frequent_kinds(events: pd.DataFrame, max_kinds: int = 6) -> tuple[str, ...]:
    """Return the kinds with at least 1 % of the events; none if all events have the same kind."""
    shares = as_strings(events["kind"].dropna()).value_counts(normalize=True)
    kinds = [str(kind) for kind in shares.index[:max_kinds] if shares[kind] >= 0.01]
    return tuple(sorted(kinds)) if len(shares) > 1 else ()
