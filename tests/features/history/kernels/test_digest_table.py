"""The hash table of digests: equal to a dict, while numbers come and go."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.digest_table import (
    ABSENT,
    NO_WORD,
    empty_places,
    find_place,
    put_number,
    remove_number,
)

ONE_HOME = np.zeros(6, np.uint64)
"""With this key, every hash is 0."""
KEYS = [ONE_HOME, np.arange(3, 9).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)]


def number_of(words: tuple[int, ...], places: Array, keys: Array, key: Array) -> int:
    """Return the number of a key; -1 without one."""
    one, two, three = (*map(np.uint64, words), NO_WORD, NO_WORD)[:3]
    return int(places[find_place(one, two, three, places, keys, key)])


@pytest.mark.parametrize("key", KEYS, ids=["one home for all", "many homes"])
@pytest.mark.parametrize("width", [1, 2, 3])
@given(changes=st.lists(st.integers(0, 30), max_size=150))
def test_numbers_are_found_until_they_are_removed(width: int, key: Array, changes: list[int]) -> None:
    keys = np.random.default_rng(width).integers(0, 3, (31, width)).astype(np.uint64)
    keys[:, -1] = np.arange(31)
    places, kept = empty_places(31), set[int]()
    for number in changes:
        if number in kept:
            remove_number(number, places, keys, key)
        else:
            assert put_number(number, places, keys, key)
            assert not put_number(number, places, keys, key)
        kept ^= {number}
        found = [number_of(tuple(words), places, keys, key) for words in keys.tolist()]
        assert found == [number if number in kept else ABSENT for number in range(31)]
    assert sorted(places[places >= 0].tolist()) == sorted(kept)


def test_every_word_counts() -> None:
    keys = np.array([[7, 0, 0], [7, 1, 0], [7, 1, 2]], np.uint64)
    places = empty_places(3)
    assert all(put_number(number, places, keys, ONE_HOME) for number in range(3))
    found = [number_of((7, *rest), places, keys, ONE_HOME) for rest in ((0, 0), (1, 0), (1, 2), (0, 2))]
    assert found == [0, 1, 2, ABSENT]


@pytest.mark.parametrize(("n", "size"), [(0, 64), (32, 64), (33, 128), (64, 128), (65, 256)])
def test_half_of_the_places_stay_empty(n: int, size: int) -> None:
    assert empty_places(n).tolist() == [ABSENT] * size
