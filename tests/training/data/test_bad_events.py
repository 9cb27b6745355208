"""Unusual and invalid events: each is rejected with a reason, raises an error, or counts correctly."""

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.live_state import HistoryState
from fraudsieve.tables.reader import read_table
from fraudsieve.training.data.labelled import load_accounts

HISTORY = History(("1d",), measures=("count", "sum", "max", "min"))
GOOD = {"account_id": "ann", "occurred_at": "2026-03-01T10:00:00Z", "kind": "pay", "amount": 5.0}
NOW = "2026-03-01T12:00:00Z"


def rows(*changes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([GOOD | change for change in changes], dtype=object)


def batch(*changes: dict[str, Any], account: Any = "ann") -> list[float]:
    """Return the features as of NOW from a table."""
    good = read_table(rows(*changes), "events").good
    subjects = pd.DataFrame({"account_id": [account], "as_of": pd.to_datetime([NOW])})
    return [float(number) for number in history_features(good, subjects, HISTORY)[0]]


def live(*changes: dict[str, Any], account: Any = "ann", rejected: int = 0) -> list[float]:
    """Return the features as of NOW from a live state."""
    state = HistoryState(HISTORY, lateness="30d")
    assert len(state.update([GOOD | change for change in changes], now=datetime(2026, 3, 2, tzinfo=UTC))) == rejected
    return [float(number) for number in state.features({"account_id": account, "as_of": NOW})[0]]


def test_events_before_the_account_exists_count_as_they_are() -> None:
    accounts = pd.DataFrame(
        {"account_id": ["ann"], "created_at": ["2026-03-01T11:00:00Z"], "as_of": [NOW], "label": "x"}
    )
    loaded = load_accounts(rows({}, {}), accounts=accounts)
    features = AccountFeatures(loaded.events, history=HISTORY).fit(loaded.rows)
    features_by_name = dict(zip(features.matrix_.columns, features.transform(loaded.rows)[0].tolist(), strict=True))
    assert features_by_name["volume__count_1d"] == 2
    assert features_by_name["profile__age_days"] == pytest.approx(1 / 24)


def test_events_far_in_the_future_do_not_count_earlier() -> None:
    future = {"occurred_at": "2090-01-01T00:00:00Z", "amount": 1e6}
    assert batch({}, future) == [1, 5, 5, 5]
    assert live({}, future, rejected=1) == [1, 5, 5, 5]
    loaded = load_accounts(rows({}, future), labels=pd.DataFrame({"subject_id": ["ann"], "label": ["x"]}))
    assert loaded.rows["as_of"].dt.year.tolist() == [2026]  # and they do not move the end of the events
    assert "1 events are in the future: they are not part of the history" in loaded.notes


def test_negative_amounts_are_amounts() -> None:
    assert batch({}, {"amount": -8}) == live({}, {"amount": -8}) == [2, -3, 5, -8]


@pytest.mark.parametrize("amount", [np.inf, -np.inf, 1e16, "much"])
def test_infinite_amounts_and_other_values_are_rejected(amount: object) -> None:
    checked = read_table(rows({}, {"amount": amount}), "events")
    assert (len(checked.good), checked.rejected["column"].tolist()) == (1, ["amount"])
    assert "much" not in checked.rejected["reason"].iloc[0]
    assert batch({}, {"amount": amount}) == live({}, {"amount": amount}, rejected=1) == [1, 5, 5, 5]


def test_an_account_without_events_has_no_history() -> None:
    assert batch({}, account="nobody")[:2] == live({}, account="nobody")[:2] == [0, 0]


@pytest.mark.parametrize("account", [7, "7", " 7 ", np.int64(7), 7.0])
def test_ids_as_integers_and_with_blanks_are_the_same(account: Any) -> None:
    assert batch({"account_id": account}, {"account_id": "7"}, account="7") == [2, 10, 5, 5]
    if not isinstance(account, float):  # a table of integers with gaps holds floats; a record does not
        assert live({"account_id": account}, {"account_id": "7"}, account=" 7") == [2, 10, 5, 5]


def test_unsorted_events() -> None:
    changes = [{"occurred_at": f"2026-03-01T{hour:02}:30:00Z", "amount": hour} for hour in (11, 3, 7, 5, 9)]
    assert batch(*changes) == live(*changes) == batch(*sorted(changes, key=str)) == [5, 35, 11, 3]


def test_mixed_time_zones_are_one_time() -> None:
    zones = ["2026-03-01T11:59:59Z", "2026-03-01T19:59:59+08:00", "2026-03-01T04:00:00-08:00", "2026-03-01 11:00:00"]
    changes = [{"occurred_at": time, "amount": place} for place, time in enumerate(zones)]
    assert batch(*changes) == live(*changes) == [3, 4, 3, 0]  # the third is at NOW, and so not before it


@pytest.mark.slow
def test_a_million_events_on_one_account() -> None:
    """A table takes seconds; one more event on 100,000 in a live state takes less than a second."""
    n = 1_000_000
    rng = np.random.default_rng(0)
    seconds = np.sort(rng.integers(0, 20 * 86_400, n))
    events = pd.DataFrame({"account_id": "ann", "occurred_at": pd.Timestamp(0) + pd.to_timedelta(seconds, unit="s")})
    start = time.process_time()
    counts = history_features(events, None, History(("1h", "20d"), measures=("count", "burst"), max_events=n))
    assert time.process_time() - start < 10
    assert counts[-1, 2] == (seconds < seconds[-1]).sum()
    state = HistoryState(History(("1h", "20d")))
    records = [
        {"account_id": "ann", "occurred_at": occurred_at, "kind": "pay"}
        for occurred_at in events["occurred_at"][:100_000]
    ]
    state.update(records)
    subject = {"account_id": "ann", "as_of": datetime(1970, 1, 21)}
    state.features(subject)  # compiles its kernels
    start = time.process_time()
    state.update(records[-1])
    features_by_name = state.features(subject)
    assert time.process_time() - start < 1
    assert features_by_name[0, 0] == 0
    assert state.n_events < 60_000  # those of the last day, and the latest before it
