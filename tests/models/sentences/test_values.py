"""Tests of numbers in words."""

import pytest

from fraudsieve.models.sentences.entities import TIMES, duration, in_words


@pytest.mark.parametrize("n", [1, 2, 9, 10, 11, 20, 30, 50, 100, 365, 1000])
def test_a_whole_number_of_days_keeps_its_digits(n: int) -> None:
    assert duration(n * 86_400, "zh") == f"{n:,} 天"
    assert in_words(n, "days", "en") == f"{n:,} day{'' if n == 1 else 's'}"


@pytest.mark.parametrize("seconds", [1, 7, 10, 20, 50, 59, 600, 1_200, 3_000, 36_000, 72_000])
def test_a_length_of_time_reads_back(seconds: int) -> None:
    number, unit = duration(seconds, "en").split()
    length = next(length for length, english, _ in TIMES if english == unit.removesuffix("s"))
    assert float(number) * length == seconds


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (10, "count", "10"),
        (1000, "amount", "1,000"),
        (0.1, "share", "10 %"),
        (1, "share", "100 %"),
        (2.5, "number", "2.5"),
        (-0.001, "number", "-0.001"),
    ],
)
def test_zeros_go_from_decimals_alone(value: float, unit: str, words: str) -> None:
    assert in_words(value, unit, "en") == words
