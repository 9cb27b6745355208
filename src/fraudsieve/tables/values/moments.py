"""The definition of a time, for tables and records alike; see `reading`.

A number is an epoch in seconds, milliseconds, microseconds or nanoseconds, whichever gives a time from 2000 to 2100; at
most one does. A whole number of eight digits that is a date, such as 20260501, is that date. Needs only NumPy.

Time zones by name: which time of UTC a clock shows, and what it shows at a time of UTC. Needs only NumPy.

The offsets of a zone from 1899 to 2101 are two arrays, so that columns of times are converted at once. A time that a
clock shows twice is the first of the two; one that it skips counts from the offset before, as in `datetime`.
"""

import difflib
import math
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from fraudsieve._microseconds import DAY, HOUR, MINUTE, SECOND
from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError

from .reading import (
    EXPECTED,
    MISSING_NUMBERS,
    NUMBERS,
    PLAIN,
    Reading,
    is_blank,
    is_missing,
    is_numeric,
    reject,
    type_name,
)

OUTSIDE: Final = "expected a time in the years 1970 to 2100, got another one"
UNITS: Final = {1.0: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
"""Units of epochs, by their number per second."""
RECENT: Final = 946_684_800.0
"""2000-01-01, in seconds since 1970. Smaller numbers are not epochs."""
LATEST: Final = 4_102_444_800.0
"""2100-01-01."""
EARLIEST: Final = 0
EARLIEST_DATE: Final = -2_208_988_800_000_000
"""1900-01-01, in microseconds since 1970: dates of a record, such as those of birth, may be earlier than its times."""
TOO_LATE: Final = 4_133_980_800_000_000
"""2101-01-01, in microseconds since 1970."""
COUNTED: Final = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
"""Units of times that count since a start."""
START: Final = "2000-01-01"
"""The start without another one: later numbers remain in the years that times have."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

_HOUR: Final = r"(?:[01]\d|2[0-3])"
_ISO: Final = re.compile(
    rf"\d{{4}}-\d\d-\d\d(?:[T ]{_HOUR}:\d\d(?::\d\d(?:\.\d{{1,6}})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
"""The usual form of a time, which `datetime.fromisoformat` reads as it is."""
_TIME: Final = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|(\d\d)(\d\d))"
    rf"(?:[T ] *({_HOUR}|\d(?=:))(?:(:?)(\d\d)(?:\8(\d\d)(?:[.,](\d+))?)?)?(?: *(Z|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII,
)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(.*)", re.ASCII | re.DOTALL)
DAY_FIRST: Final = r"^(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|1[0-2])[-/.]\d{4}(?:[T ]|$)"
MONTH_FIRST: Final = r"^(?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.]\d{4}(?:[T ]|$)"
YEAR_EXPECTED: Final = "expected the year first, got it last"
_ORDERS: Final = {
    (True, True): "--day-first reads 03/04/2026 as 3 April, --month-first as March 4",
    (True, False): "only --day-first fits, which reads 03/04/2026 as 3 April",
    (False, True): "only --month-first fits, which reads 03/04/2026 as March 4",
    (False, False): "some begin with the day, others with the month",
}
_MONTHS: Final = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_OF_MAIL: Final = re.compile(
    rf"(?:[A-Z]{{3}}, +)?(\d{{1,2}}) +({_MONTHS}) +(\d{{4}}) +(\d\d:\d\d(?::\d\d)?) *"
    r"([+-]\d{4}|GMT|UTC?)?(?: +\([^()]*\))?",
    re.ASCII,
)
"""A time of a mail: RFC 2822, section 3.3. The name of the zone in brackets says nothing more."""
_HALF_DAY: Final = re.compile(r"(.*[T ])(0?[1-9]|1[0-2])(:[0-5]\d.*?)[ \u00a0\u202f]?([AP])\.?M\.?", re.ASCII)


def counted_from(unit: str | None, start: str | None, zone: str | None) -> tuple[int, int] | None:
    """Return what numbers count that are times, for `Reading`: a unit of `COUNTED`, since a start; None for epochs."""
    if unit is None:
        return None
    return COUNTED[unit], read_time(start or START, "time_start", Reading(zone=zone or "UTC")) or 0


def read_date(value: Any, field: str = "", reading: Reading = PLAIN) -> int | None:
    """Read a time that may be before 1970; one out of range, which programs write for an open end, is missing."""
    if isinstance(value, str) and value.strip().startswith("0000"):
        return None
    try:
        return read_time(value, field, replace(reading, earliest=EARLIEST_DATE, counted=None))
    except RejectedRecordError as error:
        if str(error).endswith(OUTSIDE):
            return None
        raise


def read_time(value: Any, field: str = "", reading: Reading = PLAIN) -> int | None:
    """Read a time."""
    if isinstance(value, str):
        return _time_in(value.strip(), field, reading)
    if isinstance(value, datetime) and value == value:  # NaT of pandas is a datetime too
        return _within(_microseconds(value, reading), field, reading)
    if is_missing(value):
        return None
    if isinstance(value, date):
        return _within(_microseconds(datetime(value.year, value.month, value.day), reading), field, reading)
    if isinstance(value, np.datetime64):
        return _time_of_datetime64(value, field, reading)
    if is_numeric(value):
        return _time_of_number(value, field, reading)
    return reject(field, f"{EXPECTED['time']}, got {type_name(value)}")


def _time_in(text: str, field: str, reading: Reading) -> int | None:
    iso: str | None = text
    if not _ISO.fullmatch(text):
        if NUMBERS["."].fullmatch(text):
            return _time_of_number(float(text), field, reading)
        if text in MISSING_NUMBERS or is_blank(text):
            return None
        iso = _iso_of(text.upper(), reading)
    try:
        moment = None if iso is None else datetime.fromisoformat(iso)
    except ValueError:
        moment = None
    if moment is None:
        reject(field, _why_no_time(text, reading))
    return _within(_microseconds(moment, reading), field, reading)


def _why_no_time(text: str, reading: Reading) -> str:
    """Return why a text is not a time: it may be a date in another order of day and month than the given one."""
    is_day, is_month = (re.match(pattern, text, re.ASCII) is not None for pattern in (DAY_FIRST, MONTH_FIRST))
    is_date = {None: is_day or is_month, True: is_month and not is_day, False: is_day and not is_month}
    is_rejected = is_date[reading.day_first]
    return year_expected(is_day, is_month) if is_rejected else f"{EXPECTED['time']}, got other text"


def year_expected(day_first: bool, month_first: bool) -> str:
    """Return why dates are rejected that end with their year, by the orders of day and month that fit them."""
    return f"{YEAR_EXPECTED}: {_ORDERS[day_first, month_first]}"


def _iso_of(text: str, reading: Reading) -> str | None:
    """Return a time in another form as `datetime.fromisoformat` reads it; None if it is not a time."""
    if reading.day_first is not None and (found := _YEAR_LAST.fullmatch(text)):
        first, second, year, rest = found.groups()
        text = f"{year}-{second}-{first}{rest}" if reading.day_first else f"{year}-{first}-{second}{rest}"
    if found := _OF_MAIL.fullmatch(text):
        day, month, year, clock, zone = found.groups()
        shift = "" if zone is None else zone if zone[0] in "+-" else "+00:00"
        return f"{year}-{_MONTHS.index(month) // 4 + 1:02}-{int(day):02}T{clock}{shift}"
    if found := _HALF_DAY.fullmatch(text):
        head, hour, rest, half = found.groups()
        text = f"{head}{int(hour) % 12 + 12 * (half == 'P'):02}{rest}"
    if not (found := _TIME.fullmatch(text)):
        return None
    year, _, month, day, month_2, day_2, hour, _, minute, second, fraction, zone = found.groups()
    clock = f"{hour or '0':0>2}:{minute or '00'}:{second or '00'}.{(fraction or '0')[:6]:0<6}"
    return f"{year}-{month or month_2:0>2}-{day or day_2:0>2}T{clock}{zone or ''}"


def _microseconds(moment: datetime, reading: Reading) -> int | None:
    """Return microseconds since 1970; None outside the range of times."""
    try:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC if reading.zone == "UTC" else ZoneInfo(reading.zone))
        return (moment - EPOCH) // MICROSECOND
    except (OverflowError, ValueError):
        return None


def _time_of_datetime64(value: np.datetime64, field: str, reading: Reading) -> int:
    year = int(value.astype("M8[Y]").astype(np.int64)) + 1970
    if not 1 <= year <= 9999:  # microseconds overflow silently
        reject(field, OUTSIDE)
    moment: datetime = value.astype("M8[us]").item()
    return _within(_microseconds(moment, reading), field, reading)


def _time_of_number(value: Any, field: str, reading: Reading) -> int:
    """Return the time of a date of eight digits or of an epoch."""
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = math.inf
    if reading.counted is not None and number < RECENT:  # from there on, it is an epoch
        unit, start = reading.counted
        return _within(start + round(number * unit) if number > -TOO_LATE else None, field, reading)
    if 19_700_101 <= number <= 21_001_231 and number.is_integer():
        with suppress(ValueError):
            return _within(_microseconds(datetime.strptime(str(int(number)), "%Y%m%d"), reading), field, reading)
    for per_second in UNITS:
        if RECENT <= number / per_second <= LATEST:
            return round(number * (1e6 / per_second))
    return reject(field, f"{EXPECTED['time']}, got another number")


def read_epochs(numbers: Array, counted: tuple[int, int] | None = None) -> tuple[Array, Array]:
    """Read numbers that are epochs, or that count a unit since a start, as `read_time` reads each of them."""
    times, units = np.zeros(len(numbers), np.int64), np.full(len(numbers), -1, np.int8)
    if counted is not None:
        fits = (numbers < RECENT) & (np.abs(numbers) * counted[0] < TOO_LATE)
        times[fits] = counted[1] + np.rint(numbers[fits] * counted[0]).astype(np.int64)
        units[fits] = len(UNITS)
    for unit, per_second in enumerate(UNITS):
        seconds = numbers / per_second
        fits = (seconds >= RECENT) & (seconds <= LATEST)
        if fits.any():
            units[fits] = unit
            times[fits] = np.rint(numbers[fits] * (1e6 / per_second)).astype(np.int64)
    return times, units


def _within(microseconds: int | None, field: str, reading: Reading) -> int:
    if microseconds is None or not reading.earliest <= microseconds < TOO_LATE:
        reject(field, OUTSIDE)
    return microseconds


FIRST_SECOND: Final = EARLIEST_DATE // SECOND - 172_800
LAST_SECOND: Final = 4_134_153_600
"""Two days before 1900 and after 2100."""
STEP: Final = 86_400
"""Seconds between two checks of an offset: no zone changes it and changes it back within a day."""
NEAREST: Final = 3


def time_zone(name: str) -> ZoneInfo:
    """Return a time zone."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder of zones, a path, an unknown name
        pass
    raise ValueError(f"expected a time zone such as Asia/Shanghai, got an unknown name{_nearest(name)}")


def _nearest(name: str) -> str:
    zones = available_timezones()
    if not zones:
        return "; this machine has no time zones: run pip install tzdata"
    by_end = {word: zone for zone in sorted(zones) for word in (zone.casefold(), zone.rpartition("/")[2].casefold())}
    found = difflib.get_close_matches(name.strip().replace(" ", "_").casefold(), by_end, n=2 * NEAREST)
    near = list(dict.fromkeys(by_end[word] for word in found))[:NEAREST]
    return f"; the nearest are {', '.join(near)}" if near else ""


@lru_cache(maxsize=16)
def zone_offsets(name: str) -> tuple[Array, Array]:
    """Return the offsets of a zone."""
    if name == "UTC":
        return np.array([FIRST_SECOND * SECOND]), np.zeros(1, np.int64)
    zone = time_zone(name)

    def offset(second: int) -> int:
        shift = datetime.fromtimestamp(second, zone).utcoffset()
        return 0 if shift is None else int(shift.total_seconds() * SECOND)

    starts, offsets = [FIRST_SECOND], [offset(FIRST_SECOND)]
    for second in range(FIRST_SECOND + STEP, LAST_SECOND, STEP):
        found = offset(second)
        if found != offsets[-1]:
            before, after = second - STEP, second
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (before, middle) if offset(middle) == found else (middle, after)
            starts.append(after)
            offsets.append(found)
    return np.array(starts, np.int64) * SECOND, np.array(offsets, np.int64)


def to_local(times: Array, name: str) -> Array:
    """Return what a clock of a zone shows, in microseconds since 1970 on that clock."""
    if name == "UTC":
        return times
    starts, offsets = zone_offsets(name)
    return times + offsets[np.searchsorted(starts[1:], times, side="right")]


def from_local(times: Array, name: str) -> Array:
    """Return the times of UTC at which a clock of a zone shows given times, as `datetime` with ``fold=0`` does."""
    if name == "UTC":
        return times
    starts, offsets = zone_offsets(name)
    changes = starts[1:] + np.maximum(offsets[:-1], offsets[1:])
    return times - offsets[np.searchsorted(changes, times, side="right")]
