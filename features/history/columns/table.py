"""The columns of a table from a user, in any form: arrays of NumPy, lists, and those of Arrow, pandas and Polars.

Batches raise an error if a value is invalid, and live states reject its row. Needs only NumPy and Numba.

A column of ids or categories as codes: each distinct value is read and hashed once, and the rows refer to it.

Distinct values stay bytes until their texts are needed. Usual ones, which `read_id` and `read_category` return as they
are, are recognised by their bytes, all at once. Needs only NumPy and Numba.

Times, amounts and labels are read here too: ordinary columns at once, and other values one by one by
`fraudsieve.tables.values`. No library of tables is imported.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property, partial
from hashlib import blake2b
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import ColumnTypeError, RejectedRecordError, SchemaError
from fraudsieve.features.history.declaration import ONE_KIND
from fraudsieve.features.history.kernels.categories import code_numbers, code_strings
from fraudsieve.features.history.records import record_time
from fraudsieve.features.history.timeline import CAMPAIGN
from fraudsieve.tables.values.moments import EARLIEST, OUTSIDE, TOO_LATE, read_epochs
from fraudsieve.tables.values.reading import (
    MAX_AMOUNT,
    NOT_A_LABEL,
    TOO_LARGE,
    exact_below,
    read_category,
    read_id,
    read_is_fraud,
    read_number,
)

Read: TypeAlias = Callable[[Any], str | None]
"""`read_id` or `read_category`."""
PLAIN: Final = frozenset({str, int, type(None)})
"""Types whose values are equal only if they are the same id; 1, 1.0 and True are equal too, but not the same id."""
MISSING: Final = -1
INVALID: Final = -2
MAX_DIGITS: Final = 20
"""Characters of a whole number of 64 bits."""


Values: TypeAlias = Array | Sequence[Any]

_FIRST, _END = (np.datetime64(microseconds // 10**6, "s") for microseconds in (EARLIEST, TOO_LATE))
_NUMBERS = frozenset({float, int, type(None)})


def plain_column(column: Any) -> Any:
    """Return a column as an array of Arrow, an array of numbers or times, or a list."""
    column = _as_arrow(column)
    if arrow_type(column):
        return _in_one_chunk(column)
    if not isinstance(column, np.ndarray) and hasattr(column, "to_numpy"):
        has_zone = getattr(getattr(column, "dtype", None), "tz", None) is not None
        column = column.to_numpy(f"M8[{column.dtype.unit}]") if has_zone else column.to_numpy()  # in UTC
    if isinstance(column, np.ndarray) and column.dtype.kind in "iufbM" and column.ndim == 1:
        return column
    return plain_list(column)


def _as_arrow(column: Any) -> Any:
    """Return the array of Arrow that a column of pandas has, or the column."""
    with suppress(AttributeError, ImportError):
        return getattr(column, "array", column).__arrow_array__()
    return column


def arrow_type(column: Any) -> str:
    """Return the name of the type of an array of Arrow; an empty string for any other column."""
    return str(column.type) if hasattr(column, "to_pylist") else ""


def _in_one_chunk(array: Any) -> Any:
    if hasattr(array, "chunks"):  # combine_chunks copies
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    try:
        return array.dictionary_decode() if hasattr(array, "dictionary_decode") else array
    except NotImplementedError:
        return array.to_pylist()


def plain_values(column: Any) -> Any:
    """Return a column as an array of numbers or times, or as a list of Python objects."""
    column = plain_column(column)
    return plain_column(column.to_numpy(zero_copy_only=False)) if arrow_type(column) else column


def plain_list(column: Any) -> list[Any]:
    """Return a column as a list."""
    return list(column.tolist() if isinstance(column, np.ndarray) and column.dtype.kind not in "mM" else column)


def read_times(values: Values, zone: str = "UTC") -> tuple[Array, Array]:
    """Return times in microseconds since 1970, and which are missing or invalid; strings may be in a time zone."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        invalid = ~((values >= _FIRST) & (values < _END))  # in seconds: a distant year overflows microseconds
        return np.where(invalid, np.datetime64(0, "s"), values).astype("M8[us]").astype(np.int64), invalid
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        times, units = read_epochs(values.astype(np.float64))
        rest = units < 0
        times[rest], invalid = _one_by_one(values[rest].tolist(), partial(record_time, field=""), np.int64)
        rest[rest] = invalid
        return times, rest
    return _one_by_one(values, partial(record_time, field="", zone=zone), np.int64)


