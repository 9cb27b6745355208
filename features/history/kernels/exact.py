"""Exact sums of float64 numbers and of their squares, as integers.

A number is split into digits of 31 bits. A sum has one integer of 64 bits per digit. A number is added or subtracted
digit by digit, without carries. So a sum is a plain sum of integers. It does not depend on the order, a number that is
subtracted leaves no trace, and sums of parts can be added. Carries are made when a sum is read, and it is then rounded
once. Such a sum is a superaccumulator (Kulisch, 1971; R. M. Neal, Fast exact summation using small and large
superaccumulators, 2015). It holds up to 2**30 numbers.

It is exact for all numbers from 2**-72 (2e-22) to 2**62 in size. Smaller ones are cut to a multiple of 2**-124, once
per number. Needs only NumPy and Numba.
"""

import math
from typing import Any, Final

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_part
from fraudsieve._typing import Array

# The digits of two numbers and of their sum. Arrays have the lowest digit first, at index 0.
#
#   digit       d5        d4         d3        d2        d1        d0
#   unit      2**31        1      2**-31    2**-62    2**-93   2**-124
#     5.75        0        5     3 << 29         0         0         0
#    -0.5         0        0    -1 << 30         0         0         0
#   sum           0        5     1 << 29         0         0         0      5.25
#
# A digit of a number has 31 bits, and one of a sum has 64 with its sign: 2**30 numbers cannot overflow it. So a digit
# of a sum may be negative, or have more than 31 bits, until the sum is read.
BITS = 31
MASK = (1 << BITS) - 1
UNIT = 2.0**62
"""A number is a whole part, a part in units of 2**-62 and, if it is small, a rest in units of 2**-124."""
N_DIGITS = 6
"""Number of digits of a sum, the lowest first."""
LOWEST = -124
"""The lowest digit of a sum has the unit ``2**LOWEST``."""
N_SQUARE_DIGITS = 15
LOWEST_SQUARE = -310
"""As `N_DIGITS` and `LOWEST`, for a sum of squares."""
UNITS = np.array([2.0 ** (BITS * (at - 1) + LOWEST) for at in range(N_DIGITS + 2)])
SQUARE_UNITS = np.array([2.0 ** (BITS * (at - 1) + LOWEST_SQUARE) for at in range(N_SQUARE_DIGITS + 2)])
"""Units of the digit below the highest one, by the position of the highest."""
SQUARE_SHIFT = 2
"""Number of digits from the unit of a sum of squares to that of the square of a sum, 2**-248."""
HALVES = 2.0**27 + 1.0
"""Factor that splits a float64 into two halves of its digits (Dekker, 1971)."""
FRACTION = (1 << 52) - 1
EXPONENT = 0x7FF
CANCELLED = 2.0**-30
"""If less than this part of the sum of squares remains, a standard deviation is computed with all digits."""
SMALLEST_EXACT = 2.0**-72
SMALL_DIGIT = 1 << 22
MAX_WHOLE = 1 << 53
LAST_OF_PART = 2.0**-53
ONE = np.uint64(1)
PLUS: Final[Any] = np.int64(1)
MINUS: Final[Any] = np.int64(-1)
LOWEST_OF_SUM: Final[Any] = np.int64(LOWEST)
LOWEST_OF_SQUARES: Final[Any] = np.int64(LOWEST_SQUARE)
"""Signs and units as arguments; plain numbers are types of their own, and Numba would compile for each."""
FIRST_POSITION = 1075 + LOWEST_SQUARE
"""The exponent field of the float64 whose last bit is the first one of a sum of squares."""


@compile_inlined()
def split_number(number: float) -> tuple[int, int, float]:
    """Return the whole part of a number, its part in units of 2**-62, and the rest, in these units too."""
    whole = int(number)
    scaled = (number - whole) * UNIT
    part = int(scaled)
    return whole, part, scaled - part


