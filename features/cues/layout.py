"""Layout of a text: bracketed signatures, repetition, and letters next to digits or Chinese characters.

Repetition and compression look up every four characters among the earlier ones of the same text. They use a small hash
table that compares the characters: the result is exact for texts of a few thousand characters, and an estimate beyond.
"""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import is_digit, is_han, is_latin

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
