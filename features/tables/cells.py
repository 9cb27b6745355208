"""Columns of whatever came, seen as strings: the ground that `kinds` stands on.

A cell is a string, something else, or missing. Strings live in pandas' Arrow-backed ``str``; Arrow holds no
lone surrogates, so these become U+FFFD, and the rows are remembered. Reasons for refusing a cell name its
type, never its contents.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "MISSING_AMOUNTS",
    "MISSING_WORDS",
    "STRING",
    "Cells",
    "Converted",
    "Mask",
    "Strings",
    "extract_strings",
    "faults_by_type",
    "has_surrogate",
    "infer_types",
    "is_blank",
    "mask_signalling_nan",
    "mask_words",
    "match_pattern",
    "replace_pattern",
    "string_series",
    "to_plain_dtype",
]

Cells: TypeAlias = "pd.Series[Any]"
Mask: TypeAlias = npt.NDArray[np.bool_]

STRING: Final = pd.StringDtype("pyarrow", na_value=np.nan)  # what pandas 3 calls "str"

# What programs write for a missing value. In a text they are words like any other.
MISSING_WORDS: Final = frozenset({"nan", "NaN", "None", "null", "NULL", "<NA>", "NaT", r"\N"})
MISSING_AMOUNTS: Final = MISSING_WORDS | {"NA", "N/A"}  # "NA" may be Namibia, but never a number or a time

# White space, control and format characters, and the letters and marks that are drawn as nothing.
_BLANK: Final = (
    r"^[\s\p{Z}\p{Cc}\p{Cf}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{2800}"
    r"\x{3164}\x{FE00}-\x{FE0F}\x{FFA0}\x{E0100}-\x{E01EF}]*$"
)
# Fifteen digits at most, as a float holds them all; no leading zero, as in 007.
_PLAIN_NUMBER: Final = r"^[+-]?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d{1,2})?$"


@dataclass(frozen=True, eq=False)
class Converted:
    """A column in its canonical type.

    Attributes
    ----------
    column : Series of shape (n_rows,)
        Missing where the cell was missing or at fault.
    faults : mapping of str to ndarray of bool
        For every reason, the rows that it holds for.
    notes : tuple of str
        What was changed or assumed on the way, for the user; the name of the column goes in front.
    """

    column: Cells
    faults: Mapping[str, Mask] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Strings:
    """The strings of a column.

    Attributes
    ----------
    strings : Series of str
        Missing where no string stands.
    other : ndarray of bool
        Where something else than a string stands.
    mended : ndarray of bool
        Where U+FFFD replaces a lone surrogate.
    """

    strings: Cells
    other: Mask
    mended: Mask


def extract_strings(cells: Cells) -> Strings:
    """Part the strings of a column from what else stands there.

    Examples
    --------
    >>> found = extract_strings(pd.Series(["a", 1, None], dtype=object))
    >>> found.strings.tolist(), found.other.tolist()
    (['a', nan, nan], [False, True, False])
    """
    none = np.zeros(len(cells), dtype=bool)
    if isinstance(cells.dtype, pd.StringDtype):
        return Strings(cells, none, none)
    if cells.dtype != object:
        return Strings(pd.Series(np.nan, index=cells.index, dtype=STRING), cells.notna().to_numpy(), none)
    other = _not_strings(cells)
    kept = cells.mask(other) if other.any() else cells
    try:
        return Strings(kept.astype(STRING), other, none)
    except UnicodeEncodeError:
        return _mended(kept, other)


def _not_strings(cells: Cells) -> Mask:
    if pd.api.types.infer_dtype(cells, skipna=True) in ("string", "empty"):
        return np.zeros(len(cells), dtype=bool)
    return np.asarray(cells.notna().to_numpy() & ~_where(cells, lambda cell: isinstance(cell, str)))


def _where(cells: Cells, holds: Callable[[Any], bool]) -> Mask:
    return np.fromiter((holds(cell) for cell in cells), dtype=bool, count=len(cells))


def _mended(cells: Cells, other: Mask) -> Strings:
    lone = _where(cells, lambda cell: isinstance(cell, str) and has_surrogate(cell))
    values = cells.to_numpy(dtype=object, copy=True)
    values[lone] = [_without_surrogates(text) for text in values[lone]]
    return Strings(pd.Series(values, index=cells.index, dtype=STRING), other, lone)


def has_surrogate(text: str) -> bool:
    r"""Whether a string holds a lone surrogate, so that it cannot be written as UTF-8.

    Examples
    --------
    >>> has_surrogate("\ud83d"), has_surrogate("plain")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _without_surrogates(text: str) -> str:
    # By way of UTF-16, so that two surrogates that make a character become that character.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def to_plain_dtype(cells: Cells) -> Cells:
    """Categories, nullable and Arrow types as what they hold.

    Examples
    --------
    >>> to_plain_dtype(pd.Series([1, None], dtype="Int64")).dtype
    dtype('O')
    """
    if isinstance(cells.dtype, pd.StringDtype):
        return cells.astype(STRING)
    if isinstance(cells.dtype, np.dtype | pd.DatetimeTZDtype):
        return cells
    return cells.astype(object)


