"""Cues and shape of messages: counts of suspicious content, and measures of the text.

Cues are counts of content that matters in fraud: links, telephone numbers, money, words. The shape is lengths, shares
and other measures. All are computed on the folded text, except for addresses of crypto currencies, which are
case-sensitive. This module counts single characters and their neighbours. The other counts have modules of their own:
`links`, `brands`, `numbers`, `handles`, `crypto`, `amounts`, `words`, `layout`.
"""

from functools import cache
from itertools import accumulate, chain
from typing import Any

import numba as nb
import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.characters import is_digit, is_han, is_latin, starts_with
from fraudsieve.features.text.codepoints import CodePoints
from fraudsieve.features.text.spans import SHORTEST, count_spans

from .amounts import AMOUNT_SHAPES, AMOUNTS, amount_automaton, amount_kernel
from .brands import BRANDS, brand_kernel
from .crypto import BASE32, BASE58, CRYPTO, crypto_kernel, verified_spans
from .handles import HANDLES, handle_automaton, handle_kernel
from .layout import LAYOUT, LAYOUT_SHAPES, layout_kernel
from .links import LINK_SHAPES, LINKS, link_kernel
from .numbers import NUMBERS, number_kernel
from .own_lists import ListTables, OwnLists
from .suffixes import suffix_table
from .words import CATEGORIES, word_automaton, word_kernel

__all__ = ["BASIC_CUES", "BASIC_SHAPES", "CUES", "NO_LISTS", "SHAPES", "cues_and_shape"]


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

N_CUES, N_SHAPES, N_LINKS, N_AMOUNTS, N_LAYOUT = map(len, (BASIC_CUES, BASIC_SHAPES, LINKS, AMOUNTS, LAYOUT))
_, AT_LINKS, AT_BRANDS, AT_NUMBERS, AT_HANDLES, AT_CRYPTO, AT_AMOUNTS, AT_WORDS, AT_LAYOUT, _ = accumulate(
    map(len, BLOCKS), initial=0
)
AT_SHAPES = tuple(accumulate(map(len, (BASIC_SHAPES, LINK_SHAPES, AMOUNT_SHAPES)), initial=len(CUES)))
"""First columns of the counts of each block, and of the measures of those blocks that have them."""
NO_LISTS = OwnLists()
"""No own lists: the built-in tables alone; made once, with its tables."""
HTTP_END = (58, 47, 47)  # ://
WWW = (119, 119, 119, 46)  # www.
MONEY = np.array(sorted(ord(c) for c in "$£¥€₹₩₽₺₦฿元"), np.uint32)
DISTINCT_SLOTS = 4096
MOBILE_LENGTH = 11  # a mainland Chinese mobile number: 1, then 3-9, then nine digits


@nb.njit(inline="always")
def _is_bare_link(codes: Array, at: int, start: int, stop: int) -> bool:
    """Return whether ``www.`` starts here, but not inside a word ("awww.") or after ``://``, already counted."""
    if (at > start and is_latin(codes[at - 1])) or (at >= start + 3 and starts_with(codes, at - 3, at, HTTP_END)):
        return False
    return starts_with(codes, at, stop, WWW)


@nb.njit(inline="always")
def _count_number(codes: Array, start: int, length: int, row: Array) -> None:
    """Count a run of digits."""
    row[5] += 1
    if length == MOBILE_LENGTH and codes[start] == 49 and codes[start + 1] >= 51:
        row[2] += 1
    if length >= 7:
        row[3] += 1
    elif length >= 4:
        row[4] += 1
    row[N_CUES + 9] = max(row[N_CUES + 9], length)


@nb.njit(inline="always")
def _count_sign(codes: Array, at: int, start: int, stop: int, row: Array) -> None:
    """Count a character that is neither a letter nor a digit."""
    code = codes[at]
    if code == 37:
        row[7] += 1
    elif code == 33:
        row[8] += 1
    elif code == 63:
        row[9] += 1
    elif code == 64:
        row[10] += 1
    elif code == 0x3010:
        row[11] += 1
    elif code == 58:
        row[0] += starts_with(codes, at, stop, HTTP_END)
    elif code == 46 and at > start and at + 1 < stop:
        before, after = codes[at - 1], codes[at + 1]
        row[1] += (is_latin(before) or is_digit(before)) and is_latin(after)


@nb.njit(inline="always")
def _count_kind(code: np.uint32, row: Array) -> bool:
    """Count a character under its script and return whether it is a sign."""
    if is_digit(code):
        row[N_CUES + 1] += 1
    elif is_latin(code):
        row[N_CUES + 2] += 1
    elif is_han(code):
        row[N_CUES + 3] += 1
    elif code == 32:
        row[N_CUES + 4] += 1
    elif code < 0xC0 or 0x2000 <= code <= 0x303F:
        row[N_CUES + 5] += 1
        return True
    else:
        row[N_CUES + 6] += 1
    return False


