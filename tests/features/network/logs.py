"""Logs of events and labels, as tables, as a live state, and their network by plain loops over sets."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from hypothesis import strategies as st

from fraudsieve.features.history.records import id_digest
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.live import NetworkState
from fraudsieve.features.network.network_batch import network_features
from fraudsieve.tables.cells import STRING

WHO = st.sampled_from(["ann", "bob", "cid", "dan", "eve"])
TIME = st.integers(0, 20)
EVENTS = st.lists(st.tuples(WHO, st.none() | WHO, st.none() | st.sampled_from(["phone", "ann"]), TIME), max_size=30)
LABELS = st.lists(st.tuples(WHO, TIME, st.booleans()), max_size=8)
NETWORK = Network(identifiers=("device_id",), prior=(0.1, 2.0))
MINUTE = 60_000_000
Rows: TypeAlias = list[tuple[Any, ...]]
"""Events (account, counterparty, device, minute), labels (account, minute, fraud) or subjects (account, minute)."""


def times(minutes: list[int]) -> Any:
    """Return times in minutes since 1970."""
    return (pd.Timestamp("1970-01-01") + pd.to_timedelta(minutes, unit="min")).astype("datetime64[us]")


def tables(events: Rows, labels: Rows, subjects: Rows) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the tables that the batch runner takes."""

    def frame(rows: Rows, names: list[str], when: str) -> pd.DataFrame:
        made = pd.DataFrame(rows, columns=names)
        return made.astype({name: STRING for name in names if name.endswith("_id")}).assign(
            **{when: times(made[when].astype("int64").tolist())}
        )

    return (
        frame(events, ["account_id", "counterparty_id", "device_id", "occurred_at"], "occurred_at"),
        frame(labels, ["account_id", "labelled_at", "is_fraud"], "labelled_at").astype({"is_fraud": bool}),
        frame(subjects, ["account_id", "as_of"], "as_of"),
    )


def batch(events: Rows, labels: Rows, subjects: Rows, network: Network = NETWORK) -> npt.NDArray[np.float64]:
    """Compute the network in a batch."""
    log, known, subject_table = tables(events, labels, subjects)
    return np.asarray(network_features(log, subject_table, network, labels=known))


def add(state: NetworkState, row: tuple[Any, ...]) -> None:
    """Add an event or a label to a live state."""
    if len(row) == 3:
        state.label(id_digest(row[0]), row[1] * MINUTE, row[2])
    else:
        event = {"account_id": row[0], "counterparty_id": row[1], "device_id": row[2]}
        state.add(event, row[3] * MINUTE)


def live(rows: Rows, network: Network = NETWORK) -> NetworkState:
    """Return a live state of events and labels that arrived in this order."""
    state = NetworkState(network)
    for row in rows:
        add(state, row)
    return state


def looks(state: NetworkState, subjects: Rows) -> npt.NDArray[np.float64]:
    """Compute the network of subjects from a live state."""
    accounts = np.array([id_digest(who) for who, _ in subjects], np.uint64)
    return state.compute(accounts, np.array([minute * MINUTE for _, minute in subjects], np.int64))


def content(state: NetworkState) -> dict[str, list[tuple[Any, ...]]]:
    """Return the links and labels of a live state, sorted."""
    arrays = state.dump()
    parts = dict.fromkeys(name.rpartition(".")[0] for name in arrays)
    return {
        part: sorted(
            zip(*(cells.tolist() for name, cells in arrays.items() if name.startswith(f"{part}.")), strict=True)
        )
        for part in parts
    }


def by_hand(events: Rows, labels: Rows, who: str, now: int, network: Network = NETWORK) -> dict[str, float]:
    """Compute the same columns by loops over sets."""
    rate, weight = network.prior
    past = [event for event in events if event[3] < now]
    known: dict[str, bool] = {}
    # Of labels of one account and time, fraud counts.
    for account, _, fraud in sorted([label for label in labels if label[1] < now], key=lambda label: label[1:]):
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
        of_values = {
            f"network__sharing{ending}": len(everyone),
            f"network__sharing_mean{ending}": float(np.mean(sizes)) if sizes else np.nan,
            f"network__sharing_max{ending}": max(sizes, default=np.nan),
            f"network__sharing_known{ending}": sum(one in known for one in everyone),
            f"network__sharing_frauds{ending}": frauds(everyone),
            f"network__sharing_rate{ending}": shrunk(everyone),
            f"network__sharing_rate_max{ending}": max((shrunk(ones) for ones in sharing.values()), default=np.nan),
        }
        found[f"network__degree{ending}"] = len(values)
        if place == 1:
            fans = [one for one, value in links if value == who]
            degree = {one: sum(account == one for account, _ in links) for one in [*values, *fans]}
            fan_degree = float(np.mean([degree[one] for one in fans])) if fans else np.nan
            found |= {
                "network__fans": len(fans),
                "reciprocity__returned": len(set(fans) & set(values)) / len(values) if values else np.nan,
                "network__fan_degree": fan_degree if len(fans) <= network.max_degree else np.nan,
                "network__fan_frauds": frauds(fans),
                "network__fan_rate": shrunk(fans),
            }
            of_values |= {
                "network__met_degree": float(np.mean([degree[one] for one in values])) if values else np.nan,
                "network__met_frauds": frauds(values),
                "network__met_rate": shrunk(values),
            }
        is_followed = len(values) <= network.max_degree
        found |= of_values if is_followed else dict.fromkeys(of_values, np.nan)
    return found
