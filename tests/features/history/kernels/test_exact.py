"""Exact sums, compared with fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.kernels.exact import (
    N_DIGITS,
    N_SQUARE_DIGITS,
    add_number,
    add_square,
    deviation_of,
    round_digits,
    sum_of,
)

CENTS = st.integers(-(10**8), 10**8).map(lambda cents: cents / 100)
NUMBERS = st.lists(
    CENTS
    | st.sampled_from([0.0, -0.0, 1e15, -1e15, 0.1, 2.0**-72, 5e-324, 1 - 2.0**-53])
    | st.floats(-1e15, 1e15, allow_nan=False),
    max_size=12,
)


def cut(number: float) -> Fraction:
    """Return a number as it is added: cut to a multiple of 2**-124."""
    return Fraction(math.trunc(Fraction(number) * 2**124), 2**124)


@pytest.mark.slow
@given(NUMBERS, NUMBERS, st.randoms(use_true_random=False))
def test_sums_and_deviations_are_exact_in_any_order(kept: list[float], removed: list[float], random: object) -> None:
    digits, square_digits = np.zeros(N_DIGITS, np.int64), np.zeros(N_SQUARE_DIGITS, np.int64)
    steps = [(number, 1) for number in kept + removed] + [(number, -1) for number in removed]
    random.shuffle(steps)  # type: ignore[attr-defined]
    for number, sign in steps:
        add_number(digits, number, sign)
        add_square(square_digits, number, sign)
    total = sum(map(cut, kept), Fraction(0))
    assert sum_of(digits) == float(total)
    if kept:
        spread = len(kept) * sum(cut(number) ** 2 for number in kept) - total**2
        expected = math.sqrt(float(spread)) / len(kept)
        assert deviation_of(len(kept), digits, square_digits) == pytest.approx(expected, rel=3e-16, abs=0)


@pytest.mark.slow
@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=8), st.integers(-300, 100))
def test_digits_are_rounded_to_the_closest_float(digits: list[int], lowest: int) -> None:
    expected = float(sum(digit * Fraction(2) ** (31 * i + lowest) for i, digit in enumerate(digits)))
    assert round_digits(np.array([*digits, 0, 0]), lowest) == expected


@pytest.mark.slow
@pytest.mark.parametrize("below", [-1, 0, 1])
def test_a_tie_is_rounded_to_even_and_a_bit_far_below_decides_it(below: int) -> None:
    digits = np.zeros(N_DIGITS, np.int64)
    for number in (2.0**53, 1.0, below * 2.0**-100):
        add_number(digits, number, 1)
    assert sum_of(digits) == float(2**53 + 1 + below * Fraction(1, 2**100))
    assert sum_of(digits) == 2.0**53 + (2.0 if below > 0 else 0.0)


def test_many_of_the_largest_amounts_do_not_overflow() -> None:
    """Twice 128 bits of 2**-64 would hold 9,223 of them."""
    digits = np.zeros(N_DIGITS, np.int64)
    for _ in range(20_000):
        add_number(digits, 1e15, 1)
    assert sum_of(digits) == 2e19
