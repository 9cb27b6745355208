"""Which further columns of accounts and events are features: numbers, and strings that are categories."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from .account_records import NOT_PROFILE, category_column
from .default_views import identifier_columns

__all__ = ["ProfileColumns", "choose_profile_columns"]

FEW_VALUES, MANY_VALUES, MAX_SHARE = 20, 1000, 0.1
"""So few distinct values are always categories, so many never, nor are as many as such a share of the rows."""


class ProfileColumns(NamedTuple):
    """The columns that are numbers and categories, and those that are left out, with the reason."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    left_out: dict[str, str]

    def notes(self, seen: Mapping[str, Sequence[str]], *, digested: bool) -> tuple[str, ...]:
        """Return what a user should know: the columns left out, and the columns of which values are kept.

        Examples
        --------
        >>> ProfileColumns((), ("city",), {"email": "an identifier"}).notes({"city": ("rome",)}, digested=False)
        ('columns left out: email (an identifier); history.categories declares a column as one of categories',
         'the model keeps values of city (1); history.digest_categories keeps keyed digests instead')
        """
        notes = []
        if self.left_out:
            columns = ", ".join(f"{name} ({reason})" for name, reason in self.left_out.items())
            notes.append(f"columns left out: {columns}; history.categories declares a column as one of categories")
        kept = ", ".join(f"{name} ({len(values):,})" for name, values in seen.items() if values)
        if kept and digested:
            notes.append(f"the model keeps keyed digests of the values of {kept}")
        elif kept:
            notes.append(f"the model keeps values of {kept}; history.digest_categories keeps keyed digests instead")
        return tuple(notes)


def choose_profile_columns(
    records: pd.DataFrame, *, exclude: Collection[str] = (), declared: Collection[str] = ()
) -> ProfileColumns:
    """Choose the columns of records that are features.

    Parameters
    ----------
    records : DataFrame
        Accounts or events.
    exclude : collection of str, default=()
        Columns that are not used, and not reported either.
    declared : collection of str, default=()
        Columns of strings that are categories whatever they hold.

    Returns
    -------
    ProfileColumns

    Examples
    --------
    >>> records = pd.DataFrame({"account_id": ["a", "b"], "city": ["rome", "bonn"], "device_id": ["x", "y"], "age": 30})
    >>> choose_profile_columns(records)
    ProfileColumns(numbers=('age',), categories=('city',), left_out={'device_id': 'an identifier'})
    """
    numbers, categories, left_out = [], [], {}
    names = [str(name) for name in records.columns if name not in NOT_PROFILE and name not in exclude]
    identifiers = set(identifier_columns(names))
    for name in names:
        column = records[name]
        if name in declared:
            categories.append(name)
        elif name in identifiers:
            left_out[name] = "an identifier"
        elif pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            numbers.append(name)
        elif pd.api.types.is_datetime64_any_dtype(column):
            left_out[name] = "a time"
        elif (n_distinct := _too_many(column)) > 0:
            left_out[name] = f"{n_distinct:,} distinct values in {len(column):,} rows, too many to be categories"
        else:
            categories.append(name)
    return ProfileColumns(tuple(numbers), tuple(categories), left_out)


def _too_many(column: pd.Series) -> int:
    """Return the number of distinct values of a column if they are too many to be categories, else 0."""
    n_distinct = pd.Series(category_column(column)).nunique()
    limit = max(FEW_VALUES, min(MANY_VALUES, MAX_SHARE * len(column)))
    return n_distinct if n_distinct > limit else 0
