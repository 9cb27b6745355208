"""Slabs: no two lists share a row, and what is left is taken again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.kernels.slabs import (
    END,
    NO_SLAB,
    SIZES,
    allocate_slab,
    empty_heads,
    free_slab,
    size_class,
)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=80))
def test_slabs_in_use_do_not_overlap(changes: list[tuple[bool, int]]) -> None:
    heads, links = empty_heads(), np.full(400, -9)
    held: list[tuple[int, int]] = []
    for is_leaving, n in changes:
        if is_leaving and held:
            start, kind = held.pop(n % len(held))
            free_slab(heads, links, start, kind)
            continue
        kind = size_class(n)
        start = allocate_slab(heads, links, kind)
        if start == NO_SLAB:
            assert heads[kind] == NO_SLAB
            assert heads[END] + SIZES[kind] > len(links)
        else:
            held.append((start, kind))
    rows = [row for start, kind in held for row in range(start, start + SIZES[kind])]
    assert len(rows) == len(set(rows))
    assert max(rows, default=-1) < heads[END] <= len(links)


def test_a_slab_that_was_left_is_taken_again() -> None:
    heads, links = empty_heads(), np.zeros(100, np.int64)
    starts = [allocate_slab(heads, links, 2) for _ in range(3)]
    for start in starts:
        free_slab(heads, links, start, 2)
    assert [allocate_slab(heads, links, 2) for _ in range(3)] == starts[::-1]
    assert heads[END] == 9


def test_classes_are_the_smallest_that_hold_the_rows() -> None:
    assert SIZES[:8].tolist() == [1, 2, 3, 4, 6, 8, 12, 16]
    for n in range(1, 200):
        kind = size_class(n)
        assert SIZES[kind] >= n
        assert kind == 0 or SIZES[kind - 1] < n
