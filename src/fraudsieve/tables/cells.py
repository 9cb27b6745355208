"""Cells of columns of any type: their strings, missing values and types; used by `conversion`.

A cell is a string, another value, or missing. Strings are stored in the Arrow-backed ``str`` of pandas. Arrow cannot
store lone surrogates, so they are replaced by U+FFFD, and a mask marks their rows.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fraudsieve.exceptions import RejectedRecordError

from .values.reading import MISSING_NUMBERS, has_surrogate, type_name, without_surrogates

Cells: TypeAlias = "pd.Series[Any]"
Mask: TypeAlias = npt.NDArray[np.bool_]

STRING: Final = pd.StringDtype("pyarrow", na_value=np.nan)  # the "str" of pandas 3

# The characters of `values.strings.is_blank`.
BLANK: Final = (
    r"^[\s\p{Z}\p{Cc}\p{Cf}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{2800}"
    r"\x{3164}\x{FE00}-\x{FE0F}\x{FFA0}\x{E0100}-\x{E01EF}]*$"
)
FLAGS: Final = {"True": True, "true": True, "TRUE": True, "False": False, "false": False, "FALSE": False}
# At most fifteen digits, which a float can represent, and no leading zero, as in 007.
PLAIN_NUMBER: Final = r"^[+-]?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d{1,2})?$"
_WHOLE_NUMBER: Final = r"^[+-]?(?:0|[1-9]\d{0,14})(?:[eE][+-]?\d{1,2})?$"


@dataclass(frozen=True, eq=False)
class Converted:
    """A column in its canonical type."""

    # Shape (n_rows,). Missing if the cell was missing or invalid.
    column: Cells
    faults: dict[str, Mask] = field(default_factory=dict)
    # Changes and assumptions, for the user; the caller puts the name of the column in front.
    notes: tuple[str, ...] = ()
    # The decimal sign that the column decided, if it has amounts that are not plain numbers.
    decimal: str | None = None


@dataclass(frozen=True, eq=False)
class Strings:
    """The strings of a column."""

    # Missing if the cell is not a string.
    strings: Cells
    # Cells that are neither strings nor missing.
    other: Mask
    # Strings in which U+FFFD replaces a lone surrogate.
    replaced: Mask


def extract_strings(cells: Cells) -> Strings:
    """Separate the strings of a column from its other values."""
    no_rows = np.zeros(len(cells), dtype=bool)
    if isinstance(cells.dtype, pd.StringDtype):
        return Strings(cells, no_rows, no_rows)
    if cells.dtype != object:
        return Strings(pd.Series(np.nan, index=cells.index, dtype=STRING), cells.notna().to_numpy(), no_rows)
    other = _not_strings(cells)
    kept = cells.mask(other) if other.any() else cells
    try:
        return Strings(kept.astype(STRING), other, no_rows)
    except UnicodeEncodeError:
        return _replace_surrogates(kept, other)


def _not_strings(cells: Cells) -> Mask:
    if pd.api.types.infer_dtype(cells, skipna=True) in ("string", "empty"):
        return np.zeros(len(cells), dtype=bool)
    return np.asarray(cells.notna().to_numpy() & ~_mask_cells(cells, lambda cell: isinstance(cell, str)))


def _mask_cells(cells: Cells, holds: Callable[[Any], bool]) -> Mask:
    return np.fromiter((holds(cell) for cell in cells), dtype=bool, count=len(cells))


def _replace_surrogates(cells: Cells, other: Mask) -> Strings:
    lone = _mask_cells(cells, lambda cell: isinstance(cell, str) and has_surrogate(cell))
    values = cells.to_numpy(dtype=object, copy=True)
    values[lone] = [without_surrogates(text) for text in values[lone]]
    return Strings(pd.Series(values, index=cells.index, dtype=STRING), other, lone)


def to_plain_dtype(cells: Cells) -> Cells:
    """Convert categorical, nullable and Arrow columns to plain types."""
    if isinstance(cells.dtype, pd.StringDtype):
        return cells.astype(STRING)
    if isinstance(cells.dtype, np.dtype | pd.DatetimeTZDtype):
        return cells
    return cells.astype(object)


def mask_signalling_nan(cells: Cells) -> Cells:
    """Make signalling NaN missing; pandas raises an error for it."""
    try:
        cells.isna()
    except ArithmeticError:
        kept = [None if isinstance(cell, Decimal) and cell.is_snan() else cell for cell in cells]
        return pd.Series(kept, index=cells.index, dtype=object)
    return cells


def nested_values(cells: Cells) -> str:
    """Return "lists" or "objects" if a cell of a column is one, as in JSON; otherwise an empty string."""
    if isinstance(cells.dtype, pd.ArrowDtype) and pa.types.is_nested(cells.dtype.pyarrow_dtype):
        cells = cells.astype(object)
    if cells.dtype != object or not pd.api.types.infer_dtype(cells, skipna=True).startswith("mixed"):
        return ""
    found = set(map(type_name, cells))
    return next((f"{name}s" for name in ("list", "object") if name in found), "")


def infer_types(cells: Cells, *, printed: bool = False, decimal: str | None = None) -> Cells:
    """Convert an undeclared column to numbers, booleans or strings if all of its cells allow it.

    Printed cells become numbers if all of them are numbers without a leading zero, and booleans if all of them are
    true or false. Booleans stay booleans beside missing cells, so that a column has one form in every file. Decimals
    become ``float64``. With a decimal comma, only whole numbers are numbers here: 1.234 is not 1.234.
    """
    dtype = cells.dtype
    if isinstance(dtype, pd.StringDtype):
        number = _WHOLE_NUMBER if decimal == "," else PLAIN_NUMBER
        return _infer_objects(cells.astype(STRING), number) if printed else cells.astype(STRING)
    if isinstance(dtype, pd.DatetimeTZDtype) or (isinstance(dtype, np.dtype) and dtype.kind != "O"):
        return cells
    is_numeric = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    if is_numeric and not isinstance(dtype, pd.SparseDtype):
        return pd.Series(cells.to_numpy("float64", na_value=np.nan), index=cells.index)
    return _infer(cells.astype(object), names=isinstance(dtype, pd.CategoricalDtype))


def _infer(cells: Cells, *, names: bool) -> Cells:
    try:
        if names:  # numbers that are declared as categories are names
            cells = cells.map(str, na_action="ignore")
        kind = pd.api.types.infer_dtype(cells, skipna=True)
        if kind in ("decimal", "string"):
            return cells.astype("float64" if kind == "decimal" else STRING)
        return cells.where(cells.notna(), np.nan).infer_objects()
    except (UnicodeEncodeError, OverflowError):
        return cells


def _infer_objects(cells: Cells, number: str) -> Cells:
    present = cells.notna().to_numpy()
    if present.any() and match_pattern(cells, number)[present].all():  # the usual case, and the fastest
        return to_floats(cells)
    words = mask_words(cells.str.strip(), MISSING_NUMBERS)
    present = words.notna().to_numpy()
    if present.any() and match_pattern(words, number)[present].all():
        return to_floats(words)
    if present.any() and words[present].isin(list(FLAGS)).all():
        return words.map(FLAGS)
    return cells


def _arrow(strings: Cells) -> Any:
    """Return strings as Arrow's; in pandas 2 they may be objects, and all of them missing."""
    return pa.array(strings.array, pa.large_string(), from_pandas=True)


