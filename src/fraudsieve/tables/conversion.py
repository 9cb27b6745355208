"""Conversion of columns, by their kind, and the reasons why cells are rejected.

`values.reading` defines what a cell is. Ordinary cells are recognised by column: plain strings, whole numbers, floats.
It reads every other distinct cell, and states why a cell is rejected. Ids, texts and categories become ``str``, numbers
``float64``, and times ``datetime64[us, UTC]``.

Whether a cell may be missing is not checked here, but by the schema of the table.

`values.moments` defines what a time is. Timestamps, strings in the usual forms and numbers are recognised by column.
Every number stands for itself, so that a row means the same whatever the other rows hold; a note says in which unit
numbers were read. A date that does not begin with its year is rejected unless the order is given, because 03/04 is
ambiguous. The reason for its rejection says which orders fit the column.

Columns of amounts as people write them: with currency signs, separators of thousands, or a decimal comma.

A column has one decimal sign and one currency. The sign is an option, or is found: 1,234.50 has a decimal point and
1.234,50 a decimal comma. A lone comma separates thousands only if something else in the column says so, because 1,234
may also be 1.234. Plain numbers are recognised before, and cost nothing here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.tables.values.reading import AMOUNTS, CURRENCY, MAX_AMOUNT, MAX_TEXT_LENGTH, NEGATIVE, NOT_CURRENCY

from .cells import (
    FLAGS,
    PLAIN_NUMBER,
    STRING,
    Cells,
    Converted,
    Mask,
    extract_strings,
    mask_blank,
    mask_words,
    match_pattern,
    read_rest,
    replace_pattern,
    string_series,
    to_floats,
    to_plain_dtype,
)
from .values.moments import (
    DAY_FIRST,
    EARLIEST_DATE,
    MONTH_FIRST,
    TOO_LATE,
    UNITS,
    YEAR_EXPECTED,
    from_local,
    read_date,
    read_epochs,
    read_time,
    year_expected,
)
from .values.reading import (
    FLAG_WORDS,
    MISSING_NUMBERS,
    MISSING_WORDS,
    PLAIN,
    TOO_LARGE,
    TOO_LONG,
    Kind,
    Reading,
    exact_below,
    is_numeric,
    read_category,
    read_id,
    read_number,
    read_plain_text,
)

SEVERAL: Final = "expected amounts of one currency, got several"
NOTES: Final = {".": "is read as 1,234.50, with a decimal point", ",": "is read as 1.234,50, with a decimal comma"}
UNLIKE: Final = ", unlike in the training data"
_LONE_COMMA: Final = r"^[^,.]*,[^,.]*$"
_POINT: Final = "[0-9][,'’ \u00a0\u202f][0-9].*\\.|,.*,"
_COMMA: Final = "[0-9][.'’ \u00a0\u202f][0-9].*,|\\..*\\."
_BOTH: Final = r",.*\.|\..*,"
_THOUSANDS: Final = r"(?:^|[^0-9])[1-9][0-9]{0,2},[0-9]{3}(?:[^0-9]|$)"
_THOUSAND: Final = r"^[+-]?[0-9]{4}"
_FRACTION: Final = r"\.[0-9]"
_SURE_POINT: Final = r"^[^,]*(?:\.(?:[0-9]{1,2}|[0-9]{4,})|(?:\b0|[0-9]{4,})\.[0-9]{3})(?:[^0-9,][^,]*)?$"
_GROUPED: Final = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"
_MANY_MORE: Final = 10
"""So many times more numbers such as 51.159 show a decimal point, if nothing else tells."""
_LEADING_ZERO: Final = r"^0[0-9]"
_LIKE_A_DATE: Final = re.compile(
    r"\s*(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?:[T ]|\s*$)", re.ASCII
)
_N_FIRST: Final = 100
"""Number of words that are checked before the whole column."""


@dataclass(frozen=True, eq=False)
class Amounts:
    """What was read of a column."""

    # NaN where a cell is not an amount.
    values: Cells
    # Which cells are amounts.
    known: Mask
    # How the other cells are to be read.
    reading: Reading
    faults: dict[str, Mask]
    notes: tuple[str, ...]


def convert_amounts(strings: Cells, plain: Mask, reading: Reading) -> Amounts:
    """Read the amounts of a column of which some cells are not plain numbers."""
    odd = pd.Series(strings[~plain].dropna().unique(), dtype=strings.dtype)
    decimal = reading.decimal
    if decimal == "auto":
        decimal = _decimal_of(odd, strings[~plain], strings[plain], reading.likely)
    known = match_pattern(strings, AMOUNTS[decimal or "."])
    if decimal is None:
        known &= ~match_pattern(strings, _LONE_COMMA)
    values = _to_numbers(strings.where(known), decimal or ".")
    is_written = known & ~plain
    faults, has_currency = {}, match_pattern(strings, CURRENCY) & is_written
    if len(set(replace_pattern(strings[has_currency], NOT_CURRENCY, "").unique())) > 1:
        faults, values = {SEVERAL: has_currency}, values.mask(has_currency)
    removed = tr(", and currency signs are removed") if has_currency.any() else ""
    unlike = tr(UNLIKE) if reading.likely not in (None, decimal) else ""
    note = tr("{note}{removed}{unlike}", note=tr(NOTES[decimal or "."]), removed=removed, unlike=unlike)
    notes = (note,) if is_written.any() or (reading.likely == "," and strings.notna().any()) else ()
    return Amounts(values, known, replace(reading, decimal=decimal), faults, notes)


def _to_numbers(strings: Cells, decimal: str) -> Cells:
    digits = replace_pattern(strings, f"[^0-9{decimal}]", "")
    numbers = to_floats(replace_pattern(digits, ",", ".") if decimal == "," else digits)
    return numbers.mask(match_pattern(strings, NEGATIVE), -numbers)


def _decimal_of(odd: Cells, cells: Cells, plain: Cells, likely: str | None) -> str | None:
    """Return the decimal sign of a column from its odd cells, once and as they are, and its plain ones; None if it is
    unknown.

    That of the training is chosen unless the cells contradict it.
    """
    amounts = odd[match_pattern(odd, AMOUNTS["."]) | match_pattern(odd, AMOUNTS[","])]
    if match_pattern(amounts, _POINT).any():
        return "."
    if match_pattern(amounts, _COMMA).any():
        n_comma = int(match_pattern(cells, _COMMA).sum())
        return "." if _have_points(plain, n_comma) else ","
    if likely is not None:
        every = pd.concat([cells, plain])
        n_points, n_commas = (match_pattern(every, sign).sum() for sign in (_SURE_POINT, _LONE_COMMA))
        return "." if n_points > n_commas else likely
    lone = amounts[match_pattern(amounts, _LONE_COMMA)]
    if len(lone) == 0:
        return "."
    if not match_pattern(lone, _THOUSANDS).all():
        return None
    has_money = match_pattern(amounts, CURRENCY).any() or match_pattern(amounts, _FRACTION).any()
    is_small = len(plain) > 0 and not match_pattern(plain, _THOUSAND).any()
    return "." if has_money or is_small or match_pattern(plain, _FRACTION).any() else None


def _have_points(plain: Cells, n_comma: int) -> bool:
    """Return whether plain numbers have decimal points, so that the few cells with a decimal comma contradict them.

    Points that separate thousands have three digits after them, and there are smaller numbers beside them.
    """
    pointed = plain[match_pattern(plain, _FRACTION)]
    if (n_sure := int((~match_pattern(pointed, _GROUPED)).sum())) > 0:
        return n_sure > n_comma
    whole = plain[~match_pattern(plain, _FRACTION) & plain.notna()]
    if match_pattern(whole, _THOUSAND).any():
        return len(pointed) > n_comma
    return len(whole) == 0 and len(pointed) >= _MANY_MORE * n_comma


def amounts_of_words(words: Cells, reading: Reading) -> Converted | None:
    """Read a column of words as numbers if all of them are amounts; None if they are not.

    Without the option of a decimal sign, one of them must have a currency sign, or both separators: words such as
    1,234 are left as they are.
    """
    first = words.dropna().head(_N_FIRST)
    if first.empty or not _are_amounts(mask_words(first.str.strip(), MISSING_NUMBERS), reading):
        return None
    strings = mask_words(words.str.strip(), MISSING_NUMBERS)
    if not _are_amounts(strings, reading):
        return None
    amounts = convert_amounts(strings, np.zeros(len(strings), bool), reading)
    is_sure = (reading.likely or reading.decimal) != "auto" or match_pattern(strings, f"{CURRENCY}|{_BOTH}").any()
    is_complete = amounts.known[strings.notna().to_numpy()].all() and not amounts.faults
    converted = Converted(amounts.values, notes=amounts.notes, decimal=amounts.reading.decimal)
    return converted if is_sure and is_complete else None


def dates_of(cells: Cells, reading: Reading) -> Converted | None:
    """Read a column of words, or of times without a zone, as dates if all of its cells are; None if they are not."""
    if isinstance(cells.dtype, pd.StringDtype) and not looks_like_dates(cells):
        return None
    read = _dates(cells, reading)
    return None if any(rows.any() for rows in read.faults.values()) else Converted(read.column)


def holds_dates(cells: Cells) -> bool:
    """Return whether a column of objects holds dates, as one of Parquet does."""
    return cells.dtype == object and pd.api.types.infer_dtype(cells, skipna=True) == "date"


def looks_like_dates(words: Cells) -> bool:
    """Return whether the first word is like a date."""
    place = words.first_valid_index()
    return place is not None and _LIKE_A_DATE.match(words.loc[place]) is not None


def plain_columns(frame: pd.DataFrame) -> dict[str, Converted]:
    """Return the columns of a frame of printed cells that hold plain numbers, or words, or nothing.

    They are read together, because a pattern costs as much for a column of few rows as for thousands of cells.
    """
    cells = pd.Series(frame.to_numpy(object).T.ravel(), dtype=STRING).str.strip()  # in one piece
    missing, is_number = cells.isna().to_numpy(), match_pattern(cells, PLAIN_NUMBER)
    words = mask_words(cells, {*MISSING_NUMBERS, *FLAGS}).notna().to_numpy() & ~is_number
    words &= ~match_pattern(cells, AMOUNTS["."]) & ~match_pattern(cells, AMOUNTS[","])
    masks = [mask.reshape(frame.shape[::-1]) for mask in (missing, missing | is_number, words)]
    numbers = np.asarray(masks[1].all(axis=1))
    is_same = np.asarray(masks[0].all(axis=1) | masks[2].any(axis=1))
    floats = to_floats(cells.where(np.repeat(numbers, len(frame)))).to_numpy().reshape(frame.shape[::-1])
    return {
        name: Converted(frame[name] if is_same[place] else pd.Series(floats[place], frame.index))
        for place, name in enumerate(map(str, frame))
        if is_same[place] or numbers[place]
    }


def _are_amounts(strings: Cells, reading: Reading) -> bool:
    """Return whether all words that are not missing may be amounts, and none begins with a zero as codes do."""
    signs = ".," if reading.decimal in ("auto", None) else reading.decimal
    known = np.logical_or.reduce([match_pattern(strings, AMOUNTS[sign]) for sign in signs])
    present = strings.notna().to_numpy()
    return bool(present.any() and known[present].all()) and not match_pattern(strings, _LEADING_ZERO).any()


_PRINTED_FLOAT: Final = r"^(-?\d+)\.0$"
_NOT_AN_ID: Final = "\ufffd"
_NOT_A_PRINTED_ID: Final = _NOT_AN_ID + r"|^-?\d(?:[.,]\d+)?[eE]\+\d+$"
_PLAIN_NUMBER: Final = r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"


_NAT: Final = np.iinfo(np.int64).min
_FIRST, _END = (np.datetime64(microseconds // 10**6, "s") for microseconds in (EARLIEST_DATE, TOO_LATE))
_DATE: Final = r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
_CLOCK: Final = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"
_ZONE: Final = r"(?:Z|[+-]\d{2}:?\d{2})"
_USUAL: Final = rf"{_DATE}(?:[T ]{_CLOCK}{_ZONE}?)?$"
_YEAR_LAST: Final = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})((?:[T ].*)?)$"
_HALF_DAY: Final = r"^([^ T]+[ T])(0?[1-9]|1[0-2])(:[0-5]\d(?::[0-5]\d)?)[ \x{a0}\x{202f}]?([AaPp])\.?[Mm]\.?$"
_AFTERNOON: Final = r"[Pp]\.?[Mm]\.?$"
_TWELVE: Final = r"^([^ T]+[ T])12:"
_HAS_ZONE: Final = r"[Tt ].*(?:[Zz]|[+-]\d{2}(?::?\d{2})?|GMT|UTC?)(?: \([^()]*\))?$"


class _Times(NamedTuple):
    """The times that were read from a column."""

    # Microseconds since 1970; `_NAT` where nothing was read.
    times: Array
    # Which of them have no zone.
    naive: Mask
    units: Array
    reading: Reading

    def enter(self, cells: Any, times: Array, naive: Mask | bool = False) -> None:
        """Enter the times of some cells, unless they are out of range; those without a zone as a clock shows them."""
        if self.reading.zone != "UTC":
            times = np.where(naive & (times != _NAT), from_local(times, self.reading.zone), times)
        known = (times >= self.reading.earliest) & (times < TOO_LATE)
        self.times[cells] = np.where(known, times, _NAT)
        self.naive[cells] = known & naive


def convert_times(cells: Cells, reading: Reading = PLAIN, read_one: Callable[..., int | None] = read_time) -> Converted:
    """Bring a column to ``datetime64[us, UTC]``."""
    n = len(cells)
    read = _Times(np.full(n, _NAT), np.zeros(n, bool), np.full(n, -1, np.int8), reading)
    split = extract_strings(cells)
    strings = split.strings.str.strip()
    if not isinstance(cells.dtype, np.dtype) or cells.dtype.kind != "O":
        _read_typed(cells, read)
    elif split.other.any():
        _read_objects(cells, split.other, read)
    if not split.other.all():
        _read_strings(strings, read, reading)
    rest = (split.other | strings.notna().to_numpy()) & (read.times == _NAT)
    faults: dict[str, Mask] = {}
    if rest.any():
        found, faults = read_rest(cells, rest, partial(read_one, reading=reading))
        read.times[rest] = [_NAT if time is None else time for time in found]
        read.naive[rest] = ~match_pattern(strings, _HAS_ZONE)[rest] & (read.times[rest] != _NAT)
        if faults:
            faults = _with_orders(strings, faults)
    column: Cells = pd.Series(read.times.view("M8[us]")).dt.tz_localize("UTC")
    return Converted(column, faults, _notes(read, reading))


def _read_typed(cells: Cells, read: _Times) -> None:
    """Read a column of timestamps or of numbers."""
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        _enter_stamps(cells.dt.tz_convert("UTC").dt.tz_localize(None), read, slice(None), naive=False)
    elif cells.dtype.kind == "M":
        _enter_stamps(cells, read, slice(None), naive=np.ones(len(cells), bool))
    elif cells.dtype.kind in "iuf":
        _enter_epochs(cells.to_numpy("float64"), read, np.ones(len(cells), bool))


def _enter_stamps(cells: Cells, read: _Times, rows: Any, *, naive: Mask | bool) -> None:
    stamps = cells.to_numpy()
    # The range comes first, in seconds: a distant year overflows microseconds.
    known = (stamps >= _FIRST) & (stamps < _END)
    times = np.full(len(stamps), _NAT)
    times[known] = stamps[known].astype("M8[us]").astype(np.int64)
    read.enter(rows, times, naive)


def _enter_epochs(numbers: Array, read: _Times, rows: Mask) -> None:
    times, units = read_epochs(numbers, read.reading.counted)
    read.enter(rows, np.where(units < 0, _NAT, times))
    read.units[rows] = units


def _read_objects(cells: Cells, other: Mask, read: _Times) -> None:
    """Read numbers, and datetimes, dates and their kin."""
    numbers = _which(cells, other, is_numeric)
    if numbers.any():
        _enter_epochs(np.array([_float(cell) for cell in cells[numbers]]), read, numbers)
    stamps = _which(cells, other, lambda cell: isinstance(cell, date | np.datetime64))
    naive = _which(cells, stamps, lambda cell: getattr(cell, "tzinfo", None) is None)
    if stamps.any():
        times = pd.to_datetime(cells[stamps], utc=True, errors="coerce").dt.tz_localize(None)
        _enter_stamps(times, read, stamps, naive=naive[stamps])


def _which(cells: Cells, among: Mask, holds: Callable[[Any], bool]) -> Mask:
    found = among.copy()
    found[among] = [holds(cell) for cell in cells[among]]
    return found


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (OverflowError, ValueError):
        return np.nan


def _read_strings(strings: Cells, read: _Times, reading: Reading) -> None:
    """Read the usual forms of times, numbers, and dates that end with their year or times of half a day."""
    usual = match_pattern(strings, _USUAL)
    if usual.any():
        _enter_usual(strings, usual, read)
    if usual.all():
        return
    numbers = match_pattern(strings, _PLAIN_NUMBER)
    if numbers.any():
        _enter_epochs(to_floats(strings[numbers]).to_numpy(), read, numbers)
    others = strings.mask(usual | numbers)
    if others.notna().any():
        if reading.day_first is not None:
            others = replace_pattern(others, _YEAR_LAST, r"\3-\2-\1\4" if reading.day_first else r"\3-\1-\2\4")
        halves = match_pattern(others, _HALF_DAY)
        _enter_usual(others, match_pattern(others, _USUAL), read)
        if halves.any():
            afternoon = match_pattern(others, _AFTERNOON)
            clocks = replace_pattern(replace_pattern(others, _HALF_DAY, r"\1\2\3"), _TWELVE, r"\1" "00:")
            _enter_usual(clocks, halves & match_pattern(clocks, _USUAL), read, afternoon * np.timedelta64(12, "h"))


def _enter_usual(dates: Cells, usual: Mask, read: _Times, later: Array | None = None) -> None:
    """Enter times in the usual forms; those of an afternoon are later than they are printed."""
    has_zone = match_pattern(dates, _HAS_ZONE)
    # Apart, because pandas 2 takes the zone of one row for later rows without a zone.
    for rows in filter(np.any, (usual & has_zone, usual & ~has_zone)):
        times = pd.to_datetime(dates[rows], format="ISO8601", utc=True, errors="coerce").dt.tz_localize(None)
        _enter_stamps(times if later is None else times + later[rows], read, rows, naive=~has_zone[rows])


def _dates(cells: Cells, reading: Reading) -> Converted:
    return convert_times(cells, replace(reading, earliest=EARLIEST_DATE, counted=None), read_date)


def _with_orders(strings: Cells, faults: dict[str, Mask]) -> dict[str, Mask]:
    """Return the faults of a column in which one reason says which orders of day and month fit all of its dates."""
    late = [reason for reason in faults if reason.startswith(YEAR_EXPECTED)]
    if not late:
        return faults
    day_first, month_first = match_pattern(strings, DAY_FIRST), match_pattern(strings, MONTH_FIRST)
    reason = year_expected(not (month_first & ~day_first).any(), not (day_first & ~month_first).any())
    rows = np.logical_or.reduce([faults[reason] for reason in late])
    return {reason: rows} | {other: rows for other, rows in faults.items() if other not in late}


def _notes(read: _Times, reading: Reading) -> tuple[str, ...]:
    n_times = int((read.times != _NAT).sum())
    notes = []
    for unit, name in enumerate(UNITS.values()):
        if count := int((read.units == unit).sum()):
            rows = _share(count, n_times)
            notes.append(tr("is read as {unit} since 1970, UTC{rows}", unit=tr(name), rows=rows))
    if count := int((read.units == len(UNITS)).sum()):
        notes.append(tr("counts from a start{rows}, as --time-unit says", rows=_share(count, n_times)))
    if count := int(read.naive.sum()):
        rows = _share(count, n_times)
        notes.append(tr("has no time zone{rows}: taken as {zone}", rows=rows, zone=reading.zone))
    return tuple(notes)


def _share(count: int, of: int) -> str:
    return "" if count == of else tr(" in {count} of {rows} rows", count=count, rows=of)


def convert(cells: Cells, kind: Kind, reading: Reading = PLAIN) -> Converted:
    """Bring a column to the canonical type of its kind."""
    return _CONVERTERS[kind](to_plain_dtype(cells), reading)


def _text(cells: Cells, _reading: Reading) -> Converted:
    split = extract_strings(cells)
    long = (split.strings.str.len() > MAX_TEXT_LENGTH).to_numpy(dtype=bool)
    _, faults = read_rest(cells, split.other, read_plain_text)
    texts = split.strings.mask(long | mask_blank(split.strings))
    return Converted(texts, {**faults, TOO_LONG: long}, _replaced_characters_note(split.replaced))


def _replaced_characters_note(replaced: Mask) -> tuple[str, ...]:
    count = int(replaced.sum())
    note = tr("has broken characters in {count} rows: they were replaced by U+FFFD", count=count)
    return (note,) if count else ()


def _id(cells: Cells, reading: Reading) -> Converted:
    split = extract_strings(cells)
    names, notes = _strip(split.strings, reading)
    odd = split.replaced | match_pattern(names, _NOT_A_PRINTED_ID if reading.printed else _NOT_AN_ID)
    names, faults = _with_rest(names, cells, split.other, odd, partial(read_id, reading=reading))
    return Converted(names, faults, notes)


def _category(cells: Cells, reading: Reading) -> Converted:
    split = extract_strings(cells)
    names, notes = _strip(split.strings, reading)
    odd = names.isin(list(FLAG_WORDS)).to_numpy(dtype=bool)
    names, faults = _with_rest(names, cells, split.other, odd, partial(read_category, reading=reading))
    return Converted(names, faults, (*notes, *_replaced_characters_note(split.replaced)))


def _strip(strings: Cells, reading: Reading) -> tuple[Cells, tuple[str, ...]]:
    """Return strings without blanks, words for missing values, and the ``.0`` of printed whole numbers."""
    names = mask_words(strings.str.strip(), MISSING_WORDS)
    whole = match_pattern(names, _PRINTED_FLOAT) if reading.printed else np.zeros(0, bool)
    if not whole.any():
        return names, ()
    note = tr("has whole numbers with a trailing .0 in {count} rows: it was removed", count=int(whole.sum()))
    return replace_pattern(names, _PRINTED_FLOAT, r"\1"), (note,)


def _with_rest(
    names: Cells, cells: Cells, other: Mask, odd: Mask, read: Callable[[Any], str | None]
) -> tuple[Cells, dict[str, Mask]]:
    """Return the names of a column, including those of cells that are not strings, and of unusual strings."""
    rest = odd
    if other.any():
        digits = _digits(cells, other)
        if digits is not None:
            names = names.where(~other, digits)
        rest = odd | (other & names.isna().to_numpy())
    if not rest.any():
        return names, {}
    values, faults = read_rest(cells, rest, read)
    found = np.full(len(cells), None, dtype=object)
    found[rest] = values
    return names.where(~rest, pd.Series(found, index=names.index, dtype=STRING)), faults


def _digits(cells: Cells, other: Mask) -> "Cells | None":
    """Convert whole numbers to digits, by column; None if the column has other values too."""
    types = set(map(type, cells[other])) if cells.dtype.kind == "O" else set()
    if cells.dtype.kind == "f" or types == {float}:
        numbers = cells.where(other).to_numpy("float64")
        exact = exact_below(cells.dtype if cells.dtype.kind == "f" else np.float64)
        other = other & (np.trunc(numbers) == numbers) & (np.abs(numbers) < exact)
        cells = pd.Series(np.where(other, numbers, 0).astype(np.int64))
    elif not (cells.dtype.kind in "iu" or types == {int}):
        return None
    try:
        return string_series(pa.array(cells.to_numpy(), mask=~other), cells.index)
    except (pa.ArrowException, OverflowError):  # more digits than 64 bits hold
        return None


def convert_numbers(cells: Cells, reading: Reading = PLAIN, *, flags: bool = False) -> Converted:
    """Bring a column of numbers to ``float64``; with flags, booleans are numbers too."""
    cells = to_plain_dtype(cells)
    if cells.dtype.kind in "iuf":
        return _within_limit(cells.astype("float64"), {})
    split = extract_strings(cells)
    strings = split.strings.str.strip()
    plain = match_pattern(strings, _PLAIN_NUMBER)
    values = to_floats(strings.where(plain))
    rest = strings.notna().to_numpy() & ~plain
    faults: dict[str, Mask] = {}
    notes: tuple[str, ...] = ()
    if rest.any() or "," in (reading.decimal, reading.likely):
        amounts = convert_amounts(strings, plain, reading)
        reading, faults, notes = amounts.reading, amounts.faults, amounts.notes
        plain &= reading.decimal != ","
        values = values.where(plain, amounts.values)
        rest = strings.notna().to_numpy() & ~(plain | amounts.known)
    if split.other.any():
        floats = _floats(cells[split.other])
        if floats is None:
            rest |= split.other
        else:
            values[split.other] = floats
    if rest.any():
        found, others = read_rest(cells, rest, partial(read_number, reading=reading, flags=flags))
        values[rest] = np.array(found, np.float64)
        faults = faults | others
    return replace(_within_limit(values, faults, notes), decimal=reading.decimal if notes else None)


def _floats(cells: Cells) -> "np.typing.NDArray[np.float64] | None":
    """Return a column of Python numbers as floats; None if it holds anything else."""
    if not {float, int}.issuperset(map(type, cells)):
        return None
    try:
        return cells.to_numpy("float64")
    except OverflowError:
        return None


def _within_limit(values: Cells, faults: dict[str, Mask], notes: tuple[str, ...] = ()) -> Converted:
    beyond = np.abs(values.to_numpy()) > MAX_AMOUNT
    known = faults.get(TOO_LARGE, np.zeros(len(values), bool))
    return Converted(values.mask(beyond), faults | {TOO_LARGE: known | beyond}, notes)


_CONVERTERS: Final[Mapping[Kind, Callable[[Cells, Reading], Converted]]] = {
    "id": _id,
    "text": _text,
    "time": convert_times,
    "date": _dates,
    "number": convert_numbers,
    "category": _category,
}
