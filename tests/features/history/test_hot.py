"""The timeline of an entity with many events: equal to the batch runner, to the last bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.encoded import NO_CODES, CutoffTimes, EncodedEvents, fill_history
from fraudsieve.features.history.hot.timeline import HotTimeline
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import LATEST_MEASURES, MEASURES

SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
MEASURED = (*MEASURES, *LATEST_MEASURES, "span")
VIEWS = [
    History(
        ("1h", "1m", "2d"),
        kinds=("pay", "never"),
        by_kind=MEASURES[:-1],
        identifiers=("device_id",),
        measures=MEASURED,
        night=(22, 6),
    ),
    History(("all", "1d"), kinds=("pay",), by_kind=("count", "new", "gap_std", "burst"), measures=MEASURED),
    History(("1d",), measures=("count",)),
    History(("1h", "30d"), measures=("count", "distinct", "span"), identifiers=("recipient_id",)),
]
START = 1_714_766_400 * SECOND  # a Friday, 20:00
MINUTES = st.sampled_from([0, 1, 2, 30, 59, 60, 61]) | st.integers(0, 4 * 24 * 60)
TIMES = st.tuples(MINUTES, st.sampled_from([0, 0, 1, SECOND])).map(
    lambda parts: START + parts[0] * 60 * SECOND + parts[1]
)
AMOUNTS = st.sampled_from([np.nan, 0.0, -0.0, 5.0, 1e15, 0.1, 1e-9]) | st.integers(-400, 10**7).map(lambda n: n / 100)
EVENTS = st.tuples(TIMES, AMOUNTS, st.integers(-1, 1), st.integers(0, 3), st.integers(0, 3))


def as_rows(view: History, events: Any) -> Array:
    rows = np.zeros((len(events), 4 + len(view.identifiers)), np.int64)
    for row, (time, amount, kind, *ids) in zip(rows, events, strict=True):
        row[:3] = time, np.float64(amount).view(np.int64), min(kind, len(view.kinds) - 1)
        row[3:] = ids[: len(row) - 3]
    return rows


def batch(view: History, rows: Array, cutoff: int, amounts: Array, ends: tuple[int, int] = (NEVER, NEVER)) -> Array:
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    coded = {
        name: code_numbers(rows[:, 3 + position].copy().view(np.uint64), rows[:, 3 + position] != 0)
        for position, name in enumerate((view.counterparty, *view.identifiers))
    }
    events = EncodedEvents(
        np.array([0, len(rows)]),
        rows[:, 0].copy(),
        rows[:, 1].copy().view(np.float64),
        {name: codes for name, (codes, _) in coded.items()},
        {name: n_codes for name, (_, n_codes) in coded.items()},
        rows[:, 2].astype(np.int32) if view.kinds else NO_CODES,
        *(np.array([end]) for end in ends),
    )
    out = np.full((2, len(view.columns)), np.nan)
    cutoffs = CutoffTimes(np.array([0, 1]), np.array([cutoff]), np.zeros(1, np.int32), amounts)
    fill_history(view, events, cutoffs, out)
    return out[0]


def look(timeline: HotTimeline, cutoff: int, amounts: Array) -> Array:
    out = np.full((2, len(timeline.history.columns)), np.nan)
    timeline.fill(cutoff, amounts, out)
    return out[0]


def check(view: History, found: Array, expected: Array) -> None:
    wrong = [
        (name, one, other)
        for name, one, other in zip(view.columns, found.tolist(), expected.tolist(), strict=True)
        if np.float64(one).tobytes() != np.float64(other).tobytes() and not (one != one and other != other)
    ]
    assert wrong == []


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
        np.testing.assert_array_equal(timeline.rows()[:, 0], np.sort(everything[:, 0]))
        sorted_rows = [sorted(map(tuple, (table + 0).tolist())) for table in (timeline.rows(), everything)]
        assert len(sorted_rows[0]) == len(sorted_rows[1])
