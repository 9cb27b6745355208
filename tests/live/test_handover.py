"""Handover of a store from one model to another."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.features import History
from fraudsieve.live.contents import stored_records
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store, snapshots
from fraudsieve.models import Scorer
from tests.live.contents import content
from tests.live.samples import (
    DAILY,
    NIGHTS,
    RECEIVED,
    WEEKLY,
    daily_scorer,
    event,
    features_of,
    old_and_new,
    wait_until,
    with_views,
)
from tests.messages import refused

OTHER_MODEL = "was written for a model with other history features"


@pytest.mark.slow
def test_models_that_use_stored_fields_share_a_store(account_scorer: Scorer, address: str) -> None:
    cards = History(("1d",), measures=("count", "distinct"), identifiers=("card_id",), name="cards")
    other = with_views(account_scorer, histories=(DAILY,), network=None)
    wider = with_views(account_scorer, histories=(NIGHTS, RECEIVED, cards))
    record = {"account_id": "bob", "counterparty_id": "bob", "as_of": "2024-05-01T11:00:00Z"}
    with LiveState(account_scorer, address) as live:
        sent = [event(event_id=number, counterparty_id="bob", device_id=number) for number in range(4)]
        live.update(sent, {"subject_id": "bob", "labelled_at": "2024-05-01", "label": "fraud"})
        with pytest.raises(StateError, match=rf"{OTHER_MODEL}.*the last 7d again"):
            LiveState(wider, address)  # the rows have no cards
        with LiveState(other, address) as second:  # at the same time
            assert features_of(second) == [4.0]
            second.update([*sent, event(event_id="e9", counterparty_id="bob", device_id="d")])
            assert features_of(second) == [5.0]
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


@pytest.mark.slow
def test_rows_that_no_model_looks_at_are_deleted(account_scorer: Scorer, address: str) -> None:
    daily = daily_scorer(account_scorer)
    with LiveState(daily, address, label_days=0) as live:
        old_and_new(live)
        live.update(event(event_id="e3", occurred_at="2024-07-01T10:00:00Z"))
    with LiveState(daily, address, label_days=0) as live:
        assert (live.offset, features_of(live, as_of="2024-07-01T11:00:00Z")) == (3, [2.0])
        assert live._session is not None
        assert live._session.store.facts.start.offset == 1
    # The rows reach as far back as a model with shorter windows looks, but not a week.
    hourly = replace(DAILY, windows=("1h",))
    with LiveState(with_views(daily, histories=(hourly,)), address) as live:
        assert features_of(live, as_of="2024-07-01T10:30:00Z") == [2.0]
    for scorer in (account_scorer, with_views(daily, histories=(replace(DAILY, windows=("90d",)),))):
        with pytest.raises(StateError, match=OTHER_MODEL):
            LiveState(scorer, address)
    with pytest.raises(StateError, match="or for a smaller lateness"):
        LiveState(daily, address, lateness="60d")


@pytest.mark.slow
def test_a_model_with_fewer_views_continues_the_snapshot_of_another(account_scorer: Scorer, address: str) -> None:
    both = with_views(account_scorer, histories=(WEEKLY, DAILY), network=None)
    with LiveState(both, address, label_days=0) as live:
        old_and_new(live)
    # Only the snapshot has the event of May, which a lateness of 60 days can look at.
    with LiveState(with_views(both, histories=(WEEKLY,)), address) as live:
        assert features_of(live, as_of="2024-07-01T11:00:00Z") == [1.0]


def test_a_model_with_unbounded_measures_keeps_its_rows(account_scorer: Scorer, tmp_path: Path) -> None:
    always = History(("all",), measures=("count",), name="always")
    since = History(("1d",), measures=("count", "since_first"), name="since")
    for number, history in enumerate((always, since, DAILY)):
        scorer = with_views(account_scorer, histories=(history,), network=None)
        with LiveState(scorer, tmp_path / f"{number}.db", label_days=0) as live:
            old_and_new(live)
        with open_store(tmp_path / f"{number}.db") as store:
            assert store.facts.start.offset == (history is DAILY)
    with LiveState(account_scorer, tmp_path / "network.db", label_days=0) as live:
        old_and_new(live)
        assert live._session is not None
        assert live._session.store.facts.start.offset == 0


def test_rows_stay_until_the_snapshot_of_another_model_has_them_or_is_old(
    account_scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tmp_path / "live.db"
    daily = daily_scorer(account_scorer)
    with LiveState(with_views(daily, histories=(WEEKLY,)), address) as other:
        other.update(event(event_id="e0"))
    for kept, start in ((7 * 86_400, 1), (-1, 2)):
        monkeypatch.setattr(snapshots, "OTHERS_KEPT", kept)
        with LiveState(daily, address, label_days=0) as live:
            old_and_new(live)
            live.update(event(event_id=kept, occurred_at="2024-07-01T10:00:00Z"))
            live.checkpoint()
        with open_store(address) as store:
            assert store.facts.start.offset == start


@pytest.mark.slow
def test_models_on_one_empty_store_declare_the_fields_of_all(account_scorer: Scorer, address: str) -> None:
    narrow = with_views(account_scorer, histories=(History(("1d",), measures=("count",)),), network=None)
    distinct = History(("1d",), measures=("count", "distinct"), identifiers=("device_id",))
    wide = with_views(account_scorer, histories=(distinct,), network=None)
    sent = [event(event_id=number, device_id=number) for number in range(3)]
    expected = wide.new_state()
    expected.update(sent)
    with (
        LiveState(narrow, address, follow=False) as one,  # it does not know yet that rows need a device
        LiveState(wide, address, follow=False) as two,
        LiveState(narrow, address, follow=False) as three,  # which declares nothing less
    ):
        assert one.update(sent[:2]) == ((), 2, ())
        assert three.update(sent[2]) == ((), 3, ())
        assert one.catch_up() == two.catch_up() == 3
        assert content(two.state) == content(expected)
        assert features_of(one) == [3.0]
    with LiveState(wide, address) as live:
        assert content(live.state) == content(expected)


@pytest.mark.slow
def test_a_call_that_waits_while_fields_are_declared_stores_them(account_scorer: Scorer, address: str) -> None:
    narrow = with_views(account_scorer, histories=(History(("1d",), measures=("count",)),), network=None)
    outcomes: list[Any] = []
    with LiveState(narrow, address, follow=False) as one:
        thread = threading.Thread(target=lambda: outcomes.append(one.update(event(device_id="d"))))
        with one._groups.lock:
            thread.start()
            wait_until(lambda: one._groups._is_handling)  # with an entry that has no device
            wide = LiveState(daily_scorer(account_scorer), address, label_days=0, follow=False)
        thread.join()
        assert outcomes == [((), 1, ())]
        with wide, open_store(address) as store:
            ((_, record),) = stored_records(store)
            assert record["device_id"] == "d"


def test_a_store_without_the_fields_of_a_model_is_not_followed(account_scorer: Scorer, address: str) -> None:
    with LiveState(daily_scorer(account_scorer), address, label_days=0, follow=False) as live:
        with open_store(address) as store, store.writing() as transaction:  # as after another model filled a new one
            transaction.change_facts(replace(transaction.facts, ids=("account_id",)))
        for call in (live.catch_up, lambda: live.update(event())):
            with refused(StateError):
                call()
        assert live.offset == 0
