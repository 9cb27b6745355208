"""Check digits of bank cards, Chinese identity cards, and credit codes of Chinese organisations.

They distinguish such numbers from other runs of digits. The functions read folded code points and are compiled into
the kernel of `numbers`.
"""

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import code_array, code_number, is_digit, is_latin

LENGTH = 18
FIRST_YEAR, LAST_YEAR = 1880, 2099
MONTH_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
ZERO, A, X = map(ord, "0ax")
CREDIT_SKIPPED = code_array("iosvz")
"""Letters that are too similar to digits to be used in credit codes."""


@compile_inlined()
def passes_luhn(codes: Array, start: int, stop: int) -> bool:
    """Check whether the digits of a span pass Luhn's check (ISO/IEC 7812-1), ignoring other characters.

    Parameters
    ----------
    codes : ndarray of uint32, shape (n_characters,)
        Code points.
    start, stop : int
        The span: from ``start`` up to, but not including, ``stop``.

    Returns
    -------
    bool
        Whether the check digit is right.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> [passes_luhn(pack([one]).codes, 0, 19) for one in ("4111 1111 1111 1111", "4111 1111 1111 1112")]
    [True, False]
    """
    total, double = 0, False
    for k in range(stop - start):
        code = codes[stop - 1 - k]
        if is_digit(code):
            digit = code_number(code) - ZERO
            if double:
                digit = 2 * digit - 9 if digit > 4 else 2 * digit
            total += digit
            double = not double
    return bool(total % 10 == 0)


@compile_inlined()
def _is_date(date: int) -> bool:
    """Return whether a number of the form 19491001 is a plausible date of birth."""
    year, month, day = date // 10000, date // 100 % 100, date % 100
    return bool(FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and 1 <= day <= MONTH_DAYS[max(month, 1) % 13 - 1])


@compile_inlined()
def is_chinese_id(codes: Array, start: int, stop: int) -> bool:
    """Check whether a span is an identity number, by its date and the check digit of ISO 7064 MOD 11-2.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    start, stop : int
        The span: 17 digits, and a digit or ``x``; blanks and dashes between them are ignored.

    Returns
    -------
    bool

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> [is_chinese_id(pack([one]).codes, 0, 18) for one in ("11010519491231002x", "110105194912310021")]
    [True, False]
    """
    total, date, n = 0, INT_0, 0
    for position in range(start, stop):
        code = codes[position]
        if not is_digit(code) and not (code == X and position == stop - 1):
            continue
        value = 10 if code == X else code_number(code) - ZERO
        total = 2 * total + value  # the weights are powers of 2 modulo 11
        if n >= LENGTH:
            return False
        if 6 <= n < 14:
            date = 10 * date + value
        n += 1
    return n == LENGTH and codes[start] != ZERO and total % 11 == 1 and _is_date(date)


@compile_inlined()
def _credit_value(code: np.uint32) -> int:
    """Return the value of a character of a credit code, or -1."""
    if is_digit(code):
        return int(code_number(code) - ZERO)
    if not is_latin(code):
        return -1
    value: int = code_number(code) - A + 10
    for skipped in CREDIT_SKIPPED:
        if code == skipped:
            return -1
        if code > skipped:
            value -= 1
    return value


@compile_inlined()
def is_company_number(codes: Array, start: int) -> bool:
    """Check whether 18 characters are a unified social credit code, by the check character of GB 32100-2015.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points, at least 18 of them from `start` on.
    start : int
        Position of the first character.

    Returns
    -------
    bool

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> [is_company_number(pack([one]).codes, 0) for one in ("91350100m000100y43", "91350100m000100y44")]
    [True, False]
    """
    total, weight, value = 0, 1, 0
    for k in range(LENGTH):
        value = _credit_value(codes[start + k])
        if value < 0 or (1 <= k < 8 and value > 9):
            return False
        if k < LENGTH - 1:
            total += value * weight
            weight = weight * 3 % 31
    return (total + value) % 31 == 0
