"""Every reader of ids, times, numbers and categories is held to one table of values, and to the reader of records.

A value that one reader accepts is accepted by all, as the same id, time or number; a refusal has the same words.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fraudsieve.exceptions import ColumnTypeError, RejectedRecordError, SchemaError
from fraudsieve.features.history.columns.table import ColumnTable
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models.fields import FIELD_TYPES
from fraudsieve.tables import InputTable, read_table
from fraudsieve.tables.cells import Converted, mask_signalling_nan
from fraudsieve.tables.conversion import convert, convert_numbers
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.values.moments import read_time
from fraudsieve.tables.values.reading import PLAIN, TOO_LARGE, Reading, read_category, read_id, read_number
from tests.profiles import examples

from .value_table import MISSING, MORNING, TABLE, Kind, Refused, no_time

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
    """Read custom columns of records."""
    own = CustomColumns(("x",)) if kind == "flag" else CustomColumns((), {"x": ()})
    read = [own.of_records([{"x": value}], np.zeros(1, np.int64)) for value in values]
    return [Refused(why[0].removeprefix("x: ")) if why[0] else row[0][0] for row, why in read]


def by_column(values: Any, kind: Kind, name: str = "") -> Results:
    """Read a column for a live state; what is wrong with a value is found by reading its record."""
    table = ColumnTable({"x": values}, name=name)
    found: Results
    if kind in ("id", "category"):
        names = table.ids("x") if kind == "id" else table.categories("x")
        found, invalid = [names.texts[code] if code >= 0 else MISSING for code in names.codes], names.is_invalid
    else:
        numbers, invalid = table.times("x") if kind == "time" else table.amounts("x")
        found = [MISSING if number != number else number for number in numbers.tolist()]
    return [Refused("") if wrong else one for one, wrong in zip(found, invalid, strict=True)]


def in_batch(value: Any, kind: Kind) -> Any:
    """Read a column of one value in a batch, where a refusal is an error with its words."""
    try:
        return by_column([value], kind, "events")[0]
    except (ColumnTypeError, SchemaError) as error:
        return str(error)


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
        found = in_batch(value, kind)
        words = expected.words if isinstance(expected, Refused) else "'x' is missing in 1 rows"
        assert found == expected or words.replace(TOO_LARGE, "'x' is beyond 1e+15 or infinite in 1 rows") in found
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
        (
            "number",
            "3.5",
            Reading(decimal=","),
            Refused("expected a decimal comma, got a point: --decimal . reads 1.5 as 1.5"),
        ),
        ("number", "1.234,5", Reading(decimal=","), 1234.5),
        ("number", "1,234", Reading(decimal="."), 1234.0),
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


@pytest.mark.parametrize("values", [[True, 1, 1.0], [1.0, True], [Decimal(1), True, np.True_]])
def test_equal_values_of_different_types_are_not_one_value(values: list[Any]) -> None:
    kinds: tuple[Kind, ...] = ("id", "category", "number")
    for kind in kinds:
        assert by_table(values, kind) == by_record(values, kind)
        assert by_column(values, kind) == without_words(by_record(values, kind), kind)


@pytest.mark.parametrize("dtype", ["int64", "float64", "uint64"])
def test_arrays_of_numbers_are_read_as_records_are(dtype: str) -> None:
    values = np.array([MORNING, MORNING // 10**6, 20260501, 17, 0], dtype)
    table = ColumnTable({"x": values})
    times, invalid = table.times("x")
    found = [Refused("") if wrong else time for time, wrong in zip(times.tolist(), invalid, strict=True)]
    assert found == without_words(by_record(values.tolist(), "time"), "time")
    assert converted(convert(pd.Series(values), "time")) == by_record(values.tolist(), "time")
    assert [table.ids("x").texts[code] for code in table.ids("x").codes] == by_record(values.tolist(), "id")


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
COLUMNS_OF_ONE_TYPE = st.one_of([st.lists(each | st.none(), min_size=1, max_size=6) for each in OF_ONE_TYPE])


@examples(400)
@given(st.lists(MIXED, min_size=1, max_size=6), KINDS)
def test_columns_of_any_values_are_read_as_records_are(values: list[Any], kind: Any) -> None:
    expected = by_record(values, kind)
    assert by_table(values, kind) == expected
    assert by_column(values, kind) == without_words(expected, kind)
    assert by_source(events_of(values, kind), kind, len(values)) == expected


@examples(200)
@given(COLUMNS_OF_ONE_TYPE, KINDS, st.booleans())
def test_columns_of_arrow_and_pandas_are_read_as_records_are(values: list[Any], kind: Any, as_codes: bool) -> None:
    try:
        array = pa.array(values)
        array = array.dictionary_encode() if as_codes else array
    except (pa.ArrowException, OverflowError):  # a type that Arrow does not have
        array = pa.array(list(map(str, values)))
    table, series = pa.chunked_array([array, array]), pd.Series(values)
    assert by_column(table, kind) == without_words(by_record(table.to_pylist(), kind), kind)
    assert by_column(series, kind) == without_words(by_record(list(series), kind), kind)


@examples(200)
@given(COLUMNS_OF_ONE_TYPE, KINDS)
def test_files_are_read_as_records_are(values: list[Any], kind: Any) -> None:
    assume(kind != "number" or not any("," in str(value) for value in values))  # a column decides on its decimal sign
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
