"""What ids, times, numbers and categories are, in one table that every reader is held to.

A value that one reader accepts is accepted by all, as the same id, time or number; a refusal has the same words.
"""

import json
import math
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.columns.table import ColumnTable
from fraudsieve.features.profile.own_columns import OwnColumns
from fraudsieve.models.scoring.fields import FIELD_TYPES
from fraudsieve.tables import InputTable, read_table
from fraudsieve.tables.cells import Converted, mask_signalling_nan
from fraudsieve.tables.conversion import convert, convert_numbers
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.time_values import read_time
from fraudsieve.tables.values import PLAIN, Reading, read_category, read_id, read_number
from tests.profiles import examples

Kind: TypeAlias = Literal["id", "time", "number", "flag", "category"]


class Refused(NamedTuple):
    """A refusal, in its words."""

    words: str


MISSING: Final = "missing"
DAY: Final = 86_400_000_000
MORNING: Final = 1_777_629_600_000_000
"""2026-05-01T10:00:00Z."""
MIDNIGHT: Final = MORNING - 36_000_000_000
NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
UUID_TEXT = "12345678-1234-5678-1234-567812345678"

NAME, TIME, NUMBER = "expected a string or a whole number", "expected a time such as 2026-05-01T10:00:00Z", "a number"
CATEGORY = "expected a string, a number or a boolean"
BROKEN = Refused("expected a string in UTF-8, got broken characters")
OUTSIDE = Refused("expected a time in the years 1970 to 2100, got another one")
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
    ("01/05/2026", no_time("other text")),
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
    (np.datetime64("NaT"), MISSING),
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
    ("3,5", no_number("other text")),
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

COLUMNS: Final = {"id": "device_id", "time": "labelled_at", "number": "amount", "category": "kind"}
READ: Final[dict[Kind, Callable[..., Any]]] = {
    "id": read_id,
    "time": read_time,
    "number": read_number,
    "flag": partial(read_number, flags=True),
    "category": read_category,
}
Results: TypeAlias = list[Any]


def by_record(values: Sequence[Any], kind: Kind, reading: Reading = PLAIN) -> Results:
    """Read each value as a field of a record."""
    return [result_of(partial(READ[kind], reading=reading), value) for value in values]


def result_of(read: Callable[[Any], Any], value: Any) -> Any:
    try:
        found = read(value)
    except RejectedRecordError as error:
        return Refused(str(error))
    return MISSING if found is None or found != found else found


def by_field(values: Sequence[Any], kind: Kind) -> Results:
    """Check each value as a model checks the fields of a request, and say only what it refuses."""
    check = FIELD_TYPES["number" if kind == "flag" else "amount" if kind == "number" else kind].check
    return [result_of(lambda value: check(value, ""), value) for value in values]


def by_profile(values: Sequence[Any], kind: Kind) -> Results:
    """Read own columns of records."""
    own = OwnColumns(("x",)) if kind == "flag" else OwnColumns((), {"x": ()})
    read = [own.of_records([{"x": value}]) for value in values]
    return [Refused(why[0].removeprefix("x: ")) if why[0] else row[0][0] for row, why in read]


def by_column(values: Sequence[Any], kind: Kind) -> Results:
    """Read a column of records for a live state; what is wrong with a value is found by reading its record."""
    table = ColumnTable({"x": list(values)})
    found: Results
    if kind in ("id", "category"):
        names = table.ids("x") if kind == "id" else table.categories("x")
        found, invalid = [names.texts[code] or MISSING for code in names.codes], names.is_invalid
    else:
        numbers, invalid = table.times("x") if kind == "time" else table.amounts("x")
        found = [MISSING if number != number else number for number in numbers.tolist()]
    return [Refused("") if wrong else one for one, wrong in zip(found, invalid, strict=True)]


def without_words(results: Results, kind: Kind) -> Results:
    """Return results as from `by_column`: a record must have its time."""
    return [Refused("") if isinstance(one, Refused) or (kind == "time" and one == MISSING) else one for one in results]


def by_table(values: Sequence[Any], kind: Kind) -> Results:
    """Read a column of objects."""
    cells = mask_signalling_nan(pd.Series(list(values), dtype=object))
    return converted(convert_numbers(cells, flags=True) if kind == "flag" else convert(cells, kind))


def converted(read: Converted) -> Results:
    is_time = read.column.dtype.kind == "M"
    column = read.column.dt.tz_convert(None).astype("M8[us]").astype("int64") if is_time else read.column
    found = [MISSING if gone else cell for cell, gone in zip(column, read.column.isna(), strict=True)]
    for reason, rows in read.faults.items():
        found = [Refused(reason) if wrong else one for one, wrong in zip(found, rows, strict=True)]
    return found


def by_source(source: Any, kind: Kind, n: int) -> Results:
    """Read a table of events, in whatever form."""
    checked = read_table(InputTable(source, ReadOptions(max_rejected=1.0)), "events")
    name = COLUMNS[kind]
    found = dict(zip(checked.rejected["row"], map(Refused, checked.rejected["reason"]), strict=True))
    rows = [row for row in range(n + 1) if row not in found]
    good = converted(Converted(checked.good[name]))
    return [found.get(row + 1) or good[rows.index(row + 1)] for row in range(n)]


def events_of(values: Sequence[Any], kind: Kind) -> pd.DataFrame:
    """Return events with values of a column; the first one has none."""
    n = len(values) + 1
    known = {"account_id": ["ann"] * n, "occurred_at": ["2026-05-01T10:00Z"] * n}
    return pd.DataFrame(known).assign(**{COLUMNS[kind]: pd.Series([None, *values], dtype=object)})


