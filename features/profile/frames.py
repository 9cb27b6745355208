"""Custom columns of a DataFrame of records: their values, checked, for training and for scoring of tables."""

import difflib

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.features.history.columns.table import READ_IT, REMOVE_ROWS
from fraudsieve.tables.cells import extract_strings, nested_values
from fraudsieve.tables.column_names import describe_columns
from fraudsieve.tables.conversion import convert, convert_numbers
from fraudsieve.tables.schema import shapes_of
from fraudsieve.tables.values.reading import TOO_LARGE, Kind, Reading

from .custom_columns import CustomColumns

NOT_PROFILE = frozenset(
    (
        "account_id",
        "as_of",
        "created_at",
        "label",
        "labelled_at",
        "label_weight",
        "label_assumed",
        "inclusion_weight",
        "source",
        "event_id",
        "occurred_at",
        "counterparty_id",
        "is_fraud",
    )
)
"""Columns of a record that are not features of its profile."""


def custom_values(records: pd.DataFrame, custom: CustomColumns, table: str = "subjects") -> dict[str, Array]:
    """Return the values of custom columns, as `CustomColumns.compute` reads them."""
    values = {name: number_column(records, name, table) for name in custom.numbers}
    values |= {name: _categories(records, name, table) for name in custom.categories}
    values |= {date.name: date_column(records, date.name, custom.zone, table) for date in custom.dates}
    return values | {name: text_column(records, name, table) for name in custom.texts}


def text_column(records: pd.DataFrame, name: str, table: str = "subjects") -> Array:
    """Return a column of texts, None where there is none."""
    read = convert(required_column(records, name, table).reset_index(drop=True), "text")
    if any(rows.any() for rows in read.faults.values()):
        raise ColumnTypeError(table, f"{name!r}: expected texts, got {records[name].dtype}", READ_IT)
    return _or_none(read.column)


def _or_none(column: pd.Series) -> Array:
    """Return the cells of a column, None where one is missing."""
    cells = column.to_numpy(object)
    cells[column.isna().to_numpy()] = None
    return cells


def date_column(records: pd.DataFrame, name: str, zone: str, table: str = "subjects") -> Array:
    """Return a column of dates as microseconds since 1970, `NEVER` if missing; see `read_date`."""
    column = required_column(records, name, table).reset_index(drop=True)
    read = convert(column, "date", Reading(zone=zone if is_text(column) else "UTC"))
    if any(rows.any() for rows in read.faults.values()):
        raise ColumnTypeError(table, f"{name!r}: expected times, as in training, got {column.dtype}", READ_IT)
    return read.column.dt.tz_convert(None).to_numpy("M8[us]").astype(np.int64)


def is_text(column: pd.Series) -> bool:
    """Return whether a column holds strings."""
    return pd.api.types.infer_dtype(column, skipna=True) == "string"


def _categories(records: pd.DataFrame, name: str, table: str) -> Array:
    column = required_column(records, name, table)
    if nested := nested_values(column):
        raise nested_error(table, name, nested)
    categories, problem = category_column(column)
    if problem:
        raise ColumnTypeError(table, f"{name!r}: {problem}", "Give a column of single values, or remove it.")
    return categories


def nested_error(table: str, name: str, nested: str) -> ColumnTypeError:
    """Return the error for a column of lists or objects."""
    problem = f"{name!r}: expected one number or word in each cell, got {nested}"
    return ColumnTypeError(table, problem, "Give a column of single values, or remove it.")


def required_column(records: pd.DataFrame, name: str, table: str = "subjects") -> pd.Series:
    """Return a column, or raise an error that names a similar one if it is missing."""
    if name not in records:
        similar = difflib.get_close_matches(name, map(str, records.columns), n=1)
        hint = f" (did you mean {similar[0]!r}?)" if similar else ""
        problem = f"column {name!r} is missing; {describe_columns(list(map(str, records.columns)))}{hint}"
        raise SchemaError(table, problem, "Add it: the model is trained with it.")
    return records[name]


def number_column(records: pd.DataFrame, name: str, table: str = "subjects") -> Array:
    """Return a column as float64; NaN if a value is missing."""
    column = required_column(records, name, table)
    if nested := nested_values(column):
        raise nested_error(table, name, nested)
    read = convert_numbers(column.reset_index(drop=True), flags=True)
    too_large = read.faults.pop(TOO_LARGE)
    if any(rows.any() for rows in read.faults.values()):
        problem = f"{name!r}: expected numbers, as in training, got {column.dtype}"
        raise ColumnTypeError(table, problem, READ_IT, {name: _shapes_of_words(column)})
    if too_large.any():
        raise SchemaError(table, f"{name!r} is infinite or beyond 1e15 in {too_large.sum()} rows", REMOVE_ROWS)
    return read.column.to_numpy()


def _shapes_of_words(column: pd.Series) -> tuple[str, ...]:
    """Return shapes of strings that are not numbers."""
    strings = extract_strings(column).strings
    return shapes_of(strings[pd.to_numeric(strings, errors="coerce").isna()])


def is_flag(column: pd.Series) -> bool:
    """Return whether a column holds booleans; with missing ones pandas stores them as objects."""
    is_object = column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "boolean"
    return bool(pd.api.types.is_bool_dtype(column) or is_object)


def is_number(column: pd.Series) -> bool:
    """Return whether a column holds numbers, decimals or booleans."""
    is_decimal = column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "decimal"
    return bool(pd.api.types.is_numeric_dtype(column)) or is_flag(column) or is_decimal


def category_column(column: pd.Series) -> tuple[Array, str]:
    """Return a column as categories, None if missing, and why some values are not categories; empty if all are."""
    read = convert(column.reset_index(drop=True), "category")
    return _or_none(read.column), next((reason for reason, rows in read.faults.items() if rows.any()), "")


def frequent_categories(column: pd.Series, min_rows: int) -> tuple[str, ...]:
    """Return the categories of a column with at least `min_rows` rows, the most frequent first."""
    counts = pd.Series(category_column(column)[0]).value_counts(sort=False)
    frequent = counts[counts >= min_rows]
    return tuple(str(category) for category in sorted(frequent.index, key=lambda name: (-frequent[name], name)))


def as_strings(column: pd.Series, kind: Kind = "id") -> pd.Series:
    """Return a column of ids or categories as strings; those of a checked table are strings already."""
    if isinstance(column.dtype, pd.StringDtype):
        return column
    return convert(column.reset_index(drop=True), kind).column.set_axis(column.index)
