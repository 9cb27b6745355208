"""Columns and records: the same state, the same repeats and the same rejected records, for any values."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.columns.checks import field_names, records_to_columns
from fraudsieve.features.history.columns.reader import NO_LINKS, ColumnType, LinkFields
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.timeline import RecordType, read_bands
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.network.declaration import Network
from tests.features.live_records import VIEWS, Records, at, stream
from tests.live.contents import drop_old_rows

NOW = at(3 * 24 * 60)
STATES: list[Callable[[], HistoryState]] = [
    lambda: HistoryState(VIEWS, network=Network("counterparty_id", ("device_id",)), lateness="2d"),
    lambda: HistoryState(VIEWS[0], lateness="1h"),
    lambda: HistoryState(
        [
            History(("1h",), entity="campaign", counterparty="sender_id", measures=("count", "distinct"), name="sent"),
            History(("1h",), ("spam",), entity="labelled", subject="campaign", measures=("count",), name="labelled"),
        ],
        network=Network("", ("device_id", "ip"), labels=False),
        lateness="2d",
    ),
]
ODD = st.sampled_from(
    [None, math.nan, True, 1, 1.0, "1", " 1 ", "", " ", "ann", "\ud800", 2**64, -1, (), pd.NA, np.int64(1), b"1"]
)
IDS = st.sampled_from(["ann", "bob", " ann ", "中文", None]) | ODD
AMOUNTS = st.integers(-10, 10**7).map(lambda cents: cents / 100) | st.sampled_from([None, 3, 10**400, 1e16, -0.0]) | ODD
TIMES = (
    st.integers(0, 3 * 24 * 60 + 90).map(at)
    | st.sampled_from([at(0).isoformat(), "soon", datetime(2999, 1, 1), np.datetime64("2024-05-04"), pd.NaT, 17])
    | ODD
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "account_id": IDS,
    "counterparty_id": IDS,
    "device_id": IDS,
    "sender_id": IDS,
    "ip": IDS,
    "campaign": st.none() | IDS,
    "labelled": st.none() | st.none() | IDS,
    "kind": st.sampled_from(["pay", " pay ", "spam", "other"]) | ODD,
    "event_id": st.sampled_from(["e1", "e2", "e3", " e1"]) | IDS,
    "amount": AMOUNTS,
    "is_fraud": st.booleans() | st.sampled_from([0, 1.0, np.float64(1), np.int64(0)]) | ODD,
}


def records(time_field: str) -> st.SearchStrategy[Records]:
    plain = {name: values for name, values in FIELDS.items() if name not in ("campaign", "labelled")}
    required = {time_field: TIMES}
    odd = st.fixed_dictionaries(required, optional=FIELDS)
    usual = st.fixed_dictionaries(
        {
            time_field: st.integers(0, 3 * 24 * 60).map(at),
            "account_id": st.sampled_from(["ann", "bob"]),
            "is_fraud": st.booleans(),
        },
        optional={name: values for name, values in plain.items() if name not in ("account_id", "is_fraud")},
    )
    return st.lists(odd | usual, max_size=25)


def links_of(state: HistoryState) -> LinkFields:
    network = state.declared_network
    return LinkFields(network.links, network.counterparty) if network else NO_LINKS


def content(state: HistoryState) -> Any:
    """Return all that a state needs; entities in the order of their digests."""
    drop_old_rows(state)
    seen = state.seen.dump()
    order = np.argsort(seen["ids"])
    parts = [seen["starts"].tolist(), seen["ids"][order].tolist(), seen["marks"][order].tolist()]
    for view in state.views:
        for pool in (view.events, view.labels):
            dumped = pool.dump()
            stops = np.cumsum(dumped["ends"][:, 0])
            blocks = zip(dumped["keys"].tolist(), dumped["ends"].tolist(), stops.tolist(), strict=True)
            parts.append(
                sorted((key, ends, dumped["rows"][stop - ends[0] : stop].tolist()) for key, ends, stop in blocks)
            )
    network = {name: sorted(array.tolist()) for name, array in state.network.dump().items()} if state.network else None
    return state.watermark, state.n_events, parts, network


def add_one_by_one(state: HistoryState, given_records: Records, record_type: RecordType) -> tuple[Any, int]:
    prepared, rejected = state.prepare(given_records, record_type, now=NOW)
    return rejected, state.apply(prepared)


def add_columns(state: HistoryState, columns: Any, record_type: ColumnType) -> tuple[Any, int]:
    prepared, rejected = state.prepare_columns(columns, record_type, now=NOW)
    return rejected, state.apply(prepared)


@given(
    st.sampled_from(STATES),
    st.lists(
        records("occurred_at").map(lambda found: ("events", found))
        | records("labelled_at").map(lambda found: ("labels", found))
        | records("labelled_at").map(lambda found: ("account_labels", found)),
        max_size=4,
    ),
)
def test_columns_equal_records(new_state: Any, calls: Any) -> None:
    one, other = new_state(), new_state()
    for record_type, found in calls:
        columns = records_to_columns(found, record_type, other.views, links_of(other))
        assert add_columns(other, columns, record_type) == add_one_by_one(one, found, record_type)
        assert content(other) == content(one)


BANDS = st.lists(st.integers(0, 2**64 - 1) | IDS, min_size=1, max_size=4)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"occurred_at": st.integers(0, 3 * 24 * 60).map(at) | TIMES, "bands": BANDS, "is_label": st.booleans()},
        optional={name: FIELDS[name] for name in ("event_id", "sender_id", "kind")},
    ),
    max_size=12,
)


@pytest.mark.slow
@given(MESSAGES, st.booleans())
def test_columns_of_messages_equal_joined_bands(messages: Records, stored: bool) -> None:
    one, other = STATES[2](), STATES[2]()
    accepted, expected = [], []
    for position, message in enumerate(messages):
        fields = {name: value for name, value in message.items() if name not in ("bands", "is_label")}
        name = "labelled" if message["is_label"] else "campaign"
        bands = [{**fields, name: key} for key in message["bands"]]
        _, rejected = one.prepare(bands, stored=True)
        if not rejected:
            joined = read_bands({**fields, name: message["bands"]}, one.views)
            if not stored and joined.identifier not in one.seen:
                rejected = one.prepare(bands[:1], now=NOW)[1]
            accepted += [] if rejected else [joined]
        expected += [(position, rejected[0].reason)] if rejected else []
    n_repeats = one.apply(accepted)
    names = ("occurred_at", "event_id", "sender_id", "kind")
    columns: dict[str, Any] = {name: [message.get(name) for message in messages] for name in names}
    columns["campaign"] = [None if message["is_label"] else message["bands"] for message in messages]
    columns["labelled"] = [message["bands"] if message["is_label"] else None for message in messages]
    prepared_columns, found = other.prepare_columns(columns, "messages", now=NOW, stored=stored)
    assert found == expected
    assert other.apply(prepared_columns) == n_repeats
    assert content(other) == content(one)


def test_a_message_without_bands_is_rejected() -> None:
    columns = {"occurred_at": [at(0), at(0)], "campaign": [None, np.array([], np.uint64)]}
    prepared, rejected = STATES[2]().prepare_columns(columns, "messages", now=NOW)
    assert len(prepared) == 0
    assert [record.position for record in rejected] == [0, 1]
    assert rejected[0].reason.startswith("campaign, labelled: expected the bands of a message")


def test_ids_seen_again_after_years_within_one_call_count_as_one_by_one() -> None:
    events = [
        {"account_id": "ann", "event_id": name, "occurred_at": at(days * 1440)}
        for name, days in (("e1", 0), ("e2", 0), ("e1", 1), ("e3", 400), ("e1", 0), ("e3", 0), ("e2", 401), ("e2", 0))
    ]
    now = at(500 * 1440)
    one, other = HistoryState(VIEWS[0], lateness="2d"), HistoryState(VIEWS[0], lateness="2d")
    n_repeats = one.apply(one.prepare(events, now=now)[0])
    columns = records_to_columns(events, "events", other.views, NO_LINKS)
    assert other.apply(other.prepare_columns(columns, now=now)[0]) == n_repeats == 3
    assert content(one) == content(other)


@pytest.mark.parametrize("form", ["arrays", "strings", "arrow", "dictionary", "views", "pandas", "integers", "lists"])
def test_every_form_of_columns_gives_the_same_state(form: str) -> None:
    events = stream(300, days=2)
    for place in (3, 50):
        events[place] = events[place] | {"counterparty_id": None, "amount": None}
    frame = pd.DataFrame(events)
    lists = {name: [event[name] for event in events] for name in events[0]}
    arrow = pa.table({name: pa.array(values) for name, values in lists.items()})
    times = np.array([time.replace(tzinfo=None) for time in lists["occurred_at"]], "M8[us]")
    arrays = {name: np.array(values, object) for name, values in lists.items()}
    arrays |= {"occurred_at": times, "amount": np.array(lists["amount"], float)}
    kinds = pa.array(lists["kind"]).dictionary_encode()
    views = pa.DictionaryArray.from_arrays(kinds.indices, kinds.dictionary.cast(pa.string_view()))  # as of Polars
    forms: dict[str, Any] = {
        "lists": lists,
        "arrays": arrays,
        "strings": arrays | {"kind": np.array(lists["kind"]), "account_id": np.array(lists["account_id"])},
        "integers": arrays | {"occurred_at": times.astype(np.int64)},
        "arrow": arrow,
        "dictionary": {**{name: arrow[name] for name in arrow.column_names}, "kind": arrow["kind"].dictionary_encode()},
        "views": {**{name: arrow[name] for name in arrow.column_names}, "kind": views},
        "pandas": frame,
    }
    one, other = HistoryState(VIEWS, lateness="2d"), HistoryState(VIEWS, lateness="2d")
    assert add_columns(other, forms[form], "events") == add_one_by_one(one, events, "events") == ([], 0)
    assert content(one) == content(other)
    assert other.update(forms[form]) == ()  # repeats
    assert content(one) == content(other)


def test_wrong_columns_are_rejected_by_row() -> None:
    columns = {
        "account_id": np.array([1.5, 2.5]),
        "occurred_at": np.array([2**63 - 1, at(0).timestamp() * 1e6], np.uint64),
        "amount": np.array([True, False]),
    }
    state = HistoryState(VIEWS[0])
    assert state.update(columns, now=NOW) == (
        (0, "occurred_at: expected a time such as 2026-05-01T10:00:00Z, got another number"),
        (1, "amount: expected a number, got bool"),
    )
    assert state.update({"account_id": np.array([1.5]), "occurred_at": [at(0)]}, now=NOW) == (
        (0, "account_id: expected a string or a whole number, got float"),
    )
    with pytest.raises(ValueError, match="Expected columns of one length"):
        state.update({"account_id": ["ann", "bob"], "occurred_at": [at(0)]})


def test_a_table_without_a_column_of_times_is_rejected_row_by_row() -> None:
    state = HistoryState(VIEWS[0])
    rejected = state.update(pa.table({"account_id": ["ann", "bob"]}), now=NOW)
    assert rejected == tuple((row, "occurred_at: expected a time, the field is missing") for row in range(2))


def test_one_record_is_not_taken_for_columns() -> None:
    state = HistoryState(VIEWS[0])
    assert state.update({"account_id": "ann", "occurred_at": pd.Timestamp(at(0)), "kind": "pay"}, now=NOW) == ()
    assert state.update({"account_id": ["ann"], "occurred_at": at(0), "kind": "pay"}, now=NOW) == (
        (0, "account_id: expected a string or a whole number, got list"),
    )


@pytest.mark.parametrize("n", [10, 1000])
def test_lists_of_any_length_give_the_same_state(n: int) -> None:
    events = stream(n, days=2)
    events[5] = events[5] | {"amount": "secret"}
    one, other = HistoryState(VIEWS, lateness="2d"), HistoryState(VIEWS, lateness="2d")
    rejected = [record for event in events for record in one.update(event)]
    found = other.update(events)
    assert [record.reason for record in found] == [record.reason for record in rejected]
    assert [record.position for record in found] == [5]
    assert content(one) == content(other)


def test_stored_columns_are_not_checked_for_their_times() -> None:
    state = HistoryState(VIEWS[1], lateness="1h")
    state.update({"account_id": "ann", "counterparty_id": "x", "occurred_at": at(600)}, now=NOW)
    labels = {"event_id": ["e"], "labelled_at": np.array([at(0).timestamp() * 1e6], np.int64), "is_fraud": [True]}
    assert len(state.prepare_columns(labels, "labels", now=NOW)[1]) == 1
    prepared, rejected = state.prepare_columns(labels, "labels", now=NOW, stored=True)
    assert (len(prepared), rejected) == (1, [])
    assert state.apply(prepared) == 0


def test_the_names_of_fields_include_every_field_that_is_read() -> None:
    state = STATES[0]()
    names = field_names("events", state.views, links_of(state))
    assert {"account_id", "counterparty_id", "device_id", "amount", "kind", "event_id", "occurred_at"} <= {*names}
    assert field_names("labels", state.views, NO_LINKS)[-1] == "is_fraud"


def test_later_calls_reject_late_columns() -> None:
    one, other = HistoryState(VIEWS[0], lateness="1h"), HistoryState(VIEWS[0], lateness="1h")
    first, second = stream(100, days=2), stream(100, seed=1, days=2)
    second = [event | {"event_id": f"s{place // 2}"} for place, event in enumerate(second)]
    for found in (first, second, first):
        expected = add_one_by_one(one, found, "events")
        assert add_columns(other, records_to_columns(found, "events", other.views, NO_LINKS), "events") == expected
        assert content(one) == content(other)
    assert datetime.now(UTC) - timedelta(days=1) > at(0)


def test_a_missing_first_id_of_a_pair_hides_a_wrong_second_one() -> None:
    """No other view reads the counterparty, and a band needs no account."""
    event = {"campaign": "c", "occurred_at": at(0), "counterparty_id": 1.5}
    events = [event, event | {"account_id": "ann"}, event | {"account_id": "ann", "counterparty_id": 7}]
    view = History(("1d",), entity=("account_id", "counterparty_id"), counterparty="ip", measures=("count",))
    one, other = HistoryState(view), HistoryState(view)
    rejected, _ = add_one_by_one(one, events, "events")
    assert [record.position for record in rejected] == [1]
    assert add_columns(other, records_to_columns(events, "events", other.views, NO_LINKS), "events")[0] == rejected
    assert content(one) == content(other)


def test_an_account_is_not_linked_to_itself() -> None:
    names = ["ann", "bob", "ann", "7"], ["ann", "ann", " ann ", 7]
    columns = {"account_id": names[0], "counterparty_id": names[1], "occurred_at": [at(0)] * 4}
    one, other = STATES[0](), STATES[0]()
    add_one_by_one(one, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], "events")
    assert add_columns(other, columns, "events") == ([], 0)
    assert content(one) == content(other)
    assert other.network is not None
    assert len(other.network.dump()["links-0.accounts"]) == 1


def test_a_negative_zero_stays_negative() -> None:
    one, other = HistoryState(VIEWS[0]), HistoryState(VIEWS[0])
    event = {"account_id": "ann", "occurred_at": at(0), "amount": "-0.0"}
    add_one_by_one(one, [event], "events")
    assert add_columns(other, {name: [value] for name, value in event.items()}, "events") == ([], 0)
    assert content(one) == content(other)


def test_all_missing_amounts_have_the_same_bits() -> None:
    amounts = np.array([0x7FF8000000000000, 0xFFF8000000000001], np.uint64).view(np.float64)
    one, other = HistoryState(VIEWS[0]), HistoryState(VIEWS[0])
    columns = {"account_id": ["ann", "ann"], "occurred_at": [at(0), at(1)], "amount": amounts}
    assert add_columns(other, columns, "events") == ([], 0)
    add_one_by_one(one, [{"account_id": "ann", "occurred_at": at(minute)} for minute in (0, 1)], "events")
    assert content(one) == content(other)
