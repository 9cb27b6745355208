"""Records in a frame, read for the builder of accounts: moments, numbers and words."""

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
    "required_column",
    "subject_columns",
]


READ_IT = "Read the table with read_table."
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
"""Columns of a record that are no part of its profile."""


def cutoff_column(records: pd.DataFrame, subject: Subject) -> str | None:
    """Return the name of the column of moments, None without one: an event is looked at as of its own time."""
    names = ("occurred_at", "as_of") if subject == "event" else ("as_of", "occurred_at")
    return next((name for name in names if name in records), None)


def cutoff_times(records: pd.DataFrame, subject: Subject) -> Array:
    """Return the moments of records as microseconds since 1970."""
    name = cutoff_column(records, subject)
    if name is None:
        raise SchemaError("subjects", "column 'as_of' is missing, and training had times", "Give it.")
    moments = as_microseconds(records[name])
    if (moments == NEVER).any():
        raise SchemaError("subjects", f"{name!r} is missing in {(moments == NEVER).sum()} rows", "Set them aside.")
    return moments


def as_microseconds(column: pd.Series) -> Array:
    """Return times as microseconds since 1970, the least int64 for none; a time without a zone is taken as UTC."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        if column.isna().all():
            return np.full(len(column), NEVER)
        raise ColumnTypeError("subjects", f"{column.name!r} holds timestamps; got {column.dtype}", READ_IT)
    naive = column.dt.tz_convert(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column
    return naive.to_numpy("M8[us]").astype(np.int64)


def subject_columns(records: pd.DataFrame, moments: Array, matrix: AccountMatrix) -> dict[str, Any]:
    """Return what the runners need of the subjects."""
    named = {name for history in matrix.histories for name in history.subjects} | {"account_id"}
    asked: dict[str, Any] = {name: required_column(records, name).to_numpy(object) for name in named}
    asked["as_of"] = moments.astype("M8[us]")
    if matrix.subject == "event":
        has_any = "amount" in records
        asked["amount"] = number_column(records, "amount") if has_any else np.full(len(records), np.nan)
    return asked


def required_column(records: pd.DataFrame, name: str) -> pd.Series:
    """Return a column that must be there."""
    if name not in records:
        raise SchemaError("subjects", f"column {name!r} is missing", "Give it: the model was trained with it.")
    return records[name]


def number_column(records: pd.DataFrame, name: str) -> Array:
    """Return a column of numbers, NaN for none."""
    column = required_column(records, name)
    if not pd.api.types.is_numeric_dtype(column) and not column.isna().all():
        raise ColumnTypeError("subjects", f"{name!r} held numbers in training; got {column.dtype}", "Give numbers.")
    numbers = pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        problem = f"{name!r} is infinite in {np.isinf(numbers).sum()} rows"
        raise SchemaError("subjects", problem, "Set them aside.")
    return numbers


def category_column(column: pd.Series) -> Array:
    """Return a column as strings without blanks around them, None for none."""
    missing = column.isna().to_numpy()
    words = as_strings(column).str.strip().to_numpy(object)
    words[missing] = None
    words[words == ""] = None
    return words


def as_strings(column: pd.Series) -> pd.Series:
    """Return a column as strings; whole numbers that pandas made fractions of beside a gap are whole again."""
    whole = pd.api.types.is_float_dtype(column) and bool((column.dropna() % 1 == 0).all())
    return (column.astype("Int64") if whole else column).astype("str")


def frequent_kinds(events: pd.DataFrame, most: int = 6) -> tuple[str, ...]:
    """Return the kinds of at least 1 % of the events; none where all are of one."""
    shares = as_strings(events["kind"].dropna()).value_counts(normalize=True)
    kinds = [str(kind) for kind in shares.index[:most] if shares[kind] >= 0.01]
    return tuple(sorted(kinds)) if len(shares) > 1 else ()