@compile_inlined()
def add_to_digits(
    d5: int, d4: int, d3: int, d2: int, d1: int, d0: int, number: float, sign: int
) -> tuple[int, int, int, int, int, int]:
    """Add a number to the digits of a sum, the highest first, or subtract it, as `add_number` does with an array."""
    whole, part, rest = split_number(number)
    if rest != 0.0:
        d1, d0 = d1 + sign * (int(rest * UNIT) >> BITS), d0 + sign * (int(rest * UNIT) & MASK)
    d5, d4 = d5 + sign * (whole >> BITS), d4 + sign * (whole & MASK)
    return d5, d4, d3 + sign * (part >> BITS), d2 + sign * (part & MASK), d1, d0


@compile_part()
def add_number(digits: Array, number: float, sign: int) -> None:
    """Add a number to a sum, or subtract it.

    Parameters
    ----------
    digits : ndarray of int64, shape (6,)
        The sum; changed.
    number : float
    sign : {1, -1}
        -1 to subtract it.

    Examples
    --------
    >>> digits = np.zeros(6, np.int64)
    >>> for number in (1e15, 0.1, -1e15):
    ...     add_number(digits, number, 1)
    >>> sum_of(digits)
    0.1
    """
    if number < 0.0:  # the digits of a small negative number would otherwise not be small
        number, sign = -number, -sign
    whole, part, rest = split_number(number)
    digits[5] += sign * (whole >> BITS)
    digits[4] += sign * (whole & MASK)
    digits[3] += sign * (part >> BITS)
    digits[2] += sign * (part & MASK)
    if rest != 0.0:
        small = np.int64(rest * UNIT)
        digits[1] += sign * (small >> BITS)
        digits[0] += sign * (small & MASK)


@compile_part()
def round_digits(digits: Array, lowest: int) -> float:
    """Return the float64 that is closest to a number; of two that are equally close, the even one.

    Parameters
    ----------
    digits : ndarray of int64, shape (n_digits,)
        Digits in base 2**31, the lowest first, without carries. Changed; the highest must be large enough for carries.
    lowest : int
        The lowest digit has the unit ``2**lowest``.

    Returns
    -------
    float

    Examples
    --------
    >>> round_digits(np.array([3, 0, -1, 0]), 0) == 3.0 - 2.0**62
    True
    """
    # Digits of 4 bits in place of 31, and the highest first. `spare` is the number of zeros before the first bit:
    #
    #   digits, carried     0000   0011   1010   0010   0101
    #                              top    below  lower  not read, but whether one is 1
    #   head                         11   1010   00                 8 bits, the first of which is 1
    #   rest                                       10   0101        not 0, so the last bit of head becomes 1
    sign = 1.0
    if _carry(digits) < 0:
        sign = -1.0
        for i in range(digits.size):
            digits[i] = -digits[i]
        _carry(digits)
    top = digits.size - 1
    while top > 0 and digits[top] == 0:
        top -= 1
    below = digits[top - 1] if top > 0 else 0
    lower = digits[top - 2] if top > 1 else 0
    spare = BITS - int(math.frexp(float(digits[top]))[1])
    head = (digits[top] << BITS | below) << spare | lower >> (BITS - spare)
    rest = lower & ((1 << (BITS - spare)) - 1)
    for i in range(top - 2):
        rest |= digits[i]
    # The last of the 62 bits stands for all lower ones. It decides what is closest, and is itself rounded away.
    return sign * math.ldexp(float(head | (rest != 0)), BITS * (top - 1) - spare + lowest)


@compile_inlined()
def _carry(digits: Array) -> int:
    """Carry in place, so that all digits but the highest are from 0 to 2**31 - 1; return the highest, with the sign."""
    #   3 - 2**62, the lowest digit first     3   0          -1    0
    #   carried                               3   0   2**31 - 1   -1
    for i in range(digits.size - 1):
        digits[i + 1] += digits[i] >> BITS
        digits[i] &= MASK
    return int(digits[-1])


