"""Amounts of money, codes and invoice numbers: numbers next to a word that names them, in folded text.

An amount is a number directly after or before a currency (a word of ``CURRENCIES``), with at most one blank between.
Thousands may be separated by commas, and 百 千 万 亿 k m after the number multiply it. Numbers in Chinese characters
are read if folding converted them to digits, that is, from six digits on. A code has four to eight digits and is at
most twelve characters from a word of ``CODE_WORDS``. An invoice number has eight to twenty digits and is at most twelve
characters after 发票 or "invoice".
"""

from functools import cache

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.automaton import Automaton, build_automaton
from fraudsieve.features.text.characters import code_number, is_digit, is_latin, longest_text

AMOUNTS = ("amounts", "codes", "invoice_numbers")
AMOUNT_SHAPES = ("largest_amount",)
AMOUNT, CODE, INVOICE_NUMBER, LARGEST = range(4)
CURRENCIES = (
    "$ £ ¥ € ₹ ₩ ₦ 元 块 圆 万 亿 人民币 美元 美金 港币 欧元 英镑 "
    "usd rmb cny hkd eur gbp ngn usdt naira yuan dollar dollars euro euros pounds"
)
CODE_WORDS = (
    "验证码 校验码 动态码 动态密码 激活码 提取码 确认码 取件码 code codes otp pin passcode password verification"
)
INVOICE_WORDS = "发票 invoice"
CURRENCY, CODE_WORD, INVOICE_WORD = ((1 << kind) + INT_0 for kind in range(3))
"""Bits of the kinds of words. Each plain constant would compile `_has_word` again."""
BEGINS, ENDS = INT_0, INT_0 + 1
"""Columns of the marks: the words that begin, and that end, at a position."""
MAX_DISTANCE = 12
"""Maximum number of characters between a code and its word."""
BLANK, COMMA, POINT, ZERO = map(ord, " ,.0")
THOUSAND, MILLION = map(ord, "km")
HAN_HUNDRED, HAN_THOUSAND, HAN_TEN_THOUSAND, HAN_HUNDRED_MILLION = map(ord, "百千万亿")
MAX_VALUE = 1e15
"""Larger amounts are counted as this one."""


@cache
def amount_automaton() -> Automaton:
    kinds = (CURRENCIES, CODE_WORDS, INVOICE_WORDS)
    return build_automaton({word: kind for kind, words in enumerate(kinds) for word in words.split()})


@compile_part()
def _read_value(codes: Array, position: int, stop: int) -> tuple[int, float]:
    """Return the end and the value of a number, which may have thousands separators and decimals."""
    value, scale = 0.0, 1.0
    end = position
    while end < stop and (is_digit(codes[end]) or _is_thousand(codes, end, stop)):
        if codes[end] != COMMA:
            value = min(10 * value + code_number(codes[end]) - ZERO, MAX_VALUE)
        end += 1
    if end + 1 < stop and codes[end] == POINT and is_digit(codes[end + 1]):
        end += 1
        while end < stop and is_digit(codes[end]):
            scale /= 10
            value += scale * (code_number(codes[end]) - ZERO)
            end += 1
    return end, value


@compile_inlined()
def _is_thousand(codes: Array, position: int, stop: int) -> bool:
    """Return whether a position has a comma that is followed by exactly three digits."""
    if codes[position] != COMMA or position + 3 >= stop:
        return False
    three = is_digit(codes[position + 1]) and is_digit(codes[position + 2]) and is_digit(codes[position + 3])
    return three and not (position + 4 < stop and is_digit(codes[position + 4]))


@compile_inlined()
def _multiplier(codes: Array, position: int, stop: int) -> float:
    """Return the factor of the character after a number; 1 if it has none."""
    if position >= stop:
        return 1.0
    code = codes[position]
    alone = position + 1 == stop or not is_latin(codes[position + 1])
    if code == HAN_HUNDRED:
        return 1e2
    if code == HAN_THOUSAND or (code == THOUSAND and alone):
        return 1e3
    if code == HAN_TEN_THOUSAND:
        return 1e4
    if code == MILLION and alone:
        return 1e6
    return 1e8 if code == HAN_HUNDRED_MILLION else 1.0


