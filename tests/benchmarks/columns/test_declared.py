"""The declared columns on synthetic events: available information."""

import numpy as np
import pandas as pd
from benchmarks.columns.declared import account_history, account_network, event_history, event_labels
from benchmarks.data.folds import Fold

from fraudsieve.features.network.declaration import Network

SHARED = Network(counterparty="", identifiers=("counterparty_id",))


def made_up(rows: int = 400, *, seed: int = 0) -> pd.DataFrame:
    """Events of thirty accounts with ten others, a minute or more apart; those with others 0 and 1 are fraud."""
    random = np.random.default_rng(seed)
    others = random.integers(10, size=rows)
    return pd.DataFrame(
        {
            "event_id": np.arange(rows),
            "account_id": [f"a{number}" for number in random.integers(30, size=rows)],
            "occurred_at": pd.Timestamp("2026-05-04") + pd.to_timedelta(60 * np.arange(rows), unit="s"),
            "kind": "pay",
            "counterparty_id": [f"c{number}" for number in others],
            "amount": random.integers(1, 100, rows) + 50.0 * (others < 2),
            "label": (others < 2).astype(np.int8),
        }
    )


def made_up_accounts() -> tuple[pd.Series, pd.Series]:
    """Ids and labels of the accounts of `made_up`."""
    numbers = np.arange(30)
    return pd.Series([f"a{number}" for number in numbers]), pd.Series((numbers % 3 == 0).astype(np.int64))


def test_events_do_not_use_later_ones() -> None:
    events = made_up().drop(columns=["label", "kind", "event_id"])
    whole, first = (event_history(rows, ("1h", "all")) for rows in (events, events.iloc[:100]))
    pd.testing.assert_frame_equal(whole.iloc[:100], first)
    assert not [name for name in whole if "hour" in str(name) or "night" in str(name) or "week" in str(name)]


def test_events_do_not_reveal_the_date() -> None:
    events = made_up().drop(columns=["label", "kind", "event_id"])
    later = events.assign(occurred_at=events["occurred_at"] + pd.Timedelta("1001h"))
    pd.testing.assert_frame_equal(event_history(events, ("1h", "all")), event_history(later, ("1h", "all")))


def test_labels_of_other_rows_and_of_the_row_itself_are_not_used() -> None:
    events, rows = made_up(), np.arange(300)
    labels = event_labels(events, rows, delay=pd.Timedelta(0))
    others = events.assign(label=events["label"].where(events.index < 300, 1 - events["label"]))
    pd.testing.assert_frame_equal(event_labels(others, rows, delay=pd.Timedelta(0)), labels)
    swapped = events.copy()
    swapped.loc[[298, 299], "label"] = 1 - swapped.loc[[298, 299], "label"]
    after = event_labels(swapped, rows, delay=pd.Timedelta(0)).filter(regex="frauds|known")
    pd.testing.assert_frame_equal(after.iloc[:299], labels.filter(regex="frauds|known").iloc[:299])


def test_labels_count_after_the_delay() -> None:
    events = pd.DataFrame(
        {
            "account_id": ["a", "a", "a"],
            "counterparty_id": ["b", "b", "b"],
            "occurred_at": pd.to_datetime(["2026-05-01 10:00", "2026-05-01 10:30", "2026-05-01 11:01"]),
            "label": [1, 0, 0],
        }
    )
    labels = event_labels(events, np.arange(3), delay=pd.Timedelta("1h"))
    assert labels["network__account_frauds_all"].tolist() == [0.0, 0.0, 1.0]


def test_accounts_do_not_reveal_the_date() -> None:
    events, (ids, _) = made_up(), made_up_accounts()
    later = events.assign(occurred_at=events["occurred_at"] + pd.Timedelta("70D"))  # whole weeks: weekends stay
    before, after = (account_history(rows, ids, sides=("account_id",)) for rows in (events, later))
    pd.testing.assert_frame_equal(before, after)


def test_network_is_blind_to_test_labels() -> None:
    events, (ids, labels) = made_up(), made_up_accounts()
    fold, y = Fold(np.arange(20), np.arange(20, 30)), labels.to_numpy()
    flipped = np.where(np.arange(30) < 20, y, 1 - y)
    parts = zip(*(account_network(events, ids, of, fold, network=SHARED) for of in (y, flipped)), strict=True)
    for one, other in parts:
        pd.testing.assert_frame_equal(one, other)


def test_only_given_ratings_count() -> None:
    events, (ids, labels) = made_up(), made_up_accounts()
    received = events.assign(account_id="r" + events["counterparty_id"], counterparty_id=events["account_id"])
    both, fold, y = pd.concat([events, received]), Fold(np.arange(20), np.arange(20, 30)), labels.to_numpy()
    for one, other in zip(
        *(account_network(rows, ids, y, fold, network=SHARED) for rows in (events, both)), strict=True
    ):
        pd.testing.assert_frame_equal(one, other)
    one, other = (account_history(rows, ids, sides=("account_id",)) for rows in (events, both))
    pd.testing.assert_frame_equal(one, other)
