r"""Definitions of ids, times, numbers, categories, texts and labels of fraud, for tables and records alike.

======== ================== ==================================================================================
kind     becomes            rejected
======== ================== ==================================================================================
id       ``str``, stripped  fractions, floats too large to be exact, booleans, broken characters
time     microseconds, UTC  numbers that are not epochs, years outside 1970 to 2100, strings other than ISO 8601
number   ``float``          what does not parse, infinity and beyond 1e15, booleans unless flags are numbers
category ``str``, stripped  what is neither a string, a finite number nor a boolean
text     ``str``, as it is  other types, more than `MAX_TEXT_LENGTH` characters
======== ================== ==================================================================================

A string is blank if it has no visible character. Except in texts, blank strings and the words that programs write for
missing values are missing (null, nan, None ...). A number is an epoch in seconds, milliseconds, microseconds or
nanoseconds, whichever gives a time from 2000 to 2100; at most one does. A whole number of eight digits that is a date,
such as 20260501, is that date.

Times are read by `moments`. Columns are read by `fraudsieve.tables.conversion`, and those of a history by
`fraudsieve.features.history.columns`. They recognise ordinary values by column, and pass every other distinct value on
to these functions. Errors name the field and what was expected, and never quote the value. Needs only NumPy.

Amounts may have a currency sign, separators of thousands, or brackets if they are negative. Their patterns are those of
`re` and of RE2 alike, so that a column and a value are read by one definition.

Strings that are blank, that cannot be encoded as UTF-8, or that are labels. Needs only the standard library.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from numbers import Real
from typing import Any, Final, Literal, NamedTuple, Never, TypeAlias
from uuid import UUID

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError

Kind: TypeAlias = Literal["id", "text", "time", "date", "number", "category"]
_FILLERS: Final = frozenset(map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0))) | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""Invisible letters and marks."""
_INVISIBLE: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def is_blank(text: str) -> bool:
    r"""Return whether a string has no visible character, only white space, control, format and filler characters."""
    return not (text and "!" <= text[0] <= "~") and all(map(_is_invisible, text))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE or character in _FILLERS


def has_surrogate(text: str) -> bool:
    r"""Return whether a string has a lone surrogate, so that it cannot be encoded as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def without_surrogates(text: str) -> str:
    r"""Return a text in which U+FFFD replaces lone surrogates; a pair of surrogates becomes its character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def normalise_label(label: str) -> str:
    """Return a label in lower case, its words separated by a space, and without the ``.0`` of a whole number."""
    folded = unicodedata.normalize("NFKC", label).casefold().strip()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", re.sub(r"(?<=[^\W_])[\s_-]+(?=\w)", " ", folded))


MISSING_WORDS: Final = frozenset({"nan", "NaN", "None", "null", "NULL", "<NA>", "NaT", r"\N"})
"""Words that programs write for missing values. In texts they are ordinary words."""
MISSING_NUMBERS: Final = MISSING_WORDS | {"NA", "N/A"}
"""The same for numbers and times: NA may be Namibia, but is never a number or a time."""
FLAG_WORDS: Final = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}
"""Other spellings of booleans as categories, so that a column of booleans and words has the same ones in any file."""
FLAGS: Final = {"True": 1.0, "False": 0.0}
FLAGS_OF_FRAUD: Final = {**dict.fromkeys(("true", "1", "1.0"), True), **dict.fromkeys(("false", "0", "0.0"), False)}
EXPECTED: Final = {
    "id": "expected a string or a whole number",
    "time": "expected a time such as 2026-05-01T10:00:00Z",
    "date": "expected a time such as 2026-05-01T10:00:00Z",
    "number": "expected a number",
    "category": "expected a string, a number or a boolean",
    "text": "expected a string",
}
"""The beginnings of errors."""
BROKEN: Final = "expected a string in UTF-8, got broken characters"
NOT_A_LABEL: Final = "expected True or False, got another value"
LOST_DIGITS: Final = "expected all digits, got exponent notation"
MAX_AMOUNT: Final = 1e15
"""Larger amounts are rejected: up to this limit sums keep their last digit."""
MAX_TEXT_LENGTH: Final = 1_000_000
"""Longer texts are rejected, in characters: no text is cut."""
TOO_LARGE: Final = f"expected a number up to {MAX_AMOUNT:.0e}, got a larger or an infinite one"
TOO_LONG: Final = f"expected at most {MAX_TEXT_LENGTH:,} characters, got more"

