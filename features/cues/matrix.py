"""Cues and shape of messages: counts of suspicious content, and measures of the text.

Cues are counts of content that matters in fraud: links, telephone numbers, money, words. The shape is lengths, shares
and other measures. All are computed on the folded text, except for cryptocurrency addresses, which are
case-sensitive. This module counts single characters and their neighbours. The other counts have modules of their own:
`links`, `custom_lists`, `numbers`, `contacts`, `crypto`, `amounts`.

Layout of a text: bracketed signatures, repetition, and letters next to digits or Chinese characters.

Repetition and compression look up every four characters among the earlier ones of the same text. They use a small hash
table that compares the characters: the result is exact for texts of a few thousand characters, and an estimate beyond.
"""

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, chain
from typing import Any

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import code_array, is_digit, is_han, is_latin, is_one_of, starts_with
from fraudsieve.features.text.codepoints import KIND, TEXT, CodePoints, new_spans

from .amounts import AMOUNT_SHAPES, AMOUNTS, amount_automaton, amount_kernel
from .contacts import HANDLES, handle_automaton, handle_kernel
from .crypto import CRYPTO, count_crypto, may_have_crypto
from .custom_lists import BRANDS, CATEGORIES, CustomLists, brand_kernel, word_automaton, word_kernel
from .links import HTTP_END, LINK_SHAPES, LINKS, link_kernel
from .numbers import NUMBERS, number_kernel
from .suffixes import suffix_table

LAYOUT = ("mixed_words",)
LAYOUT_SHAPES = ("bracketed_head", "bracketed_tail", "repetition", "compression")
MIXED, HEAD, TAIL, REPETITION, COMPRESSION = range(5)

LONGEST_SIGNATURE = 40
OPEN, CLOSE = 0x3010, 0x3011  # 【 】
SQUARE_OPEN, SQUARE_CLOSE = 91, 93
GRAM = 4
SLOTS, PROBES = 1 << 13, 8
MATCH_COST = 3
"""The cost of a repeated stretch in characters, for its position and its length."""
MIX = np.uint64(0x9E3779B97F4A7C15)


@compile_inlined()
def _head(codes: Array, start: int, stop: int) -> int:
    """Return the number of characters in brackets at the start; 0 without brackets."""
    if start == stop or (codes[start] != OPEN and codes[start] != SQUARE_OPEN):
        return 0
    close = CLOSE if codes[start] == OPEN else SQUARE_CLOSE
    for position in range(start + 1, min(stop, start + LONGEST_SIGNATURE + 2)):
        if codes[position] == close:
            return position - start - 1
    return 0


@compile_inlined()
def _tail(codes: Array, start: int, stop: int) -> int:
    """Return the number of characters in brackets at the end; 0 without brackets."""
    if start == stop or codes[stop - 1] != CLOSE:
        return 0
    for k in range(min(stop - start - 1, LONGEST_SIGNATURE + 1)):
        if codes[stop - 2 - k] == OPEN:
            return k
    return 0


@compile_inlined()
def _mixed_words(codes: Array, start: int, stop: int) -> int:
    """Count runs of letters, digits and Chinese characters in which a letter touches another kind."""
    words, before, mixed = 0, 0, False
    for position in range(start, stop):
        code = codes[position]
        kind = 1 if is_latin(code) else 2 if is_digit(code) or is_han(code) else 0
        if kind == 0:
            mixed = False
        elif before + kind == 3 and before and not mixed:
            words, mixed = words + 1, True
        before = kind
    return words


@compile_inlined()
def _same(codes: Array, one: int, other: int) -> bool:
    for k in range(GRAM):  # noqa: SIM110 - a generator does not compile
        if codes[one + k] != codes[other + k]:
            return False
    return True


