"""Sorted series in one shared array: equal to sorted lists, while they grow, move and use freed slabs again."""

import numpy as np
import pytest

from fraudsieve.features.history.kernels.slabs import END
from fraudsieve.features.network.kernels.series import (
    Series,
    count_before,
    empty_series,
    grow_series,
    insert,
    item_at,
    move_earlier,
    room_for,
    size_of,
    start_of,
)

KIND = np.int64(0)


def entries(series: Series, node: int) -> list[tuple[int, int]]:
    start = start_of(series, node, KIND)
    return [(int(series.times[k]), item_at(series, k)) for k in range(start, start + size_of(series, node, KIND))]


def add(series: Series, node: int, time: int, item: int) -> Series:
    room = room_for(size_of(series, node, KIND), 1)
    if series.heads[END] + room > len(series.times):
        series = grow_series(series, len(series.spans), room)
    insert(series, node, KIND, count_before(series, node, KIND, time), time, item)
    return series


@pytest.mark.slow
def test_series_equal_sorted_lists() -> None:
    rng, series = np.random.default_rng(0), empty_series(5, 1, 0, np.int32)
    expected: list[list[tuple[int, int]]] = [[] for _ in range(5)]
    for item in range(1000):
        node, time = int(rng.integers(5)) if item % 3 else 0, int(rng.integers(50))
        series = add(series, node, time, item)
        expected[node].append((time, item))
        if item % 5 == 0:
            old, moved = expected[node].pop(int(rng.integers(len(expected[node]))))
            earlier = old - int(rng.integers(1, 9))
            move_earlier(series, node, KIND, old, moved, earlier)
            expected[node].append((earlier, moved))
    for node, rows in enumerate(expected):
        assert sorted(entries(series, node)) == sorted(rows)
        times = [time for time, _ in entries(series, node)]
        assert times == sorted(times)
        for time in (-9, 0, 20, 60):
            assert count_before(series, node, KIND, time) == sum(one < time for one, _ in rows)


@pytest.mark.slow
def test_a_larger_series_leaves_its_slab_to_another() -> None:
    series = empty_series(3, 1, 0, np.int32)
    for item in range(9):
        series = add(series, 0, item, item)
    used = int(series.heads[END])
    for node, size in ((1, 8), (2, 4)):
        for item in range(size):
            series = add(series, node, item, item)
    assert int(series.heads[END]) == used  # slabs of 1 to 8 entries were free
    assert [len(entries(series, node)) for node in range(3)] == [9, 8, 4]


def test_no_series_outgrows_the_room_it_was_given() -> None:
    for size in range(40):
        for n in range(5):
            series = empty_series(1, 1, 200, np.int32)
            for item in range(size):
                series = add(series, 0, item, item)
            used = int(series.heads[END])
            for item in range(n):
                insert(series, 0, KIND, size + item, 99, item)
            assert int(series.heads[END]) - used <= room_for(size, n)