def read_amounts(values: Values) -> tuple[Array, Array]:
    """Return amounts, NaN if missing, and which are invalid."""
    with suppress(OverflowError):
        if values.dtype.kind in "iuf" if isinstance(values, np.ndarray) else _NUMBERS.issuperset(map(type, values)):
            amounts = np.array(values, np.float64)  # None becomes NaN
            amounts[np.isnan(amounts)] = np.nan  # one kind of NaN, whatever its bits are
            return amounts, np.abs(amounts) > MAX_AMOUNT
    return _one_by_one(values, read_number, np.float64)


def read_frauds(values: Values) -> tuple[Array, Array]:
    """Return whether labels are fraud, and which are invalid."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values == 1, (values != 0) & (values != 1)
    return _one_by_one(values, read_is_fraud, np.bool_)


def _one_by_one(values: Values, read: Callable[[Any], Any], dtype: Any) -> tuple[Array, Array]:
    """Read values one by one; a missing one is invalid unless it is read as NaN."""
    found, _ = read_each(values, read)
    invalid = np.array([value is None for value in found], np.bool_)
    return np.array([0 if value is None else value for value in found], dtype), invalid


def read_each(values: Values, read: Callable[[Any], Any]) -> tuple[list[Any], Array]:
    """Read values one by one; return None for those that are missing or rejected, and which are rejected."""
    found, is_rejected = [None] * len(values), np.zeros(len(values), np.bool_)
    for position, value in enumerate(values):
        try:
            found[position] = read(value)
        except RejectedRecordError:
            is_rejected[position] = True
    return found, is_rejected


class ByteStrings(NamedTuple):
    """Strings as bytes: the one at ``i`` is ``data[starts[i]:stops[i]]``."""

    starts: Array
    stops: Array
    data: Array

    @classmethod
    def join(cls, parts: Sequence[str] | Sequence[bytes], data: bytes) -> "ByteStrings":
        """Return strings of the lengths of parts."""
        ends = np.append(0, np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts))))
        return cls(ends[:-1], ends[1:], np.frombuffer(data, np.uint8))

    @classmethod
    def concatenate(cls, several: Sequence["ByteStrings"]) -> "ByteStrings":
        before = np.cumsum([0, *(len(strings.data) for strings in several[:-1])])
        moved = [(one.starts + n, one.stops + n, one.data) for one, n in zip(several, before, strict=True)]
        return cls(*map(np.concatenate, zip(*moved, strict=True)))

    def select(self, rows: Array) -> "ByteStrings":
        return ByteStrings(self.starts[rows], self.stops[rows], self.data)

    def split(self) -> list[bytes]:
        content = self.data.tobytes()
        return [content[start:stop] for start, stop in zip(self.starts.tolist(), self.stops.tolist(), strict=True)]


class EncodedIds:
    """Ids as codes, with what is known about each distinct id."""

    def __init__(self, codes: Array, strings: ByteStrings) -> None:
        self.codes, self.strings = codes, strings

    @property
    def n_codes(self) -> int:
        """Number of distinct ids."""
        return len(self.strings.starts)

    @cached_property
    def parts(self) -> list[bytes]:
        """Each distinct id as bytes."""
        return self.strings.split()

    @cached_property
    def texts(self) -> list[str]:
        """Each distinct id as a string."""
        return [part.decode() for part in self.parts]

    @cached_property
    def digests(self) -> Array:
        """The digest of each distinct id, as from `RecordIds.digest`."""
        return digests_of(self.parts)

    @cached_property
    def keys(self) -> Array:
        """As from `RecordIds.entity`, the digest of each distinct entity of this column alone; shape (n, 2)."""
        hashed = (blake2b(len(part).to_bytes(4, "little") + part, digest_size=16).digest() for part in self.parts)
        return np.frombuffer(b"".join(hashed), np.uint64).reshape(-1, 2)

    @property
    def is_present(self) -> Array:
        """Which rows have an id."""
        return self.codes >= 0

    @property
    def is_invalid(self) -> Array:
        """Which rows have a value that is not an id."""
        return np.asarray(self.codes == INVALID)

    def by_row(self, values: Array, missing: Any) -> Array:
        """Return the value of each row, from one for each distinct id."""
        return np.append(values, np.full(-INVALID, missing, values.dtype))[self.codes]

    def repeat(self, rows: Array) -> "EncodedIds":
        """Return the ids of other rows, which refer to the same distinct ids, or to those of a few rows."""
        codes = self.codes[rows]
        if 2 * len(rows) > self.n_codes:
            return EncodedIds(codes, self.strings)
        used = np.unique(codes[codes >= 0])
        return EncodedIds(np.where(codes < 0, codes, np.searchsorted(used, codes)), self.strings.select(used))


def digests_of(parts: Sequence[bytes]) -> Array:
    """Return the digest of 64 bits of each of several byte strings; never 0."""
    digests = np.frombuffer(b"".join([blake2b(part, digest_size=8).digest() for part in parts]), np.uint64)
    return np.where(digests == 0, np.uint64(1), digests)


def code_ids(columns: Sequence[EncodedIds]) -> tuple[list[Array], int]:
    """Return codes of several columns, with equal codes for equal ids, and how many differ; -1 if missing."""
    if len(columns) == 1:
        return [columns[0].codes], columns[0].n_codes
    codes, firsts, _ = code_strings(*ByteStrings.concatenate([ids.strings for ids in columns]))
    _, *others = np.split(codes, np.cumsum([ids.n_codes for ids in columns])[:-1])
    # The distinct ids of the first column are the first ones of all, so that its codes stay.
    kept = np.maximum(columns[0].codes, MISSING) if columns[0].is_invalid.any() else columns[0].codes
    joined = [ids.by_row(new, MISSING) for ids, new in zip(columns[1:], others, strict=True)]
    return [kept, *joined], len(firsts)


def combine_codes(codes: Array, others: Array, n_others: int) -> tuple[Array, int]:
    """Encode pairs of codes; -1 where either is missing."""
    pairs = codes.astype(np.int64) * n_others + others
    return code_numbers(pairs.astype(np.uint64), (codes >= 0) & (others >= 0))


def first_rows(codes: Array) -> Array:
    """Return the first row of each code; codes are in the order of first appearance."""
    newest = np.maximum.accumulate(codes)
    return np.flatnonzero(newest > np.append(MISSING, newest[:-1]))


def encode_ids(column: Any, read: Read) -> EncodedIds:
    """Encode a column of ids or categories in any form."""
    plain = plain_column(column)
    if isinstance(plain, np.ndarray) and plain.dtype.kind != "M":
        return _encode_numbers(plain, read)
    found = _arrow_strings(plain) if arrow_type(plain) else _listed_strings(plain)
    if found is None:
        return _encode_values(plain.to_pylist() if arrow_type(plain) else plain_list(plain), read)
    strings, valid = found
    codes, firsts, is_odd = code_strings(*strings, valid)
    distinct = strings.select(firsts)
    if not is_odd.any():
        return EncodedIds(codes, distinct)
    odd, gone, order = np.flatnonzero(is_odd), np.zeros(len(firsts), np.int32), np.arange(len(firsts))
    texts = [part.decode("utf-8", "surrogateescape") for part in distinct.select(odd).split()]
    read_strings, gone[odd] = _read_all(texts, read)
    order[odd] = np.arange(len(odd)) + len(order)
    return _recoded(codes, ByteStrings.concatenate([distinct, read_strings]).select(order), gone)


def _arrow_strings(array: Any) -> tuple[ByteStrings, Array | None] | None:
    """Return the strings or whole numbers of an array of Arrow, and which are not missing; None for other types."""
    if not arrow_type(array).startswith(("string", "large_string", "int", "uint")):
        return None
    array = array.cast("large_string")
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int64)[array.offset :][: len(array) + 1] if len(array) else np.zeros(1, np.int64)
    letters = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    ends = ends - ends[0] if ends[0] else ends
    valid = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None
    return ByteStrings(ends[:-1], ends[1:], letters), valid


def _listed_strings(values: Sequence[Any]) -> tuple[ByteStrings, Array | None] | None:
    """Return the strings of a list, and which are not missing; None if there are other values or lone surrogates."""
    types = set(map(type, values))
    if not types <= {str, type(None)}:
        return None
    valid = None if types <= {str} else np.array([value is not None for value in values], np.bool_)
    texts = values if valid is None else [value or "" for value in values]
    joined = "".join(texts)
    try:
        return ByteStrings.join(texts if joined.isascii() else [*map(str.encode, texts)], joined.encode()), valid
    except UnicodeEncodeError:
        return None


def _encode_numbers(numbers: Array, read: Read) -> EncodedIds:
    """Encode numbers; each distinct one that is not whole and exact is read."""
    kind, valid = numbers.dtype.kind, None
    if kind == "f":
        valid = ~np.isnan(numbers)
        numbers = np.where(valid, numbers, numbers.dtype.type(0))
        if ((np.trunc(numbers) == numbers) & (np.abs(numbers) < exact_below(numbers.dtype))).all():
            kind, numbers = "i", numbers.astype(np.int64)
    bits = numbers.astype(np.float64).view(np.uint64) if kind == "f" else numbers.astype(np.uint64)
    codes, _ = code_numbers(bits, valid)
    distinct = numbers[first_rows(codes)]
    if kind not in "iu":
        return _recoded(codes, *_read_all(list(distinct), read))
    digits = distinct.astype(f"S{MAX_DIGITS}")
    starts = np.arange(len(digits)) * MAX_DIGITS
    return EncodedIds(codes, ByteStrings(starts, starts + np.strings.str_len(digits), digits.view(np.uint8)))


def _encode_values(values: Sequence[Any], read: Read) -> EncodedIds:
    """Encode values of any types; each distinct one is read."""
    is_plain = PLAIN.issuperset(map(type, values))
    keys = values if is_plain else [value if type(value) in PLAIN else (id(value),) for value in values]
    lookup: defaultdict[Any, int] = defaultdict(count().__next__)
    codes = np.fromiter(map(lookup.__getitem__, keys), np.int32, len(keys))
    return _recoded(codes, *_read_all([values[row] for row in first_rows(codes).tolist()], read))


def _read_all(values: Sequence[Any], read: Read) -> tuple[ByteStrings, Array]:
    """Read values one by one; return the strings, and `MISSING` or `INVALID` where there is none, otherwise 0."""
    texts, is_rejected = read_each(values, read)
    parts = [(text or "").encode() for text in texts]
    gone = np.where(is_rejected, INVALID, np.where([text is None for text in texts], MISSING, 0)).astype(np.int32)
    return ByteStrings.join(parts, b"".join(parts)), gone


def _recoded(codes: Array, strings: ByteStrings, gone: Array) -> EncodedIds:
    """Return ids from codes of strings of which some may be equal, or gone, as from `_read_all`."""
    new, firsts, _ = code_strings(*strings, gone == 0)
    return EncodedIds(np.append(np.where(gone, gone, new), np.int32(MISSING))[codes], strings.select(firsts))


Columns: TypeAlias = Any
"""A mapping of names to columns, or a table with names of columns."""

READ_IT: Final = "Read the table with read_table."
REMOVE_ROWS: Final = "Remove these rows, or read the table with read_table."
OF_ROWS: Final = {
    "": (" is missing in {} rows", REMOVE_ROWS),
    TOO_LARGE: (f" is beyond {MAX_AMOUNT:.0e} or infinite in {{}} rows", REMOVE_ROWS),
    OUTSIDE: (f": {OUTSIDE}", READ_IT),
    NOT_A_LABEL: (f": {NOT_A_LABEL} in {{}} rows", "Remove these rows, or correct them."),
}
"""The reasons that concern some rows of a column, and not its type, in the words of errors."""


@cache
def _read_times_in(zone: str) -> Callable[[Values], tuple[Array, Array]]:
    return partial(read_times, zone=zone)


def is_columns(records: Any, time_field: str) -> bool:
    """Return whether an argument holds columns; otherwise it is one record or a list of records."""
    if not isinstance(records, Mapping):
        return hasattr(records, "__getitem__") and (hasattr(records, "column_names") or hasattr(records, "columns"))
    return _is_column(records.get(time_field)) or (bool(records) and all(map(_is_column, records.values())))


def _is_column(values: Any) -> bool:
    is_sized = hasattr(values, "__len__") and not isinstance(values, str | bytes | Mapping)
    return is_sized and getattr(values, "ndim", 1) > 0


class ColumnTable:
    """The columns of a table, each read once."""

    def __init__(
        self, columns: Columns, lists: tuple[str, ...] = (), *, name: str = "", owners: Array | None = None
    ) -> None:
        self.name, self.owners = name, owners
        self._columns, self._lists = columns, lists
        names = columns if isinstance(columns, Mapping) else getattr(columns, "column_names", None) or columns.columns
        self._names = dict.fromkeys(names)
        self.n_records = max((len(columns[name]) for name in self._names), default=0)
        for column in self._names:
            if len(columns[column]) != self.n_records:
                problem = f"Expected columns of one length, got {self.n_records} values and fewer of {column!r}."
                raise ValueError(problem)
        self._ids: dict[tuple[str, Read], EncodedIds] = {}
        self._values: dict[str, Values] = {}
        self._found: dict[tuple[str, Callable[..., Any]], tuple[Array, Array]] = {}
        if lists:
            self._flatten(lists)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    @property
    def n_rows(self) -> int:
        """Number of rows: of records, or of the elements of lists."""
        return self.n_records if self.owners is None else len(self.owners)

    def _flatten(self, lists: tuple[str, ...]) -> None:
        """Encode the columns of lists, of which each row has one."""
        columns = {name: self.values(name) for name in lists}
        sizes = [sum(len(cell) for cell in cells if _is_column(cell)) for cells in zip(*columns.values(), strict=True)]
        self.owners = np.repeat(np.arange(self.n_records), sizes)
        for name, cells in columns.items():
            flat: list[Any] = []
            for cell, size in zip(cells, sizes, strict=True):
                flat += plain_list(cell) if _is_column(cell) and len(cell) == size else [None] * size
            self._values[name] = flat
            self._ids[name, read_id] = encode_ids(flat, read_id)

    def without_repeats(self, column: str = "event_id", *, are_labels: bool = False) -> "ColumnTable":
        """Return the table with only the first of the rows that share an id, unless they are bands of messages."""
        if column not in self or any(name in self for name in CAMPAIGN):
            return self
        codes, n_codes = self.ids(column).codes, self.ids(column).n_codes
        for values, _ in (self.times("labelled_at"), self.frauds("is_fraud")) if are_labels else ():
            codes, n_codes = combine_codes(codes, *code_numbers(values.astype(np.uint64)))
        if n_codes == np.count_nonzero(codes >= 0):
            return self
        counts = codes < 0
        counts[first_rows(codes)] = True
        return ColumnTable(self._columns, name=self.name, owners=np.flatnonzero(counts))

    def select(self, rows: Array) -> "ColumnTable":
        """Return some rows, without a name: columns that do not exist have missing values."""
        return ColumnTable(self._columns, owners=rows if self.owners is None else self.owners[rows])

    def _column(self, name: str) -> Any:
        if name in self._names:
            return self._columns[name]
        if self.name and name != "kind":  # events need none
            fix = "Add the column, or remove the measures that need it."
            raise SchemaError(self.name, f"column {name!r} is missing", fix)
        return np.full(self.n_records, np.nan)

    def values(self, name: str) -> Values:
        """Return the column of records as an array or a list."""
        if name not in self._values:
            self._values[name] = plain_values(self._column(name))
        return self._values[name]

    def ids(self, name: str) -> EncodedIds:
        """Return a column of ids, row by row."""
        return self._encoded(name, read_id)

    def categories(self, name: str) -> EncodedIds:
        """Return a column of categories, row by row."""
        return self._encoded(name, read_category)

    def _encoded(self, name: str, read: Read) -> EncodedIds:
        if (name, read) not in self._ids:
            encoded = encode_ids(self._column(name), read)
            self._ids[name, read] = encoded if self.owners is None else encoded.repeat(self.owners)
            self._check(name, self._ids[name, read].is_invalid, read)
        return self._ids[name, read]

    def times(self, name: str, zone: str = "UTC") -> tuple[Array, Array]:
        """Return times in microseconds, and which are missing or invalid; strings without a zone are in a given one."""
        return self._read(name, _read_times_in(zone), partial(record_time, field="", zone=zone))

    def amounts(self, name: str) -> tuple[Array, Array]:
        """Return amounts, NaN if missing, and which are invalid."""
        return self._read(name, read_amounts, read_number)

    def frauds(self, name: str) -> tuple[Array, Array]:
        """Return whether labels are fraud, and which are invalid."""
        return self._read(name, read_frauds, read_is_fraud)

    def _read(
        self, name: str, read_column: Callable[[Values], tuple[Array, Array]], read: Callable[[Any], Any]
    ) -> tuple[Array, Array]:
        if (name, read_column) not in self._found:
            values, invalid = read_column(self.values(name))
            found = (values, invalid) if self.owners is None else (values[self.owners], invalid[self.owners])
            self._check(name, found[1], read)
            self._found[name, read_column] = found
        return self._found[name, read_column]

    def _check(self, name: str, invalid: Array, read: Callable[[Any], Any]) -> None:
        """Raise an error if a value is invalid and the table has a name."""
        if not self.name or not invalid.any():
            return
        reasons = [reason_of(read, self._cell(name, row)) for row in np.flatnonzero(invalid).tolist()]
        reason = next(filter(None, reasons), "")
        if reason in OF_ROWS:
            problem, fix = OF_ROWS[reason]
            raise SchemaError(self.name, f"{name!r}{problem.format(reasons.count(reason))}", fix)
        raise ColumnTypeError(self.name, f"{name!r}: {reason}", READ_IT)

    def record(self, row: int, names: Sequence[str]) -> dict[str, Any]:
        """Return a row as a record."""
        return {name: self._cell(name, row) for name in names}

    def _cell(self, name: str, row: int) -> Any:
        is_own = self.owners is None or name in self._lists
        values = self.values(name)
        cell = values[row if is_own else self.owners[row]]  # type: ignore[index]
        return cell.item() if isinstance(values, np.ndarray) and values.dtype.kind != "M" else cell


def kind_numbers(table: ColumnTable, numbers: Mapping[str, int]) -> Array:
    """Return the number of the kind of each event; -1 for another kind. Without one, it is `ONE_KIND`."""
    kinds = table.categories("kind")
    return kinds.by_row(np.array([numbers.get(text, -1) for text in kinds.texts], np.int32), numbers.get(ONE_KIND, -1))


def reason_of(check: Callable[..., Any], *arguments: Any) -> str:
    """Return why a check rejects something; an empty string if it does not."""
    try:
        check(*arguments)
    except RejectedRecordError as error:
        return str(error)
    return ""
