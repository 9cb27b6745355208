"""The choice of further columns of records as features: numbers, and strings that are categories."""

import secrets
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final, NamedTuple

import pandas as pd

from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.features.default_views import identifier_columns
from fraudsieve.tables.cells import nested_values
from fraudsieve.tables.column_names import describe_columns

from .custom_columns import CustomColumns, digest_categories
from .frames import NOT_PROFILE, category_column, frequent_categories, is_flag, is_number, nested_error
from .persons import person_reason

NOT_OWN: Final = NOT_PROFILE | {"message_id", "text", "recipient_id", "sent_at", "campaign", "row"}
"""Columns of messages that are read for other purposes, or that repeat the label."""

NO_VALUE: Final = "no value in any row"
FEW_VALUES, MANY_VALUES, MAX_SHARE = 20, 1000, 0.1
"""A column with at most `FEW_VALUES` distinct values holds categories; one with more than `MANY_VALUES`, or more than
`MAX_SHARE` of the rows, does not."""


class ProfileColumns(NamedTuple):
    """The columns that are numbers and categories, and those that are left out, with the reason."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    left_out: dict[str, str]

    def learn(self, records: pd.DataFrame, min_rows: int, *, digested: bool = False) -> CustomColumns:
        """Return the columns with the categories of records."""
        seen = {name: frequent_categories(records[name], min_rows) for name in self.categories}
        key = secrets.token_hex(16) if digested and seen else ""
        return CustomColumns(self.numbers, {name: tuple(digest_categories(seen[name], key)) for name in seen}, key)

    def notes(self, custom: CustomColumns) -> tuple[str, ...]:
        """Return notes for the user: the columns that are left out, and those whose values are kept."""
        notes = []
        if self.left_out:
            columns = ", ".join(f"{name} ({reason})" for name, reason in self.left_out.items())
            notes.append(f"columns left out: {columns}; history.categories declares a column as one of categories")
        kept = ", ".join(f"{name} ({len(values):,})" for name, values in custom.categories.items() if values)
        if kept and custom.digest_key:
            notes.append(f"the model keeps keyed digests of the values of {kept}")
        elif kept:
            notes.append(f"the model keeps values of {kept}; history.digest_categories keeps keyed digests instead")
        return tuple(notes)


def choose_profile_columns(
    records: pd.DataFrame,
    *,
    exclude: Collection[str] = (),
    declared: Collection[str] = (),
    used_names: Collection[str] = (),
) -> ProfileColumns:
    """Choose the columns of records that are features."""
    numbers, categories, left_out = [], [], {}
    names = [str(name) for name in records.columns if name not in NOT_PROFILE and name not in exclude]
    identifiers = set(identifier_columns(names))
    for name in names:
        column = records[name]
        if name in used_names:
            left_out[name] = "another feature has this name, so rename the column"
        elif nested := nested_values(column):
            if name in declared:
                raise nested_error("subjects", name, nested)
            left_out[name] = nested
        elif name in declared:
            categories.append(name)
        elif column.isna().all():
            left_out[name] = NO_VALUE
        elif name in identifiers:
            left_out[name] = "an identifier"
        elif is_number(column):
            numbers.append(name)
        elif pd.api.types.is_datetime64_any_dtype(column):
            left_out[name] = "a time"
        elif (reason := _why_no_category(name, column)) is not None:
            left_out[name] = reason
        else:
            categories.append(name)
    if "source" in records.columns and "source" not in exclude:
        left_out["source"] = "read as the source of the label"
    return ProfileColumns(tuple(numbers), tuple(categories), left_out)


def _why_no_category(name: str, column: pd.Series) -> str | None:
    """Return why a column of strings is left out: it looks like data about persons, or has too many values; None if it
    is kept."""
    categories, problem = category_column(column)
    values = pd.Series(categories).dropna().unique()
    if problem or not len(values):
        return problem or NO_VALUE
    reason = person_reason(name, values, len(column))
    if reason is None and len(values) > max(FEW_VALUES, min(MANY_VALUES, MAX_SHARE * len(column))):
        return f"{len(values):,} distinct values in {len(column):,} rows, too many to be categories"
    return reason


def declared_columns(
    records: pd.DataFrame, names: Collection[str], *, categories: Collection[str] = (), table: str = "messages"
) -> ProfileColumns:
    """Return the columns that a user names as features."""
    numbers: list[str] = []
    words: list[str] = []
    for name in names:
        if name in NOT_OWN:
            raise SchemaError(table, f"column {name!r} cannot be a feature by itself", "Remove it from the columns.")
        if name not in records:
            others = [other for other in map(str, records.columns) if other not in NOT_OWN]
            similar = get_close_matches(name, others, 1)
            hint = f" (did you mean {similar[0]!r}?)" if similar else ""
            got = describe_columns(others) if others else "got no further columns"
            problem = f"column {name!r}, which is named as a feature, is missing; {got}{hint}"
            raise SchemaError(table, problem, "Correct the name, or remove it.")
        column = records[name]
        if name in numbers or name in words:
            raise SchemaError(table, f"column {name!r} is named twice", "Name it once.")
        if pd.api.types.is_datetime64_any_dtype(column):
            problem = f"{name!r}: expected numbers or words as a feature, got times"
            raise ColumnTypeError(table, problem, "Convert it to a number, such as the hour or an age in days.")
        if nested := nested_values(column):
            raise nested_error(table, name, nested)
        is_word = not is_number(column) or (name in categories and not is_flag(column))
        (words if is_word else numbers).append(name)
    return ProfileColumns(tuple(numbers), tuple(words), {})


def candidate_columns(records: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of messages that could be features: numbers and categories of more than one value."""
    chosen = choose_profile_columns(records, exclude=NOT_OWN)
    names = {*chosen.numbers, *chosen.categories}
    return tuple(name for name in map(str, records.columns) if name in names and _varies(records[name]))


def _varies(column: pd.Series) -> bool:
    """Return whether a column has at least two distinct values."""
    if is_number(column):
        return bool(column.min() != column.max())
    return len({value for value in category_column(column)[0] if value is not None}) > 1
