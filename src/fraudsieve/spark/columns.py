"""Columns of Spark frames as the kernels read them: ids as strings, times as microseconds, amounts as doubles.

What depends on the type of a column is checked before any job runs.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.tables.limits import MAX_AMOUNT

__all__ = [
    "PREFIX",
    "amount_column",
    "check_added_names",
    "check_type",
    "id_column",
    "is_valid_amount",
    "micros_column",
    "of_name",
]

PREFIX = "__fraudsieve_"
"""The beginning of the names of columns that are added on the way; the caller's columns may not begin so."""
WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
TYPES: dict[str, tuple[type[T.DataType], ...]] = {
    "strings or whole numbers": (T.StringType, *WHOLE, T.NullType),
    "numbers": (T.FloatType, T.DoubleType, *WHOLE, T.BooleanType, T.NullType),
    "strings, whole numbers or booleans": (T.StringType, *WHOLE, T.BooleanType, T.NullType),
    "timestamps": (T.TimestampType, T.TimestampNTZType, T.NullType),
}
BLANKS = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)))) + (
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What `str.strip` strips."""


def of_name(name: str) -> Column:
    """Return the column of that name, whatever characters the name has."""
    return F.col("`" + name.replace("`", "``") + "`")


def check_type(frame: DataFrame, table: str, name: str, expected: str) -> T.DataType:
    """Return the type of a column, or raise an error that names the table if it is missing or of another type."""
    fields = {field.name: field.dataType for field in frame.schema.fields}
    if name not in fields:
        fix = "Add the column, or remove the measures that need it."
        raise SchemaError(table, f"column {name!r} is missing", fix)
    if not isinstance(fields[name], TYPES[expected]):
        problem = f"{name!r}: expected {expected}, got {fields[name].simpleString()}"
        raise ColumnTypeError(table, problem, "Cast the column.")
    return fields[name]


def id_column(frame: DataFrame, table: str, name: str, *, stripped: bool) -> Column:
    """Return ids as strings; stripped, as a scorer reads them, a blank id is missing."""
    check_type(frame, table, name, "strings or whole numbers")
    ids = of_name(name).cast("string")
    return F.nullif(F.btrim(ids, F.lit(BLANKS)), F.lit("")) if stripped else ids


def micros_column(frame: DataFrame, table: str, name: str) -> Column:
    """Return times as microseconds since 1970; a time without a zone is UTC, whatever the zone of the session."""
    kind, times = check_type(frame, table, name, "timestamps"), of_name(name)
    if isinstance(kind, T.NullType):
        return times.cast("long")
    if isinstance(kind, T.TimestampType):
        return F.unix_micros(times)
    seconds = F.unix_date(F.to_date(times)).cast("long") * 86_400 + F.hour(times) * 3600 + F.minute(times) * 60
    # Spark has no exact conversion of such times that ignores the session's zone. Seconds are decimals of 6 places.
    return seconds * 1_000_000 + (F.extract(F.lit("SECOND"), times) * 1_000_000).cast("long")


def amount_column(frame: DataFrame, table: str, name: str) -> Column:
    """Return numbers as doubles."""
    check_type(frame, table, name, "numbers")
    return of_name(name).cast("double")


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
