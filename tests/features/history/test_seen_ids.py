"""Ids that are remembered, compared with sets per generation."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.seen_ids import GENERATIONS, OF_LABEL, SeenIds


class Sets:
    """The same as `SeenIds`, with a set per generation."""

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self.newest = 0
        self.generations: deque[tuple[int, set[int]]] = deque()

    def admit(self, identifier: int, time: int) -> bool:
        if any(identifier in ids for _, ids in self.generations):
            return False
        self.newest = max(self.newest, time)
        width = self.horizon // GENERATIONS
        while self.generations and self.newest > self.generations[0][0] + width + self.horizon:
            self.generations.popleft()
        if not self.generations or self.newest > self.generations[-1][0] + width:
            self.generations.append((self.newest, set()))
        if identifier:
            self.generations[-1][1].add(identifier)
        return True


CALLS = st.lists(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 400)), max_size=60), max_size=8)


@given(CALLS, st.sampled_from([8, 80, 1000]), st.booleans())
def test_ids_equal_sets_per_generation(calls: list[list[tuple[int, int]]], horizon: int, reload: bool) -> None:
    seen, sets, newest = SeenIds(horizon), Sets(horizon), 0
    for call in calls:
        identifiers = np.array([identifier * 2**58 for identifier, _ in call], np.uint64)
        found = seen.admit(identifiers, np.array([time for _, time in call], np.int64), newest)
        assert found.tolist() == [sets.admit(identifier * 2**58, time) for identifier, time in call]
        newest = seen.newest
        assert newest == sets.newest
        assert len(seen) == sum(len(ids) for _, ids in sets.generations)
        if reload:
            arrays, seen = seen.dump(), SeenIds(horizon)
            seen.load(arrays)
        expected = {identifier for _, ids in sets.generations for identifier in ids}
        assert {number * 2**58 for number in range(61) if number * 2**58 in seen} == expected


def test_a_table_grows_and_forgets() -> None:
    seen = SeenIds(1000)
    identifiers = np.arange(1, 200_001, dtype=np.uint64)
    assert seen.admit(identifiers, np.arange(200_000), 0).all()
    assert 1000 <= len(seen) <= 1300
    assert 200_000 in seen
    assert 198_000 not in seen


def test_arrays_that_do_not_agree_are_errors() -> None:
    seen = SeenIds(80)
    seen.admit(np.array([1, 2], np.uint64), np.array([0, 50]), 0)
    arrays = seen.dump()
    for damage in (
        {"ids": np.array([1], np.uint64)},
        {"ids": np.array([1, 1], np.uint64)},
        {"starts": np.array([0])},
        {"starts": np.arange(40)},
    ):
        with pytest.raises(ValueError, match=r"agree|twice|generation"):
            SeenIds(80).load(arrays | damage)


@pytest.mark.parametrize("horizon", [8, 80])
def test_generations_begin_and_end_at_the_same_time(horizon: int) -> None:
    seen, sets, newest = SeenIds(horizon), Sets(horizon), 0
    for time in range(300):
        assert seen.admit(np.array([time + 1], np.uint64), np.array([time]), newest).all()
        assert sets.admit(time + 1, time)
        newest = seen.newest
        assert len(seen) == sum(len(ids) for _, ids in sets.generations)


def test_ids_of_late_events_are_kept_when_the_time_is_taken_back() -> None:
    seen = SeenIds(80)
    identifiers, times = np.array([1, 2, 3, 4], np.uint64), np.array([0, 5, 60, 7])
    assert seen.admit(identifiers, times, 0).all()
    assert seen.newest_until(10) == 7
    seen.rewind(10, 7)
    assert [number for number in range(1, 5) if number in seen] == [1, 2, 4]
    assert len(seen) == 3
    loaded = SeenIds(80)
    loaded.load(seen.dump())
    for one in (seen, loaded):
        assert one.admit(np.array([3, 4], np.uint64), np.array([12, 12]), 7).tolist() == [True, False]
        one.admit(np.array([5], np.uint64), np.array([200]), 12)
        assert [number for number in range(1, 6) if number in one] == [5]


def test_a_label_is_remembered_and_does_not_move_the_newest_event() -> None:
    seen = SeenIds(80)
    labels = np.array([1, 2], np.uint64), np.array([500, 900]) + OF_LABEL
    assert seen.admit(*labels, NEVER).all()
    assert seen.newest == NEVER
    assert seen.admit(np.array([3], np.uint64), np.array([10]), NEVER).all()
    assert seen.newest == seen.newest_until(1000) == 10
    assert not seen.admit(*labels, 10).any()
    seen.rewind(600, 10)
    assert seen.admit(*labels, 10).tolist() == [False, True]
