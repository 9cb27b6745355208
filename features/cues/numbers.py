"""Numbers that identify a person or an organisation: telephone, bank card, identity and company numbers, in folded
text.

A number is read in groups of digits (`telephones`). At each group the kinds are tried from the most to the least
specific, and no group is part of two numbers. A card begins with 2-6 or 9, which excludes times in milliseconds, and is
not next to a letter, which excludes hexadecimal digits.
"""

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import is_alnum, is_latin, longest_text
from fraudsieve.features.text.codepoints import CodePoints
from fraudsieve.features.text.spans import add_span, new_spans

from .check_digits import is_chinese_id, is_company_number, passes_luhn
from .telephones import BEGIN, END, HOTLINE, JOINED, PHONES, count_fitting, find_hotline, find_phone, read_groups

NUMBERS = (*PHONES, "bank_cards", "chinese_ids", "company_numbers")
BANK_CARD, CHINESE_ID, COMPANY_NUMBER = 4, 5, 6
ID_SHAPES = np.array([(6, 8, 4), (6, 8, 3)])
"""Lengths of the groups in which an identity number is written."""
MIN_CARD, MAX_CARD, CARD_GROUP = 13, 19, 4
COMPANY_LENGTH = 18
TWO, SEVEN, EIGHT = map(ord, "278")
X = ord("x")
NO_HOTLINES = np.empty(0, np.uint64)
"""No hotlines except the built-in ones."""


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
