"""The network in a batch: comparison with plain sets, and independence of the future and of the own label."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.network_batch import network_features
from tests.messages import refused
from tests.profiles import examples

from .logs import EVENTS, LABELS, NETWORK, TIME, WHO, Rows, batch, by_hand, tables

DEGREES = st.sampled_from([1, 2, 3, 1000])


@pytest.mark.slow
@examples(150)
@given(EVENTS, LABELS, WHO, TIME, DEGREES)
@example([("ann", "bob", None, 1), ("bob", "ann", None, 5)], [], "ann", 5, 1000)
@example([("ann", "bob", None, 1), ("bob", "ann", None, 5)], [], "ann", 6, 1000)
@example([("ann", "bob", "phone", 1), ("cid", "bob", None, 2), ("bob", "ann", None, 3)], [], "bob", 4, 1)
def test_batch_equals_plain_sets(events: Rows, labels: Rows, who: str, now: int, max_degree: int) -> None:
    network = replace(NETWORK, max_degree=max_degree)
    ours = dict(zip(network.columns, batch(events, labels, [(who, now)], network)[0].tolist(), strict=True))
    assert ours == pytest.approx(by_hand(events, labels, who, now, network), nan_ok=True)


def test_hundreds_of_accounts_equal_plain_sets() -> None:
    rng, network = np.random.default_rng(0), replace(NETWORK, max_degree=12)
    events = [
        (f"a{one}", f"a{other}", f"d{rng.integers(9)}", int(rng.integers(50)))
        for one, other in rng.zipf(1.3, (400, 2)) % 60
    ]
    labels = [(f"a{rng.integers(60)}", int(rng.integers(50)), bool(rng.random() < 0.5)) for _ in range(80)]
    subjects = [(f"a{account}", now) for account in range(0, 60, 3) for now in (20, 51)]
    subjects += [("a1", now) for now in range(50)]
    found = batch(events, labels, subjects, network)
    assert 0 < np.isnan(found[:, network.columns.index("network__sharing")]).sum() < len(subjects)
    assert 0 < np.isnan(found[:, network.columns.index("network__fan_degree")]).sum() < len(subjects)
    for (account, now), row in zip(subjects, found, strict=True):
        expected = by_hand(events, labels, account, now, network)
        assert dict(zip(network.columns, row.tolist(), strict=True)) == pytest.approx(expected, nan_ok=True)


def test_counts_of_a_hub_stay_exact() -> None:
    events: Rows = [(f"a{account}", "shop", "phone", account) for account in range(50)]
    events += [("shop", f"b{account}", None, account) for account in range(50)] + [("shop", "a7", None, 60)]
    labels = [(f"a{account}", 60, account % 5 == 0) for account in range(20)]
    network = replace(NETWORK, max_degree=10)
    at_shop, at_one = (
        dict(zip(network.columns, row.tolist(), strict=True))
        for row in batch(events, labels, [("shop", 70), ("a3", 70)], network)
    )
    exact = ("network__degree", "network__fans", "network__fan_frauds", "reciprocity__returned")
    assert [at_shop[name] for name in exact] == [51, 50, 4, 1 / 51]
    unknown = ("network__fan_degree", "network__sharing", "network__met_frauds", "network__met_rate")
    assert all(np.isnan(at_shop[name]) for name in unknown)
    shared = ("network__sharing", "network__sharing_known", "network__sharing_frauds", "network__sharing_max_device_id")
    assert [at_one[name] for name in shared] == [49, 19, 4, 49]


@pytest.mark.slow
@given(EVENTS, LABELS, WHO, TIME, DEGREES, st.randoms(use_true_random=False))
def test_later_events_and_labels_change_nothing(
    events: Rows, labels: Rows, who: str, now: int, max_degree: int, random: Any
) -> None:
    network = replace(NETWORK, max_degree=max_degree)
    expected = batch(events, labels, [(who, now)], network)
    past, known = [event for event in events if event[3] < now], [label for label in labels if label[1] < now]
    np.testing.assert_array_equal(batch(past, known, [(who, now)], network), expected)
    later = [(*event[:3], now + random.randint(0, 9)) for event in events] + [("eve", who, "phone", now)]
    guesses = [(account, now + random.randint(0, 9), random.random() < 0.5) for account, *_ in labels]
    np.testing.assert_array_equal(batch(past + later, known + guesses, [(who, now)], network), expected)


@pytest.mark.slow
@given(EVENTS, LABELS, TIME)
def test_the_label_of_the_account_itself_never_counts(events: Rows, labels: Rows, now: int) -> None:
    others = [label for label in labels if label[0] != "ann"]
    for own in ([("ann", 0, True)], [("ann", 0, False)], [("ann", 0, True), ("ann", 5, False)]):
        np.testing.assert_array_equal(
            batch(events, others + own, [("ann", now)]), batch(events, others, [("ann", now)])
        )


def test_subjects_do_not_depend_on_each_other() -> None:
    rng = np.random.default_rng(0)
    events = [(f"a{rng.integers(30)}", f"a{rng.integers(30)}", None, int(rng.integers(20))) for _ in range(400)]
    subjects = [(f"a{rng.integers(35)}", int(rng.integers(25))) for _ in range(200)]
    labels = [(f"a{account}", 5, account % 3 == 0) for account in range(30)]
    one_by_one = np.vstack([batch(events, labels, [subject]) for subject in subjects[:20]])
    np.testing.assert_array_equal(one_by_one, batch(events, labels, subjects)[:20])


def test_empty_tables() -> None:
    assert batch([], [], []).shape == (0, len(NETWORK.columns))
    row = dict(zip(NETWORK.columns, batch([], [], [("ann", 5)])[0].tolist(), strict=True))
    assert (row["network__degree"], row["network__fans"], row["network__met_rate"]) == (0, 0, 0.1)
    assert np.isnan(row["network__sharing_mean"])


def test_tables_are_checked() -> None:
    events, labels, subjects = tables([], [("ann", 3, True), ("bob", 3, False)], [])
    with refused(ValueError):
        network_features(events, subjects, Network())
    with pytest.raises(ValueError, match="events: column 'device_id' is missing"):
        network_features(events.drop(columns="device_id"), subjects, Network(identifiers=("device_id",), labels=False))
    for wrong in (0.5, float("nan")):
        with refused(ValueError, "is_fraud"):
            network_features(events, subjects, Network(), labels=labels.assign(is_fraud=[1.0, wrong]))