@nb.njit(cache=True, nogil=True)
def _cue_kernel(codes: Array, offsets: Array, money: Array, out: Array) -> None:
    last_seen = np.full(DISTINCT_SLOTS, -1, np.int64)
    for i in range(offsets.size - 1):
        row = out[i]
        start, stop = offsets[i], offsets[i + 1]
        digits = 0
        run = 0
        for at in range(start, stop):
            code = codes[at]
            if _count_kind(code, row):
                _count_sign(codes, at, start, stop, row)
            if code == money[np.searchsorted(money, code) % money.size]:
                row[6] += 1
            if code == 119:
                row[0] += _is_bare_link(codes, at, start, stop)
            if is_digit(code):
                digits += 1
            elif digits:
                _count_number(codes, at - digits, digits, row)
                digits = 0
            run = run + 1 if at > start and codes[at - 1] == code else 1
            row[N_CUES + 8] = max(row[N_CUES + 8], run)
            slot = code % DISTINCT_SLOTS
            row[N_CUES + 7] += last_seen[slot] != i
            last_seen[slot] = i
        if digits:
            _count_number(codes, stop - digits, digits, row)
        row[N_CUES] = stop - start
        for k in range(N_CUES + 1, N_CUES + 8):
            row[k] /= max(stop - start, 1)


@cache
def _tables() -> tuple[Any, ...]:
    words = (handle_automaton().tables, amount_automaton().tables, word_automaton().tables)
    return MONEY, suffix_table(), *words, BASE58, BASE32


@nb.njit(inline="always")
def _copy_columns(block: Array, first: int, columns: int, out: Array, at: int) -> None:
    for i in range(out.shape[0]):
        for k in range(columns):
            out[i, at + k] = block[i, first + k]


@nb.njit(inline="always")
def _count_kinds(spans: Array, n_spans: int, out: Array, at: int) -> None:
    for k in range(n_spans):
        out[spans[k, 0], at + spans[k, 1]] += 1


@nb.njit(cache=True, nogil=True)
def _all_kernel(
    codes: Array,
    offsets: Array,
    raw: Array,
    raw_offsets: Array,
    lists: ListTables,
    tables: tuple[Any, ...],
    out: Array,
) -> tuple[Array, Array]:
    """Fill in all columns except those of crypto currencies, and return the candidates for their addresses.

    One kernel calls all others, since a call from Python takes ten times as long as one of them needs for a message.
    """
    (brands, brand_ends, any_suffix, domains), hotlines, shorteners = lists
    money, suffixes, handles, amount_words, words, base58, base32 = tables
    n, capacity = offsets.size - 1, codes.size // SHORTEST
    block = np.zeros((n, N_CUES + N_SHAPES))
    _cue_kernel(codes, offsets, money, block)
    _copy_columns(block, 0, N_CUES, out, 0)
    _copy_columns(block, N_CUES, N_SHAPES, out, AT_SHAPES[0])

    block, links = np.zeros((n, N_LINKS + 1)), np.empty((capacity, 4), np.int64)
    links = links[: link_kernel(codes, offsets, suffixes[0], suffixes[1], shorteners, block, links)]
    _copy_columns(block, 0, N_LINKS, out, AT_LINKS)
    _copy_columns(block, N_LINKS, 1, out, AT_SHAPES[1])
    if brand_ends.size > 1:
        block = np.zeros((n, 1))
        brand_kernel(codes, offsets, links, suffixes, brands, brand_ends, any_suffix, domains, block)
        _copy_columns(block, 0, 1, out, AT_BRANDS)

    spans = np.empty((capacity, 4), np.int64)
    _count_kinds(spans, number_kernel(codes, offsets, hotlines, spans), out, AT_NUMBERS)
    _count_kinds(spans, handle_kernel(codes, offsets, handles, spans), out, AT_HANDLES)

    block = np.zeros((n, N_AMOUNTS + len(AMOUNT_SHAPES)))
    amount_kernel(codes, offsets, amount_words, block)
    _copy_columns(block, 0, N_AMOUNTS, out, AT_AMOUNTS)
    _copy_columns(block, N_AMOUNTS, len(AMOUNT_SHAPES), out, AT_SHAPES[2])
    block = np.zeros((n, len(CATEGORIES)))
    word_kernel(codes, offsets, words, block)
    _copy_columns(block, 0, len(CATEGORIES), out, AT_WORDS)
    block = np.zeros((n, N_LAYOUT + len(LAYOUT_SHAPES)))
    layout_kernel(codes, offsets, block)
    _copy_columns(block, 0, N_LAYOUT, out, AT_LAYOUT)
    _copy_columns(block, N_LAYOUT, len(LAYOUT_SHAPES), out, AT_SHAPES[3])
    return crypto_kernel(raw, raw_offsets, base58, base32)


def cues_and_shape(folded: CodePoints, raw: CodePoints | None = None, lists: OwnLists = NO_LISTS) -> Array:
    """Count the cues of every text and measure its shape.

    Parameters
    ----------
    folded : CodePoints
        Folded texts.
    raw : CodePoints, default=None
        The same texts, not folded, for `CRYPTO`; None finds no addresses in base58.
    lists : OwnLists, optional
        Own brands, hotlines and short hosts. Groups of words have columns of their own: see `OwnLists.count_words`.

    Returns
    -------
    ndarray of float64, shape (n_texts, 67)
        The counts of `CUES`, then `SHAPES`: the length in characters; the shares of digits, Latin letters, Han
        characters, blanks, symbols and other characters; the number of distinct characters (modulo 4,096) divided by
        the length; the lengths of the longest run of one character and of the longest number; and the measures of
        `measure_links`, `measure_amounts` and `measure_layout`.

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
    out = np.zeros((len(folded), len(CUES) + len(SHAPES)))
    texts = (folded.codes, folded.offsets, raw.codes, raw.offsets)
    crypto_spans = verified_spans(*_all_kernel(*texts, lists.tables, _tables(), out))
    if len(crypto_spans):
        out[:, AT_CRYPTO : AT_CRYPTO + len(CRYPTO)] += count_spans(crypto_spans, len(folded), len(CRYPTO))
    return out
