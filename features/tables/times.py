"""Times of whatever form, as moments in UTC.

A number is refused, since seconds, milliseconds and microseconds from 1970 on look alike; so is a date
that does not begin with its year, since 03/04 is two days. In strings, a date may be eight digits (20240501).
"""

from dataclasses import dataclass
from datetime import date
from numbers import Number
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from .cells import MISSING_AMOUNTS, Cells, Converted, Mask, extract_strings, faults_by_type, mask_words, match_pattern

__all__ = ["convert_times"]

Times: TypeAlias = npt.NDArray[np.datetime64]

EARLIEST: Final = np.datetime64("1970-01-01", "s")
TOO_LATE: Final = np.datetime64("2101-01-01", "s")

_GIVE_TIME: Final = "give ISO 8601 or a timestamp"
_YEAR_FIRST: Final = r"^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{8})(?:[Tt ].*)?$"
_HAS_ZONE: Final = r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_BARE_NUMBER: Final = r"^[+-]?\d+(?:\.\d*)?$"


@dataclass(frozen=True, eq=False)
class _Moments:
    """Moments in UTC, not-a-time where there is none; where one lies out of range; where one had no zone."""

    times: Times
    outside: Mask
    naive: Mask

    def __or__(self, more: "_Moments") -> "_Moments":
        times = np.where(np.isnat(self.times), more.times, self.times)
        return _Moments(times, self.outside | more.outside, self.naive | more.naive)


def convert_times(cells: Cells) -> Converted:
    """Bring a column to ``datetime64[us, UTC]``.

    Parameters
    ----------
    cells : Series of shape (n_rows,)
        Strings, datetimes, dates, or a mixture, in any zones, with a fresh index; a moment without a zone is
        taken as UTC.

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
    {'a number is no time: give ISO 8601 or a timestamp': np.int64(1)}
    """
    if cells.dtype.kind == "M":
        naive = np.full(len(cells), not isinstance(cells.dtype, pd.DatetimeTZDtype))
        return _timed(_moments(cells, naive), {})
    found = extract_strings(cells)
    strings = mask_words(found.strings.str.strip(), MISSING_AMOUNTS)
    moments, number = _printed_moments(strings), match_pattern(strings, _BARE_NUMBER)
    if found.other.any():
        moments |= _object_moments(cells, found.other)
        number |= _are(cells, found.other, Number)
    unread = (found.other | strings.notna().to_numpy()) & np.isnat(moments.times) & ~moments.outside
    faults = {f"a number is no time: {_GIVE_TIME}": unread & number}
    faults |= faults_by_type(cells, unread & ~number & found.other, f"no time: {_GIVE_TIME}")
    return _timed(moments, faults | {f"not a time: {_GIVE_TIME}": unread & ~number & ~found.other})


def _timed(moments: _Moments, faults: dict[str, Mask]) -> Converted:
    naive, given = moments.naive.sum(), (~np.isnat(moments.times)).sum()
    share = "" if naive == given else f" in {naive} of {given} rows"
    notes = (f"has no time zone{share}: taken as UTC",) if naive else ()
    column: Cells = pd.Series(moments.times).dt.tz_localize("UTC")
    return Converted(column, faults | {"time outside 1970..2100": moments.outside}, notes)


def _moments(cells: Cells, naive: Mask) -> _Moments:
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        cells = cells.dt.tz_convert("UTC").dt.tz_localize(None)
    times: Times = cells.to_numpy(copy=True)
    # The range comes first: a distant year in seconds has no place in microseconds.
    outside = ~np.isnat(times) & ~((times >= EARLIEST) & (times < TOO_LATE))
    times[outside] = np.datetime64("NaT")
    return _Moments(times.astype("datetime64[us]"), outside, naive & ~np.isnat(times))


def _printed_moments(strings: Cells) -> _Moments:
    # pandas reads "now", "today" and bare years too: hence the guard.
    dated = strings.where(match_pattern(strings, _YEAR_FIRST)).str.upper()
    times = pd.to_datetime(dated, format="ISO8601", utc=True, errors="coerce")
    return _moments(times, ~match_pattern(dated, _HAS_ZONE))


def _object_moments(cells: Cells, other: Mask) -> _Moments:
    known = _are(cells, other, (date, np.datetime64))
    times = pd.Series(pd.NaT, index=cells.index, dtype=object)
    times[known] = cells[known]
    naive = known.copy()
    naive[known] = [getattr(cell, "tzinfo", None) is None for cell in cells[known]]
    return _moments(pd.to_datetime(times, utc=True, errors="coerce"), naive)


def _are(cells: Cells, other: Mask, types: type | tuple[type, ...]) -> Mask:
    found = other.copy()
    found[other] = [isinstance(cell, types) for cell in cells[other].astype(object)]
    return found
