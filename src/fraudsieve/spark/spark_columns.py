"""Columns of Spark frames as the kernels read them: ids as strings, times as microseconds, amounts as doubles.

Columns of the usual types are read by expressions of Spark, and those of others by `fraudsieve.tables.conversion`. What
depends on the type of a column is checked before any job runs. A value that is rejected becomes `REJECTED`, an infinite
amount, or a time before 1970.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.tables.cells import BLANK
from fraudsieve.tables.conversion import convert, convert_numbers
from fraudsieve.tables.values.moments import TOO_LATE
from fraudsieve.tables.values.reading import EXPECTED, FLAG_WORDS, MAX_AMOUNT, MISSING_WORDS, Kind

PREFIX = "__fraudsieve_"
"""The beginning of the names of columns that are added on the way; the caller's columns must not begin with it."""
REJECTED = "\ufffd"
"""A rejected id or category; no id has this character, which replaces broken ones."""
WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
NUMBERS = (*WHOLE, T.FloatType, T.DoubleType, T.DecimalType, T.NullType)
TYPES: dict[Kind, tuple[type[T.DataType], ...]] = {
    "id": (T.StringType, *NUMBERS),
    "number": (T.StringType, T.BooleanType, *NUMBERS),
    "category": (T.StringType, T.BooleanType, *NUMBERS),
    "time": (T.StringType, T.TimestampType, T.TimestampNTZType, T.DateType, *NUMBERS),
    "text": (T.StringType, T.NullType),
    "date": (T.StringType, T.TimestampType, T.TimestampNTZType, T.DateType, *NUMBERS),
}
BLANKS = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)))) + (
    "\u2028\u2029\u202f\u205f\u3000"
)
"""The characters that `str.strip` removes."""


def of_name(name: str) -> Column:
    """Return the column of that name, whatever characters the name has."""
    return F.col("`" + name.replace("`", "``") + "`")


def check_type(frame: DataFrame, table: str, name: str, kind: Kind) -> T.DataType:
    """Return the type of a column, or raise an error that names the table if it is missing or of another type."""
    fields = {field.name: field.dataType for field in frame.schema.fields}
    if name not in fields:
        fix = "Add the column, or remove the measures that need it."
        raise SchemaError(table, f"column {name!r} is missing", fix)
    if not isinstance(fields[name], TYPES[kind]):
        problem = f"{name!r}: {EXPECTED[kind]}, got {fields[name].simpleString()}"
        raise ColumnTypeError(table, problem, "Cast the column.")
    return fields[name]


def id_column(frame: DataFrame, table: str, name: str) -> Column:
    """Return ids as strings without surrounding blanks."""
    return _names(check_type(frame, table, name, "id"), name, "id")


def words_column(frame: DataFrame, table: str, name: str) -> Column:
    """Return categories as strings without surrounding blanks."""
    names = _names(check_type(frame, table, name, "category"), name, "category")
    words = F.create_map(*(F.lit(word) for pair in FLAG_WORDS.items() for word in pair))
    return F.coalesce(words[names], names)


def _names(kind_of_column: T.DataType, name: str, kind: Kind) -> Column:
    if not isinstance(kind_of_column, (T.StringType, *WHOLE, T.NullType)):
        return _converted(name, kind, T.StringType(), REJECTED)
    names = F.btrim(of_name(name).cast("string"), F.lit(BLANKS))
    return F.when(~names.isin(*MISSING_WORDS) & ~names.rlike(BLANK), names)


def _converted(name: str, kind: Kind, result: T.DataType, rejected: Any) -> Column:
    """Return a column as the reader of tables reads it."""

    def read(cells: pd.Series) -> pd.Series:
        done = convert_numbers(cells, flags=True) if kind == "number" else convert(cells, kind)
        column = done.column
        if kind in ("time", "date"):
            times = column.dt.tz_convert(None).to_numpy("M8[us]").astype(np.int64)
            column = pd.Series(times, dtype="Int64").mask(column.isna())
        is_rejected = np.logical_or.reduce([np.zeros(len(cells), bool), *done.faults.values()])
        return column.mask(is_rejected, rejected)

    read_column: Callable[[Column], Column] = F.pandas_udf(read, result)  # type: ignore[attr-defined]
    return read_column(of_name(name))


def micros_column(frame: DataFrame, table: str, name: str) -> Column:
    """Return times as microseconds since 1970; a time without a zone is UTC, whatever the zone of the session."""
    kind, times = check_type(frame, table, name, "time"), of_name(name)
    if isinstance(kind, T.NullType):
        return times.cast("long")
    if isinstance(kind, T.TimestampType):
        return F.unix_micros(times)
    if not isinstance(kind, T.TimestampNTZType):
        return _converted(name, "time", T.LongType(), -1)
    seconds = F.unix_date(F.to_date(times)).cast("long") * 86_400 + F.hour(times) * 3600 + F.minute(times) * 60
    # Spark has no exact conversion of such times that ignores the session's zone. Seconds are decimals of 6 places.
    return seconds * 1_000_000 + (F.extract(F.lit("SECOND"), times) * 1_000_000).cast("long")


def is_no_date(frame: DataFrame, table: str, name: str) -> Column:
    """Return whether a cell is rejected as a date, as `read_date` does; one out of range is missing."""
    is_read = isinstance(check_type(frame, table, name, "date"), (T.StringType, *NUMBERS))
    return _converted(name, "date", T.LongType(), TOO_LATE) == TOO_LATE if is_read else F.lit(False)


def amount_column(frame: DataFrame, table: str, name: str) -> Column:
    """Return numbers as doubles."""
    if isinstance(check_type(frame, table, name, "number"), T.StringType):
        return _converted(name, "number", T.DoubleType(), np.inf)
    return of_name(name).cast("double")


def is_rejected(names: Column) -> Column:
    """Return whether an id has broken characters, or is not an id."""
    return F.coalesce(F.contains(names, F.lit(REJECTED)), F.lit(False))


def is_valid_time(micros: Column) -> Column:
    """Return whether a time is neither missing nor out of range."""
    return micros.isNotNull() & (micros >= 0) & (micros < TOO_LATE)


def is_valid_amount(amount: Column) -> Column:
    """Return whether an amount is missing or within the limit; for Spark, NaN is larger than any number."""
    return amount.isNull() | F.isnan(amount) | (F.abs(amount) <= F.lit(MAX_AMOUNT))


def check_added_names(frame: DataFrame, table: str, new: Sequence[str]) -> None:
    """Raise SchemaError if a column has the name of one that is added, or one that PySpark cannot pass to workers."""
    for name in frame.columns:
        if name in new or name.startswith(PREFIX):
            raise SchemaError(table, f"column {name!r} has the name of a column that is added", "Rename it.")
        if "." in name or "`" in name:
            raise SchemaError(table, f"column {name!r}: expected a name without dots and backticks", "Rename it.")
