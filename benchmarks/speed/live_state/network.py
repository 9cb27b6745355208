"""Speed of the live network: an event or a label in, one row of features out, on a value that many accounts share."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.machine import one_core
from benchmarks.runner import Bar, progress
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.records import id_digest
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.live import NetworkState

__all__ = ["NETWORK_PROTOCOL", "measure_network"]

SIZES = (10, 1000, 100_000)
LOOKS = 5000
LINKS = 1_000_000
BAR_US = 1000.0
START = datetime(2026, 5, 1, tzinfo=UTC)
NETWORK = Network("", ("address_id",))
NETWORK_PROTOCOL = (
    "network: a live state with one count of an hour and a network of addresses holds N accounts that share one "
    "address, a third of them with a label. Then an update and a features call of one of its accounts are timed as a "
    "pair, 5,000 times: events of new accounts, of known ones, and events up to a day late; every third pair brings "
    "a label too, of which half are late and some reverse another. bytes_per_link: arrays of a network of a million "
    "links of Zipf accounts and counterparties."
)


def measure_network() -> tuple[dict[str, float], Bar]:
    """Time pairs of an update and a features call, for several numbers of accounts that share a value.

    Returns
    -------
    figures : dict of str to float
        Percentiles in microseconds, and the memory of a link in bytes.
    bar : Bar
        The bar of the largest size.
    """
    figures: dict[str, float] = {}
    for size in SIZES:
        state = _filled_state(size)
        with one_core():
            taken = _time_pairs(state, size, LOOKS)
        for name, share in {"p50": 50, "p99": 99}.items():
            figures[f"network.{name}_us.{size}"] = float(np.percentile(taken, share))
        p50, p99 = (figures[f"network.{name}_us.{size}"] for name in ("p50", "p99"))
        progress(f"network, {size}: p50 {p50:.0f} us, p99 {p99:.0f} us")
    figures["network.bytes_per_link"] = _bytes_per_link(LINKS)
    name = f"network.p99_us.{SIZES[-1]}"
    return figures, Bar.at_most(name, figures[name], BAR_US)


def _digests(n: int) -> Any:
    return np.array([id_digest(f"account-{number}") for number in range(n)], np.uint64)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def _filled_state(size: int) -> HistoryState:
    state = HistoryState(History(("1h",), measures=("count",)), network=NETWORK)
    assert state.network is not None
    accounts, start = _digests(size), _microseconds(START)
    address = np.full(size, id_digest("address"), np.uint64)
    state.network.link_many("address_id", accounts, address, start + np.arange(size) * 1_000_000)
    labelled = accounts[::3]
    times = start + np.arange(len(labelled)) * 3_000_000
    state.network.label_many(labelled, times, np.arange(len(labelled)) % 10 == 0)
    return state


def _updates(size: int, n: int) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]]:
    """Yield events, labels and subjects, a second apart."""
    rng, now = np.random.default_rng(1), START + timedelta(days=2)
    for number in range(n):
        now += timedelta(seconds=1)
        late = now - timedelta(seconds=int(rng.integers(1, 86_000)))
        known = f"account-{rng.integers(size)}"
        account = known if number % 2 else f"new-{number}"
        event = {"account_id": account, "address_id": "address", "occurred_at": late if number % 4 < 2 else now}
        label = {"account_id": known, "labelled_at": late if number % 2 else now, "is_fraud": bool(rng.random() < 0.5)}
        subject = {"account_id": f"account-{rng.integers(size)}", "as_of": now + timedelta(seconds=1)}
        yield event, [label] if number % 3 == 0 else [], subject


def _time_pairs(state: HistoryState, size: int, n: int) -> list[float]:
    taken = []
    for event, labels, subject in _updates(size, n + 20):
        start = time.perf_counter()
        state.update(event, account_labels=labels)
        state.features(subject)
        taken.append((time.perf_counter() - start) * 1e6)
    return taken[20:]


def _bytes_per_link(n: int) -> float:
    """Return the memory of a link, among accounts and counterparties of which few have most of the links."""
    rng, state = np.random.default_rng(0), NetworkState(Network())
    weights = 1 / (np.arange(n // 2) + 10)
    accounts, values = (rng.choice(n // 2, 2 * n, p=weights / weights.sum()).astype(np.uint64) + 1 for _ in range(2))
    state.link_many("counterparty_id", accounts, values, np.arange(2 * n))
    return state.nbytes / state.n_links