MAX_WHOLE: Final = 2**128
"""Whole numbers from here on are not ids: a UUID has 128 bits."""
_PRINTED_FLOAT: Final = re.compile(r"(-?\d+)\.0", re.ASCII)
_EXPONENT: Final = re.compile(r"-?\d(?:[.,]\d+)?[eE]\+\d+", re.ASCII)
_NUMBER: Final = r"[+-]?(?:\d+(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?|[+-]?(?i:inf|infinity)"
NUMBERS: Final = {sign: re.compile(_NUMBER.format(point=re.escape(sign)), re.ASCII) for sign in ".,"}


_SIGNS: Final = "$¢£¤¥฿₡₦₩₪₫€₭₮₱₲₴₵₸₹₺₼₽₾₿＄￠￡￥￦元円"
_CODES: Final = (
    "AED|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KES|KRW|MXN|MYR|NGN|NOK|NZD|PHP|PLN|RMB|RUB|SAR|SEK"
    "|SGD|THB|TRY|TWD|USD|VND|ZAR"
)
CURRENCY: Final = rf"(?:[A-Z]{{0,3}}[{_SIGNS}]|{_CODES})"
"""A currency: a sign, which letters may precede as in US$, or a code."""
NOT_CURRENCY: Final = rf"[^A-Z{_SIGNS}]"
_BLANK: Final = "[ \u00a0\u202f]"
_GROUPS: Final = {".": "[,'’ \u00a0\u202f]", ",": "[.'’ \u00a0\u202f]"}
"""What separates thousands, by the decimal sign. Groups in India have two digits before the last three."""


def _pattern(decimal: str) -> str:
    group, point = _GROUPS[decimal], re.escape(decimal)
    digits = rf"(?:[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}|[0-9]+)(?:{point}[0-9]+)?"
    before, after = rf"(?:{CURRENCY}{_BLANK}?)?", rf"(?:{_BLANK}?{CURRENCY})?"
    sign = rf"(?:[-+−]{_BLANK}?{before}|{before}[-+−]?)"
    return rf"^(?:{sign}{digits}{after}|\({before}{digits}{after}\))$"


AMOUNTS: Final = {sign: _pattern(sign) for sign in ".,"}
"""An amount, by the decimal sign."""
NEGATIVE: Final = r"^\(|^[^0-9]*[-−]"
_COMPILED: Final = {sign: re.compile(pattern, re.ASCII) for sign, pattern in AMOUNTS.items()}
_NEGATIVE: Final = re.compile(NEGATIVE)
_OTHER_SIGN: Final = {
    ".": "expected a decimal point, got a comma: --decimal , reads 1,5 as 1.5, and --decimal . reads 1,234 as 1234",
    ",": "expected a decimal comma, got a point: --decimal . reads 1.5 as 1.5",
}
_LONE_COMMA: Final = re.compile(r"[^,.]*,[^,.]*")


def plain_number(text: str, decimal: str | None) -> str | None:
    """Return an amount as a plain number, with a decimal point; None if it is not one.

    Without a decimal sign, it is a point, and an amount with one comma only is not read: it may be either.
    """
    sign = decimal or "."
    if not _COMPILED[sign].fullmatch(text) or (decimal is None and _LONE_COMMA.fullmatch(text)):
        return None
    digits = re.sub(f"[^0-9{sign}]", "", text).replace(sign, ".")
    return f"-{digits}" if _NEGATIVE.match(text) else digits


def other_sign(text: str, decimal: str | None) -> str | None:
    """Return why a number is rejected that another decimal sign would read; None for any other text."""
    return _OTHER_SIGN[decimal or "."] if any(amount.fullmatch(text) for amount in _COMPILED.values()) else None


