"""Amounts as people write them: in columns and as single values, by one definition."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import RejectedRecordError, SchemaError
from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.values.reading import Reading, read_number

COMMA, POINT = "got a comma: --decimal ,", "expected a decimal comma, got a point"


def read(values: list[Any], decimal: str | None = "auto") -> tuple[list[float], list[str], tuple[str, ...]]:
    done = convert(pd.Series(values, dtype=object), "number", Reading(decimal=decimal))
    return done.column.tolist(), [reason for reason, rows in done.faults.items() if rows.any()], done.notes


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["$79.90", "$1,234.50"], [79.9, 1234.5]),
        (["€1,234.50", " 12 €"], [1234.5, 12]),
        (["1.234,50", "79,90", "1.234"], [1234.5, 79.9, 1234]),
        (["1 234,50", "0,5"], [1234.5, 0.5]),
        (["¥1,200", "¥950"], [1200, 950]),
        (["1,234", "950"], [1234, 950]),
        (["1,234", "12.5"], [1234, 12.5]),
        (["₹1,00,000.50", "₹ 7"], [100000.5, 7]),
        (["1'234.50", "2’000"], [1234.5, 2000]),
        (["($79.90)", "-$5", "$-5", "- $5", "−5"], [-79.9, -5, -5, -5, -5]),
        (["US$ 5", "US$6"], [5, 6]),
        (["1.234"], [1.234]),
        (["1.5", "7"], [1.5, 7]),
    ],
)
def test_a_column_decides_how_its_amounts_are_read(values: list[str], expected: list[float]) -> None:
    numbers, reasons, notes = read(values)
    assert numbers == expected
    assert reasons == []
    is_written = any(not value.replace(".", "").isdigit() for value in values)
    assert len(notes) == is_written


@pytest.mark.parametrize(
    ("values", "likely", "sign", "expected"),
    [
        (["1.234"], ",", ",", [1234]),
        (["1,5"], ",", ",", [1.5]),
        (["1,234", "950"], ",", ",", [1.234, 950]),
        (["€ 1.234", "€ 950"], ",", ",", [1234, 950]),
        (["1,234"], ".", ".", [1234]),
        (["1.234,50", "2.000"], ".", ",", [1234.5, 2000]),
        (["12.5", "1.234"], ",", ".", [12.5, 1.234]),
        (["€ 12.50", "€ 1.234"], ",", ".", [12.5, 1.234]),
        (["0.123"], ",", ".", [0.123]),
        (["12345.678"], ",", ".", [12345.678]),
        (["1.2345"], ",", ".", [1.2345]),
        (["12.5", "12,5", "7,5"], ",", ",", [math.nan, 12.5, 7.5]),
        (["1,234.50", "2.5"], ",", ".", [1234.5, 2.5]),
    ],
)
def test_the_sign_of_the_training_is_taken_unless_the_column_contradicts_it(
    values: list[str], likely: str, sign: str, expected: list[float]
) -> None:
    done = convert(pd.Series(values), "number", Reading(decimal="auto", likely=likely))
    assert done.column.tolist() == pytest.approx(expected, nan_ok=True)
    assert done.decimal == sign
    assert ("unlike in the training data" in done.notes[0]) == (sign != likely)


def test_numbers_that_are_no_words_have_no_sign() -> None:
    assert convert(pd.Series([1.234, 2.5]), "number", Reading(decimal="auto", likely=",")).notes == ()


@pytest.mark.parametrize("values", [["1,234"], ["79,90", "12"], ["1,234", "5000"], ["1,5", "abc"]])
def test_a_lone_comma_is_rejected_with_the_options(values: list[str]) -> None:
    numbers, reasons, _ = read(values)
    assert math.isnan(numbers[0])
    assert COMMA in reasons[0]
    assert read(["1,234", "0,5"], ",")[0] == [1.234, 0.5]
    assert read(["1,234"], ".")[0] == [1234]
    assert POINT in read(["1.5"], ",")[1][0]


@pytest.mark.parametrize(
    ("plain", "odd", "is_point"),
    [
        (["51.159"] * 100, "1.234.567", True),  # nothing shows that points separate thousands
        (["51.159", "250"] * 50, "1.234.567", False),
        (["51.159", "2500"] * 50, "1.234.567", True),
        (["51.15", "250"] * 2, "1.234,50", True),
        (["0.512", "250"] * 2, "1.234,50", True),
        (["51.159", "250"], "1.234,50", False),
        (["51.159"], "1.234.567", False),
        (["2.345", "1500"], "1.234,50", False),
        (["250"], "1.234,50", False),
    ],
)
def test_one_cell_does_not_turn_decimal_points_into_separators(plain: list[str], odd: str, is_point: bool) -> None:
    numbers, reasons, _ = read([*plain, odd])
    assert numbers[0] == float(plain[0] if is_point else plain[0].replace(".", ""))
    assert len(reasons) == is_point
    assert math.isnan(numbers[-1]) == is_point


def test_one_plain_number_does_not_turn_decimal_commas_into_points() -> None:
    numbers, reasons, _ = read([f"1.{n},50" for n in range(100, 600)] + ["3.5"])
    assert numbers[0] == 1100.5
    assert len(reasons) == 1
    assert math.isnan(numbers[-1])


def test_one_column_has_one_decimal_sign_and_one_currency() -> None:
    assert read(["1,234.50", "1.234,50"])[1][0].startswith("expected a decimal point, got a comma")
    numbers, reasons, _ = read(["$5", "€6", "7"])
    assert reasons == ["expected amounts of one currency, got several"]
    assert numbers[2] == 7
    assert math.isnan(numbers[0])


def test_notes_say_what_was_taken() -> None:
    point = "is read as 1,234.50, with a decimal point, and currency signs are removed"
    assert read(["$5"])[2] == (point,)
    comma = "is read as 1.234,50, with a decimal comma"
    assert read(["1.234,50"])[2] == (comma,)
    assert read(["1.234,50"], ",")[2] == (comma,)
    assert read(["5", "1.5", "NA", ""])[2] == ()


PARTS = st.sampled_from(
    [*"0123456789", ",", ".", "'", "-", "(", ")", "$", "€", "EUR", " ", "234", "1,234", "e3", "\u00a0"]
)


@given(st.lists(PARTS, max_size=7).map("".join), st.sampled_from([None, ".", ","]))
def test_a_column_and_a_value_are_read_alike(value: str, decimal: str | None) -> None:
    numbers, reasons, _ = read([value], decimal)
    try:
        expected = read_number(value, reading=Reading(decimal=decimal))
    except RejectedRecordError:
        assert reasons
    else:
        assert not reasons
        assert numbers[0] == expected or (math.isnan(numbers[0]) and math.isnan(expected))


def write(file: Path, rows: str) -> Path:
    file.write_text(rows)
    return file


def test_a_further_column_of_amounts_is_numbers_in_files_that_people_write(tmp_path: Path) -> None:
    rows = 'text,fee,code,note,zip\na,$5.00,"1,234",$5 off,01 234\nb,"$1,005.50","5,678",$7,02 234\nc,,,,\n'
    good = read_table(write(tmp_path / "m.csv", rows), "messages").good
    assert good["fee"].tolist()[:2] == [5, 1005.5]
    assert good["code"].tolist()[:2] == ["1,234", "5,678"]
    assert good["note"].tolist()[:2] == ["$5 off", "$7"]
    assert good["zip"].tolist()[:2] == ["01 234", "02 234"]
    words = ReadOptions(words=("messages.fee",))
    assert read_table(InputTable(tmp_path / "m.csv", words), "messages").good["fee"][0] == "$5.00"
    frame = pd.DataFrame({"text": ["a"], "fee": ["$5.00"]})
    assert read_table(frame, "messages").good["fee"][0] == "$5.00"


def test_a_decimal_comma_holds_for_further_columns_too(tmp_path: Path) -> None:
    rows = "text;fee;big;n\na;5,5;1.234;7\nb;7;5.678;8\n"
    table = InputTable(write(tmp_path / "m.csv", rows), ReadOptions(decimal=","))
    good = read_table(table, "messages").good
    assert good["fee"].tolist() == [5.5, 7]
    assert good["big"].tolist() == [1234, 5678]
    assert good["n"].tolist() == [7, 8]
    with pytest.raises(SchemaError, match="expected a point or a comma"):
        ReadOptions(decimal=";")


def test_a_parquet_file_is_read_value_by_value(tmp_path: Path) -> None:
    times = pd.date_range("2026-05-01", periods=3)
    frame = pd.DataFrame({"account_id": "a", "occurred_at": times, "amount": ["1,234.50", "950", "1,234"]})
    frame.to_parquet(tmp_path / "e.parquet")
    table = InputTable(tmp_path / "e.parquet", ReadOptions(max_rejected=0.5))
    checked = read_table(table, "events")
    assert checked.good["amount"].tolist() == [1234.5, 950]
    assert COMMA in checked.rejected["reason"][0]
