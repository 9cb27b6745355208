"""Records in a frame, read for the builder of accounts: moments, numbers and words."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .account_matrix import AccountMatrix

__all__ = [
    "NEVER",
    "NOT_PROFILE",
    "asked_of",
    "column_of",
    "frequent_kinds",
    "microseconds_of",
    "moment_column",
    "moments_of",
    "numbers_of",
    "words_of",
]

Array = npt.NDArray[Any]

NEVER = np.iinfo(np.int64).min
NOT_PROFILE = frozenset(
    (
        "account_id",
        "as_of",
        "created_at",
        "label",
        "labelled_at",
        "source",
        "event_id",
        "occurred_at",
        "counterparty_id",
        "is_fraud",
    )
)
"""Columns of a record that are no part of its profile."""


def moment_column(records: pd.DataFrame) -> str | None:
    """Return the name of the column of moments, None without one."""
    return next((name for name in ("as_of", "occurred_at") if name in records), None)


def moments_of(records: pd.DataFrame) -> Array:
    """Return the moments of records as microseconds since 1970."""
    name = moment_column(records)
    if name is None:
        raise ValueError("subjects: column 'as_of' is missing; training had times.")
    moments = microseconds_of(records[name])
    if (moments == NEVER).any():
        raise ValueError(f"subjects: {name!r} is missing in {(moments == NEVER).sum()} rows; set them aside.")
    return moments


def microseconds_of(column: pd.Series) -> Array:
    """Return times as microseconds since 1970, the least int64 for none; a time without a zone is taken as UTC."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        if column.isna().all():
            return np.full(len(column), NEVER)
        raise TypeError(f"subjects: {column.name!r} holds timestamps; got {column.dtype}. Read it with read_table.")
    naive = column.dt.tz_convert(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column
    return naive.to_numpy("M8[us]").astype(np.int64)


def asked_of(records: pd.DataFrame, moments: Array, matrix: AccountMatrix) -> dict[str, Any]:
    """Return what the runners need of the subjects."""
    named = {name for history in matrix.histories for name in history.subjects} | {"account_id"}
    asked: dict[str, Any] = {name: column_of(records, name).to_numpy(object) for name in named}
    asked["as_of"] = moments.astype("M8[us]")
    if matrix.subject == "event" and "amount" in records:
        asked["amount"] = numbers_of(records, "amount")
    return asked


def column_of(records: pd.DataFrame, name: str) -> pd.Series:
    """Return a column that must be there."""
    if name not in records:
        raise ValueError(f"subjects: column {name!r} is missing.")
    return records[name]


def numbers_of(records: pd.DataFrame, name: str) -> Array:
    """Return a column of numbers, NaN for none."""
    column = column_of(records, name)
    if not pd.api.types.is_numeric_dtype(column) and not column.isna().all():
        raise TypeError(f"subjects: {name!r} holds numbers; got {column.dtype}.")
    numbers = pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise ValueError(f"subjects: {name!r} is infinite in {np.isinf(numbers).sum()} rows; set them aside.")
    return numbers


def words_of(column: pd.Series) -> Array:
    """Return a column as strings without blanks around them, None for none."""
    missing = column.isna().to_numpy()
    words = column.astype("str").str.strip().to_numpy(object)
    words[missing] = None
    words[words == ""] = None
    return words


def frequent_kinds(events: pd.DataFrame, most: int = 6) -> tuple[str, ...]:
    """Return the kinds of at least 1 % of the events; none where all are of one."""
    shares = events["kind"].dropna().astype("str").value_counts(normalize=True)
    kinds = [str(kind) for kind in shares.index[:most] if shares[kind] >= 0.01]
    return tuple(sorted(kinds)) if len(shares) > 1 else ()
