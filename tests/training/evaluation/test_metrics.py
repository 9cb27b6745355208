"""Numbers as people write them."""

import pytest

from fraudsieve.training.evaluation.metrics import format_number


@pytest.mark.parametrize(
    ("value", "text"), [(0.3, "0.3"), (1234567.0, "1,234,567"), (18.449, "18.45"), (-2000.0, "-2,000")]
)
def test_numbers(value: float, text: str) -> None:
    assert format_number(value) == text
