"""Numbers that are somebody's: telephones, bank cards, identity cards and companies, in folded text.

A number is read in groups of digits (`telephones`). From every group the kinds are tried from the most particular to
the least, and what was read is not read again. A card begins with 2-6 or 9, which keeps times in milliseconds out, and
no letter touches it, which keeps hexadecimal digits out.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.cues.checksums.check_digits import is_chinese_id, is_company_number, passes_luhn
from fraudsieve.features.text.characters import is_alnum, is_latin
from fraudsieve.features.text.codepoints import CodePoints
from fraudsieve.features.text.spans import count_spans, new_spans

from .telephones import PHONES, find_phone, fits, read_groups

__all__ = ["NUMBERS", "count_numbers", "find_numbers"]


NUMBERS = (*PHONES, "bank_cards", "chinese_ids", "company_numbers")
BANK_CARD, CHINESE_ID, COMPANY_NUMBER = 4, 5, 6


@nb.njit(inline="always")
def _is_card(codes: Array, begin: int, end: int, stop: int) -> bool:
    return not (end < stop and is_latin(codes[end])) and passes_luhn(codes, begin, end)


@nb.njit(nogil=True)
def _card(codes: Array, start: int, stop: int, groups: Array, g: int, n: int) -> int:
    """Return how many groups a card of 13 to 19 digits takes, or 0: all in one, or by four."""
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
    """Return how many groups an identity number takes, or 0, and where it stops: a last ``x`` is in no group."""
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
    """Return where the credit code begins that a group of digits begins or all but begins, or -1."""
    begin = group_start
    if begin > start and is_latin(codes[begin - 1]):
        begin -= 1
    if group_stop - group_start < 7 or begin + 18 > stop or (begin > start and is_alnum(codes[begin - 1])):
        return -1
    if begin + 18 < stop and is_alnum(codes[begin + 18]):
        return -1
    return begin if is_company_number(codes, begin) else -1


@nb.njit(cache=True, nogil=True)
def number_kernel(codes: Array, offsets: Array, spans: Array) -> int:
    groups = np.empty((np.diff(offsets).max() // 2 + 1 if offsets.size > 1 else 0, 3), np.int64)
    found = 0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        n = read_groups(codes, start, stop, groups)
        g = 0
        while g < n:
            begin = groups[g, 0]
            kind = CHINESE_ID
            used, end = _identity(codes, start, stop, groups, g, n)
            if not used:
                company = _company(codes, start, stop, begin, groups[g, 1])
                if company >= 0:
                    kind, begin, end = COMPANY_NUMBER, company, company + 18
                    while g + used < n and groups[g + used, 0] < end:
                        used += 1
                else:
                    kind, used = find_phone(codes, start, stop, groups, g, n)
                    if not used:
                        kind, used = BANK_CARD, _card(codes, start, stop, groups, g, n)
                    end = groups[g + max(used, 1) - 1, 1]
            if used:
                spans[found, 0], spans[found, 1], spans[found, 2], spans[found, 3] = i, kind, begin, end
                found += 1
            g += max(used, 1)
    return found


def find_numbers(texts: CodePoints) -> Array:
    """Find numbers.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.

    Returns
    -------
    ndarray of int64, shape (n_found, 4)
        A row a number: the text, its place in `NUMBERS`, and where its digits start and stop.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> find_numbers(pack(["no", "call 138-0013-8000"])).tolist()
    [[1, 0, 7, 20]]
    """
    spans = new_spans(texts)
    return spans[: number_kernel(texts.codes, texts.offsets, spans)].copy()


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
