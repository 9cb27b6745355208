"""Conversion of times to UTC.

A column of numbers is read as seconds, milliseconds, microseconds or nanoseconds since 1970, whichever gives times from
2000 to 2100; at most one of them does. A date that does not begin with its year is rejected unless the order is given,
because 03/04 is ambiguous. In strings, a date may be eight digits (20240501).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from numbers import Number, Real
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from .cells import MISSING_AMOUNTS, Cells, Converted, Mask, extract_strings, faults_by_type, mask_words, match_pattern

__all__ = ["convert_times"]

Times: TypeAlias = npt.NDArray[np.datetime64]

EARLIEST: Final = np.datetime64("1970-01-01", "s")
TOO_LATE: Final = np.datetime64("2101-01-01", "s")

UNITS: Final = {1.0: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
"""Units of numbers by how many of them a second has."""
RECENT: Final = 946_684_800.0
"""2000-01-01, in seconds since 1970. A column with an earlier number is not read as times."""
LATEST: Final = 4_102_444_800.0
"""2100-01-01."""
_GIVE_TIME: Final = "give ISO 8601 or a timestamp"
_YEAR_FIRST: Final = r"^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{8})(?:[Tt ].*)?$"
_DAY_FIRST: Final = r"^(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4})(?P<rest>(?:[Tt ].*)?)$"
_HAS_ZONE: Final = r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_BARE_NUMBER: Final = r"^[+-]?\d+(?:\.\d*)?$"


@dataclass(frozen=True, eq=False)
class _Times:
    """Times in UTC (NaT if missing), with masks of those out of range and of those without a zone."""

    times: Times
    outside: Mask
    naive: Mask

    def __or__(self, more: "_Times") -> "_Times":
        times = np.where(np.isnat(self.times), more.times, self.times)
        return _Times(times, self.outside | more.outside, self.naive | more.naive)


def convert_times(cells: Cells, *, day_first: bool = False) -> Converted:
    """Bring a column to ``datetime64[us, UTC]``.

    Parameters
    ----------
    cells : Series of shape (n_rows,)
        Strings, datetimes, dates, or a mixture, in any zones, with a fresh index. A time without a
        zone is read as UTC.
    day_first : bool, default=False
        Whether dates that begin with a day, such as 03/04/2026, are read as such.

    Returns
    -------
    Converted
        Column, faults and notes.

    Examples
    --------
    >>> done = convert_times(pd.Series(["2024-05-01 10:00+08:00", "2024/5/1", "1714500000"]))
    >>> done.column.dt.hour.tolist(), done.notes
    ([2.0, 0.0, nan], ('has no time zone in 1 of 2 rows: taken as UTC',))
    >>> {reason: rows.sum() for reason, rows in done.faults.items() if rows.any()}
    {'a number is not a time: give ISO 8601 or a timestamp': np.int64(1)}
    >>> convert_times(pd.Series([1714500000, 1714500060])).notes
    ('is read as seconds since 1970, UTC',)
    """
    numbers = _numbers(cells)
    if numbers is not None:
        for unit, name in UNITS.items():
            if _fits(numbers, unit):
                return _from_numbers(numbers, unit, name)
    if cells.dtype.kind == "M":
        naive = np.full(len(cells), not isinstance(cells.dtype, pd.DatetimeTZDtype))
        return _to_column(_to_times(cells, naive), {})
    split = extract_strings(cells)
    strings = mask_words(split.strings.str.strip(), MISSING_AMOUNTS)
    times, number = _parse_strings(strings, day_first=day_first), match_pattern(strings, _BARE_NUMBER)
    if split.other.any():
        times |= _parse_objects(cells, split.other)
        number |= _is_instance(cells, split.other, Number)
    unparsed = (split.other | strings.notna().to_numpy()) & np.isnat(times.times) & ~times.outside
    faults = {f"a number is not a time: {_GIVE_TIME}": unparsed & number}
    faults |= faults_by_type(cells, unparsed & ~number & split.other, f"not a time: {_GIVE_TIME}")
    return _to_column(times, faults | {f"not a time: {_GIVE_TIME}": unparsed & ~number & ~split.other})


def _to_column(times: _Times, faults: dict[str, Mask]) -> Converted:
    naive, n_times = times.naive.sum(), (~np.isnat(times.times)).sum()
    share = "" if naive == n_times else f" in {naive} of {n_times} rows"
    notes = (f"has no time zone{share}: taken as UTC",) if naive else ()
    column: Cells = pd.Series(times.times).dt.tz_localize("UTC")
    return Converted(column, faults | {"time outside 1970..2100": times.outside}, notes)


def _to_times(cells: Cells, naive: Mask) -> _Times:
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        cells = cells.dt.tz_convert("UTC").dt.tz_localize(None)
    times: Times = cells.to_numpy(copy=True)
    # The range comes first: a distant year in seconds overflows microseconds.
    outside = ~np.isnat(times) & ~((times >= EARLIEST) & (times < TOO_LATE))
    times[outside] = np.datetime64("NaT", "us")
    return _Times(times.astype("datetime64[us]"), outside, naive & ~np.isnat(times))


def _numbers(cells: Cells) -> "Cells | None":
    """Return a column in which every cell is a number; None for any other."""
    split = extract_strings(cells)
    strings = mask_words(split.strings.str.strip(), MISSING_AMOUNTS)
    others = cells[split.other]
    values = others.astype(object).dropna()
    is_number = all(isinstance(cell, Real | Decimal) and not isinstance(cell, bool) for cell in values)
    texts = strings[strings.notna()]
    if not is_number or not match_pattern(texts, _BARE_NUMBER).all():
        return None
    numbers = pd.to_numeric(strings, errors="coerce").astype(float)
    numbers[split.other] = pd.to_numeric(others, errors="coerce").astype(float)
    return numbers if numbers.notna().any() else None


def _fits(numbers: Cells, unit: float) -> bool:
    seconds = numbers.dropna() / unit
    return bool(seconds.between(RECENT, LATEST).all())


def _from_numbers(numbers: Cells, unit: float, name: str) -> Converted:
    microseconds = (numbers * (1e6 / unit)).round().astype("Int64")
    column: Cells = pd.to_datetime(microseconds, unit="us", utc=True).astype("datetime64[us, UTC]")
    return Converted(column, {}, (f"is read as {name} since 1970, UTC",))


def _parse_strings(strings: Cells, *, day_first: bool) -> _Times:
    # pandas also reads "now", "today" and bare years, so only dates that begin with a year are passed on.
    dates = strings.where(match_pattern(strings, _YEAR_FIRST)).str.upper()
    times = pd.to_datetime(dates, format="ISO8601", utc=True, errors="coerce")
    parsed = _to_times(times, ~match_pattern(dates, _HAS_ZONE))
    if not day_first:
        return parsed
    turned = strings.str.replace(_DAY_FIRST, r"\g<y>-\g<m>-\g<d>\g<rest>", regex=True)
    return parsed | _parse_strings(turned.where(match_pattern(strings, _DAY_FIRST)), day_first=False)


def _parse_objects(cells: Cells, other: Mask) -> _Times:
    known = _is_instance(cells, other, (date, np.datetime64))
    times = pd.Series(pd.NaT, index=cells.index, dtype=object)
    times[known] = cells[known]
    naive = known.copy()
    naive[known] = [getattr(cell, "tzinfo", None) is None for cell in cells[known]]
    return _to_times(pd.to_datetime(times, utc=True, errors="coerce"), naive)


def _is_instance(cells: Cells, other: Mask, types: type | tuple[type, ...]) -> Mask:
    mask = other.copy()
    mask[other] = [isinstance(cell, types) for cell in cells[other].astype(object)]
    return mask
