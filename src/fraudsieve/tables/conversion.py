"""Conversion of cells, by the kind of their column, and the reasons why cells are rejected.

======== ======================= ============================================================================
kind     becomes                 rejected
======== ======================= ============================================================================
id       ``str``, stripped       fractions, floats too large to be exact, bools, broken characters
text     ``str``, as it is       all values except strings, more than `MAX_TEXT_LENGTH` characters
time     ``datetime64[us, UTC]`` numbers (epochs too), years outside 1970..2100, strings other than ISO 8601
number   ``float64``             what does not parse, infinity and beyond 1e15, bools
category ``str``, stripped       what is neither string, number nor bool
======== ======================= ============================================================================

Whether a cell may be missing is not checked here, but by the schema of the table. Blank strings count as missing.
Except in text, so do the words that programs write for missing values (null, nan, None ...).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from .cells import (
    MISSING_AMOUNTS,
    MISSING_WORDS,
    STRING,
    Cells,
    Converted,
    Mask,
    Strings,
    extract_strings,
    faults_by_type,
    is_blank,
    mask_words,
    match_pattern,
    replace_pattern,
    string_series,
    to_plain_dtype,
)
from .limits import MAX_AMOUNT, MAX_TEXT_LENGTH
from .times import convert_times

__all__ = ["Kind", "convert"]

Kind: TypeAlias = Literal["id", "text", "time", "number", "category"]

MAX_WHOLE_NUMBER: Final = 2**128

_PRINTED_FLOAT: Final = r"^(-?\d+)\.0$"
_EXPONENT: Final = r"^-?\d(?:[.,]\d+)?[eE]\+\d+$"


def convert(cells: Cells, kind: Kind, *, printed: bool = False, day_first: bool = False) -> Converted:
    """Bring a column to the canonical type of its kind.

    Parameters
    ----------
    cells : Series of shape (n_rows,)
        Any dtype, with a fresh index.
    kind : {"id", "text", "time", "number", "category"}
        What the column holds.
    printed : bool, default False
        Whether the cells come from a format that prints everything, so that ``123.0`` may be the whole number
        123 that went through a float.
    day_first : bool, default False
        As for `convert_times`.

    Returns
    -------
    Converted
        Column, faults and notes.

    Examples
    --------
    >>> convert(pd.Series([7.0, None]), "id").column.tolist()
    ['7', nan]
    >>> convert(pd.Series(["2024-05-01 10:00+08:00"]), "time").column[0]
    Timestamp('2024-05-01 02:00:00+0000', tz='UTC')
    """
    if kind == "time":
        return convert_times(to_plain_dtype(cells), day_first=day_first)
    return _CONVERTERS[kind](to_plain_dtype(cells), printed)


def _text(cells: Cells, _printed: bool) -> Converted:
    split = extract_strings(cells)
    long = (split.strings.str.len() > MAX_TEXT_LENGTH).to_numpy(dtype=bool)
    faults = faults_by_type(cells, split.other, "not text: give a string")
    faults[f"text longer than {MAX_TEXT_LENGTH:,} characters"] = long
    return Converted(
        split.strings.mask(long | is_blank(split.strings)), faults, _replaced_characters_note(split.replaced)
    )


def _replaced_characters_note(replaced: Mask) -> tuple[str, ...]:
    count = int(replaced.sum())
    return (f"has broken characters in {count} rows: they were replaced by U+FFFD",) if count else ()


def _id(cells: Cells, printed: bool) -> Converted:
    split = extract_strings(cells)
    names, not_names = _names(cells, split, loose=False)
    names, notes = _remove_trailing_zero(names) if printed else (names, ())
    exponent = match_pattern(names, _EXPONENT) & printed
    broken = split.replaced | match_pattern(names, "\ufffd")
    faults = faults_by_type(cells, not_names, "not an id: give a string or an exact whole number")
    faults["id with broken characters"] = broken
    faults["id in exponent notation: digits are lost"] = exponent
    return Converted(names.mask(broken | exponent), faults, notes)


def _category(cells: Cells, printed: bool) -> Converted:
    split = extract_strings(cells)
    names, not_names = _names(cells, split, loose=True)
    names, notes = _remove_trailing_zero(names) if printed else (names, ())
    faults = faults_by_type(cells, not_names, "not a category: give a string")
    return Converted(names, faults, (*notes, *_replaced_characters_note(split.replaced)))


def _names(cells: Cells, split: Strings, *, loose: bool) -> tuple[Cells, Mask]:
    """Return names as stripped strings, and the cells that are neither missing nor a name."""
    if not split.other.any():
        return mask_words(split.strings.str.strip(), MISSING_WORDS), split.other
    strings = _to_strings(cells, split.other, loose)
    names = split.strings.where(~split.other, strings).str.strip()
    return mask_words(names, MISSING_WORDS), split.other & strings.isna().to_numpy()


def _remove_trailing_zero(names: Cells) -> tuple[Cells, tuple[str, ...]]:
    """Remove the ``.0`` of whole numbers that were printed as floats."""
    count = int(match_pattern(names, _PRINTED_FLOAT).sum())
    note = f"has whole numbers with a trailing .0 in {count} rows: it was removed"
    return (replace_pattern(names, _PRINTED_FLOAT, r"\1"), (note,)) if count else (names, ())


def _to_strings(cells: Cells, other: Mask, loose: bool) -> Cells:
    """Convert cells that are not strings to strings; missing if that is not exact."""
    digits = _digits(cells, other)
    if digits is not None and not (loose and digits.isna().to_numpy()[other].any()):
        return digits
    values = np.full(len(cells), np.nan, dtype=object)
    values[other] = [_to_string(cell, loose) for cell in cells[other].astype(object)]
    return pd.Series(values, index=cells.index, dtype=STRING)


def _digits(cells: Cells, other: Mask) -> "Cells | None":
    """Convert whole numbers to digits, by column; None if the column has other values too."""
    types = set(map(type, cells[other])) if cells.dtype.kind == "O" else set()
    if cells.dtype.kind == "f" or types == {float}:
        numbers = cells.where(other).to_numpy("float64")
        exact = _exact_below(cells.dtype if cells.dtype.kind == "f" else "float64")
        other = other & (np.trunc(numbers) == numbers) & (np.abs(numbers) < exact)
        cells = pd.Series(np.where(other, numbers, 0).astype(np.int64))
    elif not (cells.dtype.kind in "iu" or types == {int}):
        return None
    try:
        return string_series(pa.array(cells.to_numpy(), mask=~other), cells.index)
    except (pa.ArrowException, OverflowError):  # more digits than 64 bits hold
        return None


def _exact_below(dtype: Any) -> int:
    """Return the smallest number at which floats of this type cannot represent every whole number."""
    digits = int(np.finfo(dtype).nmant) + 1
    return 1 << min(digits, 53)


def _to_string(cell: object, loose: bool) -> str | None:
    if isinstance(cell, bool | np.bool_):
        return str(cell) if loose else None
    if isinstance(cell, Real | Decimal):
        return _number_to_string(cell, loose)
    return str(cell) if isinstance(cell, UUID) else None


def _number_to_string(number: Any, loose: bool) -> str | None:
    """Return the digits of an exact whole number; when loose, also of any finite number."""
    exact = _exact_below(type(number)) if isinstance(number, float | np.floating) else MAX_WHOLE_NUMBER
    try:
        if abs(number) < exact and int(number) == number:
            return str(int(number))
        return str(number) if loose and np.isfinite(float(number)) else None
    except (ValueError, ArithmeticError):  # a decimal that is not a number, or an integer beyond any float
        return None


def _number(cells: Cells, _printed: bool) -> Converted:
    if cells.dtype.kind in "iuf":
        return _finite(cells.astype("float64"), {})
    split = extract_strings(cells)
    strings = mask_words(split.strings.str.strip(), MISSING_AMOUNTS)
    values = pd.to_numeric(strings, errors="coerce").astype("float64")
    faults = {"not a number": (strings.notna() & values.isna()).to_numpy(dtype=bool)}
    if split.other.any():
        values[split.other] = _floats(cells[split.other])
        faults |= faults_by_type(cells, split.other & values.isna().to_numpy(), "not a number: give one number")
    return _finite(values, faults)


def _floats(cells: Cells) -> npt.NDArray[np.float64]:
    if set(map(type, cells)) == {float}:
        return cells.to_numpy("float64")
    return np.array([_float(cell) for cell in cells.astype(object)])


def _finite(values: Cells, faults: dict[str, Mask]) -> Converted:
    sizes = np.abs(values.to_numpy())
    infinite, large = np.isinf(sizes), (sizes > MAX_AMOUNT) & np.isfinite(sizes)
    faults |= {"an infinite number": infinite, f"a number beyond {MAX_AMOUNT:.0e}": large}
    return Converted(values.mask(infinite | large), faults)


def _float(cell: Any) -> float:
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, Real | Decimal):
        return np.nan
    try:
        return float(cell)
    except OverflowError:
        return np.inf
    except ValueError:  # a signalling NaN
        return np.nan


_CONVERTERS: Final[Mapping[Kind, Callable[[Cells, bool], Converted]]] = {
    "id": _id,
    "text": _text,
    "number": _number,
    "category": _category,
}