@compile_part()
def _sum_of_six(d5: int, d4: int, d3: int, d2: int, d1: int, d0: int) -> float:
    return round_digits(np.array([d0, d1, d2, d3, d4, d5, 0]), LOWEST_OF_SUM)


@compile_inlined()
def sum_of_digits(d5: int, d4: int, d3: int, d2: int, d1: int, d0: int) -> float:
    """Return a sum, rounded to float64, from its digits, the highest first."""
    high, low = d3 + (d2 >> BITS), d2 & MASK
    whole, high = (d5 << BITS) + d4 + (high >> BITS), high & MASK
    if d0 | d1 == 0 and -SMALL_DIGIT < d5 < SMALL_DIGIT:
        if 2 <= whole < MAX_WHOLE:
            # 53 bits, of which the last one stands for all lower ones: a sum from 2 on ends at least two bits earlier.
            return float(whole) + float(high << 22 | low >> 9 | (low & 511 != 0)) * LAST_OF_PART
        if high | low == 0 and 0 <= whole < 2:
            return float(whole)
    return _sum_of_six(d5, d4, d3, d2, d1, d0)


@compile_part()
def sum_of(digits: Array) -> float:
    """Return a sum, rounded to float64.

    Parameters
    ----------
    digits : ndarray of int64, shape (6,)
        The sum.

    Returns
    -------
    float

    Examples
    --------
    >>> sum_of(np.array([0, 0, 0, 1 << 30, 7, 0]))
    7.5
    """
    return sum_of_digits(digits[5], digits[4], digits[3], digits[2], digits[1], digits[0])


@compile_part()
def add_square(digits: Array, number: float, sign: int) -> None:
    """Add the square of a number to a sum of squares, or subtract it.

    Parameters
    ----------
    digits : ndarray of int64, shape (15,)
        The sum; changed.
    number : float
    sign : {1, -1}
        -1 to subtract the square.
    """
    if abs(number) < SMALLEST_EXACT:
        number = np.trunc(number * UNIT * UNIT) / UNIT / UNIT
    square, error = _product(number, number)
    _add_float(digits, square, sign)
    _add_float(digits, error, sign)


@compile_inlined()
def _add_float(digits: Array, number: float, sign: int) -> None:
    """Add a number to a sum of squares: its 53 bits are spread over three digits."""
    # Digits of 4 bits and a mantissa of 7 in place of 31 and 53; `shift` is 2:
    #
    #   mantissa            110 1011              its high and its low part
    #   shifted          1 1000   10 1100         `high` and `low`
    #   digits          1 | 1000 + 10 | 1100      digit + 2, digit + 1, digit
    bits = np.float64(number).view(np.int64)
    if bits << 1 == 0:
        return
    mantissa, signed = bits & FRACTION | (FRACTION + 1), sign if bits >= 0 else -sign
    position = np.uint64((bits >> 52 & EXPONENT) - FIRST_POSITION)
    digit = position // np.uint64(BITS)
    shift = np.int64(position - digit * np.uint64(BITS))
    low, high = (mantissa & MASK) << shift, (mantissa >> BITS) << shift
    digits[digit] += signed * (low & MASK)
    digits[digit + ONE] += signed * ((low >> BITS) + (high & MASK))
    digits[digit + ONE + ONE] += signed * (high >> BITS)


@compile_inlined()
def _top_digits(digits: Array, sign: int) -> tuple[int, int, int, int]:
    """Return the position of the highest digit, the four highest as two integers, and the carry with the sign."""
    start, stop = 0, digits.size
    while stop > 0 and digits[stop - 1] == 0:
        stop -= 1
    while start < stop and digits[start] == 0:
        start += 1
    carried = d0 = d1 = d2 = d3 = 0
    for i in range(start, stop):
        carried += sign * digits[i]
        d3, d2, d1, d0 = d2, d1, d0, carried & MASK
        carried >>= BITS
    if carried > MASK:
        return stop + 1, carried, d0 << BITS | d1, carried
    if carried != 0:
        return stop, carried << BITS | d0, d1 << BITS | d2, carried
    return stop - 1, d0 << BITS | d1, d2 << BITS | d3, carried


