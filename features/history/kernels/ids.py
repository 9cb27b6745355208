"""Ids encoded as integers, by the hash table of digests and all their bytes. Needs only NumPy and Numba.

A short id is its own key, in two words. The key of a longer one is a hash, so its bytes are compared too; two ids with
one hash get keys that differ in the second word. ``python -m benchmarks.own`` shows what this gains over PyArrow's
``dictionary_encode``, which scoring could not import.
"""

from typing import NamedTuple

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array

from .digest_table import ABSENT, HASH_KEY, NO_WORD, empty_places, find_place, fold_product, put_number

HALF = np.uint64(32)
FEW = 1 << 9
"""Number of ids that tables have places for at first."""
SHORT = 15
"""Maximum number of bytes of an id that is stored in two words; their last byte is its length."""
LONG_MARK = np.uint64(0xFF) << np.uint64(56)
LONGEST_WORD = 5
"""Number of bytes of the longest word that programs write for a missing value or a flag: ``false``."""


@compile_inlined()
def _bytes_at(data: Array, position: int, n: int) -> np.uint64:
    """Return up to eight bytes as one word."""
    word = np.uint64(0)
    for k in range(n):
        word |= np.uint64(data[position + k]) << np.uint64(8 * k)
    return word


@compile_inlined()
def _eight_at(data: Array, position: int) -> np.uint64:
    """Return eight bytes as one word; without a loop, the compiler generates a single load."""
    i = np.uint64(position)  # Numba does not check whether an unsigned index is negative
    low = np.uint64(data[i]) | np.uint64(data[i + np.uint64(1)]) << np.uint64(8)
    low |= np.uint64(data[i + np.uint64(2)]) << np.uint64(16) | np.uint64(data[i + np.uint64(3)]) << np.uint64(24)
    high = np.uint64(data[i + np.uint64(4)]) << HALF | np.uint64(data[i + np.uint64(5)]) << np.uint64(40)
    high |= np.uint64(data[i + np.uint64(6)]) << np.uint64(48) | np.uint64(data[i + np.uint64(7)]) << np.uint64(56)
    return low | high


@compile_inlined()
def _short_key(data: Array, start: int, n: int) -> tuple[np.uint64, np.uint64]:
    if start + 16 > data.size:
        one, two = _bytes_at(data, start, min(n, 8)), _bytes_at(data, start + 8, max(n - 8, 0))
    elif n >= 8:
        one = _eight_at(data, start)
        two = _eight_at(data, start + 8) & ((np.uint64(1) << np.uint64(8 * (n - 8))) - np.uint64(1))
    else:
        one = _eight_at(data, start) & ((np.uint64(1) << np.uint64(8 * n)) - np.uint64(1))
        two = np.uint64(0)
    return one, two | np.uint64(n) << np.uint64(56)


@compile_part()
def _long_key(data: Array, start: int, n: int, key: Array) -> tuple[np.uint64, np.uint64]:
    # A secret factor: without it, a change of the next word could cancel a change of this one.
    state, factor = key[4] ^ np.uint64(n), key[5]
    for position in range(start, start + n, 8):
        word = (
            _eight_at(data, position) if position + 8 <= start + n else _bytes_at(data, position, start + n - position)
        )
        state = fold_product(state ^ word, factor)
    return state, LONG_MARK


@compile_part()
def _same_bytes(data: Array, starts: Array, stops: Array, i: int, j: int) -> bool:
    n = stops[i] - starts[i]
    if stops[j] - starts[j] != n:
        return False
    different = 0
    for k in range(n):
        different |= data[starts[i] + k] ^ data[starts[j] + k]
    return different == 0


@compile_inlined()
def _may_be_blank(data: Array, at: int) -> bool:
    # The first byte of a character of UTF-8 gives its block. Blanks and invisible characters are below 33, at 127,
    # and in the blocks of C2, CD, D8, DB, DC, E0 to E2, E3 80, E3 85, EF and F0 to F4. Others are visible letters.
    byte = data[at]
    if byte < 128:
        return bool(byte <= 32 or byte == 127)
    if byte == 0xE3:
        return bool(data[at + 1] == 0x80 or data[at + 1] == 0x85)
    return not (0xC3 <= byte <= 0xCC or 0xCE <= byte <= 0xD7 or 0xE4 <= byte <= 0xEE)


