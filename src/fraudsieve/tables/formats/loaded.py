"""A table as it was read, before any check, and the frame of an Arrow table."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from fraudsieve.exceptions import RejectedRecordError, SchemaError
from fraudsieve.tables.cells import Cells, string_series
from fraudsieve.tables.values.moments import COUNTED, START, counted_from, time_zone
from fraudsieve.tables.values.reading import Reading, has_surrogate

MAX_BROKEN_SHARE: Final = 0.1  # of the rows; beyond it, the whole file has another encoding
_TEXT_TYPES: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a table, where the file itself does not state them.

    Parameters
    ----------
    columns : mapping of str to str, optional
        Names of columns in the table, by the name that fraudsieve uses.
    encoding : str, default=None
        Encoding of a text file, such as ``gb18030``; None to detect it.
    separator : str, default=None
        Character between the columns of a text file; None to detect it.
    sheet : str, default=None
        Name of the sheet of a workbook; None for the first.
    header_row : int, default=None
        The row with the names of the columns in a workbook or a text file, counted from 1; None to find it.
    day_first : bool, default=None
        Whether dates such as 03/04/2026 begin with the day, or with the month. Without it, they are rejected.
    decimal : {".", ","}, default=None
        The decimal sign of numbers in strings; None to find it.
    time_zone : str, default=None
        Name of the zone of times that have none, such as ``Asia/Shanghai``; None for UTC.
    time_unit : {"s", "m", "h", "d"}, default=None
        What numbers count that are times: seconds, minutes, hours or days since `time_start`. None for epochs.
    time_start : str, default=None
        When they start, as a date or a time in ISO 8601; None for 2000-01-01.
    labels_optional : bool, default=False
        Whether columns that are named for labels and their times may be missing, as in records to score.
    categories : tuple of str, default=()
        Further columns that are declared as categories, each after its table: ``accounts.branch``. Text files print
        their whole numbers as 7 or as 7.0, which is the same category.
    words : tuple of str, default=()
        Further columns that stay as they are printed, though all of their cells may look like numbers.
    dates, texts : tuple of str, default=()
        Further columns that are dates, or texts: a row is rejected if its cell is none.
    kinds : mapping of str to str, optional
        Of the tables of events that `columns` may name, such as ``logins`` in ``logins.event_id`` for a file
        ``logins.csv``: the kind of their events if they have no such column; empty for ``event``.
    max_rejected : float, default=None
        The share of rejected rows, from 0 to 1, above which a table is an error; None for `MAX_REJECTED`.
    read_as : mapping of str to str, optional
        How the tables of a training were read: their ``encoding``, and the decimal sign of columns of amounts, each
        after its table (``events.amount``). They are the first choice where a file is in doubt.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    day_first: bool | None = None
    decimal: str | None = None
    time_zone: str | None = None
    time_unit: str | None = None
    time_start: str | None = None
    labels_optional: bool = False
    categories: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    max_rejected: float | None = None
    read_as: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.max_rejected is not None and not 0 <= self.max_rejected <= 1:
            raise SchemaError("max_rejected", f"expected a share from 0 to 1, got {self.max_rejected}", "Correct it.")
        if self.header_row is not None and self.header_row < 1:
            raise SchemaError("header_row", f"expected a row, counted from 1, got {self.header_row}", "Correct it.")
        if self.decimal not in (None, ".", ","):
            raise SchemaError("decimal", "expected a point or a comma, got something else", "Correct it.")
        if self.time_unit not in (None, *COUNTED):
            raise SchemaError("time_unit", f"expected one of {', '.join(COUNTED)}, got something else", "Correct it.")
        if self.time_start is not None:
            try:
                counted_from(self.time_unit or "s", self.time_start, None)
            except RejectedRecordError:
                problem = f"expected a date such as {START}, got something else"
                raise SchemaError("time_start", problem, "Correct it.") from None
        if self.time_zone is not None:
            try:
                time_zone(self.time_zone)
            except ValueError as error:
                raise SchemaError("time_zone", str(error), "Correct it.") from None

    def reading(self, loaded: "LoadedTable") -> Reading:
        """Return how the values of a table are read.

        The columns of a file that people write decide on their decimal sign. Those of other tables do not, so that a
        Parquet file is the same at once and in chunks.
        """
        decimal = self.decimal or ("auto" if loaded.header else None)
        counted = counted_from(self.time_unit, self.time_start, self.time_zone)
        return Reading(loaded.printed, self.day_first, self.time_zone or "UTC", decimal, counted)

    def or_else(self, defaults: "ReadOptions") -> "ReadOptions":
        """Return these options, with unset ones, and the names of further columns, filled in from others.

        Examples
        --------
        >>> ReadOptions(encoding="gb18030").or_else(ReadOptions({"text": "content"}, "utf-8")).encoding
        'gb18030'
        >>> ReadOptions({"text": "body"}).or_else(ReadOptions({"messages.text": "content", "sent_at": "date"})).columns
        {'sent_at': 'date', 'text': 'body'}
        """
        others = {name: column for name, column in defaults.columns.items() if not self._names(name)}
        unset = {name: getattr(defaults, name) for name, value in vars(self).items() if value is None}
        return replace(
            self,
            **unset,
            columns=others | dict(self.columns),
            labels_optional=self.labels_optional or defaults.labels_optional,
            categories=tuple(dict.fromkeys((*self.categories, *defaults.categories))),
            words=tuple(dict.fromkeys((*self.words, *defaults.words))),
            dates=tuple(dict.fromkeys((*self.dates, *defaults.dates))),
            texts=tuple(dict.fromkeys((*self.texts, *defaults.texts))),
            kinds={**defaults.kinds, **self.kinds},
            read_as={**defaults.read_as, **self.read_as},
        )

    def _names(self, name: str) -> bool:
        """Return whether a column is named already; ``text`` also stands for ``messages.text``."""
        return name in self.columns or name.rpartition(".")[2] in self.columns


@dataclass(frozen=True, eq=False)
class LoadedTable:
    """A frame as it was read, before any check."""

    # All rows, broken ones included (as missing values).
    frame: pd.DataFrame
    # Positions of the rows that could not be read, and why.
    broken: dict[int, str] = field(default_factory=dict)
    # Whether all cells were read from plain text.
    printed: bool = False
    # Whether the names of the columns stand among the cells (a first line or row, or the keys of objects): damaged,
    # they may be cells.
    header: bool = False
    # Names such as `from.name`, of values inside objects. They are columns only under a name from the user: a service
    # sends the objects, so that no record has a field of this name.
    inner: frozenset[str] = frozenset()
    # Names of columns in the table, by ours, where they differ.
    given: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    # The encoding of text with other characters than those of ASCII.
    encoding: str | None = None


def frame_of(table: Any, origin: str) -> pd.DataFrame:
    """Return an Arrow table as a frame; whole numbers with gaps stay whole."""
    columns = {position: _cells(column, origin) for position, column in enumerate(table.columns)}
    # To align and copy thousands of series takes longer than to read them; of bare objects, pandas would make strings.
    parts = {position: cells if cells.dtype == object else cells.array for position, cells in columns.items()}
    return pd.DataFrame(parts, index=range(len(table)), copy=False).set_axis(table.column_names, axis=1)


def _cells(column: Any, origin: str) -> Cells:
    if pa.types.is_dictionary(column.type):
        column = _without_dictionary(column)
    if getattr(column.type, "extension_name", "") == "arrow.uuid":  # in pandas it would be bytes
        return pd.Series(column.to_pylist(), dtype=object)
    if any(is_text(column.type) for is_text in _TEXT_TYPES):
        return _decode(column.cast(pa.large_binary()), origin)
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    # Whole numbers with gaps stay whole: as floats, long ids would lose digits.
    cells: Cells = column.to_pandas(integer_object_nulls=True)
    return cells


def _without_dictionary(column: Any) -> Any:
    """Replace codes by their values; Arrow cannot take the string views of Polars by codes, so they become binary."""
    values = column.type.value_type
    values = pa.large_string() if pa.types.is_string_view(values) else values
    chunks = [
        pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.cast(values)).dictionary_decode()
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, values)


def _decode(column: Any, origin: str) -> Cells:
    """Decode bytes declared as UTF-8, which Parquet files do not always hold."""
    try:
        return string_series(column, range(len(column)))
    except pa.ArrowInvalid:
        cells = [cell if cell is None else cell.decode("utf-8", "surrogateescape") for cell in column.to_pylist()]
    check_share(sum(cell is not None and has_surrogate(cell) for cell in cells), len(cells), origin)
    return pd.Series(cells, dtype=object)


def check_share(broken: int, rows: int, origin: str) -> None:
    """Raise SchemaError if so many rows are not UTF-8 that the whole table is not."""
    if broken == rows or broken > max(2, MAX_BROKEN_SHARE * rows):
        raise SchemaError(origin, f"{broken} of {rows} rows are not in UTF-8", "Write the text of the table as UTF-8.")
