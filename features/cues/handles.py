"""Accounts of messengers in folded text: WeChat, QQ, Telegram, WhatsApp.

A word for the messenger (``data/handles.txt``), a few characters such as ``号:`` or a blank, then something that can be
an account there. Behind a word in Latin letters and nothing but a blank an account needs a digit or an underscore, for
"wechat message" is none. ``@name`` counts as Telegram, though other networks write accounts so too.
"""

from functools import cache
from importlib.resources import files

import numba as nb

from fraudsieve._typing import Array
from fraudsieve.features.text.automaton import Automaton, build_automaton, read_words
from fraudsieve.features.text.characters import is_alnum, is_digit, is_latin, is_one_of
from fraudsieve.features.text.codepoints import CodePoints
from fraudsieve.features.text.spans import count_spans, new_spans

__all__ = ["HANDLES", "count_handles", "find_handles"]


HANDLES = ("wechat", "qq", "telegram", "whatsapp")
WECHAT, QQ, TELEGRAM, WHATSAPP = range(4)
WORDS = files("fraudsieve.features.cues") / "data" / "handles.txt"
GAP = tuple(ord(char) for char in " :=-号是为群搜加+@")
TELLING = tuple(ord(char) for char in ":=号群@+")
MAX_GAP = 4
SHORTEST_ID = (6, 5, 5, 8)
LONGEST_ID = (20, 11, 32, 15)


@cache
def handle_automaton() -> Automaton:
    return build_automaton(read_words(WORDS, HANDLES))


@nb.njit(nogil=True)
def _skip_gap(codes: Array, at: int, stop: int) -> tuple[int, bool]:
    """Return where the account may begin, and whether what was passed tells that one follows."""
    begin, telling = at, False
    while at < stop and at - begin < MAX_GAP:
        if at + 2 < stop and codes[at] == 105 and codes[at + 1] == 100 and is_one_of(codes[at + 2], GAP):  # id
            at, telling = at + 2, True
        elif is_one_of(codes[at], GAP):
            telling = telling or is_one_of(codes[at], TELLING)
            at += 1
        else:
            break
    return at, telling


@nb.njit(nogil=True)
def _read_id(codes: Array, at: int, stop: int, kind: int) -> tuple[int, bool]:
    """Return where the account that begins here ends, or -1; and whether it holds a digit or an underscore."""
    if at >= stop:
        return -1, False
    first, end, marked, digits = codes[at], at, False, True
    while end < stop and end - at <= LONGEST_ID[kind]:
        code = codes[end]
        hyphen = code == 45 and kind == WECHAT
        if not (is_alnum(code) or code == 95 or hyphen):
            break
        marked = marked or is_digit(code) or code == 95
        digits = digits and is_digit(code)
        end += 1
    while end > at and codes[end - 1] == 45:
        end -= 1
    size = end - at
    if kind == WECHAT and digits:
        return (end if 5 <= size <= 11 and first != 48 else -1), True
    if size < SHORTEST_ID[kind] or size > LONGEST_ID[kind]:
        return -1, False
    if kind in (QQ, WHATSAPP):
        return (end if digits and (first != 48 or kind == WHATSAPP) else -1), True
    return (end if is_latin(first) else -1), marked


@nb.njit(nogil=True)
def _after_word(codes: Array, begin: int, end: int, bounds: tuple[int, int], kind: int) -> tuple[int, int]:
    """Return where the account behind a word begins and ends; -1 twice for none."""
    start, stop = bounds
    first, last = codes[begin], codes[end - 1]
    if begin > start and is_alnum(first) and is_alnum(codes[begin - 1]):
        return -1, -1
    if is_latin(last) and end < stop and is_latin(codes[end]) and codes[end] != 105:
        return -1, -1
    at, telling = _skip_gap(codes, end, stop)
    if at == end and is_latin(last) and at < stop and is_latin(codes[at]):
        return -1, -1
    stops, marked = _read_id(codes, at, stop, kind)
    if stops < 0 or not (marked or telling or not is_latin(last)):
        return -1, -1
    return at, stops


@nb.njit(nogil=True)
def _at_name(codes: Array, at: int, start: int, stop: int) -> int:
    """Return where the name ends that an at sign begins, or -1: none in an address or before a host."""
    if at > start and (is_alnum(codes[at - 1]) or codes[at - 1] == 46 or codes[at - 1] == 95):
        return -1
    end, _ = _read_id(codes, at + 1, stop, TELEGRAM)
    if end >= 0 and end + 1 < stop and (codes[end] == 46 or codes[end] == 45) and is_alnum(codes[end + 1]):
        return -1
    return end


@nb.njit(cache=True, nogil=True)
def handle_kernel(codes: Array, offsets: Array, tables: tuple[Array, ...], spans: Array) -> int:
    letters, steps, ends, shorter, lengths, kinds, _ = tables
    found = 0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        state, at = 0, start
        while at < stop:
            code = codes[at]
            state = steps[state, letters[code] if code < letters.size else 0]
            begin, end, kind = -1, -1, TELEGRAM
            if code == 64:
                end = _at_name(codes, at, start, stop)
                begin = at + 1 if end >= 0 else -1
            hit = state if ends[state] >= 0 else 0
            while hit and begin < 0:
                word = ends[hit]
                kind = kinds[word]
                begin, end = _after_word(codes, at + 1 - lengths[word], at + 1, (start, stop), kind)
                hit = shorter[hit]
            at += 1
            if begin >= 0:
                spans[found, 0], spans[found, 1], spans[found, 2], spans[found, 3] = i, kind, begin, end
                found += 1
                state, at = 0, end
    return found


def find_handles(texts: CodePoints) -> Array:
    """Find accounts of messengers.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.

    Returns
    -------
    ndarray of int64, shape (n_found, 4)
        A row an account: the text, its place in `HANDLES`, and where the account starts and stops.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> find_handles(pack(["加微信号:abc_123"])).tolist()
    [[0, 0, 5, 12]]
    """
    spans = new_spans(texts)
    return spans[: handle_kernel(texts.codes, texts.offsets, handle_automaton().tables, spans)].copy()


def count_handles(texts: CodePoints) -> Array:
    """Count the accounts of each of `HANDLES`.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.

    Returns
    -------
    ndarray of int64, shape (n_texts, 4)

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> row = count_handles(pack(["vx abc123, qq群:123456, t.me/somebody or whatsapp +2348012345678"]))[0]
    >>> dict(zip(HANDLES, row.tolist()))
    {'wechat': 1, 'qq': 1, 'telegram': 1, 'whatsapp': 1}
    """
    return count_spans(find_handles(texts), len(texts), len(HANDLES))
