"""Entities with more events than a window holds: a live state drops what no window can have, and equals the batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.history.measures import MEASURES
from fraudsieve.features.live_state import HistoryState

from .live_records import at, stream


@pytest.mark.slow
@pytest.mark.parametrize("windows", [("1h", "1d"), ("1h", "30d", "all"), ("all",)])
def test_features_stay_the_same_while_entities_with_many_events_lose_them(
    windows: tuple[str, ...], tmp_path: Path
) -> None:
    """One event in ten comes late, and many share a time."""
    rng = np.random.default_rng(0)
    view = History(windows, kinds=("pay",), by_kind=MEASURES[:-1], max_events=20)
    events = [event | {"kind": str(rng.choice(["pay", "other"], p=[0.1, 0.9]))} for event in stream(3000, days=8)]
    arrival = np.arange(3000) + rng.integers(0, 8, 3000) * (rng.random(3000) < 0.1)
    events = [events[place] for place in np.argsort(arrival, kind="stable")]
    state = HistoryState(view, lateness="2h")
    for start in range(0, len(events), 100):
        for event in events[start : start + 100]:
            assert state.update(event) == ()
        if start % 500 == 0:
            state.save(tmp_path / "state")
            state = HistoryState.load(tmp_path / "state")
        newest = max(event["occurred_at"] for event in events[: start + 100])
        subjects = [
            {"account_id": f"account-{n}", "as_of": newest - pd.Timedelta(minutes=minutes)}
            for n in range(5)
            for minutes in (-1, 0, 30, 120)
        ]
        expected = history_features(pd.DataFrame(events[: start + 100]), pd.DataFrame(subjects), view)
        np.testing.assert_array_equal(state.features(subjects), expected)
    assert state.n_events < 5 * (20 + 8) * 8 / 7 + 90
    assert state.n_events == sum(view.n_rows for view in state.views)
    with pytest.raises(ValueError, match="Expected a time whose windows are still in memory"):
        state.rewind(at(4 * 1440))


@pytest.mark.parametrize("entity", ["account_id", "card_id"])
@pytest.mark.parametrize("minutes", [range(10), [9] * 10])
def test_an_entity_that_lost_events_has_history_as_others_have(entity: str, minutes: Any) -> None:
    subjects = [{entity: "ann", "as_of": at(cutoff)} for cutoff in (69, 70, 200)]
    expected = [True, entity == "account_id", entity == "account_id"]
    for max_events in (2, 4096):
        view = History(("1h",), entity=entity, measures=("count",), max_events=max_events)
        state = HistoryState(view, lateness="1m")
        for minute in minutes:
            state.update({"account_id": "ann", "card_id": "ann", "occurred_at": at(minute)})
        for minute in range(9, 70):  # meanwhile, old events of others are dropped
            state.update({"account_id": "bob", "card_id": "bob", "occurred_at": at(minute)})
        assert state.compute(subjects)[1].tolist() == expected


@pytest.mark.parametrize("times", [(0, 1, 2, 3), (0, 1, 1), (0, 1, 1, 2), (0, 1, 1, 1)])
def test_a_window_has_the_newest_events_also_of_those_at_one_time(times: tuple[int, ...]) -> None:
    view = History(("1h",), measures=("count", "since_last"), max_events=2)
    events = [{"account_id": "ann", "occurred_at": at(time)} for time in times]
    state, subject = HistoryState(view, lateness="1m"), {"account_id": "ann", "as_of": at(10)}
    for event in [*events, {"account_id": "bob", "occurred_at": at(11)}]:
        state.update(event)
    found = state.features(subject)[0]
    assert found.tolist() == [2, (10 - times[-1]) * 60]
    batch = history_features(pd.DataFrame(events), pd.DataFrame([subject]), view)[0]
    assert batch.tolist() == found.tolist()


def test_labels_are_bounded_and_can_be_taken_back() -> None:
    measures = ("known", "frauds", "fraud_rate", "since_fraud", "since_clean", "fraud_run")
    view = History(("1h",), measures=measures, prior=(0.0, 1.0), max_events=3)
    labels = [{"account_id": "ann", "labelled_at": at(time), "is_fraud": time == 0} for time in range(10)]
    state, subject = HistoryState(view, lateness="1m"), {"account_id": "ann", "as_of": at(10)}
    for label in labels:
        state.update(labels=label)
    assert state.features(subject).tolist() == [[3.0, 0.0, 0.0, 600.0, 60.0, 0.0]]
    prepared, _ = state.prepare(labels[-1], "labels")
    state.apply([record._replace(is_retracted=True) for record in prepared])
    assert state.features(subject).tolist() == [[3.0, 0.0, 0.0, 600.0, 120.0, 0.0]]
