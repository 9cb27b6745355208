"""The live state: equal to the batch runner, bounded in memory, and strict about its records."""

import math
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from statistics import pvariance
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.declaration import FAMILIES, LABEL_MEASURES, History
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.network.declaration import Network
from fraudsieve.tables.cells import STRING
from tests.messages import refused

from .live_records import (
    VIEWS,
    Records,
    at,
    stream,
    timed,
)

MINUTES = st.integers(0, 90) | st.integers(0, 6 * 24 * 60)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "account_id": st.sampled_from(["ann", "bob", "中文"]),
            "occurred_at": MINUTES,
            "amount": st.none() | st.integers(-10_000, 100_000_000).map(lambda cents: cents / 100),
            "counterparty_id": st.none() | st.sampled_from(["x", "y", "ann"]),
            "kind": st.sampled_from(["pay", "other"]),
            "device_id": st.none() | st.sampled_from(["phone", "tablet"]),
        }
    ),
    max_size=40,
)
LABELS = st.lists(
    st.fixed_dictionaries(
        {"counterparty_id": st.sampled_from(["x", "y"]), "labelled_at": MINUTES, "is_fraud": st.booleans()}
    ),
    max_size=8,
)


def batch(events: Records, labels: Records, subjects: Records, views: Sequence[History] = VIEWS) -> Any:
    columns = ["account_id", "occurred_at", "amount", "counterparty_id", "kind", "device_id"]
    frames = []
    for records, names in ((events, columns), (labels, ["counterparty_id", "labelled_at", "is_fraud"])):
        frame = pd.DataFrame(records, columns=names)
        for name in names:
            if name.endswith("_at"):
                frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
            elif name == "amount":
                frame[name] = frame[name].astype(float)
            elif name == "is_fraud":
                frame[name] = frame[name].astype(bool)
            else:
                frame[name] = frame[name].astype(STRING)
        frames.append(frame)
    subject_table = pd.DataFrame(subjects)
    return history_features(frames[0], subject_table, views, labels=frames[1])


@pytest.fixture(scope="module", params=[2, 7, 4096])
def max_events(request: Any) -> int:
    """Lower the maximum number of events of a window."""
    return int(request.param)


@pytest.mark.slow
@given(EVENTS, LABELS, st.integers(0, 7 * 24 * 60), st.randoms(use_true_random=False))
def test_live_equals_batch(max_events: int, events: Records, labels: Records, now: int, random: Any) -> None:
    """Events arrive up to two days late; features are computed in between and at the end."""
    views = [replace(view, max_events=max_events) for view in VIEWS]
    state = HistoryState(views, lateness="2d")
    arrivals = [(event["occurred_at"] + random.choice([0, 0, random.randint(0, 2879)]), 0, event) for event in events]
    arrivals += [(label["labelled_at"] + random.choice([0, random.randint(0, 2879)]), 1, label) for label in labels]
    arrivals.sort(key=lambda arrival: arrival[0])
    for _, is_label, record in arrivals:
        field = "labelled_at" if is_label else "occurred_at"
        given_now = timed([record], field)[0]
        assert state.update(*(((), given_now) if is_label else (given_now, ()))) == ()
    minutes_of_cutoffs = [now, max([event["occurred_at"] for event in events], default=0)]
    subjects = [
        {"account_id": account, "counterparty_id": other, "as_of": at(minutes), "amount": amount}
        for account, other in (("ann", "x"), ("bob", "y"), ("nobody", "ann"))
        for minutes in minutes_of_cutoffs
        for amount in (7.5,)
        if state.watermark < 0 or at(minutes).timestamp() * 1e6 >= state.horizon
    ]
    if subjects:
        expected = batch(timed(events, "occurred_at"), timed(labels, "labelled_at"), subjects, views)
        np.testing.assert_array_equal(state.features(subjects), expected)
        without = [{name: value for name, value in subject.items() if name != "amount"} for subject in subjects]
        expected = batch(timed(events, "occurred_at"), timed(labels, "labelled_at"), without, views)
        np.testing.assert_array_equal(state.features(without), expected)


