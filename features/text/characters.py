"""Tests of code points of folded texts, used by the kernels of cues."""

from typing import Any

import numba as nb
import numpy as np

from fraudsieve._typing import Array

__all__ = ["code_number", "is_alnum", "is_digit", "is_han", "is_host", "is_latin", "is_one_of", "starts_with"]


@nb.njit(inline="always")
def code_number(code: np.uint32) -> Any:
    """Return a code point as a signed number: unsigned and signed ones together become floats.

    Examples
    --------
    >>> int(code_number(np.uint32(50)) - 48)
    2
    """
    return np.int64(code)


@nb.njit(inline="always")
def is_digit(code: np.uint32) -> bool:
    """Return whether a code point is one of ``0-9``.

    Examples
    --------
    >>> is_digit(ord("7")), is_digit(ord("x"))
    (True, False)
    """
    return bool(48 <= code <= 57)


@nb.njit(inline="always")
def is_latin(code: np.uint32) -> bool:
    """Return whether a code point is one of ``a-z``.

    Examples
    --------
    >>> is_latin(ord("x")), is_latin(ord("X"))
    (True, False)
    """
    return bool(97 <= code <= 122)


@nb.njit(inline="always")
def is_alnum(code: np.uint32) -> bool:
    """Return whether a code point is one of ``a-z0-9``.

    Examples
    --------
    >>> is_alnum(ord("7")), is_alnum(ord("-"))
    (True, False)
    """
    return is_latin(code) or is_digit(code)


@nb.njit(inline="always")
def is_host(code: np.uint32) -> bool:
    """Return whether a code point may occur in a label of a host name: ``a-z0-9-``.

    Examples
    --------
    >>> is_host(ord("-")), is_host(ord("_"))
    (True, False)
    """
    return is_alnum(code) or code == 45


@nb.njit(inline="always")
def is_han(code: np.uint32) -> bool:
    """Return whether a code point is a Chinese character.

    Examples
    --------
    >>> is_han(ord("中")), is_han(ord("a"))
    (True, False)
    """
    return bool(0x3400 <= code <= 0x9FFF or 0x20000 <= code <= 0x3FFFF)


@nb.njit(inline="always")
def is_one_of(code: int, numbers: tuple[int, ...]) -> bool:
    """Return whether a number is one of several.

    Parameters
    ----------
    code : int
        A code point, or any other number.
    numbers : tuple of int
        The numbers to compare with.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_one_of(58, (45, 58)), is_one_of(57, (45, 58))
    (True, False)
    """
    for number in numbers:  # noqa: SIM110 - a generator does not compile
        if code == number:
            return True
    return False


@nb.njit(inline="always")
def starts_with(codes: Array, at: int, stop: int, word: tuple[int, ...]) -> bool:
    """Return whether a word starts at a position and ends before `stop`.

    Parameters
    ----------
    codes : ndarray of uint32
        Code points.
    at, stop : int
        Where to look, and where the text ends.
    word : tuple of int
        The code points of the word.

    Returns
    -------
    bool

    Examples
    --------
    >>> starts_with(np.array([58, 47, 47]), 0, 3, (58, 47)), starts_with(np.array([58, 47, 47]), 0, 1, (58, 47))
    (True, False)
    """
    if at + len(word) > stop:
        return False
    for k in range(len(word)):  # noqa: SIM110 - a generator does not compile
        if codes[at + k] != word[k]:
            return False
    return True