class LabelShare(NamedTuple):
    """The numbers that are allowed."""

    includes_zero: bool

    @property
    def reason(self) -> str:
        """Why another number is rejected."""
        return f"expected a number {'from 0 to 1' if self.includes_zero else 'above 0, at most 1'}, got another one"

    def excludes(self, numbers: Array) -> Array:
        """Return which numbers are not allowed; a missing one, which is NaN, is."""
        is_outside: Array = (numbers < 0) | (numbers > 1) | ((numbers == 0) & (not self.includes_zero))
        return is_outside


SHARES: Final = {"confidence": LabelShare(True), "inclusion_probability": LabelShare(False)}
"""The columns of labels that hold such numbers."""


@dataclass(frozen=True)
class Reading:
    """How values are read that could be read in several ways."""

    # Whether they come from a format that prints everything: `123.0` may be the whole number 123 from a float.
    printed: bool = False
    # Whether dates such as 03/04/2026 begin with the day, or with the month. Without it, they are rejected.
    day_first: bool | None = None
    zone: str = "UTC"
    # The decimal sign of numbers in strings. None is a point: a lone comma is rejected. `auto`: a column decides.
    decimal: str | None = None
    # What a number counts that is a time: microseconds of the unit, and its start since 1970. None: it is an epoch.
    counted: tuple[int, int] | None = None
    # The earliest time, in microseconds since 1970.
    earliest: int = 0
    # The sign of the column in the training, for `auto` where the column leaves a doubt.
    likely: str | None = None


_TYPE_NAMES: Final[tuple[tuple[Any, str], ...]] = (
    (dict, "object"),
    ((list, tuple, np.ndarray), "list"),
    ((datetime, np.datetime64), "datetime"),
    (np.timedelta64, "timedelta"),
    (np.bool_, "bool"),
    (np.floating, "float"),
    (np.integer, "int"),
)
PLAIN: Final = Reading()
"""The reading of records: they are not printed, and their times are UTC."""


def is_missing(value: Any) -> bool:
    """Return whether a value is missing, whatever its kind: None, NaN, NaT or pandas.NA."""
    if isinstance(value, str):
        return False
    if value is None or type(value).__name__ == "NAType":  # scoring does not import pandas
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    kinds = float, complex, np.inexact, datetime, np.datetime64, np.timedelta64
    return isinstance(value, kinds) and bool(value != value)


def type_name(value: object) -> str:
    """Return the name of a value's type: the same one whatever a reader makes of lists, objects and numbers."""
    return next((name for types, name in _TYPE_NAMES if isinstance(value, types)), type(value).__name__)


def read_id(value: Any, field: str = "", reading: Reading = PLAIN) -> str | None:
    """Read an id, as a string without surrounding blanks."""
    if isinstance(value, str):
        name = _name(value, reading)
        if name is not None and not name.isascii():
            name = without_surrogates(name) if has_surrogate(name) else name
            if "\ufffd" in name:
                reject(field, BROKEN)
        if reading.printed and name is not None and _EXPONENT.fullmatch(name):
            reject(field, LOST_DIGITS)
        return name
    if type(value) is int and -MAX_WHOLE < value < MAX_WHOLE:  # the usual one, and the fastest
        return str(value)
    if is_missing(value):
        return None
    name = str(value) if isinstance(value, UUID) else _digits(value) if is_numeric(value) else None
    if name is None and is_numeric(value) and isinstance(value, int | np.integer):
        reject(field, f"{EXPECTED['id']} of 128 bits, got a larger one")
    return reject(field, f"{EXPECTED['id']}, got {type_name(value)}") if name is None else name


def read_category(value: Any, field: str = "", reading: Reading = PLAIN) -> str | None:
    r"""Read a category, as a string without surrounding blanks."""
    if isinstance(value, str):
        name = _name(value, reading)
        if name is None or name.isascii():
            return name if name is None else FLAG_WORDS.get(name, name)
        return without_surrogates(name) if has_surrogate(name) else name
    if is_missing(value):
        return None
    if isinstance(value, bool | np.bool_ | UUID):
        return str(value)
    name = (_digits(value) or _fraction(value)) if is_numeric(value) else None
    return reject(field, f"{EXPECTED['category']}, got {type_name(value)}") if name is None else name


