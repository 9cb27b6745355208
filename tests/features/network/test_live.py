"""The live network: equal to a batch to the last bit, in any order of arrival, and after a save."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fraudsieve.features.history.records import RecordIds, id_digest
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.live import NetworkState

from .logs import EVENTS, MINUTE, NETWORK, WHO, Rows, add, batch, content, live, looks

# Few names and few times, so that pairs come again earlier, labels are reversed, and times are equal.
TIME = st.integers(0, 6)
ROWS = st.lists(
    st.tuples(WHO, st.none() | WHO, st.none() | st.sampled_from(["phone", "ann"]), TIME)
    | st.tuples(WHO, TIME, st.booleans()),
    max_size=40,
)
NETWORKS = st.builds(
    replace,
    st.sampled_from([NETWORK, Network("", ("device_id",)), Network(labels=False)]),
    max_degree=st.sampled_from([1, 2, 3, 1000]),
)
SUBJECTS = [(who, now) for who in ("ann", "bob", "cid", "phone", "nobody") for now in range(8)]


def batch_of(rows: Rows, subjects: Rows, network: Network) -> Any:
    events, labels = [row for row in rows if len(row) == 4], [row for row in rows if len(row) == 3]
    return batch(events, labels, subjects, network)


@pytest.mark.slow
@given(ROWS, NETWORKS)
@example([("ann", "bob", None, 3), ("bob", 5, True), ("ann", 4, True), ("ann", "bob", None, 1)], NETWORK)
@example([("bob", "ann", None, 5), ("ann", "bob", None, 1)], NETWORK)
@example([("ann", "bob", None, 5), ("cid", "bob", None, 5), ("cid", "bob", None, 3), ("ann", "dan", None, 1)], NETWORK)
@example([("ann", None, "phone", 3), ("ann", 4, True), ("ann", 2, False), ("ann", 4, False)], NETWORK)
def test_live_equals_batch_to_the_last_bit(rows: Rows, network: Network) -> None:
    np.testing.assert_array_equal(looks(live(rows, network), SUBJECTS), batch_of(rows, SUBJECTS, network))


@pytest.mark.slow
@given(ROWS, NETWORKS, st.randoms(use_true_random=False))
@example(
    [("ann", None, "phone", 1), ("bob", None, "phone", 1), ("ann", 2, True), ("ann", 2, False)], NETWORK, Random(0)
)
def test_the_order_of_rows_and_of_arrival_does_not_matter(rows: Rows, network: Network, random: Random) -> None:
    expected, columns = batch_of(rows, SUBJECTS, network), list(network.columns)
    for order in (rows, rows[::-1], random.sample(rows, len(rows))):
        np.testing.assert_array_equal(batch_of(order, SUBJECTS, network), expected)
        np.testing.assert_array_equal(looks(live(order, network), SUBJECTS), expected)
    if rows[2:] == [("ann", 2, True), ("ann", 2, False)]:
        bob = SUBJECTS.index(("bob", 3))
        assert expected[bob, columns.index("network__sharing_frauds_device_id")] == 1


@pytest.mark.slow
def test_live_equals_batch_while_hubs_grow() -> None:
    rng, network = np.random.default_rng(0), replace(NETWORK, max_degree=20)
    state, rows = NetworkState(network), []
    subjects = [(f"a{account}", now) for account in (*range(12), 30) for now in range(1, 302, 20)]
    for number in range(900):
        one, other = (f"a{place}" for place in rng.zipf(1.3, 2) % 200)
        now = int(np.clip(number // 3 + rng.integers(-100, 3), 0, 300))  # also links that come late
        row: Any = (one, now, bool(rng.random() < 0.5)) if number % 4 == 0 else (one, other, f"d{number % 3}", now)
        rows.append(row)
        add(state, row)
        if number % 150 == 0 or number == 899:
            np.testing.assert_array_equal(looks(state, subjects), batch_of(rows, subjects, network))
    assert np.isnan(looks(state, subjects)).any()


@given(ROWS, NETWORKS)
def test_many_rows_equal_one_by_one(rows: Rows, network: Network) -> None:
    state, expected = NetworkState(network), live(rows, network)
    pairs = [(*pair, row[3]) for row in rows if len(row) == 4 for pair in state.pairs(RecordIds(_event(row)))]
    for name in network.links:
        accounts, values, times = np.array([row[1:] for row in pairs if row[0] == name], object).reshape(-1, 3).T
        missing = np.zeros(2, np.uint64), np.array([0, 7], np.uint64), np.array([0, 0])
        columns = accounts.astype(np.uint64), values.astype(np.uint64), times.astype(np.int64) * MINUTE
        state.link_many(name, *(np.concatenate(both) for both in zip(missing, columns, strict=True)))
    labels = [
        (state.pairs(RecordIds({"account_id": who, "device_id": "d", "counterparty_id": "c"}))[0][1], minute, fraud)
        for who, minute, fraud in (row for row in rows if len(row) == 3)
    ]
    accounts, times, frauds = np.array(labels, object).reshape(-1, 3).T
    state.label_many(accounts.astype(np.uint64), times.astype(np.int64) * MINUTE, frauds.astype(np.bool_))
    assert content(state) == content(expected)
    np.testing.assert_array_equal(looks(state, SUBJECTS), looks(expected, SUBJECTS))


def _event(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"account_id": row[0], "counterparty_id": row[1], "device_id": row[2]}


def test_an_account_is_not_its_own_counterparty_but_may_have_the_name_of_a_device() -> None:
    digests, times = np.array([5, 6], np.uint64), np.array([1, 1])
    state = NetworkState(NETWORK)
    state.link_many("counterparty_id", digests, np.array([5, 5], np.uint64), times)
    state.link_many("device_id", digests, np.array([5, 5], np.uint64), times)
    assert [graph.n_links for graph in state.graphs.values()] == [1, 2]


@given(ROWS, NETWORKS)
def test_a_restored_state_is_equal_also_when_rows_keep_coming(rows: Rows, network: Network) -> None:
    half = len(rows) // 2
    state, restored = live(rows[:half], network), NetworkState(network)
    restored.link_many(network.links[0], np.array([8], np.uint64), np.array([9], np.uint64), np.array([1]))
    restored.restore(state.dump())
    assert content(restored) == content(state)
    for row in rows[half:]:
        add(state, row)
        add(restored, row)
    assert content(restored) == content(state)
    np.testing.assert_array_equal(looks(restored, SUBJECTS), looks(state, SUBJECTS))


@given(ROWS, NETWORKS, TIME)
def test_a_rewound_state_has_not_seen_what_was_later(rows: Rows, network: Network, time: int) -> None:
    state = live(rows, network)
    state.rewind(time * MINUTE)
    expected = live([row for row in rows if (row[3] if len(row) == 4 else row[1]) <= time], network)
    assert content(state) == content(expected)
    np.testing.assert_array_equal(looks(state, SUBJECTS), looks(expected, SUBJECTS))


@given(ROWS, NETWORKS, st.randoms(use_true_random=False))
def test_a_removed_label_leaves_nothing(rows: Rows, network: Network, random: Random) -> None:
    one_each = {row[:2] if len(row) == 3 else place: row for place, row in enumerate(rows)}
    rows = [*one_each.values()]
    state = live(rows, network)
    for row in random.sample(rows, len(rows) // 2):
        if len(row) == 3:
            state.remove_label(id_digest(row[0]), row[1] * MINUTE, row[2])
            rows.remove(row)
    assert content(state) == content(live(rows, network))
    np.testing.assert_array_equal(looks(state, SUBJECTS), batch_of(rows, SUBJECTS, network))


def test_removing_and_adding_labels_takes_no_more_memory() -> None:
    """Removing one label rebuilt the whole network."""
    state = live([("ann", number, False) for number in range(48)])
    sizes = []
    for step in range(300):
        (state.remove_label if step % 2 else state.label)(id_digest("ann"), 100, True)
        sizes.append(state.nbytes)
    assert sizes[-1] == sizes[4]


@given(EVENTS)
def test_labels_are_not_stored_if_none_are_declared(events: Rows) -> None:
    state = live([*events, ("ann", 3, True)], replace(NETWORK, labels=False))
    assert not len(state.dump()["labels.times"])


def _damaged(name: str, cells: Any) -> dict[str, Any]:
    state = live([("ann", "bob", "phone", 3), ("bob", "ann", "phone", 4), ("ann", 5, True), ("ann", 6, False)])
    return state.dump() | {name: cells}


@pytest.mark.parametrize(
    ("name", "cells"),
    {
        "another length": ("links-0.times", np.array([1])),
        "another type": ("links-0.accounts", np.array([1, 2])),
        "two dimensions": ("links-1.times", np.zeros((2, 1), np.int64)),
        "no account": ("links-1.accounts", np.array([0, 2], np.uint64)),
        "the account itself": ("links-0.values", _damaged("", 0)["links-0.accounts"]),
        "a pair twice": ("links-1.accounts", np.array([2, 2], np.uint64)),
        "a label twice": ("labels.times", np.array([7, 7])),
        "a number as a label": ("labels.frauds", np.array([0, 2])),
        "a label of nobody": ("labels.accounts", np.array([0, 2], np.uint64)),
    }.values(),
)
def test_damaged_arrays_are_rejected_and_change_nothing(name: str, cells: Any) -> None:
    state = live([("eve", "dan", None, 3)])
    before = content(state)
    with pytest.raises(ValueError, match=r"[Ee]xpected"):
        state.restore(_damaged(name, cells))
    assert content(state) == before


def test_a_missing_array_is_rejected() -> None:
    arrays = _damaged("", 0)
    del arrays["labels.frauds"]
    with pytest.raises(KeyError):
        NetworkState(NETWORK).restore(arrays)
