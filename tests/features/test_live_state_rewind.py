"""A live state taken back in time equals one that never knew the later events."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.declaration import History
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.network.declaration import Network
from tests.messages import refused

from .live_records import START, VIEWS, Records, at, stream

NETWORK = Network("counterparty_id", ("device_id",))
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "account_id": st.sampled_from(["ann", "bob"]),
            "counterparty_id": st.sampled_from(["x", "y", "ann"]),
            "occurred_at": st.integers(0, 50).map(at),
            "amount": st.integers(1, 9),
            "has_id": st.booleans(),
            "is_label": st.integers(0, 5).map(lambda number: number == 0),
        }
    ),
    max_size=30,
)


def add(state: HistoryState, events: Records) -> None:
    for event in events:
        record: dict[str, Any] = event | ({"event_id": f"e{event['number']}"} if event["has_id"] else {})
        if event["is_label"]:
            label = {"labelled_at": event["occurred_at"], "is_fraud": event["number"] % 2 == 0}
            assert state.update(labels=record | label, account_labels=record | label) == ()
        else:
            assert state.update(record) == ()


def content(state: HistoryState) -> Any:
    parts = []
    for view in state.views:
        for pool in (view.events, view.labels):
            dumped = pool.dump()
            stops = np.cumsum(dumped["ends"][:, 0])
            rows = [
                sorted(dumped["rows"][stop - n : stop].tolist())
                for n, stop in zip(dumped["ends"][:, 0], stops, strict=True)
            ]
            parts.append(sorted(zip(dumped["keys"].tolist(), dumped["ends"].tolist(), rows, strict=True)))
    seen = state.seen.dump()
    network = {name: sorted(array.tolist()) for name, array in state.network.dump().items()} if state.network else None
    return (
        state.watermark,
        state.n_events,
        parts,
        network,
        sorted(zip(seen["ids"].tolist(), seen["marks"][:, 1], strict=True)),
    )


@given(EVENTS, st.integers(-1, 51), st.sampled_from([1, 4, 4096]))
def test_a_state_taken_back_equals_one_without_the_later_events(events: Records, minute: int, max_events: int) -> None:
    events = [event | {"number": number, "has_id": True} for number, event in enumerate(events)]
    views = [replace(view, max_events=max_events) for view in VIEWS]
    state, expected = (HistoryState(views, network=NETWORK, lateness="2d") for _ in range(2))
    add(state, events)
    n_before = state.n_events
    n_dropped = state.rewind(at(minute))
    add(expected, [event for event in events if event["occurred_at"] <= at(minute)])
    assert n_dropped == n_before - state.n_events
    assert content(state) == content(expected)
    for one in (state, expected):  # ids of later events are forgotten, the others are not
        add(one, events)
    assert content(state) == content(expected)
    subjects = [{"account_id": "ann", "counterparty_id": "x", "as_of": at(minutes)} for minutes in (20, 60)]
    np.testing.assert_array_equal(state.features(subjects), expected.features(subjects))


def test_a_clock_that_was_ahead_does_not_lock_out_true_events() -> None:
    state = HistoryState(History(("1h",), measures=("count",)), lateness="10m")
    event = {"account_id": "ann", "occurred_at": at(0), "event_id": "e0"}
    state.update(event)
    state.update(event | {"event_id": "e1", "occurred_at": at(55)}, now=at(0))
    true_event = event | {"event_id": "e1", "occurred_at": at(1)}
    assert state.update(event | {"event_id": "e2", "occurred_at": at(2)})[0].reason.endswith("got an older one")
    assert state.update(true_event) == ()  # taken for the same delivery
    assert state.rewind(at(5)) == 1
    assert state.watermark == at(0).timestamp() * 1e6
    assert state.update(true_event) == ()
    assert state.features({"account_id": "ann", "as_of": at(3)}).tolist() == [[2]]


def test_a_time_after_the_newest_event_changes_nothing() -> None:
    state = HistoryState(VIEWS)
    state.update(stream(50, days=1))
    before = content(state)
    assert state.rewind(START + timedelta(days=9)) == 0
    assert content(state) == before


def test_a_time_whose_windows_were_dropped_is_an_error() -> None:
    state = HistoryState(History(("1h",), measures=("count",)), lateness="10m")
    for event in stream(2000, days=2):
        state.update(event)
    before = content(state)
    for minutes in (0, 1440, 2 * 1440 - 100):
        with refused(ValueError):
            state.rewind(at(minutes))
    assert content(state) == before
    assert state.rewind(at(2 * 1440 - 5)) > 0