def match_pattern(strings: Cells, pattern: str) -> Mask:
    """Return which cells match a regular expression (RE2); missing cells do not."""
    matches = pc.fill_null(pc.match_substring_regex(_arrow(strings), pattern), False)
    return np.asarray(matches.to_numpy(zero_copy_only=False), dtype=bool)


def mask_blank(strings: Cells) -> Mask:
    """Return which strings have only white space, control, zero-width and filler characters."""
    return match_pattern(strings, BLANK)


def replace_pattern(strings: Cells, pattern: str, by: str) -> Cells:
    r"""Replace what a regular expression (RE2) matches."""
    return string_series(pc.replace_substring_regex(_arrow(strings), pattern, by), strings.index)


def string_series(array: Any, index: Any) -> Cells:
    """Convert an Arrow array to a Series of ``str``."""
    # Arrow's own road makes a frame first: for a table of many columns, that takes longer than to read them.
    return pd.Series(pd.arrays.ArrowStringArray(array.cast(pa.large_string())), index=index)


def to_floats(strings: Cells) -> Cells:
    """Convert strings of numbers to float64, each to the nearest one, as `float` does."""
    unsigned = pc.ascii_ltrim(pa.array(strings.array), "+")
    return pd.Series(unsigned.cast(pa.float64()).to_numpy(zero_copy_only=False), index=strings.index)


def mask_words(strings: Cells, words: Collection[str]) -> Cells:
    """Make blank strings and given words missing."""
    return strings.mask(mask_blank(strings) | strings.isin(list(words)).to_numpy())


def read_rest(cells: Cells, rest: Mask, read: Callable[[Any], Any]) -> tuple[list[Any], dict[str, Mask]]:
    """Read the cells that no reader of columns recognised, each distinct one once."""
    positions = np.flatnonzero(rest)
    codes, distinct = _distinct(cells.iloc[positions])
    values: list[Any] = [None] * len(distinct)
    reasons = np.full(len(distinct), "", dtype=object)
    for code, cell in enumerate(distinct):
        try:
            values[code] = read(cell)
        except RejectedRecordError as error:
            reasons[code] = str(error)
    faults = {}
    for reason in sorted(set(reasons) - {""}):
        faults[reason] = np.zeros(len(cells), dtype=bool)
        faults[reason][positions[(reasons == reason)[codes]]] = True
    return [values[code] for code in codes], faults


def _distinct(cells: Cells) -> tuple[npt.NDArray[np.intp], list[Any]]:
    """Return which distinct value each cell has, and these values; 1, 1.0 and True are not one value."""
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iuf":  # sorted: pandas' hashes of numbers have no key
        numbers, codes = np.unique(cells.to_numpy(), return_inverse=True)
        return codes, list(numbers if cells.dtype.kind == "f" else numbers.astype(object))
    if cells.dtype != object:
        codes, distinct = pd.factorize(cells)
        # As objects, floats of 24 bits would be floats of 53, of which more are exact.
        return codes, list(distinct.to_numpy() if cells.dtype.kind == "f" else distinct.astype(object))
    lookup: dict[Any, int] = {}
    distinct_cells: list[Any] = []
    codes = np.empty(len(cells), np.intp)
    for place, cell in enumerate(cells):
        try:
            codes[place] = lookup.setdefault(_key(cell), len(distinct_cells))
        except TypeError:  # lists and other values without a hash
            codes[place] = len(distinct_cells)
        if codes[place] == len(distinct_cells):
            distinct_cells.append(cell)
    return codes, distinct_cells


def _key(cell: Any) -> tuple[type, Any]:
    """Return what tells a cell from others; whole numbers as text, because their hashes can be made to collide."""
    if isinstance(cell, int):
        return type(cell), hex(cell)
    return type(cell), str(cell) if isinstance(cell, Decimal | UUID) else cell