@compile_part()
def _mark_words(codes: Array, start: int, stop: int, tables: tuple[Array, ...], marks: Array) -> None:
    """Mark the starts and ends of words by the bits of their kinds; Latin words may not touch other letters."""
    # One place more than characters, since a word may end where the text does. A currency is 1, a word for codes 2:
    #
    #   text         o   t   p   :   1   2   3   4   元
    #   BEGINS       2   0   0   0   0   0   0   0   1   0
    #   ENDS         0   0   0   2   0   0   0   0   0   1
    # The words next to a number are then found by checking a few marks, whatever the words are.
    letters, steps, ends, shorter, lengths, kinds, _ = tables
    for k in range(stop - start + 1):
        marks[k, BEGINS] = marks[k, ENDS] = 0
    state = 0
    for position in range(start, stop):
        code = codes[position]
        state = steps[state, letters[code] if code < letters.size else 0]
        hit = state if ends[state] >= 0 else 0
        while hit:
            word = ends[hit]
            begin, end = position + 1 - lengths[word], position + 1
            touched = begin > start and is_latin(codes[begin]) and is_latin(codes[begin - 1])
            if not touched and not (is_latin(code) and end < stop and is_latin(codes[end])):
                marks[begin - start, BEGINS] |= 1 << kinds[word]
                marks[end - start, ENDS] |= 1 << kinds[word]
            hit = shorter[hit]


@compile_inlined()
def _has_currency(marks: Array, codes: Array, position: int, start: int, stop: int) -> bool:
    """Return whether a currency begins at a position, or after one blank there."""
    if marks[position - start, BEGINS] & CURRENCY:
        return True
    return position < stop and codes[position] == BLANK and bool(marks[position + 1 - start, BEGINS] & CURRENCY)


@compile_part()
def _has_word(marks: Array, begin: int, end: int, bit: int, side: int) -> bool:
    """Return whether a word of a kind begins (or ends, by `side`) between two positions, both included."""
    for position in range(max(begin, 0), end + 1):  # noqa: SIM110 - a generator does not compile
        if marks[position, side] & bit:
            return True
    return False


@compile_part()
def _count_number(codes: Array, begin: int, start: int, stop: int, marks: Array, row: Array) -> int:
    """Count the number that begins at a position, and return its end."""
    end, value = _read_value(codes, begin, stop)
    times = _multiplier(codes, end, stop)
    before = marks[begin - start, ENDS] & CURRENCY
    if begin > start and codes[begin - 1] == BLANK:
        before |= marks[begin - 1 - start, ENDS] & CURRENCY
    after = end + 1 if times > 1 else end
    if before or _has_currency(marks, codes, end, start, stop) or _has_currency(marks, codes, after, start, stop):
        row[AMOUNT] += 1
        row[LARGEST] = max(row[LARGEST], np.log10(1 + min(value * times, MAX_VALUE)))
    run = begin
    while run < end and is_digit(codes[run]):
        run += 1
    first, last, size = begin - start, end - start, end - begin
    if run == end and 4 <= size <= 20:
        is_code = _has_word(marks, first - MAX_DISTANCE, first, CODE_WORD, ENDS)
        is_code = is_code or _has_word(marks, last, min(last + MAX_DISTANCE, stop - start), CODE_WORD, BEGINS)
        row[CODE] += size <= 8 and is_code
        row[INVOICE_NUMBER] += size >= 8 and _has_word(marks, first - MAX_DISTANCE, first, INVOICE_WORD, ENDS)
    return end


@compile_kernel()
def amount_kernel(codes: Array, offsets: Array, tables: tuple[Array, ...], out: Array) -> None:
    marks = np.zeros((longest_text(offsets) + 1, 2), np.uint8)
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        position = start
        while position < stop and not is_digit(codes[position]):
            position += 1
        if position == stop:
            continue
        _mark_words(codes, start, stop, tables, marks)
        while position < stop:
            position = (
                _count_number(codes, position, start, stop, marks, out[i])
                if is_digit(codes[position])
                else position + 1
            )