@compile_part()
def _two_floats(digits: Array, units: Array) -> tuple[float, float]:
    """Return the size of a sum as an unevaluated sum of two floats.

    They hold four digits: the error is below 2**-90 of the sum or of the largest number in it.
    """
    lowest_digit, head, below, carried = _top_digits(digits, PLUS)
    if carried < 0:
        lowest_digit, head, below, carried = _top_digits(digits, MINUS)
    high = float(head)
    low = float(head - np.int64(high)) + float(below) / UNIT
    return high * units[lowest_digit], low * units[lowest_digit]


@compile_inlined()
def _product(a: float, b: float) -> tuple[float, float]:
    """Return a product and its rounding error (Dekker, 1971)."""
    far_a, far_b = HALVES * a, HALVES * b
    high_a, high_b = far_a - (far_a - a), far_b - (far_b - b)
    low_a, low_b = a - high_a, b - high_b
    product = a * b
    return product, ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


@compile_part()
def deviation_of(n: int, digits: Array, square_digits: Array) -> float:
    """Return the standard deviation ``sqrt(n * squares - sum**2) / n``, from exact sums.

    Parameters
    ----------
    n : int
        Number of numbers, from 1 to 2**30.
    digits : ndarray of int64, shape (6,)
        Their sum.
    square_digits : ndarray of int64, shape (15,)
        The sum of their squares.

    Returns
    -------
    float

    Examples
    --------
    >>> digits, square_digits = np.zeros(6, np.int64), np.zeros(15, np.int64)
    >>> for number in (1e15, 1e15 + 2.0):
    ...     add_number(digits, number, 1)
    ...     add_square(square_digits, number, 1)
    >>> deviation_of(2, digits, square_digits)
    1.0
    """
    if n == 1:
        return 0.0
    total, total_low = _two_floats(digits, UNITS)
    squares, squares_low = _two_floats(square_digits, SQUARE_UNITS)
    n_squares, error = _product(float(n), squares)
    total_square, total_error = _product(total, total)
    spread = n_squares - total_square
    back = spread - n_squares
    error += (n_squares - (spread - back)) + (-total_square - back)  # what this difference lost (Knuth)
    spread += error + n * squares_low - total_error - 2.0 * total * total_low
    if spread < n_squares * CANCELLED:  # so many bits cancel out that these are not enough
        spread = _exact_spread(n, digits, square_digits)
    return float(np.sqrt(spread) / n)


@compile_part()
def _exact_spread(n: int, digits: Array, square_digits: Array) -> float:
    """Return ``n * squares - sum**2``, rounded once."""
    # Multiplied as on paper. Digits i and j of the sum have units whose product is 2**(31 * (i + j) - 248), and digit k
    # of the squares has 2**(31 * k - 310): hence `SQUARE_SHIFT`.
    spread = np.zeros(N_SQUARE_DIGITS + 3, np.int64)
    for i in range(N_SQUARE_DIGITS):
        spread[i] = square_digits[i]
    _carry(spread)
    for i in range(N_SQUARE_DIGITS + 2):
        spread[i] *= n
    total = np.zeros(N_DIGITS + 1, np.int64)
    for i in range(N_DIGITS):
        total[i] = digits[i]
    if _carry(total) < 0:
        for i in range(total.size):
            total[i] = -total[i]
        _carry(total)
    for i in range(total.size):
        for j in range(total.size if total[i] != 0 else 0):
            product = total[i] * total[j]
            spread[i + j + SQUARE_SHIFT] -= product & MASK
            spread[i + j + SQUARE_SHIFT + 1] -= product >> BITS
    return round_digits(spread, LOWEST_OF_SQUARES)
