"""Cells of every kind: their conversion, and the reasons for rejecting them."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fraudsieve.tables.cells import STRING, Converted
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.values.reading import MAX_TEXT_LENGTH, Kind, Reading, type_name

NOTHING = ("nan", "NaN", "None", "null", "NULL", "<NA>", "NaT", r"\N")


def cells(*values: object) -> "pd.Series":
    return pd.Series(values, dtype=object)


def reason(value: object, kind: Kind, *, printed: bool = False) -> str | None:
    """Return the reason for rejecting a value, or None for a good or a missing one."""
    done = convert(cells(value), kind, Reading(printed=printed))
    reasons = [reason for reason, rows in done.faults.items() if rows[0]]
    assert not reasons or done.column.isna()[0], "a rejected cell has no value"
    return reasons[0] if reasons else None


def only(done: Converted) -> Any:
    assert not any(rows.any() for rows in done.faults.values())
    return done.column[0]


def test_float32_ids_are_exact_below_2_to_the_24() -> None:
    done = convert(pd.Series([2.0**24 - 1, 2.0**24], dtype="float32"), "id")
    assert done.column.tolist()[0] == "16777215"
    assert done.column.isna().tolist() == [False, True]


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float64", "Int64", "category", "int64[pyarrow]"])
def test_ids_are_the_same_from_every_dtype(dtype: Any) -> None:
    done = convert(pd.Series([7, 8]).astype(dtype), "id")
    assert done.column.tolist() == ["7", "8"]
    assert done.column.dtype == STRING


def test_ids_of_several_types_in_one_column() -> None:
    done = convert(cells("a", 7, 8.0, None, 8.5), "id")
    assert done.column.tolist()[:3] == ["a", "7", "8"]
    assert [rows.tolist() for rows in done.faults.values() if rows.any()] == [[False] * 4 + [True]]
    assert convert(cells("null", 7, " "), "id").column.isna().tolist() == [True, False, True]


def test_printed_whole_numbers_lose_their_decimal_point() -> None:
    done = convert(cells("12.0", "x1.0", "3"), "id", Reading(printed=True))
    assert done.column.tolist() == ["12", "x1.0", "3"]
    assert done.notes == ("has whole numbers with a trailing .0 in 1 rows: it was removed",)
    assert convert(cells("12.0"), "id").column[0] == "12.0"


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        *product(("id", "category", "number", "time"), [*NOTHING, None, float("nan"), pd.NA, pd.NaT]),
        *product(("number", "time"), ["NA", "N/A"]),
        ("time", np.datetime64("NaT", "us")),
    ],
)
def test_missing_values_and_words_for_them_are_missing(kind: Kind, cell: object) -> None:
    assert pd.isna(only(convert(cells(cell), kind)))


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n", "\x00\x1f", "\u200b\u200d\ufeff", "\u3000\u3164", "\u202e\ufe0f"])
@pytest.mark.parametrize("kind", ["id", "text", "time", "number", "category"])
def test_blank_cells_are_missing(blank: str, kind: Kind) -> None:
    assert pd.isna(only(convert(cells(blank), kind)))


@pytest.mark.parametrize(
    "text", [" as it is ", "null", "a\x00b", "\u202eabc", "您好", "a\u200bb", "🇨🇳", "x" * MAX_TEXT_LENGTH]
)
def test_text_stays_as_it_is(text: str) -> None:
    assert only(convert(cells(text), "text")) == text


@pytest.mark.parametrize("dtype", [STRING, "string", "category", "string[pyarrow]", pd.ArrowDtype(pa.string()), object])
def test_text_is_the_same_from_every_dtype(dtype: Any) -> None:
    done = convert(pd.Series(["a", None]).astype(dtype), "text")
    assert done.column[0] == "a"
    assert done.column.isna().tolist() == [False, True]
    assert done.column.dtype == STRING


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": "b"}, b"a", ("a",)])
def test_text_that_is_not_a_string_is_rejected(value: object) -> None:
    assert reason(value, "text") == f"expected a string, got {type_name(value)}"


def test_a_column_of_numbers_is_not_text() -> None:
    done = convert(pd.Series([1, 2]), "text")
    assert [(reason, int(rows.sum())) for reason, rows in done.faults.items() if rows.any()] == [
        ("expected a string, got int", 2)
    ]


@pytest.mark.parametrize("length", [MAX_TEXT_LENGTH + 1, 1_048_576])
def test_a_text_that_is_too_long_is_rejected(length: int) -> None:
    assert reason("x" * length, "text") == "expected at most 1,000,000 characters, got more"


def test_lone_surrogates_in_a_text_become_replacement_characters() -> None:
    done = convert(cells("a\ud800b\udfff", "good", "\ud83d\ude00", None), "text")
    assert done.column.tolist()[:3] == ["a\ufffdb\ufffd", "good", "😀"]
    assert done.notes == ("has broken characters in 2 rows: they were replaced by U+FFFD",)
    assert not any(rows.any() for rows in done.faults.values())


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "Float64", "double[pyarrow]", "category", STRING])
def test_numbers_are_the_same_from_every_dtype(dtype: Any) -> None:
    done = convert(pd.Series([1, 2]).astype(dtype), "number")
    assert done.column.tolist() == [1.0, 2.0]


def test_a_lone_surrogate_in_a_category_is_replaced() -> None:
    done = convert(cells("a\ud800"), "category")
    assert only(done) == "a\ufffd"
    assert done.notes == ("has broken characters in 1 rows: they were replaced by U+FFFD",)
