"""Numbers that identify a person or an organisation: telephone, bank card, identity and company numbers, in folded
text.

A number is read in groups of digits (`telephones`). At each group the kinds are tried from the most to the least
specific, and no group is part of two numbers. A card begins with 2-6 or 9, which excludes times in milliseconds, and is
not next to a letter, which excludes hexadecimal digits.

Check digits tell cards, identity cards and credit codes from other runs of digits.
"""

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import code_array, code_number, is_alnum, is_digit, is_latin, longest_text
from fraudsieve.features.text.codepoints import CodePoints, add_span, new_spans

from .telephones import BEGIN, END, HOTLINE, JOINED, PHONES, count_fitting, find_hotline, find_phone, read_groups

NUMBERS = (*PHONES, "bank_cards", "chinese_ids", "company_numbers")
BANK_CARD, CHINESE_ID, COMPANY_NUMBER = 4, 5, 6
ID_SHAPES = np.array([(6, 8, 4), (6, 8, 3)])
"""Lengths of the groups in which an identity number is written."""
MIN_CARD, MAX_CARD, CARD_GROUP = 13, 19, 4
COMPANY_LENGTH = 18
TWO, SEVEN, EIGHT = map(ord, "278")
NO_HOTLINES = np.empty(0, np.uint64)
"""No hotlines except the built-in ones."""


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


def number_key(digits: str) -> int:
    """Return a number of up to 17 digits as an integer that keeps leading zeros."""
    return int("1" + digits)


@compile_inlined()
def _is_card(codes: Array, begin: int, end: int, stop: int) -> bool:
    return not (end < stop and is_latin(codes[end])) and passes_luhn(codes, begin, end)


@compile_part()
def _card(codes: Array, start: int, stop: int, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of a card of 13 to 19 digits, in one group or in groups of four; 0 if none."""
    # As many groups as may belong to a card, and then fewer until the check digit is right:
    #
    #   4111 1111 1111 1111 123         5 groups, 19 digits: the check digit is wrong
    #   4111 1111 1111 1111             4 groups, 16 digits: it is right
    begin, end = groups[g, BEGIN], groups[g, END]
    if begin > start and is_latin(codes[begin - 1]):
        return 0
    if codes[begin] < TWO or codes[begin] == SEVEN or codes[begin] == EIGHT:
        return 0
    if end - begin != CARD_GROUP:
        return 1 if MIN_CARD <= end - begin <= MAX_CARD and _is_card(codes, begin, end, stop) else 0
    digits = end - begin
    k = g + 1
    while k < n and groups[k, JOINED] and groups[k - 1, END] - groups[k - 1, BEGIN] == CARD_GROUP:
        size = groups[k, END] - groups[k, BEGIN]
        if size > CARD_GROUP or digits + size > MAX_CARD:
            break
        digits += size
        k += 1
    while digits >= MIN_CARD:
        if _is_card(codes, begin, groups[k - 1, END], stop):
            return k - g
        k -= 1
        digits -= groups[k, END] - groups[k, BEGIN]
    return 0


@compile_part()
def _identity(codes: Array, start: int, stop: int, groups: Array, g: int, n: int) -> tuple[int, int]:
    """Return the number of groups of an identity number, and its end; 0 and 0 if none."""
    begin, size = groups[g, BEGIN], groups[g, END] - groups[g, BEGIN]
    k = 1 if size == 17 or size == 18 else count_fitting(groups, g, n, size, ID_SHAPES)
    if k == 0 or (begin > start and is_latin(codes[begin - 1])):
        return 0, 0
    end = groups[g + k - 1, END]
    end += end < stop and codes[end] == X
    if (end < stop and is_alnum(codes[end])) or not is_chinese_id(codes, begin, end):
        return 0, 0
    return k, end


@compile_part()
def _company(codes: Array, start: int, stop: int, group_start: int, group_stop: int) -> int:
    """Return the start of the credit code whose first or second character starts a group of digits; -1 if none."""
    begin = group_start
    if begin > start and is_latin(codes[begin - 1]):
        begin -= 1
    end = begin + COMPANY_LENGTH
    if group_stop - group_start < 7 or end > stop or (begin > start and is_alnum(codes[begin - 1])):
        return -1
    if end < stop and is_alnum(codes[end]):
        return -1
    return begin if is_company_number(codes, begin) else -1


@compile_kernel()
def number_kernel(codes: Array, offsets: Array, hotlines: Array, spans: Array) -> int:
    groups = np.empty((longest_text(offsets) // 2 + 1, 3), np.int64)
    n_spans: int = INT_0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        n = read_groups(codes, start, stop, groups)
        g: int = INT_0
        while g < n:
            begin = groups[g, BEGIN]
            kind = HOTLINE
            n_used = find_hotline(codes, start, stop, groups, g, n, hotlines) if hotlines.size else 0
            end = groups[g + max(n_used, 1) - 1, END]
            if not n_used:
                kind = CHINESE_ID
                n_used, end = _identity(codes, start, stop, groups, g, n)
            if not n_used:
                company = _company(codes, start, stop, begin, groups[g, END])
                if company >= 0:
                    kind, begin, end = COMPANY_NUMBER, company, company + COMPANY_LENGTH
                    while g + n_used < n and groups[g + n_used, BEGIN] < end:
                        n_used += 1
                else:
                    kind, n_used = find_phone(codes, start, stop, groups, g, n)
                    if not n_used:
                        kind, n_used = BANK_CARD, _card(codes, start, stop, groups, g, n)
                    end = groups[g + max(n_used, 1) - 1, END]
            if n_used:
                n_spans = add_span(spans, n_spans, i, kind, begin, end)
            g += max(n_used, 1)
    return n_spans


def find_numbers(texts: CodePoints) -> Array:
    """Find telephone, bank card, identity and company numbers."""
    spans = new_spans(texts)
    return spans[: number_kernel(texts.codes, texts.offsets, NO_HOTLINES, spans)].copy()