@compile_inlined()
def _find_repeat(codes: Array, position: int, start: int, table: Array) -> int:
    """Return the last earlier position of the four characters in this text, or -1, and store the current one."""
    value = MIX
    for k in range(GRAM):
        value = (value ^ np.uint64(codes[position + k])) * MIX
        value ^= value >> np.uint64(29)
    slot = np.int64(value >> np.uint64(32)) & (SLOTS - 1)
    for _ in range(PROBES - 1):
        seen = table[slot]
        if seen < start or _same(codes, seen, position):  # entries of earlier texts are free
            break
        slot = (slot + 1) & (SLOTS - 1)
    seen = table[slot]
    table[slot] = position
    return seen if seen >= start and _same(codes, seen, position) else -1


@compile_inlined()
def _count_repeats(codes: Array, start: int, stop: int, table: Array, row: Array) -> None:
    """Measure repetition and compression together."""
    #   position    0  1  2  3  4  5  6  7  8  9
    #   codes       a  b  c  d  a  b  c  d  e  a
    #   seen       -1 -1 -1 -1  0 -1 -1 -1 -1 -1     where the four characters from here on were before, in this text
    #   covered                 [  .  .  .  )        4 of 10 are repeated; where repeats overlap, they count once
    #   cost        1  1  1  1  3  .  .  .  1  1     a match goes as far as it can, and costs MATCH_COST: 9 of 10
    covered, repeated, matched, cost = start, 0, start, 0
    for position in range(start, stop):
        seen = _find_repeat(codes, position, start, table) if position + GRAM <= stop else -1
        if seen >= 0:
            repeated += position + GRAM - max(covered, position)
            covered = position + GRAM
        if position < matched:
            continue
        if seen < 0:
            cost += 1
            continue
        matched = position + GRAM
        while matched < stop and codes[seen + matched - position] == codes[matched]:
            matched += 1
        cost += MATCH_COST
    row[REPETITION] = repeated / max(stop - start, 1)
    row[COMPRESSION] = cost / max(stop - start, 1)


@compile_kernel()
def layout_kernel(codes: Array, offsets: Array, out: Array) -> None:
    table = np.full(SLOTS, -1, np.int64)
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        out[i, HEAD] = _head(codes, start, stop)
        out[i, TAIL] = _tail(codes, start, stop)
        out[i, MIXED] = _mixed_words(codes, start, stop)
        _count_repeats(codes, start, stop, table, out[i])


BASIC_CUES = (
    "links",
    "dotted",
    "mobiles",
    "long_numbers",
    "short_numbers",
    "numbers",
    "money",
    "percents",
    "exclamations",
    "questions",
    "ats",
    "brackets",
)
BASIC_SHAPES = (
    "length",
    "digits",
    "latin",
    "han",
    "blanks",
    "symbols",
    "other",
    "distinct",
    "longest_run",
    "longest_number",
)
BLOCKS = (BASIC_CUES, LINKS, BRANDS, NUMBERS, HANDLES, CRYPTO, AMOUNTS, CATEGORIES, LAYOUT)
"""The counts, block by block, in the order of their columns."""
CUES = tuple(chain.from_iterable(BLOCKS))
"""Names of the counts, in the order of their columns."""
SHAPES = (*BASIC_SHAPES, *LINK_SHAPES, *AMOUNT_SHAPES, *LAYOUT_SHAPES)
"""Names of the measures, in the order of their columns."""

N_CUES, N_SHAPES = len(BASIC_CUES), len(BASIC_SHAPES)
LINK_COUNT, DOTTED, MOBILES, LONG_NUMBERS, SHORT_NUMBERS, NUMBER_COUNT = range(6)
MONEY_COUNT, PERCENTS, EXCLAMATIONS, QUESTIONS, ATS, BRACKETS = range(6, N_CUES)
LENGTH, DIGITS, LATIN, HAN, BLANKS, SYMBOLS, OTHER, N_DISTINCT, LONGEST_RUN, LONGEST_NUMBER = range(
    N_CUES, N_CUES + N_SHAPES
)
"""Columns of `BASIC_CUES` and, after them, of `BASIC_SHAPES`."""
AT_BASIC, AT_LINKS, AT_BRANDS, AT_NUMBERS, AT_HANDLES, AT_CRYPTO, AT_AMOUNTS, AT_WORDS, AT_LAYOUT, _ = accumulate(
    map(len, BLOCKS), initial=0
)
AT_SHAPES = tuple(accumulate(map(len, (BASIC_SHAPES, LINK_SHAPES, AMOUNT_SHAPES)), initial=len(CUES)))
"""First columns of the counts of each block, and of the measures of those blocks that have them."""


