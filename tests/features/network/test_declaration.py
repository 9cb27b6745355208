"""The network of accounts: comparison with brute force, batch and live, and independence of the future."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fraudsieve.features.history.records import id_digest
from fraudsieve.features.network import graph as network_graph
from fraudsieve.features.network.batch import network_features
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.live import NetworkState
from tests.profiles import examples

WHO = st.sampled_from(["ann", "bob", "cid", "dan", "eve"])
TIME = st.integers(0, 20)
EVENTS = st.lists(st.tuples(WHO, st.none() | WHO, st.none() | st.sampled_from(["phone", "ann"]), TIME), max_size=30)
LABELS = st.lists(st.tuples(WHO, TIME, st.booleans()), max_size=8, unique_by=lambda label: label[:2])
NETWORK = Network(identifiers=("device_id",), prior=(0.1, 2.0))
Rows = list[tuple[Any, ...]]


def times(minutes: list[int]) -> Any:
    return (pd.Timestamp("2026-05-01") + pd.to_timedelta(minutes, unit="min")).astype("datetime64[us]")


def tables(events: Rows, labels: Rows, subjects: Rows) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    def frame(rows: Rows, names: list[str], when: str) -> pd.DataFrame:
        made = pd.DataFrame(rows, columns=names)
        return made.astype({name: "str" for name in names if name.endswith("_id")}).assign(
            **{when: times(made[when].astype("int64").tolist())}
        )

    return (
        frame(events, ["account_id", "counterparty_id", "device_id", "occurred_at"], "occurred_at"),
        frame(labels, ["account_id", "labelled_at", "is_fraud"], "labelled_at").astype({"is_fraud": bool}),
        frame(subjects, ["account_id", "as_of"], "as_of"),
    )


def batch(events: Rows, labels: Rows, subjects: Rows, network: Network = NETWORK) -> npt.NDArray[np.float64]:
    log, known, subject_table = tables(events, labels, subjects)
    return np.asarray(network_features(log, subject_table, network, labels=known))


def by_hand(events: Rows, labels: Rows, who: str, now: int) -> dict[str, float]:
    """Compute the same columns by loops over sets."""
    rate, weight = NETWORK.prior
    past = [event for event in events if event[3] < now]
    known: dict[str, bool] = {}
    for account, _, fraud in sorted([label for label in labels if label[1] < now], key=lambda label: label[1]):
        known[account] = fraud

    def shrunk(accounts: list[str]) -> float:
        seen = [known[one] for one in accounts if one in known and one != who]
        return (sum(seen) + weight * rate) / (len(seen) + weight)

    def frauds(accounts: list[str]) -> int:
        return sum(known.get(one, False) for one in accounts if one != who)

    found: dict[str, float] = {}
    for place, ending in ((1, ""), (2, "_device_id")):
        links = {(e[0], e[place]) for e in past if e[place] and (place == 2 or e[0] != e[place])}
        values = [value for one, value in links if one == who]
        sharing = {value: [one for one, other in links if other == value and one != who] for value in values}
        everyone = [one for ones in sharing.values() for one in ones]
        sizes = [len(ones) for ones in sharing.values()]
        found |= {
            f"network__degree{ending}": len(values),
            f"network__sharing{ending}": len(everyone),
            f"network__sharing_mean{ending}": float(np.mean(sizes)) if sizes else np.nan,
            f"network__sharing_max{ending}": max(sizes, default=np.nan),
            f"network__sharing_known{ending}": sum(one in known for one in everyone),
            f"network__sharing_frauds{ending}": frauds(everyone),
            f"network__sharing_rate{ending}": shrunk(everyone),
            f"network__sharing_rate_max{ending}": max((shrunk(ones) for ones in sharing.values()), default=np.nan),
        }
        if place == 1:
            fans = [one for one, value in links if value == who]
            degree = {one: sum(account == one for account, _ in links) for one in [*values, *fans]}
            found |= {
                "network__fans": len(fans),
                "reciprocity__returned": len(set(fans) & set(values)) / len(values) if values else np.nan,
                "network__met_degree": float(np.mean([degree[one] for one in values])) if values else np.nan,
                "network__fan_degree": float(np.mean([degree[one] for one in fans])) if fans else np.nan,
                "network__met_frauds": frauds(values),
                "network__met_rate": shrunk(values),
                "network__fan_frauds": frauds(fans),
                "network__fan_rate": shrunk(fans),
            }
    return found


@pytest.mark.slow
@examples(150)
@given(EVENTS, LABELS, WHO, TIME)
@example([("ann", "bob", None, 1), ("bob", "ann", None, 5)], [], "ann", 5)
@example([("ann", "bob", None, 1), ("bob", "ann", None, 5)], [], "ann", 6)
def test_batch_equals_plain_sets(events: Rows, labels: Rows, who: str, now: int) -> None:
    ours = dict(zip(NETWORK.columns, batch(events, labels, [(who, now)])[0].tolist(), strict=True))
    assert ours == pytest.approx(by_hand(events, labels, who, now), nan_ok=True)


def live(events: Rows, labels: Rows) -> Callable[[str, int], npt.NDArray[np.float64]]:
    state = NetworkState(NETWORK)
    minute = 60_000_000
    for account, counterparty, device, time in events:
        event = {"account_id": account, "counterparty_id": counterparty, "device_id": device}
        state.add(event, time * minute)
    for account, time, fraud in labels:
        state.label(id_digest(account, "account_id"), time * minute, fraud)
    back = NetworkState(NETWORK)
    back.restore(state.dump())
    return lambda who, now: np.asarray(back.compute({"account_id": who}, now * minute))


@pytest.mark.slow
@given(EVENTS, LABELS, WHO | st.just("nobody"), TIME)
def test_live_equals_batch_also_after_a_save(events: Rows, labels: Rows, who: str, now: int) -> None:
    expected = batch(events, labels, [(who, now)])[0]
    np.testing.assert_allclose(live(events, labels)(who, now), expected, rtol=1e-12)


@given(EVENTS, LABELS, WHO, TIME, st.randoms(use_true_random=False))
def test_later_events_and_labels_change_nothing(events: Rows, labels: Rows, who: str, now: int, random: Any) -> None:
    expected = batch(events, labels, [(who, now)])
    past, known = [event for event in events if event[3] < now], [label for label in labels if label[1] < now]
    np.testing.assert_array_equal(batch(past, known, [(who, now)]), expected)
    later = [(*event[:3], now + random.randint(0, 9)) for event in events] + [("eve", who, "phone", now)]
    guesses = [(account, now + random.randint(0, 9), random.random() < 0.5) for account, *_ in labels]
    np.testing.assert_array_equal(batch(past + later, known + guesses, [(who, now)]), expected)


@pytest.mark.slow
@given(EVENTS, LABELS, TIME)
def test_the_label_of_the_account_itself_never_counts(events: Rows, labels: Rows, now: int) -> None:
    others = [label for label in labels if label[0] != "ann"]
    for own in ([("ann", 0, True)], [("ann", 0, False)], [("ann", 0, True), ("ann", 5, False)]):
        np.testing.assert_array_equal(
            batch(events, others + own, [("ann", now)]), batch(events, others, [("ann", now)])
        )


def test_many_subjects_are_computed_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    events = [(f"a{rng.integers(30)}", f"a{rng.integers(30)}", None, int(rng.integers(20))) for _ in range(400)]
    subjects = [(f"a{rng.integers(35)}", int(rng.integers(25))) for _ in range(200)]
    labels = [(f"a{account}", 5, account % 3 == 0) for account in range(30)]
    whole = batch(events, labels, subjects)
    monkeypatch.setattr(network_graph, "CHUNK", 50)
    np.testing.assert_array_equal(batch(events, labels, subjects), whole)
    one_by_one = np.vstack([batch(events, labels, [subject]) for subject in subjects[:20]])
    np.testing.assert_array_equal(one_by_one, whole[:20])


def test_empty_tables() -> None:
    assert batch([], [], []).shape == (0, len(NETWORK.columns))
    row = dict(zip(NETWORK.columns, batch([], [], [("ann", 5)])[0].tolist(), strict=True))
    assert (row["network__degree"], row["network__fans"], row["network__met_rate"]) == (0, 0, 0.1)
    assert np.isnan(row["network__sharing_mean"])


def test_declarations() -> None:
    assert Network.from_dict(NETWORK.to_dict()) == NETWORK
    assert len(set(NETWORK.columns)) == len(NETWORK.columns) == 8 + 8 + 8
    assert len(Network(labels=False).columns) == 4 + 4
    with pytest.raises(ValueError, match="Expected a counterparty or an identifier"):
        Network("")
    with pytest.raises(TypeError, match="Expected a string as counterparty and True or False as labels"):
        Network(labels=1)  # type: ignore[arg-type]
    events, _, subjects = tables([], [], [])
    with pytest.raises(ValueError, match="labels: the network needs labels of accounts"):
        network_features(events, subjects, Network())
    with pytest.raises(ValueError, match="events: column 'device_id' is missing"):
        network_features(events.drop(columns="device_id"), subjects, Network(identifiers=("device_id",), labels=False))
