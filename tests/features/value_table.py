"""Values of every kind, and what every reader makes of them."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
import pandas as pd

__all__ = ["MISSING", "MORNING", "TABLE", "Kind", "Refused", "no_number", "no_time"]

Kind: TypeAlias = Literal["id", "time", "number", "flag", "category"]


class Refused(NamedTuple):
    """A refusal, in its words."""

    words: str


MISSING: Final = "missing"
MORNING: Final = 1_777_629_600_000_000
"""2026-05-01T10:00:00Z."""
MIDNIGHT: Final = MORNING - 36_000_000_000
NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
UUID_TEXT = "12345678-1234-5678-1234-567812345678"

NAME, TIME = "expected a string or a whole number", "expected a time such as 2026-05-01T10:00:00Z"
CATEGORY = "expected a string, a number or a boolean"
BROKEN = Refused("expected a string in UTF-8, got broken characters")
OUTSIDE = Refused("expected a time in the years 1970 to 2100, got another one")
COMMA = "expected a decimal point, got a comma: --decimal , reads 1,5 as 1.5, and --decimal . reads 1,234 as 1234"
DATE = "expected the year first, got it last:"
LARGE = Refused("expected a number up to 1e+15, got a larger or an infinite one")


def no_id(got: str) -> Refused:
    return Refused(f"{NAME}, got {got}")


def no_time(got: str) -> Refused:
    return Refused(f"{TIME}, got {got}")


def no_number(got: str) -> Refused:
    return Refused(f"expected a number, got {got}")


IDS: list[tuple[Any, Any]] = [
    ("ann", "ann"),
    (" 007 ", "007"),
    ("中文", "中文"),
    ("", MISSING),
    (" \t", MISSING),
    ("\u200b", MISSING),
    ("\u3164\ufe0f", MISSING),  # letters and marks that nobody sees
    ("null", MISSING),
    ("NA", "NA"),  # Namibia
    ("7.0", "7.0"),  # only a format that prints everything makes 7 of it
    ("a\ufffd", BROKEN),
    ("a\ud800", BROKEN),
    ("\ud83d\ude00", "\U0001f600"),  # a pair of surrogates is a character
    (7, "7"),
    (-7, "-7"),
    (np.int32(7), "7"),
    (2**64, str(2**64)),
    (2**128, Refused(f"{NAME} of 128 bits, got a larger one")),
    (7.0, "7"),  # pandas stores whole numbers with gaps so
    (7.5, no_id("float")),
    (2.0**53, no_id("float")),
    (np.float32(2**24), no_id("float")),
    (math.inf, no_id("float")),
    (Decimal(7), "7"),
    (Decimal("7.5"), no_id("Decimal")),
    (UUID(UUID_TEXT), UUID_TEXT),
    (True, no_id("bool")),
    (np.True_, no_id("bool")),
    (3j, no_id("complex")),
    (b"ann", no_id("bytes")),
    (["ann"], no_id("list")),
    ({"a": 1}, no_id("object")),
    (NOW, no_id("datetime")),
    (None, MISSING),
    (math.nan, MISSING),
    (Decimal("sNaN"), MISSING),
    (pd.NA, MISSING),
    (pd.NaT, MISSING),
]
TIMES: list[tuple[Any, Any]] = [
    (NOW, MORNING),
    (NOW.replace(tzinfo=None), MORNING),  # without a zone: UTC
    (NOW.astimezone(timezone(timedelta(hours=8))), MORNING),
    (pd.Timestamp(NOW), MORNING),
    (np.datetime64("2026-05-01T10:00", "m"), MORNING),
    (date(2026, 5, 1), MIDNIGHT),
    ("2026-05-01T10:00:00Z", MORNING),
    (" 2026-05-01 10:00 ", MORNING),
    ("2026-05-01T18:00:00+08:00", MORNING),
    ("2026-05-01 18:00:00 +0800", MORNING),
    ("2026-05-01t10:00:00.000000999z", MORNING),
    ("20260501T100000", MORNING),
    ("20260501 1000", MORNING),
    ("2026/5/1 10:00", MORNING),
    ("2026.5.1 10", MORNING),
    ("2026-05-01", MIDNIGHT),
    ("20260501", MIDNIGHT),
    (20260501, MIDNIGHT),
    (20260501.0, MIDNIGHT),
    (MORNING, MORNING),
    (MORNING // 1000, MORNING),
    (MORNING // 10**6, MORNING),
    (float(MORNING // 10**6), MORNING),
    (Decimal(MORNING) / 10**6, MORNING),
    (np.int64(MORNING * 1000), MORNING),
    (str(MORNING // 10**6), MORNING),
    (17, no_time("another number")),
    ("2026", no_time("another number")),
    (20261301, no_time("another number")),
    (math.inf, no_time("another number")),
    (10**400, no_time("another number")),
    ("01/05/2026", Refused(f"{DATE} --day-first reads 03/04/2026 as 3 April, --month-first as March 4")),
    ("25/05/2026 10:00", Refused(f"{DATE} only --day-first fits, which reads 03/04/2026 as 3 April")),
    ("Fri, 01 May 2026 10:00:00 +0000", MORNING),
    ("Fri, 1 May 2026 03:00:00 -0700 (PDT)", MORNING),
    ("01 may 2026 10:00 GMT", MORNING),
    ("1 May 2026 10:00", MORNING),
    ("1 May 2026 10:00 (CST)", MORNING),
    ("31 Feb 2026 10:00 GMT", no_time("other text")),
    ("Fri, 1 Mai 2026 10:00 GMT", no_time("other text")),
    ("2026-05/01", no_time("other text")),
    ("2026-02-30", no_time("other text")),
    ("2026-05-01 24:00", no_time("other text")),
    ("2026-W18-5", no_time("other text")),
    ("now", no_time("other text")),
    ("NA", MISSING),
    ("", MISSING),
    (True, no_time("bool")),
    (3j, no_time("complex")),
    (b"2026-05-01", no_time("bytes")),
    (timedelta(1), no_time("timedelta")),
    ([2026], no_time("list")),
    (datetime(1970, 1, 1), 0),
    (datetime(1969, 12, 31, tzinfo=UTC), OUTSIDE),
    (datetime.max, OUTSIDE),
    (np.datetime64(10**15, "s"), OUTSIDE),
    ("1969-12-31T23:59:59Z", OUTSIDE),
    ("2101-01-01", OUTSIDE),
    ("0001-01-01T00:00+23:59", OUTSIDE),
    (None, MISSING),
    (math.nan, MISSING),
    (np.datetime64("NaT", "us"), MISSING),
    (pd.NaT, MISSING),
]
NUMBERS: list[tuple[Any, Any]] = [
    (3, 3.0),
    (-3.5, -3.5),
    (np.float32(0.5), 0.5),
    (1e15, 1e15),
    (Decimal("3.5"), 3.5),
    ("3.5", 3.5),
    (" 3 ", 3.0),
    ("+.5e1", 5.0),
    ("0.1234567890123456789", 0.1234567890123456789),
    (1.1e15, LARGE),
    (10**400, LARGE),
    (math.inf, LARGE),
    ("inf", LARGE),
    ("1e999", LARGE),
    ("3,5", Refused(COMMA)),
    ("1,234", Refused(COMMA)),
    ("1.234,5", Refused(COMMA)),
    ("$1,234.50", 1234.5),
    ("(79 EUR)", -79.0),
    ("12 EURO", no_number("other text")),
    ("1_000", no_number("other text")),
    ("0x10", no_number("other text")),
    ("٣", no_number("other text")),
    ("three", no_number("other text")),
    ("N/A", MISSING),
    ("", MISSING),
    (3j, no_number("complex")),
    (b"3", no_number("bytes")),
    (["3"], no_number("list")),
    (NOW, no_number("datetime")),
    (None, MISSING),
    (math.nan, MISSING),
    (Decimal("sNaN"), MISSING),
    (pd.NA, MISSING),
]
NO_AMOUNTS: list[tuple[Any, Any]] = [(True, no_number("bool")), ("true", no_number("other text"))]
FLAGS: list[tuple[Any, Any]] = [(True, 1.0), (np.False_, 0.0), ("TRUE", 1.0), (" False ", 0.0)]
CATEGORIES: list[tuple[Any, Any]] = [
    *((value, read) for value, read in IDS if not isinstance(read, Refused)),
    (7.5, "7.5"),
    (2.0**53, "9007199254740992.0"),
    (1e16, "1e+16"),
    (True, "True"),
    (np.False_, "False"),
    ("true", "True"),
    ("FALSE", "False"),
    ("a\ud800", "a\ufffd"),
    (math.inf, Refused(f"{CATEGORY}, got float")),
    (10**400, Refused(f"{CATEGORY}, got int")),
    (["ann"], Refused(f"{CATEGORY}, got list")),
    (b"ann", Refused(f"{CATEGORY}, got bytes")),
    (NOW, Refused(f"{CATEGORY}, got datetime")),
]
TABLE: list[tuple[Kind, Any, Any]] = [
    *(("id", *row) for row in IDS),
    *(("time", *row) for row in TIMES),
    *(("number", *row) for row in (*NUMBERS, *NO_AMOUNTS)),
    *(("flag", *row) for row in (*NUMBERS, *FLAGS)),
    *(("category", *row) for row in CATEGORIES),
]
