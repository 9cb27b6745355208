"""Tests of code points of folded texts, used by the kernels of cues.

Compiled code has one version of a function per combination of types, and an integer constant is a type of its own.
Words and sets of characters are therefore arrays (`code_array`), not tuples, whose lengths would be types too.
"""

from typing import Any

import numpy as np

from fraudsieve._compiled import compile_inlined
from fraudsieve._typing import Array

ZERO, NINE = ord("0"), ord("9")
A, Z = ord("a"), ord("z")
HYPHEN = ord("-")


def code_array(chars: str) -> Array:
    """Return the code points of a word or of a set of characters, for `starts_with` and `is_one_of`."""
    return np.array([ord(char) for char in chars], np.uint32)


@compile_inlined()
def code_number(code: np.uint32) -> Any:
    """Return a code point as a signed number: unsigned and signed ones together become floats.

    Examples
    --------
    >>> int(code_number(np.uint32(50)) - 48)
    2
    """
    return np.int64(code)


@compile_inlined()
def is_digit(code: np.uint32) -> bool:
    """Return whether a code point is one of ``0-9``.

    Examples
    --------
    >>> is_digit(ord("7")), is_digit(ord("x"))
    (True, False)
    """
    return bool(ZERO <= code <= NINE)


@compile_inlined()
def is_latin(code: np.uint32) -> bool:
    """Return whether a code point is one of ``a-z``.

    Examples
    --------
    >>> is_latin(ord("x")), is_latin(ord("X"))
    (True, False)
    """
    return bool(A <= code <= Z)


@compile_inlined()
def is_alnum(code: np.uint32) -> bool:
    """Return whether a code point is one of ``a-z0-9``.

    Examples
    --------
    >>> is_alnum(ord("7")), is_alnum(ord("-"))
    (True, False)
    """
    return is_latin(code) or is_digit(code)


@compile_inlined()
def is_host(code: np.uint32) -> bool:
    """Return whether a code point may occur in a label of a host name: ``a-z0-9-``.

    Examples
    --------
    >>> is_host(ord("-")), is_host(ord("_"))
    (True, False)
    """
    return is_alnum(code) or code == HYPHEN


@compile_inlined()
def is_han(code: np.uint32) -> bool:
    """Return whether a code point is a Chinese character.

    Examples
    --------
    >>> is_han(ord("中")), is_han(ord("a"))
    (True, False)
    """
    return bool(0x3400 <= code <= 0x9FFF or 0x20000 <= code <= 0x3FFFF)


@compile_inlined()
def is_one_of(code: np.uint32, codes: Array) -> bool:
    """Return whether a code point is one of a set.

    Parameters
    ----------
    code : uint32
        A code point.
    codes : ndarray of uint32
        The set, as from `code_array`.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_one_of(np.uint32(58), code_array("-:")), is_one_of(np.uint32(57), code_array("-:"))
    (True, False)
    """
    for k in range(codes.size):  # noqa: SIM110 - a generator does not compile
        if code == codes[k]:
            return True
    return False


@compile_inlined()
def starts_with(codes: Array, position: int, stop: int, word: Array) -> bool:
    """Return whether a word starts at a position and ends before `stop`.

    Parameters
    ----------
    codes : ndarray of uint32
        Code points.
    position, stop : int
        Position to compare at, and end of the text.
    word : ndarray of uint32
        The word, as from `code_array`.

    Returns
    -------
    bool

    Examples
    --------
    >>> text, word = code_array("://"), code_array(":/")
    >>> starts_with(text, 0, 3, word), starts_with(text, 0, 1, word)
    (True, False)
    """
    if position + word.size > stop:
        return False
    for k in range(word.size):  # noqa: SIM110 - a generator does not compile
        if codes[position + k] != word[k]:
            return False
    return True


@compile_inlined()
def longest_text(offsets: Array) -> int:
    """Return the number of characters of the longest text; 0 without texts.

    A loop compiles in a tenth of the time of ``np.diff(offsets).max()``.

    Examples
    --------
    >>> longest_text(np.array([0, 2, 7, 8]))
    5
    """
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    return int(longest)
