"""Sorting events."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.kernels.sorting import sort_events
from tests.profiles import examples


@pytest.mark.slow
@examples(200)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)), max_size=200))
def test_sorting_is_stable(rows: list[tuple[int, int]]) -> None:
    entities = np.array([entity for entity, _ in rows], np.int32)
    times = np.array([time for _, time in rows], np.int64)
    starts, order, in_order = sort_events(entities, times, 4)
    assert order.tolist() == np.lexsort((times, entities)).tolist()
    assert in_order.tolist() == times[order].tolist()
    assert starts.tolist() == [int((entities < entity).sum()) for entity in range(5)]


@pytest.mark.parametrize("size", [2, 50, 3000])
@pytest.mark.parametrize("span", [1, 200, 70_000, 2**62])
def test_runs_of_every_length_and_span(size: int, span: int) -> None:
    times = np.random.default_rng(size).integers(-span, span, size)
    _, order, _ = sort_events(np.zeros(size, np.int32), times, 1)
    assert order.tolist() == np.argsort(times, kind="stable").tolist()


def test_rows_already_sorted_by_time() -> None:
    rng = np.random.default_rng(0)
    entities, times = rng.integers(0, 5, 1000).astype(np.int32), np.sort(rng.integers(0, 300, 1000))
    starts, order, in_order = sort_events(entities, times, 5)
    assert order.tolist() == np.lexsort((times, entities)).tolist()
    assert in_order.tolist() == times[order].tolist()
    assert starts.tolist() == [int((entities < entity).sum()) for entity in range(6)]


@pytest.mark.parametrize("bursts", [1, 3, 100])
def test_bursts_within_a_long_period(bursts: int) -> None:
    rng = np.random.default_rng(bursts)
    times = rng.integers(0, 2**50, bursts)[rng.integers(0, bursts, 5000)] + rng.integers(0, 300, 5000)
    times[:2] = 0, 2**50
    _, order, _ = sort_events(np.zeros(times.size, np.int32), times, 1)
    assert order.tolist() == np.argsort(times, kind="stable").tolist()


def test_a_long_run_over_the_whole_range_of_times() -> None:
    times = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 5000)
    times[:2] = 2**63 - 1, -(2**63)
    _, order, _ = sort_events(np.zeros(times.size, np.int32), times, 1)
    assert order.tolist() == np.argsort(times, kind="stable").tolist()


def test_a_million_events_of_one_entity_take_less_than_a_second() -> None:
    times = np.random.default_rng(0).integers(0, 10**13, 1_000_000)
    entities = np.zeros(times.size, np.int32)
    sort_events(entities[:100], times[:100], 1)
    start = time.thread_time()
    _, order, _ = sort_events(entities, times, 1)
    assert time.thread_time() - start < 1
    assert (np.diff(times[order]) >= 0).all()