@pytest.mark.slow
def test_many_cutoff_times_equal_batch_to_the_last_bit(max_events: int) -> None:
    """A batch moves its windows event by event, a live state computes one window; events arrive in another order."""
    rng = np.random.default_rng(1)
    events = [event | {"amount": round(float(rng.lognormal(3, 2)), 2)} for event in stream(3000, days=30)]
    measures = tuple(name for name in FAMILIES if name not in LABEL_MEASURES)
    view = History(("1h", "1d", "7d"), measures=measures, max_events=max_events)
    state = HistoryState(view, lateness="60d")
    for place in rng.permutation(len(events)):
        assert state.update(events[place]) == ()
    subjects = [{"account_id": event["account_id"], "as_of": event["occurred_at"]} for event in events]
    expected = history_features(pd.DataFrame(events), pd.DataFrame(subjects), view)
    np.testing.assert_array_equal(state.features(subjects), expected)


def test_standard_deviations_equal_exact_arithmetic() -> None:
    """The first amount is much larger than the others and leaves the window later; then all amounts are equal."""
    rng = np.random.default_rng(2)
    events = stream(400, days=4)
    for place, event in enumerate(events):
        event["amount"] = 12.34 if place > 300 else 1e14 if place % 50 == 0 else round(float(rng.lognormal(1, 1)), 2)
    view = History(("1h", "6h"), measures=("std",))
    subjects = [{"account_id": event["account_id"], "as_of": event["occurred_at"]} for event in events]
    found = history_features(pd.DataFrame(events), pd.DataFrame(subjects), view)
    for row, subject in zip(found, subjects, strict=True):
        for std, hours in zip(row, (1, 6), strict=True):
            amounts = [
                Fraction(event["amount"])
                for event in events
                if event["account_id"] == subject["account_id"]
                and subject["as_of"] - timedelta(hours=hours) <= event["occurred_at"] < subject["as_of"]
            ]
            expected = math.sqrt(pvariance(amounts)) if amounts else math.nan
            np.testing.assert_allclose(std, expected, rtol=4e-16)


def nbytes_of(state: HistoryState) -> int:
    """Return the size of all arrays that the timelines of a state consist of."""
    pools = [pool for view in state.views for pool in (view.events, view.labels)]
    owners = [owner for pool in pools for owner in (pool, pool.entities)]
    return sum(array.nbytes for owner in owners for array in vars(owner).values() if isinstance(array, np.ndarray))


@pytest.mark.slow
def test_old_events_are_dropped_and_features_stay_the_same() -> None:
    history = History(("1h", "1d"))
    events = stream(6000, days=120)
    state = HistoryState(history, lateness="1h")
    max_events = 0
    for place, event in enumerate(events):
        state.update(event)
        max_events = max(max_events, state.n_events)
        assert place % 100 or state.nbytes == nbytes_of(state)
        if place % 500 == 499:
            subject = {"account_id": "account-1", "as_of": event["occurred_at"] + timedelta(minutes=3)}
            frame = pd.DataFrame(events[: place + 1])
            expected = history_features(frame, pd.DataFrame([subject]), history)
            np.testing.assert_array_equal(state.features(subject), expected)
    assert max_events < 6000 / 120 * (25 / 24 + 1 / 24) * 2 + 5 * 20
    assert state.n_entities == 5


def test_a_burst_does_not_count_events_before_the_window() -> None:
    history = History(("1h", "30m"), measures=("burst",))
    state = HistoryState(history, lateness="1m")
    events = [{"account_id": "ann", "occurred_at": at(minutes), "kind": "pay"} for minutes in (*range(40), 98)]
    for event in events:
        state.update(event)
    subject = {"account_id": "ann", "as_of": at(98.5)}
    expected = history_features(pd.DataFrame(events), pd.DataFrame([subject]), history)
    # Forty events are within an hour, but only that of minute 39 is in the window too.
    assert state.features(subject).tolist() == expected.tolist() == [[2.0, 1.0]]


def test_old_events_of_inactive_entities_are_dropped() -> None:
    state = HistoryState(History(("1h",)), lateness="1h")
    for place in range(50):
        state.update({"account_id": f"a{place}", "occurred_at": at(place / 10), "kind": "pay"})
    for place in range(60):
        state.update({"account_id": "later", "occurred_at": at(10_000 + place / 10), "kind": "pay"})
    assert state.n_events <= 61
    since_last, since_first = state.features({"account_id": "a0", "as_of": at(10_010)})[0, -2:]
    assert since_last == since_first == 10_010 * 60