@compile_part()
def _is_odd(data: Array, start: int, stop: int) -> bool:
    if start == stop:
        return True
    last = stop - 1
    while last > start and 128 <= data[last] < 192:  # the first byte of the last character
        last -= 1
    ends_with_digit = 48 <= data[last] <= 57
    is_word = stop - start <= LONGEST_WORD and not ends_with_digit
    return is_word or _may_be_blank(data, start) or _may_be_blank(data, last)


@compile_part()
def _with_more_places(places: Array, n: int, keys: Array, key: Array) -> Array:
    larger = np.full(places.size * 4, ABSENT, np.int32)
    for code in range(n):
        put_number(code, larger, keys, key)
    return larger


@compile_kernel()
def _code_kernel(
    starts: Array, stops: Array, data: Array, valid: Array, key: Array, places: Array, codes: Array, firsts: Array,
    is_odd: Array,
) -> int:  # fmt: skip
    rows = codes.size
    keys = np.empty((rows, 2), np.uint64)
    n = 0
    for i in range(rows):
        if valid.size and not valid[i]:
            codes[i] = -1
            continue
        start, length = starts[i], stops[i] - starts[i]
        short = length <= SHORT
        one, two = _short_key(data, start, length) if short else _long_key(data, start, length, key)
        place = find_place(one, two, NO_WORD, places, keys, key)
        while places[place] >= 0 and not short and not _same_bytes(data, starts, stops, firsts[places[place]], i):
            two += np.uint64(1)  # another id with this hash
            place = find_place(one, two, NO_WORD, places, keys, key)
        code = places[place]
        if code < 0:
            code = np.int32(n)
            places[place], firsts[n], is_odd[n] = code, i, _is_odd(data, start, stops[i])
            keys[n, 0], keys[n, 1] = one, two
            n += 1
            if 2 * n > places.size:
                places = _with_more_places(places, n, keys, key)
        codes[i] = code
    return n


class CodedStrings(NamedTuple):
    """Strings encoded as integers, in the order of first appearance."""

    # Shape (n_rows,). Code of each string; -1 if missing.
    codes: Array
    # Shape (n_codes,). The first row of each code.
    firsts: Array
    # Shape (n_codes,). Whether a string needs a second look before it is an id: it is empty, has a blank at an edge,
    # may be a word for a missing value or a flag.
    is_odd: Array


def code_strings(starts: Array, stops: Array, data: Array, valid: Array | None = None) -> CodedStrings:
    """Encode strings as integers."""
    n = len(starts)
    coded = CodedStrings(np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.bool_))
    strings = [array.view() for array in (starts, stops, data)]
    for array in strings:
        array.flags.writeable = False  # one type, and one compiled kernel, wherever they come from
    valid = np.empty(0, np.bool_) if valid is None else valid
    starts, stops, data = strings
    n_codes = _code_kernel(starts, stops, data, valid, HASH_KEY, empty_places(4 * FEW), *coded)
    return CodedStrings(coded.codes, coded.firsts[:n_codes].copy(), coded.is_odd[:n_codes].copy())


@compile_kernel()
def number_keys(numbers: Array, valid: Array, key: Array, codes: Array) -> int:
    """Fill in the codes of `code_numbers` and return how many numbers differ; `valid` is empty if all are valid."""
    places = np.full(2 * FEW, ABSENT, np.int32)
    keys = np.empty((numbers.size, 1), np.uint64)
    n = 0
    for i in range(numbers.size):
        if valid.size and not valid[i]:
            codes[i] = -1
            continue
        place = find_place(numbers[i], NO_WORD, NO_WORD, places, keys, key)
        code = places[place]
        if code < 0:
            code = np.int32(n)
            places[place], keys[n, 0] = code, numbers[i]
            n += 1
            if 2 * n > places.size:
                places = _with_more_places(places, n, keys, key)
        codes[i] = code
    return n


def code_numbers(keys: Array, valid: Array | None = None) -> tuple[Array, int]:
    """Encode integers as codes, in the order of first appearance."""
    codes = np.empty(keys.size, np.int32)
    n_codes = number_keys(keys, np.empty(0, np.bool_) if valid is None else valid, HASH_KEY, codes)
    return codes, int(n_codes)