@pytest.mark.parametrize(("kind", "value", "expected"), TABLE)
def test_every_reader_of_values(kind: Kind, value: Any, expected: Any) -> None:
    assert by_record([value], kind) == [expected]
    assert by_table([value], kind) == [expected]
    field = by_field([value], kind)
    assert isinstance(expected, Refused) <= (field == [expected])
    assert isinstance(expected, Refused) == isinstance(field[0], Refused)
    if kind in ("flag", "category"):
        refused = by_profile([value], kind)
        assert isinstance(expected, Refused) <= (refused == [expected])
        assert isinstance(expected, Refused) == isinstance(refused[0], Refused)
    if kind != "flag":
        assert by_column([value], kind) == without_words([expected], kind)
        frame = mask_signalling_nan(pd.Series([None, value], dtype=object)).iloc[1:]
        assert by_source(events_of(list(frame), kind), kind, 1) == [expected]


@pytest.mark.parametrize(
    ("kind", "value", "reading", "expected"),
    [
        ("id", "7.0", Reading(printed=True), "7"),
        ("id", "1.38E+10", Reading(printed=True), Refused("expected all digits, got exponent notation")),
        ("category", "7.0", Reading(printed=True), "7"),
        ("time", "1/5/2026 10:00", Reading(day_first=True), MORNING),
        ("time", "31/02/2026", Reading(day_first=True), no_time("other text")),
        ("time", "2026-05-01 18:00", Reading(zone="Asia/Shanghai"), MORNING),
        ("time", datetime(2026, 5, 1, 18), Reading(zone="Asia/Shanghai"), MORNING),
        ("time", "2026-05-01 10:00Z", Reading(zone="Asia/Shanghai"), MORNING),
        ("number", "3,5", Reading(decimal=","), 3.5),
        ("number", "3.5", Reading(decimal=","), no_number("other text")),
        ("number", 3.5, Reading(decimal=","), 3.5),
    ],
)
def test_a_reading_holds_for_columns_and_for_single_values(
    kind: Kind, value: Any, reading: Reading, expected: Any
) -> None:
    assert by_record([value], kind, reading) == [expected]
    assert converted(convert(pd.Series([value], dtype=object), kind, reading)) == [expected]  # type: ignore[arg-type]
    typed = pd.Series([value])
    assert converted(convert(typed, kind, reading)) == [expected]  # type: ignore[arg-type]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
DIGITS = st.integers(-(10**6), 10**20).map(str) | st.floats().map(str) | st.sampled_from([" 7 ", "7.0", "1e3", "+1."])
CLOCK = r"[Tt ][0-2]?[0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,8})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
DATES = st.from_regex(rf"\A(19|20|21)[0-9]{{2}}[-/.][01]?[0-9][-/.][0-3]?[0-9]({CLOCK})?\Z")
EPOCHS = st.sampled_from([1, 10**3, 10**6, 10**9]).flatmap(
    lambda unit: st.integers(9 * 10**8 * unit, 42 * 10**8 * unit)
)
STRINGS = (
    TEXTS | DIGITS | DATES | EPOCHS.map(str) | st.sampled_from([str(v) for _, v, _ in TABLE if isinstance(v, str)])
)
OF_ONE_TYPE: list[st.SearchStrategy[Any]] = [
    STRINGS.filter(lambda text: text.isprintable()),
    st.integers(-(2**63), 2**63 - 1) | st.integers(-100, 100) | EPOCHS | st.integers(19_000_000, 22_000_000),
    st.floats() | st.integers(-100, 100).map(float) | EPOCHS.map(float),
    st.booleans(),
    st.decimals(-(10**9), 10**9, places=2),
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
    st.dates(date(1960, 1, 1), date(2110, 1, 1)),
    st.uuids(),
    st.binary(max_size=3),
]
MIXED = st.one_of(
    *OF_ONE_TYPE, STRINGS, st.none(), st.complex_numbers(), st.lists(st.integers(), max_size=2), st.timedeltas()
)
KINDS = st.sampled_from(sorted(COLUMNS))


@examples(400)
@given(st.lists(MIXED, min_size=1, max_size=6), KINDS)
def test_columns_of_any_values_are_read_as_records_are(values: list[Any], kind: Any) -> None:
    expected = by_record(values, kind)
    assert by_table(values, kind) == expected
    assert by_column(values, kind) == without_words(expected, kind)
    assert by_source(events_of(values, kind), kind, len(values)) == expected


@examples(200)
@given(st.one_of([st.lists(each | st.none(), min_size=1, max_size=6) for each in OF_ONE_TYPE]), KINDS)
def test_files_are_read_as_records_are(values: list[Any], kind: Any) -> None:
    expected, events = by_record(values, kind), events_of(values, kind)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suffix, write in (("parquet", _write_parquet), ("jsonl", _write_json_lines)):
            if write(events, folder / f"events.{suffix}"):
                assert by_source(folder / f"events.{suffix}", kind, len(values)) == expected, suffix
        if not isinstance(values[0], bytes):
            events.to_csv(folder / "events.csv", index=False)
            printed = ["" if value is None else str(value) for value in values]
            of_texts = by_record(printed, kind, Reading(printed=True))
            assert by_source(folder / "events.csv", kind, len(values)) == of_texts


def _write_parquet(events: pd.DataFrame, path: Path) -> bool:
    try:
        columns = {name: pa.array(events[name].tolist()) for name in events}
        pyarrow.parquet.write_table(pa.table(columns), path)
    except (pa.ArrowException, OverflowError):  # a type that Parquet does not have
        return False
    return True


def _write_json_lines(events: pd.DataFrame, path: Path) -> bool:
    try:
        path.write_text("".join(f"{json.dumps(row)}\n" for row in events.to_dict("records")))
    except TypeError:
        return False
    return True
