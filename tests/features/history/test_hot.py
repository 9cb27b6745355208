"""The timeline of an entity with many events: equal to the batch runner, to the last bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.hot.timeline import HotTimeline
from fraudsieve.features.history.kernels.recency import NEVER

from .event_rows import DAY, EVENTS, HOUR, SECOND, START, TIMES, VIEWS, as_rows, batch, check


def look(timeline: HotTimeline, cutoff: int, amounts: Array) -> Array:
    out = np.full((2, len(timeline.history.columns)), np.nan)
    timeline.fill(cutoff, amounts, out)
    return np.asarray(out[0])


STEPS = st.lists(
    st.tuples(st.just("add"), EVENTS)
    | st.tuples(st.just("many"), st.lists(EVENTS, max_size=30))
    | st.tuples(st.just("look"), TIMES)
    | st.tuples(st.just("drop"), st.integers(0, 3000))
    | st.tuples(st.just("dump"), st.none()),
    max_size=25,
)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "-".join(view.windows))
@given(STEPS, st.lists(EVENTS, max_size=40), st.integers(2, 6))
def test_a_hot_timeline_equals_batch_to_the_last_bit(view: History, steps: Any, first: Any, page_size: int) -> None:
    rows = as_rows(view, first)
    timeline = HotTimeline(view, rows[np.argsort(rows[:, 0], kind="stable")], page_size=page_size)
    everything, oldest, ends = rows, START - DAY, (NEVER, NEVER)
    keeps_all = "all" in view.windows
    longest = max(width for width in view.widths.tolist() if width < 100 * DAY)
    for step, value in steps:
        if step == "look":
            cutoff = max(value, oldest + longest + HOUR)
            for amounts in (np.empty(0), np.full(2, 7.5)):
                expected = batch(view, everything, cutoff, amounts, ends)
                check(view, look(timeline, cutoff, amounts), expected)
        elif step == "dump":
            timeline = HotTimeline.restore(view, timeline.dump())
        elif step == "drop":
            oldest = max(oldest, START + value * 60 * SECOND)
            is_old = everything[:, 0] < oldest
            assert timeline.drop_before(oldest) == (0 if keeps_all else is_old.sum()) or keeps_all
            if not keeps_all and is_old.any():
                times = everything[is_old, 0].tolist()
                ends = (min(times) if ends[0] == NEVER else min(*times, ends[0])), max(*times, ends[1])
                everything = everything[~is_old]
                assert (timeline.first, timeline.last) == ends
        else:
            late = [(max(event[0], oldest + HOUR), *event[1:]) for event in ([value] if step == "add" else value)]
            new = as_rows(view, late)
            if step == "add":
                timeline.add(new[0].tolist())
            else:
                timeline.add_many(new)
            everything = np.concatenate([everything, new])
    if not keeps_all:
        assert timeline.size == len(everything)
        found = timeline.rows()
        assert (np.diff(found[:, 0]) >= 0).all()
        assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, without_negative_zeros(everything).tolist()))


def without_negative_zeros(rows: Array) -> Array:
    rows = rows.copy()
    rows[:, 1] = (rows[:, 1].copy().view(np.float64) + 0.0).view(np.int64)
    return rows


@pytest.mark.parametrize("page_size", [3, 512])
def test_the_busiest_hour_begins_in_the_window(page_size: int) -> None:
    rng, view = np.random.default_rng(0), History(("10m", "1h", "100m", "all"), measures=("burst",))
    rows = np.zeros((300, 4), np.int64)
    rows[:, 0] = START + np.sort(rng.integers(0, 3000, 300) // 10 * 5) * 60 * SECOND  # busy and quiet hours, and ties
    timeline = HotTimeline(view, rows[::2], page_size=page_size)
    timeline.add_many(rows[1::2])
    for cutoff in rows[::7, 0].tolist() + (rows[::11, 0] + 50 * 60 * SECOND).tolist():
        check(view, look(timeline, cutoff, np.empty(0)), batch(view, rows, cutoff, np.empty(0)))


def test_the_busiest_hour_of_a_page_that_is_split_after_its_busiest_events() -> None:
    """A page adds to all its events at once; what it holds of one that comes after them is then below zero."""
    view, after = VIEWS[0], START + HOUR
    events = [(START, np.nan, 0, 0, 0)] * 12 + [(START, 0.0, 0, 0, 0)] + [(START, np.nan, 0, 0, 0)] * 2
    events += [(after, 0.0, 0, 0, 0), (after, np.nan, 0, 0, 0)]
    timeline = HotTimeline(view, as_rows(view, []), page_size=2)
    for event in events:
        timeline.add(as_rows(view, [event])[0].tolist())
    cutoff = after + 2 * DAY
    check(view, look(timeline, cutoff, np.empty(0)), batch(view, as_rows(view, events), cutoff, np.empty(0)))


def test_identifiers_that_leave_make_room_for_others() -> None:
    """Hundreds of codes collide in their hash table; those that no event uses any more are removed from it."""
    rng, view = np.random.default_rng(0), VIEWS[3]
    rows = np.zeros((3000, 5), np.int64)
    rows[:, 0] = START + np.arange(3000) * SECOND
    rows[:, 3:] = rng.integers(1, 2**60, (400, 2))[rng.integers(0, 400, 3000) // 4 + np.arange(3000) // 10]
    timeline = HotTimeline(view, rows[:500])
    for stop in range(500, 3000, 100):
        oldest = START + (stop - 400) * SECOND
        timeline.drop_before(oldest)
        timeline.add_many(rows[stop : stop + 100])
        held = rows[stop - 400 : stop + 100]
        cutoff = START + (stop + 100) * SECOND
        check(view, look(timeline, cutoff, np.empty(0)), batch(view, held, cutoff, np.empty(0)))
    assert timeline.nbytes < 500_000
