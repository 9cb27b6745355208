"""Running counts: equal to sums over the changes, in any order of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.network.kernels.nodes import HALF, add_change, frauds_of, known_of, total_before
from fraudsieve.features.network.kernels.series import empty_series, size_of

KIND = np.int64(0)
CHANGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 3)), max_size=40)


@pytest.mark.slow
@given(CHANGES)
def test_totals_equal_sums_of_the_changes(changes: list[tuple[int, int, int]]) -> None:
    steps = empty_series(1, 1, 400, np.int64)
    for time, known, frauds in changes:
        add_change(steps, 0, KIND, time, (known << HALF) + frauds)
    for cutoff in range(11):
        total = total_before(steps, 0, KIND, cutoff)
        past = [change for change in changes if change[0] < cutoff]
        assert known_of(total) == sum(known for _, known, _ in past)
        assert frauds_of(total) == sum(frauds for _, _, frauds in past)


@pytest.mark.slow
def test_changes_of_one_time_share_an_entry_and_may_undo_each_other() -> None:
    steps = empty_series(1, 1, 100, np.int64)
    for change in (1 << HALF, 1, 1 << HALF, -1):
        add_change(steps, 0, KIND, 5, change)
    add_change(steps, 0, KIND, 7, 0)
    assert size_of(steps, 0, KIND) == 1
    assert total_before(steps, 0, KIND, 6) == 2 << HALF
