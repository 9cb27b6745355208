"""What every reader of ids, times and numbers makes of a value, in one table.

Tables (`convert`) come from files and frames: they print values, and write words for missing ones, which records of a
service or a live state do not. Records (`parse_*`) and columns of records (`encode_ids`, `read_*`) always agree.
"""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.columns.encoded_ids import encode_ids
from fraudsieve.features.history.columns.values import read_amounts, read_times
from fraudsieve.features.history.records import parse_amount, parse_id, parse_time
from fraudsieve.features.profile.own_columns import profile_category, profile_number
from fraudsieve.tables.cells import mask_signalling_nan
from fraudsieve.tables.conversion import Kind, convert

REJECTED: Final = "rejected"
MISSING: Final = "missing"
SECOND: Final = 1_000_000
MORNING: Final = 1_777_629_600 * SECOND
"""2026-05-01T10:00:00Z."""

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
UUID_TEXT = "12345678-1234-5678-1234-567812345678"

# A value, what a table makes of it, and what a record makes of it.
IDS: list[tuple[Any, Any, Any]] = [
    ("ann", "ann", "ann"),
    (" 007 ", "007", "007"),
    ("", MISSING, MISSING),
    (" \t", MISSING, MISSING),
    ("null", MISSING, "null"),
    ("7.0", "7.0", "7.0"),  # only a format that prints everything makes 7 of it
    (7, "7", "7"),
    (-7, "-7", "-7"),
    (np.int32(7), "7", "7"),
    (2**64 - 1, str(2**64 - 1), str(2**64 - 1)),
    (2**64, str(2**64), REJECTED),
    (7.0, "7", REJECTED),  # pandas stores whole numbers with gaps so
    (7.5, REJECTED, REJECTED),
    (2.0**53, REJECTED, REJECTED),
    (Decimal(7), "7", REJECTED),
    (UUID(UUID_TEXT), UUID_TEXT, REJECTED),
    (True, REJECTED, REJECTED),
    (np.True_, REJECTED, REJECTED),
    (b"ann", REJECTED, REJECTED),
    (["ann"], REJECTED, REJECTED),
    (NOW, REJECTED, REJECTED),
    (None, MISSING, MISSING),
    (math.nan, MISSING, MISSING),
    (pd.NA, MISSING, MISSING),
    (pd.NaT, MISSING, MISSING),
]
TIMES: list[tuple[Any, Any, Any]] = [
    (NOW, MORNING, MORNING),
    (NOW.replace(tzinfo=None), MORNING, MORNING),  # without a zone: UTC
    (NOW.astimezone(timezone(timedelta(hours=8))), MORNING, MORNING),
    (pd.Timestamp(NOW), MORNING, MORNING),
    (np.datetime64("2026-05-01T10:00", "m"), MORNING, MORNING),
    ("2026-05-01T10:00:00Z", MORNING, MORNING),
    (" 2026-05-01 10:00 ", MORNING, MORNING),
    ("2026-05-01T18:00:00+08:00", MORNING, MORNING),
    ("20260501T100000", MORNING, MORNING),
    ("2026/5/1 10:00", MORNING, REJECTED),
    ("2026-05-01", MORNING - 36_000 * SECOND, MORNING - 36_000 * SECOND),
    (date(2026, 5, 1), MORNING - 36_000 * SECOND, REJECTED),
    ("01/05/2026", REJECTED, REJECTED),
    ("now", REJECTED, REJECTED),
    ("2026", REJECTED, REJECTED),
    ("NA", MISSING, REJECTED),
    ("", MISSING, REJECTED),
    (True, REJECTED, REJECTED),
    (b"2026-05-01", REJECTED, REJECTED),
    (datetime(1969, 12, 31, tzinfo=UTC), REJECTED, -86_400 * SECOND),  # a table has years 1970 to 2100
    (None, MISSING, REJECTED),  # a record of an event or a subject must have a time
    (math.nan, MISSING, REJECTED),
    (np.datetime64("NaT"), MISSING, REJECTED),
]
NUMBERS: list[tuple[Any, Any, Any]] = [
    (3, 3.0, 3.0),
    (-3.5, -3.5, -3.5),
    (np.float32(0.5), 0.5, 0.5),
    (1e15, 1e15, 1e15),
    (1.1e15, REJECTED, REJECTED),
    (10**400, REJECTED, REJECTED),
    (math.inf, REJECTED, REJECTED),
    ("3.5", 3.5, REJECTED),
    (" 3 ", 3.0, REJECTED),
    ("3,5", REJECTED, REJECTED),
    ("inf", REJECTED, REJECTED),
    ("three", REJECTED, REJECTED),
    ("N/A", MISSING, REJECTED),
    ("", MISSING, REJECTED),
    (Decimal("3.5"), 3.5, REJECTED),
    (Decimal("sNaN"), MISSING, REJECTED),
    (True, REJECTED, REJECTED),
    (np.True_, REJECTED, REJECTED),
    (3j, REJECTED, REJECTED),
    (None, MISSING, MISSING),
    (math.nan, MISSING, MISSING),
    (pd.NA, MISSING, MISSING),
]


