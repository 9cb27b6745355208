"""The measurement of floods finds readers whose time grows with the square of the size, and lets others pass."""

import time
from typing import Any

import pytest

from fraudsieve.exceptions import RecipeError
from tests.attack.generators import floods
from tests.attack.generators.floods import grows_with_the_size


def busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("power", "is_found"), [(1, False), (2, True)])
def test_readers_in_more_than_linear_time_are_found(power: int, is_found: bool) -> None:
    def read(size: int) -> None:
        busy(0.1 * (size / 64) ** power)

    if is_found:
        with pytest.raises(AssertionError, match=r"s for sizes 1, 2, 4"):
            grows_with_the_size(read, int, 16)
    else:
        assert grows_with_the_size(read, int, 16)


def test_a_refusal_counts_only_after_its_time() -> None:
    def refuse(size: Any) -> None:
        busy(0.0002 * size**2)
        raise RecipeError("recipe", ["expected a number"])

    with pytest.raises(AssertionError, match=r"s for sizes 1, 2, 4"):
        grows_with_the_size(refuse, int, 4)
    with pytest.raises(RecipeError, match="expected a number"):
        grows_with_the_size(refuse, int, 1)


def test_floods_of_each_size_are_made() -> None:
    assert floods.CHARACTERS * max(floods.SIZES) == 8_000
    assert min(floods.SIZES) == 1
