"""Conversion of times of all forms."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import RejectedRecordError, SchemaError
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.formats.loaded import LoadedTable, ReadOptions
from fraudsieve.tables.values.moments import read_time
from fraudsieve.tables.values.reading import Reading
from tests.messages import refused

TIME = "expected a time such as 2026-05-01T10:00:00Z"
NUMBER = f"{TIME}, got another number"
STRING = f"{TIME}, got other text"
RANGE = "expected a time in the years 1970 to 2100, got another one"


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (1714557600, "seconds"),
        (1714557600.5, "seconds"),
        ("1714557600", "seconds"),
        (1714557600_500, "milliseconds"),
        ("1714557600500000", "microseconds"),
        (1714557600_500_000_000, "nanoseconds"),
    ],
)
def test_a_column_of_numbers_is_read_as_the_unit_that_fits(value: Any, unit: str) -> None:
    done = convert(pd.Series([value, None], dtype=object), "time")
    half = pd.Timedelta(seconds=0 if value in (1714557600, "1714557600") else 0.5)
    assert done.column[0] == pd.Timestamp("2024-05-01T10:00:00Z") + half
    assert done.column.isna().tolist() == [False, True]
    assert done.column.dtype == "datetime64[us, UTC]"
    assert done.notes == (f"is read as {unit} since 1970, UTC",)
    assert not any(rows.any() for rows in done.faults.values())


@pytest.mark.parametrize("value", [20240501, 20240501.0, "20240501", "20240501.0", np.int32(20240501)])
def test_a_number_of_eight_digits_is_a_date(value: object) -> None:
    done = convert(pd.Series([value], dtype=object), "time")
    assert done.column[0] == pd.Timestamp("2024-05-01", tz="UTC")
    assert done.notes == ("has no time zone: taken as UTC",)


def test_every_number_stands_for_itself() -> None:
    mixed = pd.Series(["2024-05-01T10:00Z", 1714557600, "1714557600000", 17, None], dtype=object)
    done = convert(mixed, "time")
    assert done.column[0] == done.column[1] == done.column[2]
    assert done.faults[NUMBER].tolist() == [False, False, False, True, False]
    assert done.notes == (
        "is read as seconds since 1970, UTC in 1 of 3 rows",
        "is read as milliseconds since 1970, UTC in 1 of 3 rows",
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("03/04/2026", "2026-04-03"),
        ("3.4.2026 10:05", "2026-04-03 10:05"),
        ("03-04-2026T10:05:06+08:00", "2026-04-03 02:05:06"),
        ("2026-04-03", "2026-04-03"),
    ],
)
def test_days_come_first_where_that_is_said(value: str, expected: str) -> None:
    cells = pd.Series([value, "31/02/2026"])
    done = convert(cells, "time", Reading(day_first=True))
    assert done.column[0] == pd.Timestamp(expected, tz="UTC")
    assert done.faults[STRING].tolist() == [False, True]
    assert value.startswith("2026") or convert(cells, "time").column.isna().all()


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "bool"])
def test_a_column_of_small_numbers_is_not_a_column_of_times(dtype: Any) -> None:
    faults = convert(pd.Series([1, 0]).astype(dtype), "time").faults
    assert faults[f"{TIME}, got bool" if dtype == "bool" else NUMBER].all()


@pytest.mark.parametrize(("unit", "count"), [("s", 93_600.0), ("m", 1_560), ("h", "26"), ("d", Decimal(26) / 24)])
@pytest.mark.parametrize("start", [None, "2017-12-01", "2017-12-01T00:00+08:00"])
def test_numbers_count_a_unit_from_a_start_where_that_is_said(unit: str, count: Any, start: str | None) -> None:
    options = ReadOptions(time_unit=unit, time_start=start, time_zone="Asia/Shanghai")
    reading = options.reading(LoadedTable(pd.DataFrame()))
    cells = pd.Series([count, "2026-05-01T10:00Z", None, -1e18], dtype=object)
    done = convert(cells, "time", reading)
    first = pd.Timestamp(start or "2000-01-01")
    first = first if first.tzinfo else first.tz_localize("Asia/Shanghai")
    assert done.column[:3].tolist() == [first + pd.Timedelta(hours=26), pd.Timestamp("2026-05-01T10:00Z"), pd.NaT]
    assert [rows.tolist() for rows in done.faults.values()] == [[False, False, False, True]]
    assert done.notes[0] == "counts from a start in 1 of 2 rows, as --time-unit says"
    assert read_time(count, "", reading) == done.column[0].value // 1000
    with pytest.raises(RejectedRecordError, match="1970 to 2100"):
        read_time(-1e18, "", reading)


@pytest.mark.parametrize("options", [{"time_unit": "w"}, {"time_start": "yesterday"}])
def test_another_unit_and_another_start_are_errors(options: dict[str, Any]) -> None:
    with refused(SchemaError, *options):
        ReadOptions(**options)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Asia/Shanghai"])
def test_times_are_the_same_from_every_unit(unit: Any, zone: str | None) -> None:
    stamps = pd.Series(pd.to_datetime(["2024-05-01 02:00", "", "1950-01-01 00:00"], utc=True)).dt.as_unit(unit)
    stamps = stamps.dt.tz_convert(zone) if zone else stamps.dt.tz_localize(None)
    done = convert(stamps, "time")
    assert done.column.dtype == "datetime64[us, UTC]"
    assert done.column[0] == pd.Timestamp("2024-05-01 02:00", tz="UTC")
    assert done.faults[RANGE].tolist() == [False, False, True]
    assert done.notes == (() if zone else ("has no time zone: taken as UTC",))


def test_a_distant_year_in_seconds_is_out_of_range() -> None:
    done = convert(pd.Series(np.array(["300000-01-01", "2024-05-01"], dtype="M8[s]")), "time")
    assert done.faults[RANGE].tolist() == [True, False]


def test_zones_may_be_mixed_and_some_missing() -> None:
    done = convert(pd.Series(["2024-05-01T10:00+08:00", "2024-05-01T02:00", "2024-05-01T03:00+01:00", None]), "time")
    assert (done.column.dropna() == pd.Timestamp("2024-05-01 02:00", tz="UTC")).all()
    assert done.notes == ("has no time zone in 1 of 3 rows: taken as UTC",)


def test_strings_and_timestamps_may_be_mixed() -> None:
    mixed = pd.Series(
        ["2024-05-01T10:00+08:00", datetime(2024, 5, 1, 2, tzinfo=UTC), date(2024, 5, 1), 5], dtype=object
    )
    done = convert(mixed, "time")
    assert done.column.isna().tolist() == [False, False, False, True]
    assert done.column[0] == done.column[1]
    assert done.notes == ("has no time zone in 1 of 3 rows: taken as UTC",)


def test_a_date_is_not_read_as_a_zone() -> None:
    assert convert(pd.Series(["2024-05-01"]), "time").notes == ("has no time zone: taken as UTC",)


def test_no_note_if_every_time_has_a_zone() -> None:
    assert convert(pd.Series(["2024-05-01T10:00Z", "2024-05-01T10:00-0300", None]), "time").notes == ()


ORDERS = {
    "both": (["03/04/2026", "04/05/2026 10:00"], "--day-first reads 03/04/2026 as 3 April, --month-first as March 4"),
    "day": (["03/04/2026", "25/04/2026"], "only --day-first fits, which reads 03/04/2026 as 3 April"),
    "month": (["03/04/2026", "4.25.2026 2:05 PM"], "only --month-first fits, which reads 03/04/2026 as March 4"),
    "mixed": (["25/04/2026", "04/25/2026"], "some begin with the day, others with the month"),
}


@pytest.mark.parametrize("case", ORDERS)
def test_the_reason_says_which_orders_of_a_date_fit_the_column(case: str) -> None:
    values, words = ORDERS[case]
    faults = convert(pd.Series([*values, "soon"]), "time").faults
    assert {reason: rows.tolist() for reason, rows in faults.items()} == {
        f"expected the year first, got it last: {words}": [True, True, False],
        STRING: [False, False, True],
    }
    for day_first, fits in ((True, "day"), (False, "month")):
        faults = convert(pd.Series(values), "time", Reading(day_first=day_first)).faults
        assert bool(faults) == (case not in ("both", fits))
        assert all(words in reason for reason in faults)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4/30/2026 2:05 PM", "2026-04-30 14:05"),
        ("04/30/2026 14:05", "2026-04-30 14:05"),
        ("4/30/2026 12:05 am", "2026-04-30 00:05"),
        ("4/30/2026 12:05:06 P.M.", "2026-04-30 12:05:06"),
        ("4-30-2026 2:05\u202fpm", "2026-04-30 14:05"),
        ("4/30/2026", "2026-04-30"),
        ("2026-04-30 12:05", "2026-04-30 12:05"),
        ("2026-04-30 2:05 PM", "2026-04-30 14:05"),
        ("4/30/2026 13:05 PM", None),
        ("4/30/2026 0:05 PM", None),
        ("30/4/2026", None),
    ],
)
def test_times_as_programs_in_america_print_them(value: str, expected: str | None) -> None:
    reading = Reading(day_first=False)
    done = convert(pd.Series([value, "4/30/2026"]), "time", reading).column
    if expected is None:
        assert done.isna()[0]
        with pytest.raises(RejectedRecordError):
            read_time(value, reading=reading)
    else:
        assert done[0] == pd.Timestamp(expected, tz="UTC")
        assert read_time(value, reading=reading) == done[0].timestamp() * 1e6


ZONED: list[Any] = [
    *("2026-03-08 02:30", "2026-11-01 01:30", "2026-11-01 00:59:59.999999", "2026-07-01", "2026-07-01T00:00Z"),
    *("7/1/2026 2:05 PM", "1970-01-01", "1969-12-31 23:00", "2100-12-31 23:59", 20260701, 1780000000, "20260701"),
    *(datetime(2026, 3, 8, 2, 30), datetime(2026, 7, 1, tzinfo=UTC), date(2026, 7, 1), np.datetime64("2026-07-01")),
]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("typed", [False, True])
def test_times_without_a_zone_are_in_that_of_the_reading(zone: str, typed: bool) -> None:
    reading = Reading(day_first=False, zone=zone)
    values: Any = (
        pd.Series(pd.date_range("2026-03-07", "2026-11-02", freq="37min")) if typed else pd.Series(ZONED, dtype=object)
    )
    done = convert(values, "time", reading)
    for value, found in zip(values, done.column, strict=True):
        try:
            expected = read_time(value, reading=reading)
        except RejectedRecordError:
            assert pd.isna(found)
        else:
            assert found == pd.Timestamp(expected or 0, unit="us", tz="UTC")
    assert any(note.endswith(f"taken as {zone}") for note in done.notes)
