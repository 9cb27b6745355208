"""Messenger accounts in folded text: WeChat, QQ, Telegram, WhatsApp.

A match is a word for the messenger (``data/handles.txt``), a few characters such as ``号:`` or a blank, and a valid
account name. After a Latin word and only a blank, the account must have a digit or an underscore, so that "wechat
message" does not match. ``@name`` counts as Telegram, although other networks use the same form.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from fraudsieve._compiled import INT_0, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.automaton import Automaton, build_automaton, read_words
from fraudsieve.features.text.characters import code_array, is_alnum, is_digit, is_latin, is_one_of, starts_with
from fraudsieve.features.text.codepoints import CodePoints, add_span, new_spans

HANDLES = ("wechat", "qq", "telegram", "whatsapp")
WECHAT, QQ, TELEGRAM, WHATSAPP = range(4)
TELEGRAM_KIND: Any = np.int32(TELEGRAM)
"""Telegram in the type of the kinds of words, so that `_read_id` is compiled once."""
WORDS = files("fraudsieve.features.cues") / "data" / "handles.txt"
GAP = code_array(" :=-号是为群搜加+@")
ANNOUNCING = code_array(":=号群@+")
ID = code_array("id")
ZERO, AT, UNDERSCORE, DOT, HYPHEN = map(ord, "0@_.-")
MAX_GAP = 4
SHORTEST_ID = np.array([6, 5, 5, 8])
LONGEST_ID = np.array([20, 11, 32, 15])
"""Lengths of an account, by messenger."""
MIN_QQ, MAX_QQ = 5, 11
"""Lengths of the QQ number of a WeChat account."""


@cache
def handle_automaton() -> Automaton:
    return build_automaton(read_words(WORDS, HANDLES))


@compile_part()
def _skip_gap(codes: Array, position: int, stop: int) -> tuple[int, bool]:
    """Return where the account may begin, and whether the skipped characters announce an account."""
    begin, announced = position, False
    while position < stop and position - begin < MAX_GAP:
        if position + 2 < stop and starts_with(codes, position, stop, ID) and is_one_of(codes[position + 2], GAP):
            position, announced = position + 2, True
        elif is_one_of(codes[position], GAP):
            announced = announced or is_one_of(codes[position], ANNOUNCING)
            position += 1
        else:
            break
    return position, announced


@compile_part()
def _read_id(codes: Array, position: int, stop: int, kind: int) -> tuple[int, bool]:
    """Return the end of the account that begins at a position, or -1, and whether it has a digit or an underscore."""
    if position >= stop:
        return -1, False
    first, end, is_marked, digits = codes[position], position, False, True
    while end < stop and end - position <= LONGEST_ID[kind]:
        code = codes[end]
        hyphen = code == HYPHEN and kind == WECHAT
        if not (is_alnum(code) or code == UNDERSCORE or hyphen):
            break
        is_marked = is_marked or is_digit(code) or code == UNDERSCORE
        digits = digits and is_digit(code)
        end += 1
    while end > position and codes[end - 1] == HYPHEN:
        end -= 1
    size = end - position
    if kind == WECHAT and digits:
        return (end if MIN_QQ <= size <= MAX_QQ and first != ZERO else -1), True
    if size < SHORTEST_ID[kind] or size > LONGEST_ID[kind]:
        return -1, False
    if kind == QQ:
        return (end if digits and first != ZERO else -1), True
    if kind == WHATSAPP:
        return (end if digits else -1), True
    return (end if is_latin(first) else -1), is_marked


@compile_part()
def _after_word(codes: Array, begin: int, end: int, start: int, stop: int, kind: int) -> tuple[int, int]:
    """Return the start and end of the account after a word; -1 and -1 if there is none."""
    first, last = codes[begin], codes[end - 1]
    if begin > start and is_alnum(first) and is_alnum(codes[begin - 1]):
        return -1, -1
    if is_latin(last) and end < stop and is_latin(codes[end]) and codes[end] != ID[0]:
        return -1, -1
    position, announced = _skip_gap(codes, end, stop)
    if position == end and is_latin(last) and position < stop and is_latin(codes[position]):
        return -1, -1
    account_end, is_marked = _read_id(codes, position, stop, kind)
    if account_end < 0 or not (is_marked or announced or not is_latin(last)):
        return -1, -1
    return position, account_end


@compile_part()
def _at_name(codes: Array, position: int, start: int, stop: int) -> int:
    """Return the end of the name after an at sign; -1 in an e-mail address or before a host."""
    if position > start and (
        is_alnum(codes[position - 1]) or codes[position - 1] == DOT or codes[position - 1] == UNDERSCORE
    ):
        return -1
    end, _ = _read_id(codes, position + 1, stop, TELEGRAM_KIND)
    if end >= 0 and end + 1 < stop and (codes[end] == DOT or codes[end] == HYPHEN) and is_alnum(codes[end + 1]):
        return -1
    return end


@compile_kernel()
def handle_kernel(codes: Array, offsets: Array, tables: tuple[Array, ...], spans: Array) -> int:
    letters, steps, ends, shorter, lengths, kinds, _ = tables
    n_spans: int = INT_0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        state, position = 0, start
        while position < stop:
            code = codes[position]
            state = steps[state, letters[code] if code < letters.size else 0]
            begin, end, kind = -1, -1, TELEGRAM
            if code == AT:
                end = _at_name(codes, position, start, stop)
                begin = position + 1 if end >= 0 else -1
            hit = state if ends[state] >= 0 else 0
            while hit and begin < 0:
                word = ends[hit]
                kind = kinds[word]
                begin, end = _after_word(codes, position + 1 - lengths[word], position + 1, start, stop, kinds[word])
                hit = shorter[hit]
            position += 1
            if begin >= 0:
                n_spans = add_span(spans, n_spans, i, kind, begin, end)
                state, position = 0, end
    return n_spans


def find_handles(texts: CodePoints) -> Array:
    """Find messenger accounts."""
    spans = new_spans(texts)
    return spans[: handle_kernel(texts.codes, texts.offsets, handle_automaton().tables, spans)].copy()
