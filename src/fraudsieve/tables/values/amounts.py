"""Numbers as people write amounts: with a currency sign, separators of thousands, or in brackets if they are negative.

The patterns are those of `re` and of RE2 alike, so that a column and a value are read by one definition. Needs only the
standard library.
"""

import re
from typing import Final

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