def _places(counts: Sequence[str], position: int, shapes: Sequence[str] = (), at_shapes: int = 0) -> Array:
    """Return the columns of a block of counts and measures."""
    return np.array([*range(position, position + len(counts)), *range(at_shapes, at_shapes + len(shapes))])


BASIC_PLACES = _places(BASIC_CUES, AT_BASIC, BASIC_SHAPES, AT_SHAPES[0])
LINK_PLACES = _places(LINKS, AT_LINKS, LINK_SHAPES, AT_SHAPES[1])
AMOUNT_PLACES = _places(AMOUNTS, AT_AMOUNTS, AMOUNT_SHAPES, AT_SHAPES[2])
LAYOUT_PLACES = _places(LAYOUT, AT_LAYOUT, LAYOUT_SHAPES, AT_SHAPES[3])
WORD_PLACES, NUMBER_PLACES = _places(CATEGORIES, AT_WORDS), _places(NUMBERS, AT_NUMBERS)
HANDLE_PLACES = _places(HANDLES, AT_HANDLES)
BLOCK_PLACES = BASIC_PLACES, LINK_PLACES, AMOUNT_PLACES, WORD_PLACES, LAYOUT_PLACES
NO_LISTS = CustomLists()
"""No custom lists: the built-in tables alone; made once, with its tables."""
WWW = code_array("www.")
W, ONE, THREE, BLANK, DOT, COLON = map(ord, "w13 .:")
PERCENT, EXCLAMATION, QUESTION, AT, BRACKET = map(ord, "%!?@【")
LAST_ASCII_SIGN, FIRST_MARK, LAST_MARK = 0xC0, 0x2000, 0x303F
"""Signs are the characters below the Latin letters with accents, and general to Chinese punctuation (Unicode)."""
YUAN, MONEY = ord("元"), code_array("$£¥€₹₩₽₺₦฿")
DISTINCT_SLOTS = 4096
MOBILE_LENGTH = 11  # a mainland Chinese mobile number: 1, then 3-9, then nine digits
LONG_LENGTH, SHORT_LENGTH = 7, 4
"""Minimum numbers of digits of long and of short numbers."""


@compile_inlined()
def _is_bare_link(codes: Array, position: int, start: int, stop: int) -> bool:
    """Return whether ``www.`` starts here, but not inside a word ("awww.") or after ``://``, already counted."""
    if (position > start and is_latin(codes[position - 1])) or (
        position >= start + 3 and starts_with(codes, position - 3, position, HTTP_END)
    ):
        return False
    return starts_with(codes, position, stop, WWW)


@compile_inlined()
def _count_number(codes: Array, start: int, length: int, row: Array) -> None:
    """Count a run of digits."""
    row[NUMBER_COUNT] += 1
    if length == MOBILE_LENGTH and codes[start] == ONE and codes[start + 1] >= THREE:
        row[MOBILES] += 1
    if length >= LONG_LENGTH:
        row[LONG_NUMBERS] += 1
    elif length >= SHORT_LENGTH:
        row[SHORT_NUMBERS] += 1
    row[LONGEST_NUMBER] = max(row[LONGEST_NUMBER], length)


