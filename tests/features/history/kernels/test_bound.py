"""The floors of windows, compared with sorted lists."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.bound import count_bounded, fill_floors, sort_ties
from fraudsieve.features.history.kernels.sorting import sort_events

TIMES = st.lists(st.integers(0, 12), max_size=20)


def arrays_of(times: list[int], cutoffs: list[int]) -> tuple[Array, Array, Array, Array]:
    """Return the arrays of three entities, of which the second has these events and cutoff times."""
    starts, ends = np.array([0, 1, 1 + len(times), 2 + len(times)]), np.array([0, 0, len(cutoffs), len(cutoffs)])
    return starts, np.array([5, *sorted(times), 5]), ends, np.array(cutoffs)


def floors_of(times: list[int], cutoffs: list[int], max_events: int) -> list[int]:
    """Return the floors of the second of three entities."""
    floors = np.zeros(len(cutoffs), np.int64)
    fill_floors(*arrays_of(times, cutoffs), max_events, floors)
    return list(floors.tolist())


@given(TIMES, st.lists(st.integers(0, 14), min_size=1, max_size=5).map(sorted), st.integers(1, 5))
def test_a_floor_leaves_the_newest_events(times: list[int], cutoffs: list[int], max_events: int) -> None:
    for cutoff, floor in zip(cutoffs, floors_of(times, cutoffs, max_events), strict=True):
        n_before = sum(time < cutoff for time in times)
        assert 1 + n_before - floor == min(n_before, max_events)


ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 99)), max_size=20).map(sorted)


@given(ROWS, st.lists(st.booleans(), min_size=3, max_size=3))
def test_ties_of_some_entities_are_sorted_by_digest(rows: list[tuple[int, int, int]], chosen: list[bool]) -> None:
    entities, times, digests = np.array(rows, np.int64).reshape(-1, 3).T
    places = np.random.default_rng(0).permutation(len(rows))
    starts, order, sorted_times = sort_events(entities[places].astype(np.int32), times[places].copy(), 3)
    before = order.copy()
    sort_ties(starts, sorted_times, order, np.array(chosen), lambda tied: digests[places][tied])
    for entity, is_chosen in enumerate(chosen):
        of_entity = slice(starts[entity], starts[entity + 1])
        found = [rows[places[place]] for place in order[of_entity]]
        assert found == (sorted(found) if is_chosen else [rows[places[place]] for place in before[of_entity]])


@given(TIMES, st.integers(1, 5))
def test_floors_do_not_move_back(times: list[int], max_events: int) -> None:
    floors = floors_of(times, list(range(14)), max_events)
    assert floors == sorted(floors)


@given(TIMES, st.lists(st.integers(0, 14), min_size=1, max_size=5).map(sorted), st.integers(1, 5), st.integers(1, 9))
def test_windows_without_a_floor_need_none(times: list[int], cutoffs: list[int], max_events: int, width: int) -> None:
    windows = [sum(cutoff - width <= time < cutoff for time in times) for cutoff in cutoffs]
    assert count_bounded(*arrays_of(times, cutoffs), max_events, width) or max(windows) <= max_events


@given(TIMES.filter(bool), st.integers(1, 5), st.integers(1, 9))
def test_windows_that_end_with_an_event_have_a_floor_only_if_one_needs_it(
    times: list[int], max_events: int, width: int
) -> None:
    cutoffs = sorted(time + 1 for time in times)
    windows = [sum(cutoff - width <= time < cutoff for time in times) for cutoff in cutoffs]
    assert count_bounded(*arrays_of(times, cutoffs), max_events, width) == (max(windows) > max_events)
