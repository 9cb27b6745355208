"""Events at one time: their order does not change a bit of any measure."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.declaration import LABEL_MEASURES, History
from fraudsieve.features.history.timeline import CutoffTimes, EncodedEvents, fill_labels

from .event_rows import AMOUNTS, DAY, HOUR, SECOND, START, VIEWS, as_rows, batch, check

FEW_TIMES = st.sampled_from([START, START + SECOND, START + HOUR, START + DAY])
TIED = st.lists(st.tuples(FEW_TIMES, AMOUNTS, st.integers(-1, 1), st.integers(0, 3), st.integers(0, 3)), max_size=25)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "-".join(view.windows))
@given(TIED, st.randoms(use_true_random=False))
def test_the_order_of_events_at_one_time_does_not_matter(view: History, events: Any, random: Any) -> None:
    rows = as_rows(view, events)
    shuffled = rows[random.sample(range(len(rows)), len(rows))]
    for cutoff in (START + 1, START + 30 * SECOND, START + DAY, START + DAY + 1):
        for amounts in (np.empty(0), np.full(2, 7.5)):
            check(view, batch(view, shuffled, cutoff, amounts), batch(view, rows, cutoff, amounts))


def test_a_zero_has_no_sign() -> None:
    view = VIEWS[0]
    rows = as_rows(view, [(START, amount, 0, 1, 1) for amount in (0.0, -0.0)])
    found = batch(view, rows, START + 1, np.empty(0))
    check(view, batch(view, rows[::-1], START + 1, np.empty(0)), found)
    assert not (np.signbit(found) & (found == 0)).any()


@given(st.lists(st.tuples(FEW_TIMES, st.booleans()), max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_labels_at_one_time_does_not_matter(labels: Any, random: Any) -> None:
    view = History(("1h", "1m"), measures=LABEL_MEASURES)
    found = []
    for order in (labels, random.sample(labels, len(labels))):
        in_time = sorted(order, key=lambda label: label[0])
        times, frauds = (np.array([label[i] for label in in_time], dtype) for i, dtype in enumerate((np.int64, float)))
        out = np.full((2, len(view.columns)), np.nan)
        cutoffs = CutoffTimes(np.array([0, 2]), np.array([START + 1, START + DAY]), np.arange(2, dtype=np.int32))
        fill_labels(view, EncodedEvents(np.array([0, len(times)]), times, frauds), cutoffs, out)
        found.append(out)
    np.testing.assert_array_equal(found[0], found[1])
