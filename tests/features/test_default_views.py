"""The default feature views: what the columns and the span of a table of events allow."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.account_records import number_columns
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.default_views import MAX_IDENTIFIERS, default_histories, default_windows, identifier_columns
from fraudsieve.features.history.declaration import History, check_histories

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("days", "step", "windows"),
    [
        (150, DAY, ("1d", "7d", "30d", "all")),
        (150, DAY // 24, ("1h", "1d", "7d", "30d", "all")),
        (4 * 365, DAY // 2, ("7d", "30d", "90d", "365d", "all")),
        (1, DAY // 86_400, ("1m", "10m", "1h", "all")),
        (2, DAY, ("all",)),
    ],
)
def test_windows_fit_the_span(days: int, step: int, windows: tuple[str, ...]) -> None:
    assert default_windows(np.arange(0, days * DAY, step)) == windows


def test_without_events_the_windows_are_those_of_a_history() -> None:
    assert default_windows(np.empty(0, np.int64)) == History().windows


def world(n: int = 300, *, counterparty: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    events = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(n)],
            "account_id": rng.choice(["ann", "bob", "eve"], n),
            "occurred_at": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 100 * 24 * 60, n), unit="min"),
            "kind": "pay",
            "amount": rng.integers(1, 400, n) / 4,
            "fee": rng.integers(1, 40, n) / 4,
            "terminal_id": rng.integers(1, 9, n),
            "is_new": rng.random(n) < 0.5,
        }
    )
    return events.assign(counterparty_id=rng.choice(["x", "y", "ann"], n)) if counterparty else events


@pytest.mark.parametrize("name", ["device_id", "Seller ID", "billingEmail", "cardNumber", "ip_address", "card", "id_2"])
def test_names_of_identifiers(name: str) -> None:
    assert identifier_columns([name]) == (name,)


@pytest.mark.parametrize("name", ["paid", "has_phone", "house_number", "chip", "account_id", "count_ip", "number", ""])
def test_names_of_other_columns(name: str) -> None:
    assert identifier_columns([name]) == ()


def test_few_whole_numbers_are_codes_without_a_sum() -> None:
    events = world(2000).assign(office=lambda table: np.arange(len(table)) % 40, weight=lambda table: table.index % 400)
    assert number_columns(events) == ("fee", "weight")
    assert number_columns(events[:15]) == ("fee", "office", "weight")  # without the flag
    assert number_columns(events[:300]) == ("fee", "office", "weight")  # 40 of 300 rows may be any numbers


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in record.items()} for record in frame.to_dict("records")]


def test_every_numeric_column_of_events_is_measured_on_both_sides() -> None:
    events = world()
    subjects = pd.DataFrame({"account_id": ["ann", "bob"], "as_of": pd.Timestamp("2026-03-01")})
    features = AccountFeatures(events).set_output(transform="pandas")
    found = features.fit_transform(subjects)
    past = events[(events["account_id"] == "ann") & (events["occurred_at"] < "2026-03-01")]
    received = events[(events["counterparty_id"] == "ann") & (events["occurred_at"] < "2026-03-01")]
    assert found["value__fee_sum_all"].iloc[0] == past["fee"].sum()
    assert found["value__received_fee_max_all"].iloc[0] == received["fee"].max()
    latest = past.sort_values("occurred_at")["fee"].iloc[::-1]
    assert found[[f"value__fee_last_{k}" for k in (1, 2, 3)]].iloc[0].tolist() == latest.iloc[:3].tolist()
    assert not any("terminal_id_sum" in name or "is_new" in name for name in found)


@pytest.mark.parametrize("subject", ["account", "event"])
def test_live_columns_equal_those_of_the_table(subject: str) -> None:
    events = world()
    rows = events if subject == "event" else pd.DataFrame({"account_id": ["ann"], "as_of": pd.Timestamp("2026-05-01")})
    features = AccountFeatures(events, subject=subject).fit(rows)
    expected = features.transform(rows)[-20:]
    state = features.matrix_.new_state(lateness="52w")
    assert state.update(records_of(events)) == ()
    found = features.matrix_.rows(records_of(rows.tail(20)), state)
    assert (found.why == None).all()  # noqa: E711
    np.testing.assert_array_equal(found.X, expected)


def test_without_counterparties_an_identifier_takes_their_place() -> None:
    (view,) = default_histories(["account_id", "occurred_at", "device_id", "ip"])
    assert (view.counterparty, view.identifiers) == ("device_id", ("ip",))
    assert "counterparties__distinct_ip_1d" in view.columns


def test_an_event_says_whether_its_account_knows_each_identifier_and_what_all_accounts_did_with_it() -> None:
    events = world(100).sort_values("occurred_at", ignore_index=True)
    found = AccountFeatures(events, subject="event").set_output(transform="pandas").fit(events).transform(events)
    for i in (40, 70, 99):
        past = events[events["occurred_at"] < events["occurred_at"][i]]
        terminal = past[past["terminal_id"] == events["terminal_id"][i]]
        known = terminal[terminal["account_id"] == events["account_id"][i]]
        assert found["volume__known_terminal_count_all"][i] == len(known)
        since = events["occurred_at"][i] - (known["occurred_at"].min() if len(known) else pd.NaT)
        np.testing.assert_equal(found["profile__known_terminal_since_first"][i], since.total_seconds())
        assert found["volume__terminal_count_all"][i] == len(terminal)
        assert found["counterparties__terminal_distinct_all"][i] == terminal["account_id"].nunique()
    (_, known, everyone) = default_histories(["account_id", "ip"], subject="event", windows=("all",))
    assert known.windows == everyone.windows == ("all",), "as of two days of dates"
    few = default_histories(["account_id", "occurred_at", *(f"x{n}_id" for n in range(9))], subject="event")
    assert len(few) == 1 + 2 * MAX_IDENTIFIERS


def test_a_known_a_new_and_a_missing_identifier_differ_in_a_live_state() -> None:
    events = world().assign(kind="pay")
    features = AccountFeatures(events, subject="event").fit(events)
    state = features.matrix_.new_state(lateness="52w")
    state.update(records_of(events))
    event = records_of(events.tail(1))[0] | {"event_id": "new", "occurred_at": pd.Timestamp("2026-06-01")}
    rows = [features.matrix_.rows([event | {"terminal_id": terminal}], state).X[0] for terminal in (3, 77, None)]
    is_new = [row[features.matrix_.columns.index("profile__known_terminal_is_new")] for row in rows]
    np.testing.assert_array_equal(is_new, [0.0, 1.0, np.nan])
    assert len({row.tobytes() for row in rows}) == 3


def test_without_counterparties_and_identifiers_their_measures_are_left_out() -> None:
    events = world(counterparty=False).drop(columns="terminal_id")
    subjects = pd.DataFrame({"account_id": ["ann"], "as_of": pd.Timestamp("2026-03-01")})
    for history in (None, History(("7d",))):
        columns = AccountFeatures(events, history=history).fit(subjects).matrix_.columns
        assert any(name.startswith("value__mean") for name in columns)
        assert not any(name.startswith("counterparties__") for name in columns)


@pytest.mark.parametrize(("counterparty", "kept"), [("counterparty_id", False), ("terminal_id", True)])
def test_a_view_that_leaves_its_measures_to_the_default_goes_by_its_own_counterparty(
    counterparty: str, kept: bool
) -> None:
    events = world(counterparty=False)  # with terminals, which are an identifier
    subjects = pd.DataFrame({"account_id": ["ann"], "as_of": pd.Timestamp("2026-03-01")})
    features = AccountFeatures(events, history=History(("7d",), counterparty=counterparty))
    features.fit_transform(subjects)
    assert any(name.startswith("counterparties__") for name in features.matrix_.columns) is kept


def test_a_measure_that_was_asked_for_needs_its_column() -> None:
    events = world(counterparty=False).drop(columns="terminal_id")
    subjects = pd.DataFrame({"account_id": ["ann"], "as_of": pd.Timestamp("2026-03-01")})
    features = AccountFeatures(events, history=History(("7d",), measures=("count", "distinct")))
    with pytest.raises(SchemaError, match=r"'counterparty_id' is missing.*distinct"):
        features.fit_transform(subjects)


@pytest.mark.parametrize("subject", ["account", "event"])
def test_numeric_columns_with_the_names_of_views_have_columns_of_their_own(subject: str) -> None:
    columns = ("account_id", "occurred_at", "amount", "counterparty_id")
    numbers = ("received", "counterparty", "pair", "fee", "received_fee")
    views = default_histories((*columns, *numbers), subject=subject, numbers=numbers)
    assert check_histories(views) == views
    plain = default_histories((*columns, "fee"), subject=subject, numbers=("fee",))
    assert {view.name for view in plain} <= {view.name for view in views}