def test_a_repeated_event_counts_once() -> None:
    state = HistoryState(History(("1h",), measures=("count",)))
    event = stream(1)[0]
    subject = {"account_id": event["account_id"], "as_of": event["occurred_at"] + timedelta(minutes=1)}
    later = event | {"occurred_at": event["occurred_at"] + timedelta(seconds=1)}
    none = event | {"event_id": None}
    for record in (event, event, later, event | {"account_id": "ann"}, event | {"event_id": "other"}, none, none):
        assert state.update(record) == ()
    assert state.features(subject).tolist() == [[4]]
    assert len(state.seen) == 2


def test_a_repeated_event_that_is_late_is_not_rejected() -> None:
    state = HistoryState(History(("1d",), measures=("count",)), lateness="1h")
    event = {"event_id": 1, "account_id": "ann", "occurred_at": at(0), "kind": "pay"}
    state.update([event, event | {"event_id": 2, "occurred_at": at(300)}])
    assert state.update([event, event | {"event_id": 3}])[0].position == 1


@pytest.mark.slow
def test_many_events_of_one_time_are_added_fast() -> None:
    event = {"account_id": "ann", "occurred_at": at(0), "kind": "pay"}
    state = HistoryState(History(("1h",), measures=("count",), max_events=16_000))
    prepared, _ = state.prepare([event | {"event_id": number} for number in range(16_000)])
    began = time.process_time()
    state.apply(prepared)
    assert time.process_time() - began < 5  # 0.1 s; it took 46 s
    assert state.features({"account_id": "ann", "as_of": at(1)}).tolist() == [[16_000]]


def test_history_does_not_depend_on_when_old_events_are_dropped() -> None:
    state = HistoryState(History(("1h",), entity="card_id", measures=("count",)), lateness="1m")
    cards = [{"card_id": f"c{place}", "account_id": "ann", "kind": "pay", "occurred_at": at(0)} for place in range(20)]
    state.update(cards)
    state.update(cards[-1] | {"occurred_at": at(600)})
    assert 1 < state.n_entities < 20  # some are not dropped yet
    assert state.nbytes == nbytes_of(state)
    _, known, _ = state.rows_of([card | {"as_of": at(601)} for card in cards])
    assert known.tolist() == [False] * 19 + [True]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"account_id": None}, "account_id: expected a string or a whole number, the field is missing"),
        ({"account_id": " "}, "account_id: expected a string or a whole number, the field is missing"),
        ({"account_id": 1.5}, "account_id: expected a string or a whole number, got float"),
        ({"account_id": pd.NA}, "account_id: expected a string or a whole number, the field is missing"),
        ({"account_id": np.zeros(2)}, "account_id: expected a string or a whole number, got list"),
        ({"account_id": 10**5000}, "account_id: expected a string or a whole number of 128 bits, got a larger one"),
        ({"kind": ["secret"]}, "kind: expected a string, a number or a boolean, got list"),
        ({"occurred_at": pd.NA}, "occurred_at: expected a time, the field is missing"),
        ({"occurred_at": None}, "occurred_at: expected a time, the field is missing"),
        ({"occurred_at": pd.NaT}, "occurred_at: expected a time, the field is missing"),
        ({"occurred_at": 17}, "occurred_at: expected a time such as 2026-05-01T10:00:00Z, got another number"),
        ({"occurred_at": "soon"}, "occurred_at: expected a time such as"),
        ({"occurred_at": datetime(2099, 1, 1)}, "occurred_at: expected a time that is not in the future"),
        ({"occurred_at": datetime(2999, 1, 1)}, "occurred_at: expected a time in the years 1970 to 2100, got another"),
        ({"occurred_at": at(-2 * 1440)}, "occurred_at: expected a time within the declared lateness, got an older"),
        ({"amount": "secret"}, "amount: expected a number, got other text"),
        ({"amount": float("inf")}, "amount: expected a number up to 1e+15, got a larger or an infinite one"),
        ({"amount": True}, "amount: expected a number, got bool"),
        ({"counterparty_id": ["secret"]}, "counterparty_id: expected a string or a whole number, got list"),
    ],
)
def test_a_bad_event_is_rejected_and_changes_nothing(change: dict[str, Any], reason: str) -> None:
    state = HistoryState(VIEWS[:2], lateness="1d")
    good = {"account_id": "ann", "occurred_at": at(0), "kind": "pay", "amount": 3.0, "counterparty_id": "x"}
    state.update(good)
    subjects = [{"account_id": "ann", "counterparty_id": "x", "as_of": at(5)}]
    before = state.features(subjects)
    refused = state.update([good | change])
    assert [(item.position, item.reason.startswith(reason)) for item in refused] == [(0, True)], refused
    np.testing.assert_array_equal(state.features(subjects), before)


