"""Dates of a record as features: how long ago they are, how far apart, and at which hour and weekday.

A date counts only if it is not later than the record, since it was not known before. Needs only NumPy.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from fraudsieve._microseconds import DAY, HOUR
from fraudsieve._typing import Array
from fraudsieve.tables.values.moments import to_local

NEVER: Final = int(np.iinfo(np.int64).min)
"""A date, or a time of a record, that is missing."""
UNKNOWN: Final = NEVER + 1
"""The time of a record that lacks it, though others have one: no date is known to be before it."""
YEAR: Final = 365.25 * DAY
MAX_BETWEEN: Final = 6
"""Dates of which each pair has a column."""


@dataclass(frozen=True)
class DateColumn:
    """A column of dates."""

    name: str
    # Whether they are dates of birth, of which only the age says something.
    is_birth: bool = False
    # Whether they have an hour.
    has_hour: bool = False
    # Whether those after the record count: a departure, but not the day on which a case was closed.
    may_be_later: bool = False
    # Whether a date counts from the next day on: some were later than their records, and they have no hour, so that one
    # of the same day may be later too.
    next_day: bool = False


def has_hours(times: Array, zone: str) -> bool:
    """Return whether a time shows more than a date."""
    return bool((to_local(times[times != NEVER], zone) % DAY).any())


def columns_of_dates(dates: Sequence[DateColumn]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the columns: their names, what they say (a key of the sentences), and the names of the dates."""
    for date in dates:
        yield f"profile__{'years' if date.is_birth else 'days'}_since_{date.name}", _since(date), (date.name,)
        if not date.is_birth:
            yield f"profile__weekday_of_{date.name}", "date__weekday", (date.name,)
        if date.has_hour:
            yield f"profile__hour_of_{date.name}", "date__hour", (date.name,)
    for pair in _pairs(dates):
        first, second = (date.name for date in pair)
        yield f"profile__days_from_{first}_to_{second}", "date__between", (first, second)


def _since(date: DateColumn) -> str:
    return "date__age" if date.is_birth else "date__since"


def _pairs(dates: Sequence[DateColumn]) -> Iterator[tuple[DateColumn, DateColumn]]:
    return combinations([date for date in dates if not date.is_birth][:MAX_BETWEEN], 2)


def compute_dates(dates: Sequence[DateColumn], values: Mapping[str, Array], cutoffs: Array, zone: str) -> Array:
    """Compute the columns of `columns_of_dates`, from times in microseconds since 1970.

    A date is missing where it is later than its record. Of records that have no times at all (`NEVER`), none is.
    """
    known: dict[str, Array] = {}
    columns: list[Array] = []
    for date in dates:
        times = np.asarray(values[date.name], np.int64)
        is_known = times != NEVER
        if not date.may_be_later:
            since_when = times + DAY if date.next_day else times
            is_known = is_known & ((since_when <= cutoffs) | (cutoffs == NEVER))
        since = _difference(cutoffs, times, is_known & (cutoffs > UNKNOWN))
        columns.append(since / (YEAR if date.is_birth else DAY))
        known[date.name] = np.where(is_known, times, NEVER)
        local = to_local(np.where(is_known, times, 0), zone)
        if not date.is_birth:
            columns.append(np.where(is_known, (local // DAY + 3) % 7, np.nan))
        if date.has_hour:
            columns.append(np.where(is_known, local % DAY // HOUR, np.nan))
    for first, second in _pairs(dates):
        before, after = known[first.name], known[second.name]
        columns.append(_difference(after, before, (before != NEVER) & (after != NEVER)) / DAY)
    return np.column_stack([np.empty((len(cutoffs), 0)), *columns])


def _difference(after: Array, before: Array, is_known: Array) -> Array:
    """Return a difference of times, which are zeros where one is missing: those would overflow."""
    return np.where(is_known, np.where(is_known, after, 0) - np.where(is_known, before, 0), np.nan)