@compile_inlined()
def _count_sign(codes: Array, position: int, start: int, stop: int, row: Array) -> None:
    """Count a character that is neither a letter nor a digit."""
    code = codes[position]
    if code == PERCENT:
        row[PERCENTS] += 1
    elif code == EXCLAMATION:
        row[EXCLAMATIONS] += 1
    elif code == QUESTION:
        row[QUESTIONS] += 1
    elif code == AT:
        row[ATS] += 1
    elif code == BRACKET:
        row[BRACKETS] += 1
    elif code == COLON:
        row[LINK_COUNT] += starts_with(codes, position, stop, HTTP_END)
    elif code == DOT and position > start and position + 1 < stop:
        before, after = codes[position - 1], codes[position + 1]
        row[DOTTED] += (is_latin(before) or is_digit(before)) and is_latin(after)


@compile_inlined()
def _kind(code: np.uint32) -> int:
    """Return the column of the script of a character."""
    if is_digit(code):
        return DIGITS
    if is_latin(code):
        return LATIN
    if is_han(code):
        return HAN
    if code == BLANK:
        return BLANKS
    return SYMBOLS if code < LAST_ASCII_SIGN or FIRST_MARK <= code <= LAST_MARK else OTHER


@compile_part()
def _count_text(codes: Array, start: int, stop: int, number: int, last_seen: Array, row: Array) -> None:
    """Count the characters of text `number`, which `last_seen` notes for each slot of characters."""
    # `last_seen` needs no reset between texts: a character is new if its slot has the number of another text.
    #
    #   text 4              a   b   a            number of distinct characters
    #   last_seen, before   2  -1   4            +1  +1  +0
    #
    # A run of digits is counted at the first character after it, or at the end of the text.
    digits, run = INT_0, 0
    for position in range(start, stop):
        code = codes[position]
        kind = _kind(code)
        row[kind] += 1
        if kind == SYMBOLS:
            _count_sign(codes, position, start, stop, row)
        if code == YUAN or (kind >= SYMBOLS and is_one_of(code, MONEY)):
            row[MONEY_COUNT] += 1
        if code == W:
            row[LINK_COUNT] += _is_bare_link(codes, position, start, stop)
        if kind == DIGITS:
            digits += 1
        if digits and (kind != DIGITS or position + 1 == stop):
            _count_number(codes, position + (kind == DIGITS) - digits, digits, row)
            digits = 0
        run = run + 1 if position > start and codes[position - 1] == code else 1
        row[LONGEST_RUN] = max(row[LONGEST_RUN], run)
        slot = code % DISTINCT_SLOTS
        row[N_DISTINCT] += last_seen[slot] != number
        last_seen[slot] = number


@compile_kernel()
def _cue_kernel(codes: Array, offsets: Array, out: Array) -> None:
    last_seen = np.empty(DISTINCT_SLOTS, np.int64)
    for slot in range(DISTINCT_SLOTS):
        last_seen[slot] = -1
    for i in range(offsets.size - 1):
        row = out[i]
        length = offsets[i + 1] - offsets[i]
        _count_text(codes, offsets[i], offsets[i + 1], i, last_seen, row)
        row[LENGTH] = length
        for k in range(DIGITS, N_DISTINCT + 1):
            row[k] /= max(length, 1)


@cache
def _tables() -> tuple[Any, ...]:
    return suffix_table(), handle_automaton().tables, amount_automaton().tables, word_automaton().tables


@compile_part()
def _copy_columns(block: Array, places: Array, out: Array) -> None:
    for i in range(out.shape[0]):
        for k in range(places.size):
            out[i, places[k]] = block[i, k]


@compile_part()
def _count_kinds(spans: Array, n_spans: int, places: Array, out: Array) -> None:
    for k in range(n_spans):
        out[spans[k, TEXT], places[spans[k, KIND]]] += 1


