"""Numbers that identify somebody: telephone, bank card, identity and company numbers, in folded text.

A number is read in groups of digits (`telephones`). At each group the kinds are tried from the most to the least
specific, and no group is part of two numbers. A card begins with 2-6 or 9, which excludes times in milliseconds, and is
not next to a letter, which excludes hexadecimal digits.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.cues.checksums.check_digits import is_chinese_id, is_company_number, passes_luhn
from fraudsieve.features.text.characters import is_alnum, is_latin
from fraudsieve.features.text.codepoints import CodePoints
from fraudsieve.features.text.spans import count_spans, new_spans

from .telephones import HOTLINE, PHONES, find_hotline, find_phone, fits, read_groups

__all__ = ["NO_HOTLINES", "NUMBERS", "count_numbers", "find_numbers", "number_key"]


NUMBERS = (*PHONES, "bank_cards", "chinese_ids", "company_numbers")
BANK_CARD, CHINESE_ID, COMPANY_NUMBER = 4, 5, 6
NO_HOTLINES = np.empty(0, np.int64)
"""No hotlines besides those that are built in."""


def number_key(digits: str) -> int:
    """Return a number of up to 17 digits as an integer that keeps leading zeros.

    Examples
    --------
    >>> number_key("0800")
    10800
    """
    return int("1" + digits)


@nb.njit(inline="always")
def _is_card(codes: Array, begin: int, end: int, stop: int) -> bool:
    return not (end < stop and is_latin(codes[end])) and passes_luhn(codes, begin, end)


@nb.njit(nogil=True)
def _card(codes: Array, start: int, stop: int, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of a card of 13 to 19 digits, in one group or in groups of four; 0 if none."""
    begin, end = groups[g, 0], groups[g, 1]
    if begin > start and is_latin(codes[begin - 1]):
        return 0
    if codes[begin] < 50 or codes[begin] == 55 or codes[begin] == 56:
        return 0
    if end - begin != 4:
        return 1 if 13 <= end - begin <= 19 and _is_card(codes, begin, end, stop) else 0
    digits = 4
    k = g + 1
    while k < n and groups[k, 2] and groups[k - 1, 1] - groups[k - 1, 0] == 4:
        size = groups[k, 1] - groups[k, 0]
        if size > 4 or digits + size > 19:
            break
        digits += size
        k += 1
    while digits >= 13:
        if _is_card(codes, begin, groups[k - 1, 1], stop):
            return k - g
        k -= 1
        digits -= groups[k, 1] - groups[k, 0]
    return 0


@nb.njit(nogil=True)
def _identity(codes: Array, start: int, stop: int, groups: Array, g: int, n: int) -> tuple[int, int]:
    """Return the number of groups of an identity number, and its end; 0 and 0 if none."""
    size = groups[g, 1] - groups[g, 0]
    k = 1 if size == 17 or size == 18 else 0
    if fits(groups, g, n, size, (6, 8, 4)) or fits(groups, g, n, size, (6, 8, 3)):
        k = 3
    if k == 0 or (groups[g, 0] > start and is_latin(codes[groups[g, 0] - 1])):
        return 0, 0
    end = groups[g + k - 1, 1]
    end += end < stop and codes[end] == 120
    if (end < stop and is_alnum(codes[end])) or not is_chinese_id(codes, groups[g, 0], end):
        return 0, 0
    return k, end


@nb.njit(nogil=True)
def _company(codes: Array, start: int, stop: int, group_start: int, group_stop: int) -> int:
    """Return the start of the credit code whose first or second character starts a group of digits; -1 if none."""
    begin = group_start
    if begin > start and is_latin(codes[begin - 1]):
        begin -= 1
    if group_stop - group_start < 7 or begin + 18 > stop or (begin > start and is_alnum(codes[begin - 1])):
        return -1
    if begin + 18 < stop and is_alnum(codes[begin + 18]):
        return -1
    return begin if is_company_number(codes, begin) else -1


@nb.njit(cache=True, nogil=True)
def number_kernel(codes: Array, offsets: Array, hotlines: Array, spans: Array) -> int:
    groups = np.empty((np.diff(offsets).max() // 2 + 1 if offsets.size > 1 else 0, 3), np.int64)
    n_spans = 0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        n = read_groups(codes, start, stop, groups)
        g = 0
        while g < n:
            begin = groups[g, 0]
            kind = HOTLINE
            n_used = find_hotline(codes, start, stop, groups, g, n, hotlines) if hotlines.size else 0
            end = groups[g + max(n_used, 1) - 1, 1]
            if not n_used:
                kind = CHINESE_ID
                n_used, end = _identity(codes, start, stop, groups, g, n)
            if not n_used:
                company = _company(codes, start, stop, begin, groups[g, 1])
                if company >= 0:
                    kind, begin, end = COMPANY_NUMBER, company, company + 18
                    while g + n_used < n and groups[g + n_used, 0] < end:
                        n_used += 1
                else:
                    kind, n_used = find_phone(codes, start, stop, groups, g, n)
                    if not n_used:
                        kind, n_used = BANK_CARD, _card(codes, start, stop, groups, g, n)
                    end = groups[g + max(n_used, 1) - 1, 1]
            if n_used:
                spans[n_spans, 0], spans[n_spans, 1], spans[n_spans, 2], spans[n_spans, 3] = i, kind, begin, end
                n_spans += 1
            g += max(n_used, 1)
    return n_spans


def find_numbers(texts: CodePoints) -> Array:
    """Find telephone, bank card, identity and company numbers.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.

    Returns
    -------
    ndarray of int64, shape (n_found, 4)
        One row per number: the text, its index in `NUMBERS`, start and stop of its digits.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> find_numbers(pack(["no", "call 138-0013-8000"])).tolist()
    [[1, 0, 7, 20]]
    """
    spans = new_spans(texts)
    return spans[: number_kernel(texts.codes, texts.offsets, NO_HOTLINES, spans)].copy()


def count_numbers(texts: CodePoints) -> Array:
    """Count the numbers of each of `NUMBERS`.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.

    Returns
    -------
    ndarray of int64, shape (n_texts, 7)

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> row = count_numbers(pack(["+86 138 0013 8000, 010-12345678 or 95588, card 4111 1111 1111 1111"]))[0]
    >>> {name: int(n) for name, n in zip(NUMBERS, row) if n}
    {'phones_cn': 1, 'landlines': 1, 'hotlines': 1, 'bank_cards': 1}
    """
    return count_spans(find_numbers(texts), len(texts), len(NUMBERS))
