"""Handover of a store from one model to another."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.features import History
from fraudsieve.models import Scorer
from fraudsieve.models.live.state import LiveState
from fraudsieve.models.live.store import open_store, snapshots
from tests.models.live.samples import NIGHTS, RECEIVED, event

DAILY = History(("1d",), measures=("count",), identifiers=("device_id",))
WEEKLY = History(("7d",), measures=("count",), identifiers=("device_id",), name="weekly")
OTHER_MODEL = "was written for a model with other history features"


def with_views(scorer: Scorer, **views: Any) -> Scorer:
    matrix: Any = scorer.model.matrix
    return Scorer(replace(scorer.model, matrix=replace(matrix, **views)))


def count(live: LiveState, account: str = "ann", as_of: str = "2024-05-01T11:00:00Z") -> list[float]:
    return [*live.state.features({"account_id": account, "as_of": as_of})[0].tolist()]


def test_models_that_use_stored_fields_share_a_store(account_scorer: Scorer, address: str) -> None:
    cards = History(("1d",), measures=("count", "distinct"), identifiers=("card_id",), name="cards")
    other = with_views(account_scorer, histories=(DAILY,), network=None)
    wider = with_views(account_scorer, histories=(NIGHTS, RECEIVED, cards))
    record = {"account_id": "bob", "counterparty_id": "bob", "as_of": "2024-05-01T11:00:00Z"}
    with LiveState(account_scorer, address) as live:
        sent = [event(event_id=number, counterparty_id="bob", device_id=number) for number in range(4)]
        live.update(sent, account_labels={"account_id": "bob", "labelled_at": "2024-05-01", "is_fraud": True})
        with pytest.raises(StateError, match=rf"{OTHER_MODEL}.*the last 7d again"):
            LiveState(wider, address)  # the rows have no cards
        with LiveState(other, address) as second:  # at the same time
            assert count(second) == [4.0]
            second.update([*sent, event(event_id="e9", counterparty_id="bob", device_id="d")])
            assert count(second) == [5.0]
            live.catch_up()
        features = live.state.features(record)
        memory = account_scorer.new_state(lateness="2d")
        memory.update(sent, account_labels={"account_id": "bob", "labelled_at": "2024-05-01", "is_fraud": True})
        memory.update(event(event_id="e9", counterparty_id="bob", device_id="d"))
        np.testing.assert_array_equal(features, memory.features(record))
    for lateness in ("1d", "2d", "1h"):  # the rows are complete
        with LiveState(account_scorer, address, lateness=lateness) as live:
            np.testing.assert_array_equal(live.state.features(record), features)
            assert live.state.lateness == lateness


def old_and_new(live: LiveState) -> None:
    """Add an event of May, and one of July, and let the first go."""
    live.update(event())
    live.checkpoint()
    live.update(event(event_id="e2", occurred_at="2024-07-01T10:00:00Z"))
    live.checkpoint()


def test_rows_that_no_model_looks_at_are_deleted(account_scorer: Scorer, address: str) -> None:
    daily = with_views(account_scorer, histories=(DAILY,), network=None)
    with LiveState(daily, address) as live:
        old_and_new(live)
        live.update(event(event_id="e3", occurred_at="2024-07-01T10:00:00Z"))
    with LiveState(daily, address) as live:
        assert (live.offset, count(live, as_of="2024-07-01T11:00:00Z")) == (3, [2.0])
        assert live._session is not None
        assert live._session.store.facts.start.offset == 1
    # The rows reach as far back as a model with shorter windows looks, but not a week.
    hourly = replace(DAILY, windows=("1h",))
    with LiveState(with_views(daily, histories=(hourly,)), address) as live:
        assert count(live, as_of="2024-07-01T10:30:00Z") == [2.0]
    for scorer in (account_scorer, with_views(daily, histories=(replace(DAILY, windows=("90d",)),))):
        with pytest.raises(StateError, match=OTHER_MODEL):
            LiveState(scorer, address)
    with pytest.raises(StateError, match="or for a smaller lateness"):
        LiveState(daily, address, lateness="60d")


def test_a_model_with_fewer_views_continues_the_snapshot_of_another(account_scorer: Scorer, address: str) -> None:
    both = with_views(account_scorer, histories=(WEEKLY, DAILY), network=None)
    with LiveState(both, address) as live:
        old_and_new(live)
    # Only the snapshot has the event of May, which a lateness of 60 days can look at.
    with LiveState(with_views(both, histories=(WEEKLY,)), address) as live:
        assert count(live, as_of="2024-07-01T11:00:00Z") == [1.0]


def test_a_model_with_unbounded_measures_keeps_its_rows(account_scorer: Scorer, tmp_path: Path) -> None:
    always = History(("all",), measures=("count",), name="always")
    since = History(("1d",), measures=("count", "since_first"), name="since")
    for number, history in enumerate((always, since, DAILY)):
        scorer = with_views(account_scorer, histories=(history,), network=None)
        with LiveState(scorer, tmp_path / f"{number}.db") as live:
            old_and_new(live)
        with open_store(tmp_path / f"{number}.db") as store:
            assert store.facts.start.offset == (history is DAILY)
    with LiveState(account_scorer, tmp_path / "network.db") as live:
        old_and_new(live)
        assert live._session is not None
        assert live._session.store.facts.start.offset == 0


def test_rows_stay_until_the_snapshot_of_another_model_has_them_or_is_old(
    account_scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tmp_path / "live.db"
    daily = with_views(account_scorer, histories=(DAILY,), network=None)
    with LiveState(with_views(daily, histories=(WEEKLY,)), address) as other:
        other.update(event(event_id="e0"))
    for kept, start in ((7 * 86_400, 1), (-1, 2)):
        monkeypatch.setattr(snapshots, "OTHERS_KEPT", kept)
        with LiveState(daily, address) as live:
            old_and_new(live)
            live.update(event(event_id=kept, occurred_at="2024-07-01T10:00:00Z"))
            live.checkpoint()
        with open_store(address) as store:
            assert store.facts.start.offset == start