@compile_kernel()
def _all_kernel(
    codes: Array,
    offsets: Array,
    raw: Array,
    hotlines: Array,
    shorteners: Array,
    tables: tuple[Any, ...],
    blocks: tuple[Array, ...],
    spans: Array,
    links: Array,
    out: Array,
) -> tuple[int, bool]:
    """Fill in all columns except those of brands and of crypto currencies.

    One kernel calls the others, since a call from Python takes ten times as long as one of them needs for a message.

    Returns
    -------
    n_links : int
        Number of rows of `links`, for `brand_kernel`.
    has_crypto : bool
        Whether the raw texts may have addresses of crypto currencies.
    """
    suffixes, handles, amount_words, words = tables
    basic_block, link_block, amount_block, word_block, layout_block = blocks
    _cue_kernel(codes, offsets, basic_block)
    _copy_columns(basic_block, BASIC_PLACES, out)
    n_links = link_kernel(codes, offsets, suffixes, shorteners, link_block, links)
    _copy_columns(link_block, LINK_PLACES, out)
    _count_kinds(spans, number_kernel(codes, offsets, hotlines, spans), NUMBER_PLACES, out)
    _count_kinds(spans, handle_kernel(codes, offsets, handles, spans), HANDLE_PLACES, out)
    amount_kernel(codes, offsets, amount_words, amount_block)
    _copy_columns(amount_block, AMOUNT_PLACES, out)
    word_kernel(codes, offsets, words, word_block)
    _copy_columns(word_block, WORD_PLACES, out)
    layout_kernel(codes, offsets, layout_block)
    _copy_columns(layout_block, LAYOUT_PLACES, out)
    return n_links, may_have_crypto(raw)


def cues_and_shape(folded: CodePoints, raw: CodePoints | None = None, lists: CustomLists = NO_LISTS) -> Array:
    """Count the cues of every text and measure its shape.

    Parameters
    ----------
    folded : CodePoints
        Folded texts.
    raw : CodePoints, default=None
        The same texts, not folded, for `CRYPTO`; None finds no addresses in base58.
    lists : CustomLists, optional
        Your own brands, hotlines and link shorteners. Groups of words have their own columns: see
        `CustomLists.count_words`.

    Returns
    -------
    ndarray of float64, shape (n_texts, 67)
        The counts of `CUES`, then `SHAPES`: the length in characters; the shares of digits, Latin letters, Han
        characters, blanks, symbols and other characters; the number of distinct characters (modulo 4,096) divided by
        the length; the lengths of the longest run of one character, of the longest number and of the longest path of a
        link; the decimal logarithm of one plus the largest amount, ignoring currencies; the numbers of characters in
        ``【…】`` or ``[…]`` at the start, and in ``【…】`` at the end, up to 40; the share of characters in a repeated
        sequence of four; and the relative length of the text if every repeated stretch took three characters (1 without
        repetition).

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> row = cues_and_shape(pack(["call 13800000000 or www.prize.example!"]))[0]
    >>> {name: int(n) for name, n in zip(BASIC_CUES, row) if n}
    {'links': 1, 'dotted': 2, 'mobiles': 1, 'long_numbers': 1, 'numbers': 1, 'exclamations': 1}
    >>> {name: int(n) for name, n in zip(CUES[N_CUES:], row[N_CUES:]) if n}
    {'phones_cn': 1, 'reward': 1}
    """
    raw = folded if raw is None else raw
    n = len(folded)
    out, (brands, hotlines, shorteners) = np.zeros((n, len(CUES) + len(SHAPES))), lists.tables
    blocks = tuple(np.zeros((n, len(places))) for places in BLOCK_PLACES)
    spans, links = new_spans(folded), new_spans(folded)
    texts = folded.codes, folded.offsets
    n_links, has_crypto = _all_kernel(*texts, raw.codes, hotlines, shorteners, _tables(), blocks, spans, links, out)
    if n_links and lists.brands:  # kernels that few messages need are compiled when the first one does
        block = np.zeros((n, 1))
        brand_kernel(*texts, links[:n_links], suffix_table(), brands, block)
        out[:, AT_BRANDS] = block[:, 0]
    if has_crypto:
        out[:, AT_CRYPTO : AT_CRYPTO + len(CRYPTO)] = count_crypto(raw)
    return out
