"""Kinds of events: numbers are kinds too, and events that do not say their kind are of one kind."""

import pandas as pd

from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.live_state import HistoryState
from fraudsieve.tables.reader import read_table
from tests.messages import refused

from .live_records import at


def test_kinds_that_are_numbers() -> None:
    history = History(("1h",), kinds=("1",), by_kind=("count",), measures=("count",))
    event = {"account_id": "ann", "occurred_at": at(0)}
    state = HistoryState(history)
    assert state.update([event | {"kind": kind} for kind in (1, " 1 ", "1", 2, None, pd.NA, float("nan"))]) == ()
    subject = {"account_id": "ann", "as_of": at(1)}
    frame = pd.DataFrame([event | {"kind": kind} for kind in (1, 1, 1, 2, None, None, None)])
    assert frame["kind"].dtype == float
    assert state.features(subject).tolist() == history_features(frame, pd.DataFrame([subject]), history).tolist()
    with refused(TypeError, "kind"):
        history_features(
            frame.assign(kind=pd.Series([[1]] * len(frame), dtype=object)), pd.DataFrame([subject]), history
        )


def test_events_that_do_not_say_their_kind_are_of_one_kind() -> None:
    history = History(("1h",), kinds=("event", "pay"), by_kind=("count",), measures=("count",))
    event, subject = {"account_id": "ann", "occurred_at": at(0)}, {"account_id": "ann", "as_of": at(1)}
    records = [event, *(event | {"kind": kind} for kind in (None, " ", "event", "pay", "other"))]
    one_by_one, by_column = HistoryState(history), HistoryState(history)
    assert one_by_one.update(records) == by_column.update(pd.DataFrame(records)) == ()
    good = read_table(pd.DataFrame(records), "events").good
    for features in (
        one_by_one.features(subject),
        by_column.features(subject),
        history_features(good, pd.DataFrame([subject]), history),
    ):
        assert dict(zip(history.columns, features[0], strict=True)) == {
            "volume__count_1h": 6,
            "volume__count_1h_event": 4,
            "volume__count_1h_pay": 1,
        }
    unnamed = pd.DataFrame([event, event])
    by_column = HistoryState(history)
    assert by_column.update(unnamed) == ()
    assert by_column.features(subject).tolist() == [[2, 2, 0]]
    assert history_features(unnamed, pd.DataFrame([subject]), history).tolist() == [[2, 2, 0]]