def test_lateness_includes_its_limit() -> None:
    state = HistoryState(History(("1h",), measures=("count",)), lateness="1h")
    state.update({"account_id": "ann", "occurred_at": at(60), "kind": "pay"})
    edge = {"account_id": "ann", "occurred_at": at(0), "kind": "pay"}
    assert state.update(edge) == ()
    assert len(state.update(edge | {"occurred_at": at(0) - timedelta(microseconds=1)})) == 1
    assert state.features([{"account_id": "ann", "as_of": at(minutes)} for minutes in (0, 1)]).tolist() == [[0], [1]]


def test_bad_labels_and_bad_arguments_are_errors() -> None:
    state = HistoryState(VIEWS[1])
    label = {"counterparty_id": "x", "labelled_at": at(0), "is_fraud": True}
    nobody = {"event_id": "e", "labelled_at": at(0), "is_fraud": True}
    assert state.update(labels=[label, label | {"is_fraud": "yes"}, label | {"labelled_at": None}, nobody]) == (
        (1, "is_fraud: expected True or False, got another value"),
        (2, "labelled_at: expected a time, the field is missing"),
        (3, "counterparty_id: expected the labelled entity, all fields are missing"),
    )
    with pytest.raises(TypeError, match="Expected a dict or a list of dicts, got str"):
        state.update("event")
    assert state.features({"counterparty_id": "x", "as_of": at(-2 * 1440)}).shape[0] == 1  # labels move no clock
    state.update(label | {"occurred_at": at(0), "account_id": "a"})
    with refused(ValueError, "as_of"):
        state.features({"counterparty_id": "x", "as_of": at(-2 * 1440)})
    with refused(ValueError, "as_of"):
        state.features({"counterparty_id": "x"})


def test_forms_of_ids_and_times() -> None:
    history = History(("1h",), measures=("count", "distinct"))
    forms = [
        (7, at(0)), ("7", "2024-05-03T20:00:00"), (" 7 ", "2024-05-04 04:00:00+08:00"),
        (np.int64(7), np.datetime64("2024-05-03T20:00")), ("7", pd.Timestamp("2024-05-03 20:00")),
        ("7", at(0).astimezone(timezone(timedelta(hours=-5)))),
    ]  # fmt: skip
    state = HistoryState(history)
    events = [{"account_id": i, "occurred_at": time, "kind": "pay", "counterparty_id": i} for i, time in forms]
    assert state.update(events) == ()
    assert state.features({"account_id": "7", "as_of": at(1)}).tolist() == [[len(forms), 1]]
    assert state.features({"account_id": "7", "as_of": at(0)}).tolist() == [[0, 0]]


def test_a_subject_has_history_after_its_first_event() -> None:
    state = HistoryState(History(("1h",), measures=("count",)))
    state.update({"account_id": "ann", "occurred_at": at(0), "kind": "pay"})
    queries = [("ann", 0), ("ann", 1), ("bob", 1), (None, 1)]
    _, known, _ = state.rows_of([{"account_id": account, "as_of": at(minute)} for account, minute in queries])
    assert known.tolist() == [False, True, False, False]