def mask_signalling_nan(cells: Cells) -> Cells:
    """Signalling NaN, for which pandas cannot even ask whether it is missing, as missing.

    Examples
    --------
    >>> mask_signalling_nan(pd.Series([Decimal("sNaN"), 1], dtype=object)).tolist()
    [None, 1]
    """
    try:
        cells.isna()
    except ArithmeticError:
        kept = [None if isinstance(cell, Decimal) and cell.is_snan() else cell for cell in cells]
        return pd.Series(kept, index=cells.index, dtype=object)
    return cells


def infer_types(cells: Cells, *, printed: bool = False) -> Cells:
    """Bring a column that no table declares to numbers, to strings, or leave it as it is.

    Printed cells become numbers where every one of them is written as one, without a leading zero.

    Examples
    --------
    >>> infer_types(pd.Series(["1", None, "2.5"]), printed=True).tolist()
    [1.0, nan, 2.5]
    >>> infer_types(pd.Series(["007", "12"]), printed=True).tolist()
    ['007', '12']
    """
    dtype = cells.dtype
    if isinstance(dtype, pd.StringDtype):
        return _guessed(cells.astype(STRING)) if printed else cells.astype(STRING)
    if isinstance(dtype, pd.DatetimeTZDtype) or (isinstance(dtype, np.dtype) and dtype.kind != "O"):
        return cells
    if (pd.api.types.is_numeric_dtype(dtype) or dtype.kind == "b") and not isinstance(dtype, pd.SparseDtype):
        return pd.Series(cells.to_numpy("float64", na_value=np.nan), index=cells.index)
    return _inferred(cells.astype(object), names=isinstance(dtype, pd.CategoricalDtype))


def _inferred(cells: Cells, *, names: bool) -> Cells:
    try:
        if names:  # numbers that are declared as categories are names
            cells = cells.map(str, na_action="ignore")
        cells = cells.where(cells.notna(), np.nan)
        truths = pd.api.types.infer_dtype(cells, skipna=True) == "boolean"
        return cells.astype("float64") if truths else cells.infer_objects()
    except (UnicodeEncodeError, OverflowError):
        return cells


def _guessed(cells: Cells) -> Cells:
    words = mask_words(cells.str.strip(), MISSING_AMOUNTS)
    present = words.notna().to_numpy()
    if present.any() and match_pattern(words, _PLAIN_NUMBER)[present].all():
        return pd.to_numeric(words).astype("float64")
    return cells


def match_pattern(strings: Cells, pattern: str) -> Mask:
    """Where a regular expression (RE2) is found; nowhere where the cell is missing.

    Examples
    --------
    >>> match_pattern(pd.Series(["a1", "b", None]), "[0-9]").tolist()
    [True, False, False]
    """
    found = pc.fill_null(pc.match_substring_regex(pa.array(strings.array), pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def is_blank(strings: Cells) -> Mask:
    """Where a string shows nothing: white space, control characters, zero-width characters, fillers.

    Examples
    --------
    >>> is_blank(pd.Series(["a", "", " \u200b", None])).tolist()
    [False, True, True, False]
    """
    return match_pattern(strings, _BLANK)


def replace_pattern(strings: Cells, pattern: str, by: str) -> Cells:
    r"""Replace what a regular expression (RE2) matches.

    Examples
    --------
    >>> replace_pattern(pd.Series(["12.0", None]), r"^(\d+)\.0$", r"\1").tolist()
    ['12', nan]
    """
    return string_series(pc.replace_substring_regex(pa.array(strings.array), pattern, by), strings.index)


def string_series(array: Any, index: Any) -> Cells:
    """Turn an Arrow array, cast to strings, into a Series of ``str``.

    Examples
    --------
    >>> string_series(pa.array([7, None]), range(2)).tolist()
    ['7', nan]
    """
    series: Cells = array.cast(pa.large_string()).to_pandas(types_mapper=lambda _: STRING)
    return series.set_axis(index)


def mask_words(strings: Cells, words: Collection[str]) -> Cells:
    """Make blank strings and the given words missing.

    Examples
    --------
    >>> mask_words(pd.Series(["a", " ", "null"]), MISSING_WORDS).tolist()
    ['a', nan, nan]
    """
    return strings.mask(is_blank(strings) | strings.isin(list(words)).to_numpy())


def faults_by_type(cells: Cells, bad: Mask, words: str) -> dict[str, Mask]:
    """One reason for every type among the bad cells.

    Examples
    --------
    >>> faults_by_type(pd.Series(["a", 1]), np.array([False, True]), "no text")
    {'int is no text': array([False,  True])}
    """
    places = np.flatnonzero(bad)
    types = np.array([type(cell).__name__ for cell in cells.iloc[places].astype(object)], dtype=object)
    faults = {}
    for name in sorted(set(types)):
        mask = np.zeros(len(cells), dtype=bool)
        mask[places[types == name]] = True
        faults[f"{name} is {words}"] = mask
    return faults
