"""Columns of amounts as people write them: with currency signs, separators of thousands, or a decimal comma.

A column has one decimal sign and one currency. The sign is an option, or is found: 1,234.50 has a decimal point and
1.234,50 a decimal comma. A lone comma separates thousands only if something else in the column says so, because 1,234
may also be 1.234. Plain numbers are recognised before, and cost nothing here.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve.tables.values.reading import AMOUNTS, CURRENCY, NEGATIVE, NOT_CURRENCY

from .cells import (
    FLAGS,
    PLAIN_NUMBER,
    STRING,
    Cells,
    Converted,
    Mask,
    mask_words,
    match_pattern,
    replace_pattern,
    to_floats,
)
from .values.reading import MISSING_NUMBERS, Reading

SEVERAL: Final = "expected amounts of one currency, got several"
NOTES: Final = {".": "is read as 1,234.50, with a decimal point", ",": "is read as 1.234,50, with a decimal comma"}
ALWAYS: Final = " (other files of this kind need --decimal ,)"
_LONE_COMMA: Final = r"^[^,.]*,[^,.]*$"
_POINT: Final = "[0-9][,'’ \u00a0\u202f][0-9].*\\.|,.*,"
_COMMA: Final = "[0-9][.'’ \u00a0\u202f][0-9].*,|\\..*\\."
_BOTH: Final = r",.*\.|\..*,"
_THOUSANDS: Final = r"(?:^|[^0-9])[1-9][0-9]{0,2},[0-9]{3}(?:[^0-9]|$)"
_THOUSAND: Final = r"^[+-]?[0-9]{4}"
_FRACTION: Final = r"\.[0-9]"
_LEADING_ZERO: Final = r"^0[0-9]"
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
        decimal = _decimal_of(odd, strings[plain])
    known = match_pattern(strings, AMOUNTS[decimal or "."])
    if decimal is None:
        known &= ~match_pattern(strings, _LONE_COMMA)
    values = _to_numbers(strings.where(known), decimal or ".")
    is_written = known & ~plain
    faults, has_currency = {}, match_pattern(strings, CURRENCY) & is_written
    if len(set(replace_pattern(strings[has_currency], NOT_CURRENCY, "").unique())) > 1:
        faults, values = {SEVERAL: has_currency}, values.mask(has_currency)
    removed = tr(", and currency signs are removed") if has_currency.any() else ""
    always = tr(ALWAYS) if decimal == "," != reading.decimal else ""
    note = tr("{note}{removed}{always}", note=tr(NOTES[decimal or "."]), removed=removed, always=always)
    notes = (note,) if is_written.any() else ()
    return Amounts(values, known, replace(reading, decimal=decimal), faults, notes)


def _to_numbers(strings: Cells, decimal: str) -> Cells:
    digits = replace_pattern(strings, f"[^0-9{decimal}]", "")
    numbers = to_floats(replace_pattern(digits, ",", ".") if decimal == "," else digits)
    return numbers.mask(match_pattern(strings, NEGATIVE), -numbers)


def _decimal_of(odd: Cells, plain: Cells) -> str | None:
    """Return the decimal sign of a column from its odd distinct cells and its plain ones; None if it is unknown."""
    amounts = odd[match_pattern(odd, AMOUNTS["."]) | match_pattern(odd, AMOUNTS[","])]
    if match_pattern(amounts, _POINT).any():
        return "."
    if match_pattern(amounts, _COMMA).any():
        return ","
    lone = amounts[match_pattern(amounts, _LONE_COMMA)]
    if len(lone) == 0:
        return "."
    if not match_pattern(lone, _THOUSANDS).all():
        return None
    has_money = match_pattern(amounts, CURRENCY).any() or match_pattern(amounts, _FRACTION).any()
    is_small = len(plain) > 0 and not match_pattern(plain, _THOUSAND).any()
    return "." if has_money or is_small or match_pattern(plain, _FRACTION).any() else None


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
    is_sure = reading.decimal != "auto" or match_pattern(strings, f"{CURRENCY}|{_BOTH}").any()
    is_complete = amounts.known[strings.notna().to_numpy()].all() and not amounts.faults
    return Converted(amounts.values, notes=amounts.notes) if is_sure and is_complete else None


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