def test_features_without_history_are_the_same_at_every_cutoff_time() -> None:
    state = HistoryState(VIEWS)
    stranger = {"account_id": "zoe", "counterparty_id": "z", "device_id": None}
    subjects = [stranger | {"as_of": at(minutes)} for minutes in (10, 700, 800)]
    for records in (subjects, [subject | {"amount": 5.0} for subject in subjects], subjects[::-1]):
        expected = [HistoryState(VIEWS).features(subject)[0] for subject in records]
        np.testing.assert_array_equal(state.features(records), expected)
    events = timed([{**stranger, "occurred_at": 5, "amount": 3.0, "kind": "pay"}], "occurred_at")
    state.update(events)
    np.testing.assert_allclose(state.features(subjects), batch(events, [], subjects), rtol=1e-9, atol=1e-9)


def test_a_rejected_event_adds_no_links() -> None:
    state = HistoryState(
        History(("1h",), measures=("count",)), network=Network("", ("card_id", "device_id"), labels=False)
    )
    event = {"account_id": "ann", "occurred_at": at(0), "card_id": "c", "device_id": "d", "kind": "pay"}
    assert state.update([event, event | {"account_id": "bob", "device_id": 1.5}])[0].position == 1
    columns = dict(zip(state.columns, state.features({"account_id": "ann", "as_of": at(1)})[0], strict=True))
    assert columns["network__sharing_card_id"] == 0


def test_a_missing_amount_does_not_affect_other_subjects() -> None:
    state = HistoryState(History(("1h",), measures=("mean", "to_mean")))
    state.update({"account_id": "ann", "occurred_at": at(0), "amount": 4, "kind": "pay"})
    subject = {"account_id": "ann", "as_of": at(1)}
    none, given, last = state.features([subject | {"amount": None}, subject | {"amount": 2}, subject])[:, 1]
    assert np.isnan(none)
    assert (given, last) == (0.5, 1.0)
    assert state.features(subject)[0, 1] == 1.0


def test_the_live_state_needs_neither_pandas_nor_pyarrow() -> None:
    code = (
        "import sys, fraudsieve.features.live_state\n"
        "assert not {'pandas', 'pyarrow', 'sklearn'} & set(sys.modules), 'too much is imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_views_that_are_computed_say_whether_a_subject_has_history() -> None:
    views = [History(("1h",), measures=("count",)), History(("1h",), entity="device_id", name="d", measures=("count",))]
    state = HistoryState(views)
    state.update({"account_id": "ann", "device_id": "x", "occurred_at": at(0), "kind": "pay"})
    subject = {"account_id": "bob", "device_id": "x", "as_of": at(1)}
    asked = [None, views[:1], views[1:]]
    assert [state.rows_of([subject], histories)[1].tolist() for histories in asked] == [[False], [False], [True]]


def test_subjects_at_once_equal_each_one_alone() -> None:
    rng, events = np.random.default_rng(4), stream(400)
    views = [*VIEWS, History(name="used", entity="device_id", measures=("count", "is_new", "since_first"))]
    state = HistoryState(views, network=Network(), lateness="40d")
    now, names = events[-1]["occurred_at"], ("account_id", "counterparty_id", "device_id", "amount")
    labels = [
        {"counterparty_id": f"c{i}", "labelled_at": now - timedelta(hours=i), "is_fraud": i < 3} for i in range(9)
    ]
    assert state.update(events, labels) == ()
    subjects = [
        {name: event.get(name) for name in names if rng.random() < 0.8} | {"as_of": event["occurred_at"]}
        for event in events[::3]
    ]
    too_old, no_id = {"account_id": "ann", "as_of": at(-(10**6))}, {"account_id": ["ann"], "as_of": now}
    rows, has_history, why = state.rows_of([too_old, *subjects, no_id])
    assert [reason is None for reason in why] == [False] + [True] * len(subjects) + [False]
    assert np.isnan(rows[[0, -1]]).all()
    assert {"amount" in subject for subject in subjects} == {True, False}
    for row, is_known, subject in zip(rows[1:-1], has_history[1:-1], subjects, strict=True):
        alone, is_known_alone, _ = state.rows_of([subject])
        np.testing.assert_array_equal(row, alone[0])
        assert is_known == is_known_alone[0]
    with pytest.raises(RejectedRecordError, match=r"^as_of: "):
        state.features([*subjects, too_old, no_id])
