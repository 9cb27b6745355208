"""The floors of windows, compared with sorted lists."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.floors import any_floor, fill_floors
from fraudsieve.features.history.kernels.recency import NEVER

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
def test_a_floor_leaves_the_latest_events(times: list[int], cutoffs: list[int], max_events: int) -> None:
    for cutoff, floor in zip(cutoffs, floors_of(times, cutoffs, max_events), strict=True):
        before = sorted(time for time in times if time < cutoff)
        held = [time for time in before if time >= floor]
        assert len(held) <= max_events
        groups = {time: before.count(time) for time in before}
        left_out = max((time for time in before if time < floor), default=None)
        # One group more, of events at one time, would be too many.
        assert (floor == NEVER) if left_out is None else len(held) + groups[left_out] > max_events


@given(TIMES, st.integers(1, 5))
def test_floors_do_not_move_back(times: list[int], max_events: int) -> None:
    floors = floors_of(times, list(range(14)), max_events)
    assert floors == sorted(floors)


@given(TIMES, st.lists(st.integers(0, 14), min_size=1, max_size=5).map(sorted), st.integers(1, 5), st.integers(1, 9))
def test_windows_without_a_floor_need_none(times: list[int], cutoffs: list[int], max_events: int, width: int) -> None:
    windows = [sum(cutoff - width <= time < cutoff for time in times) for cutoff in cutoffs]
    assert any_floor(*arrays_of(times, cutoffs), max_events, width) or max(windows) <= max_events


@given(TIMES.filter(bool), st.integers(1, 5), st.integers(1, 9))
def test_windows_that_end_with_an_event_have_a_floor_only_if_one_needs_it(
    times: list[int], max_events: int, width: int
) -> None:
    cutoffs = sorted(time + 1 for time in times)
    windows = [sum(cutoff - width <= time < cutoff for time in times) for cutoff in cutoffs]
    assert any_floor(*arrays_of(times, cutoffs), max_events, width) == (max(windows) > max_events)
