"""Conversion of columns, by their kind, and the reasons why cells are rejected.

`values.reading` defines what a cell is. Ordinary cells are recognised by column: plain strings, whole numbers, floats.
It reads every other distinct cell, and states why a cell is rejected. Ids, texts and categories become ``str``, numbers
``float64``, and times ``datetime64[us, UTC]``.

Whether a cell may be missing is not checked here, but by the schema of the table.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from fraudsieve._translation import tr

from .amounts import convert_amounts
from .cells import (
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
from .limits import MAX_AMOUNT, MAX_TEXT_LENGTH
from .times import convert_times
from .values.reading import (
    FLAG_WORDS,
    MISSING_WORDS,
    PLAIN,
    TOO_LARGE,
    TOO_LONG,
    Reading,
    exact_below,
    read_category,
    read_id,
    read_number,
    read_plain_text,
)

Kind: TypeAlias = Literal["id", "text", "time", "number", "category"]

_PRINTED_FLOAT: Final = r"^(-?\d+)\.0$"
_NOT_AN_ID: Final = "\ufffd"
_NOT_A_PRINTED_ID: Final = _NOT_AN_ID + r"|^-?\d(?:[.,]\d+)?[eE]\+\d+$"
_PLAIN_NUMBER: Final = r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"


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
    if rest.any() or reading.decimal == ",":
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
    if not rest.any():
        return _within_limit(values, faults, notes)
    found, others = read_rest(cells, rest, partial(read_number, reading=reading, flags=flags))
    values[rest] = np.array(found, np.float64)
    return _within_limit(values, faults | others, notes)


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
    "number": convert_numbers,
    "category": _category,
}