def _name(value: str, reading: Reading) -> str | None:
    """Return a stripped string, or None if it is blank or a word for a missing value."""
    name = value.strip()
    if name in MISSING_WORDS or is_blank(name):
        return None
    if reading.printed and (whole := _PRINTED_FLOAT.fullmatch(name)):
        return whole[1]
    return name


def is_numeric(value: Any) -> bool:
    """Return whether a value is a number of any type, but not a boolean or a duration."""
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.timedelta64)


def _digits(number: Any) -> str | None:
    """Return the digits of an exact whole number; None for any other."""
    limit = MAX_WHOLE
    if isinstance(number, float | np.floating):
        limit = exact_below(type(number))
    try:
        return str(int(number)) if abs(number) < limit and int(number) == number else None
    except (ValueError, ArithmeticError):  # a decimal that is not a number
        return None


def exact_below(dtype: Any) -> int:
    """Return the smallest number at which floats of a type cannot represent every whole number."""
    return 1 << min(int(np.finfo(dtype).nmant) + 1, 53)


def _fraction(number: Any) -> str | None:
    """Return any other finite number as a string."""
    try:
        return str(number) if math.isfinite(float(number)) else None
    except (ValueError, ArithmeticError):  # an integer beyond any float
        return None


def read_number(value: Any, field: str = "", reading: Reading = PLAIN, *, flags: bool = False) -> float:
    """Read a number or an amount."""
    if type(value) is float or type(value) is int:  # the usual ones, and the fastest
        number: Any = value
    elif isinstance(value, str):
        number = _number_in(value.strip(), field, reading, flags)
    elif is_missing(value):
        return math.nan
    elif isinstance(value, bool | np.bool_):
        number = float(value) if flags else None
    else:
        number = value if is_numeric(value) else None
    if number is None:
        reject(field, f"{EXPECTED['number']}, got {type_name(value)}")
    if number == number and not -MAX_AMOUNT <= number <= MAX_AMOUNT:
        reject(field, TOO_LARGE)
    return float(number)


def _number_in(text: str, field: str, reading: Reading, flags: bool) -> float:
    """Return the number in a string; NaN if it is missing."""
    decimal = None if reading.decimal == "auto" else reading.decimal
    sign = decimal or "."
    if NUMBERS[sign].fullmatch(text):
        return float(text.replace(sign, "."))
    if text in MISSING_NUMBERS or is_blank(text):
        return math.nan
    if (amount := plain_number(text, decimal)) is not None:
        return float(amount)
    found = FLAGS.get(FLAG_WORDS.get(text, text)) if flags else None
    if found is None:
        reject(field, other_sign(text, decimal) or f"{EXPECTED['number']}, got other text")
    return found


def read_plain_text(value: Any, field: str = "") -> str | None:
    """Read a text, as it is; None if it is missing."""
    if is_missing(value):
        return None
    if not isinstance(value, str):
        reject(field, f"{EXPECTED['text']}, got {type_name(value)}")
    if len(value) > MAX_TEXT_LENGTH:
        reject(field, TOO_LONG)
    return value


def read_is_fraud(value: Any, field: str = "") -> bool:
    """Read whether a label means fraud: a boolean, 0 or 1, or one of them as a string."""
    if isinstance(value, str):
        is_fraud = FLAGS_OF_FRAUD.get(value.strip().lower())
    else:
        is_known = (isinstance(value, bool | np.bool_) or is_numeric(value)) and not is_missing(value)
        is_fraud = bool(value) if is_known and value in (0, 1) else None
    return reject(field, NOT_A_LABEL) if is_fraud is None else is_fraud


def reject(field: str, words: str) -> Never:
    """Raise RejectedRecordError, with the name of the field if there is one."""
    raise RejectedRecordError(f"{field}: {words}" if field else words)