def by_table(value: Any, kind: Kind) -> Any:
    """Read a column with the value alone."""
    cells = pd.Series([value], dtype=object)
    if kind == "time":  # a column of numbers would be read in the unit that fits
        cells = pd.Series([value, "2026-05-01T10:00Z"], dtype=object)
    converted = convert(mask_signalling_nan(cells), kind)
    if any(mask[0] for mask in converted.faults.values()):
        return REJECTED
    cell: Any = converted.column.iloc[0]
    if pd.isna(cell):
        return MISSING
    return int(cell.value // 1000) if kind == "time" else cell


def by_record(parse: Callable[[Any, str], Any], value: Any) -> Any:
    """Read one field of a record."""
    try:
        parsed = parse(value, "field")
    except RejectedRecordError as error:
        return REJECTED if str(error).startswith("field: expected ") else str(error)
    return MISSING if parsed is None or parsed != parsed else parsed


def by_column(kind: Literal["id", "time", "number"], value: Any) -> Any:
    """Read a column of records with the value alone."""
    if kind == "id":
        ids = encode_ids([value])
        if ids.is_invalid[0]:
            return REJECTED
        return ids.texts[ids.codes[0]] or MISSING
    values, invalid = (read_times if kind == "time" else read_amounts)([value])
    if invalid[0]:
        return REJECTED
    return MISSING if values[0] != values[0] else values[0]


@pytest.mark.parametrize(("value", "table", "record"), IDS)
def test_ids(value: Any, table: Any, record: Any) -> None:
    assert by_table(value, "id") == table
    assert by_record(parse_id, value) == by_column("id", value) == record


@pytest.mark.parametrize(("value", "table", "record"), TIMES)
def test_times(value: Any, table: Any, record: Any) -> None:
    assert by_table(value, "time") == table
    assert by_record(parse_time, value) == by_column("time", value) == record


@pytest.mark.parametrize(("value", "table", "record"), NUMBERS)
def test_numbers(value: Any, table: Any, record: Any) -> None:
    assert by_table(value, "number") == table
    assert by_record(parse_amount, value) == by_column("number", value) == record
    if not isinstance(value, bool | np.bool_):
        assert by_record(profile_number, value) == record


@pytest.mark.parametrize("value", [True, np.True_])
def test_a_flag_is_a_number_of_a_profile_alone(value: Any) -> None:
    assert by_record(profile_number, value) == 1.0


@pytest.mark.parametrize(("value", "table", "record"), [row for row in IDS if row[1] == row[2]])
def test_a_category_is_read_as_an_id_is_where_both_kinds_of_readers_agree(value: Any, table: Any, record: Any) -> None:
    if record != REJECTED:
        assert by_table(value, "category") == by_record(profile_category, value) == record
