"""Entities with many events in a live state: the same features, history and snapshots as others."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.history.pool import timelines
from fraudsieve.features.live_state import HistoryState

from .live_records import at, stream


@pytest.mark.slow
@pytest.mark.parametrize("windows", [("1h", "1d"), ("1h", "1d", "all"), ("all",)])
def test_features_stay_the_same_while_hot_entities_drop_events(
    windows: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Rows of a window of all that is known are dropped too, and totals of them stay."""
    monkeypatch.setattr(timelines, "HOT_SIZE", 20)
    events = stream(3000, days=60)
    state = HistoryState(History(windows), lateness="1h")
    for start in range(0, len(events), 100):
        found = events[start : start + 100]
        for event in found:
            state.update(event)
        if start % 500 == 0:
            state.save(tmp_path / "state")
            state = HistoryState.load(tmp_path / "state")
        subjects = [{"account_id": f"account-{n}", "as_of": found[-1]["occurred_at"]} for n in range(5)]
        frame = pd.DataFrame(events[: start + 100])
        expected = history_features(frame, pd.DataFrame(subjects), state.histories)
        np.testing.assert_array_equal(state.features(subjects), expected)
    assert state.n_events < 1000
    assert state.n_events == sum(view.n_rows for view in state.views)
    if "all" in windows:
        with pytest.raises(ValueError, match="Expected a time whose windows are still in memory"):
            state.rewind(at(59 * 1440))


@pytest.mark.parametrize("entity", ["account_id", "card_id"])
def test_an_entity_with_many_events_has_history_as_others_have(entity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(("1h",), entity=entity, measures=("count",))
    subjects = [{entity: "ann", "as_of": at(minutes)} for minutes in (0, 1, 30, 69, 70, 200)]
    expected = [False, True, True, True, entity == "account_id", entity == "account_id"]
    for hot_size in (2, 512):
        monkeypatch.setattr(timelines, "HOT_SIZE", hot_size)
        state = HistoryState(history)
        state.update([{"account_id": "ann", "card_id": "ann", "occurred_at": at(n), "kind": "pay"} for n in range(10)])
        assert bool(state.views[0].events.hot) == (hot_size == 2)
        assert state.compute(subjects)[1].tolist() == expected
