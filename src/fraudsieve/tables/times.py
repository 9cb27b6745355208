"""Conversion of columns of times to UTC.

`values.moments` defines what a time is. Timestamps, strings in the usual forms and numbers are recognised by column.
Every number stands for itself, so that a row means the same whatever the other rows hold; a note says in which unit
numbers were read. A date that does not begin with its year is rejected unless the order is given, because 03/04 is
ambiguous. The reason for its rejection says which orders fit the column.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array

from .cells import Cells, Converted, Mask, extract_strings, match_pattern, read_rest, replace_pattern, to_floats
from .values.moments import (
    DAY_FIRST,
    EARLIEST,
    MONTH_FIRST,
    TOO_LATE,
    UNITS,
    YEAR_EXPECTED,
    read_epochs,
    read_time,
    year_expected,
)
from .values.reading import PLAIN, Reading, is_numeric
from .values.zones import from_local

_NAT: Final = np.iinfo(np.int64).min
_FIRST, _END = (np.datetime64(microseconds // 10**6, "s") for microseconds in (EARLIEST, TOO_LATE))
_DATE: Final = r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
_CLOCK: Final = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"
_ZONE: Final = r"(?:Z|[+-]\d{2}:?\d{2})"
_USUAL: Final = rf"{_DATE}(?:[T ]{_CLOCK}{_ZONE}?)?$"
_YEAR_LAST: Final = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})((?:[T ].*)?)$"
_HALF_DAY: Final = r"^([^ T]+[ T])(0?[1-9]|1[0-2])(:[0-5]\d(?::[0-5]\d)?)[ \x{a0}\x{202f}]?([AaPp])\.?[Mm]\.?$"
_AFTERNOON: Final = r"[Pp]\.?[Mm]\.?$"
_TWELVE: Final = r"^([^ T]+[ T])12:"
_HAS_ZONE: Final = r"[Tt ].*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$"
_PLAIN_NUMBER: Final = r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"


class _Times(NamedTuple):
    """The times that were read from a column."""

    # Microseconds since 1970; `_NAT` where nothing was read.
    times: Array
    # Which of them have no zone.
    naive: Mask
    units: Array
    zone: str

    def enter(self, cells: Any, times: Array, naive: Mask | bool = False) -> None:
        """Enter the times of some cells, unless they are out of range; those without a zone as a clock shows them."""
        if self.zone != "UTC":
            times = np.where(naive & (times != _NAT), from_local(times, self.zone), times)
        known = (times >= EARLIEST) & (times < TOO_LATE)
        self.times[cells] = np.where(known, times, _NAT)
        self.naive[cells] = known & naive


def convert_times(cells: Cells, reading: Reading = PLAIN) -> Converted:
    """Bring a column to ``datetime64[us, UTC]``."""
    n = len(cells)
    read = _Times(np.full(n, _NAT), np.zeros(n, bool), np.full(n, -1, np.int8), reading.zone)
    split = extract_strings(cells)
    strings = split.strings.str.strip()
    if not isinstance(cells.dtype, np.dtype) or cells.dtype.kind != "O":
        _read_typed(cells, read)
    elif split.other.any():
        _read_objects(cells, split.other, read)
    if not split.other.all():
        _read_strings(strings, read, reading)
    rest = (split.other | strings.notna().to_numpy()) & (read.times == _NAT)
    faults: dict[str, Mask] = {}
    if rest.any():
        found, faults = read_rest(cells, rest, partial(read_time, reading=reading))
        read.times[rest] = [_NAT if time is None else time for time in found]
        read.naive[rest] = ~match_pattern(strings, _HAS_ZONE)[rest] & (read.times[rest] != _NAT)
        if faults:
            faults = _with_orders(strings, faults)
    column: Cells = pd.Series(read.times.view("M8[us]")).dt.tz_localize("UTC")
    return Converted(column, faults, _notes(read, reading))


def _read_typed(cells: Cells, read: _Times) -> None:
    """Read a column of timestamps or of numbers."""
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        _enter_stamps(cells.dt.tz_convert("UTC").dt.tz_localize(None), read, slice(None), naive=False)
    elif cells.dtype.kind == "M":
        _enter_stamps(cells, read, slice(None), naive=np.ones(len(cells), bool))
    elif cells.dtype.kind in "iuf":
        _enter_epochs(cells.to_numpy("float64"), read, np.ones(len(cells), bool))


def _enter_stamps(cells: Cells, read: _Times, rows: Any, *, naive: Mask | bool) -> None:
    stamps = cells.to_numpy()
    # The range comes first, in seconds: a distant year overflows microseconds.
    known = (stamps >= _FIRST) & (stamps < _END)
    times = np.full(len(stamps), _NAT)
    times[known] = stamps[known].astype("M8[us]").astype(np.int64)
    read.enter(rows, times, naive)


def _enter_epochs(numbers: Array, read: _Times, rows: Mask) -> None:
    times, units = read_epochs(numbers)
    read.enter(rows, np.where(units < 0, _NAT, times))
    read.units[rows] = units


def _read_objects(cells: Cells, other: Mask, read: _Times) -> None:
    """Read numbers, and datetimes, dates and their kin."""
    numbers = _which(cells, other, is_numeric)
    if numbers.any():
        _enter_epochs(np.array([_float(cell) for cell in cells[numbers]]), read, numbers)
    stamps = _which(cells, other, lambda cell: isinstance(cell, date | np.datetime64))
    naive = _which(cells, stamps, lambda cell: getattr(cell, "tzinfo", None) is None)
    if stamps.any():
        times = pd.to_datetime(cells[stamps], utc=True, errors="coerce").dt.tz_localize(None)
        _enter_stamps(times, read, stamps, naive=naive[stamps])


def _which(cells: Cells, among: Mask, holds: Callable[[Any], bool]) -> Mask:
    found = among.copy()
    found[among] = [holds(cell) for cell in cells[among]]
    return found


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (OverflowError, ValueError):
        return np.nan


def _read_strings(strings: Cells, read: _Times, reading: Reading) -> None:
    """Read the usual forms of times, numbers, and dates that end with their year or times of half a day."""
    usual = match_pattern(strings, _USUAL)
    if usual.any():
        _enter_usual(strings, usual, read)
    if usual.all():
        return
    numbers = match_pattern(strings, _PLAIN_NUMBER)
    if numbers.any():
        _enter_epochs(to_floats(strings[numbers]).to_numpy(), read, numbers)
    others = strings.mask(usual | numbers)
    if others.notna().any():
        if reading.day_first is not None:
            others = replace_pattern(others, _YEAR_LAST, r"\3-\2-\1\4" if reading.day_first else r"\3-\1-\2\4")
        halves = match_pattern(others, _HALF_DAY)
        _enter_usual(others, match_pattern(others, _USUAL), read)
        if halves.any():
            afternoon = match_pattern(others, _AFTERNOON)
            clocks = replace_pattern(replace_pattern(others, _HALF_DAY, r"\1\2\3"), _TWELVE, r"\1" "00:")
            _enter_usual(clocks, halves & match_pattern(clocks, _USUAL), read, afternoon * np.timedelta64(12, "h"))


def _enter_usual(dates: Cells, usual: Mask, read: _Times, later: Array | None = None) -> None:
    """Enter times in the usual forms; those of an afternoon are later than they are printed."""
    has_zone = match_pattern(dates, _HAS_ZONE)
    # Apart, because pandas 2 takes the zone of one row for later rows without a zone.
    for rows in filter(np.any, (usual & has_zone, usual & ~has_zone)):
        times = pd.to_datetime(dates[rows], format="ISO8601", utc=True, errors="coerce").dt.tz_localize(None)
        _enter_stamps(times if later is None else times + later[rows], read, rows, naive=~has_zone[rows])


def _with_orders(strings: Cells, faults: dict[str, Mask]) -> dict[str, Mask]:
    """Return the faults of a column in which one reason says which orders of day and month fit all of its dates."""
    late = [reason for reason in faults if reason.startswith(YEAR_EXPECTED)]
    if not late:
        return faults
    day_first, month_first = match_pattern(strings, DAY_FIRST), match_pattern(strings, MONTH_FIRST)
    reason = year_expected(not (month_first & ~day_first).any(), not (day_first & ~month_first).any())
    rows = np.logical_or.reduce([faults[reason] for reason in late])
    return {reason: rows} | {other: rows for other, rows in faults.items() if other not in late}


def _notes(read: _Times, reading: Reading) -> tuple[str, ...]:
    n_times = int((read.times != _NAT).sum())
    notes = []
    for unit, name in enumerate(UNITS.values()):
        if count := int((read.units == unit).sum()):
            rows = _share(count, n_times)
            notes.append(tr("is read as {unit} since 1970, UTC{rows}", unit=tr(name), rows=rows))
    if count := int(read.naive.sum()):
        rows = _share(count, n_times)
        notes.append(tr("has no time zone{rows}: taken as {zone}", rows=rows, zone=reading.zone))
    return tuple(notes)


def _share(count: int, of: int) -> str:
    return "" if count == of else tr(" in {count} of {rows} rows", count=count, rows=of)
