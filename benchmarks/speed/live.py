"""Speed of the live state: one event in, one row of features out, on an account with many events."""

import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.machine import one_core
from benchmarks.runner import Bar, Report, progress
from benchmarks.speed.live_state.columns import COLUMNS_PROTOCOL, measure_columns
from benchmarks.speed.live_state.hot_entity import HOT_PROTOCOL, measure_hot
from benchmarks.speed.live_state.network import NETWORK_PROTOCOL, measure_network
from fraudsieve.features.history.declaration import History
from fraudsieve.features.live_state import HistoryState

__all__ = ["run"]

SIZES = (10, 1000, 100_000, 1_000_000)
PAIRS = 5000
BAR_US = 1000.0
START = datetime(2026, 5, 1, tzinfo=UTC)
DAYS = 30
ACCOUNTS = 20_000
_PROTOCOL = (
    "A live state of the default history (windows of 1 h, 1 d, 7 d and 30 d, {columns} columns) holds N events of one "
    "account, spread evenly over the previous {days} days. Then one update with one event and one features call a "
    "second later are timed as a pair, on one core, {pairs:,} times for every N. Kernels are compiled before. "
    "Microseconds. bytes: memory of the arrays of the state per event; account: memory per account with one event, for "
    "{accounts:,} accounts."
)


def run() -> Report:
    """Time pairs of an update and a features call, for states of several sizes.

    Returns
    -------
    Report
        Percentiles in microseconds.
    """
    figures: dict[str, float] = {}
    with one_core():
        for size in SIZES:
            state = _filled_state(size)
            figures[f"bytes.{size}"] = state.nbytes / state.n_events
            taken = _pairs(state, PAIRS)
            for name, share in {"p50": 50, "p99": 99}.items():
                figures[f"{name}_us.{size}"] = float(np.percentile(taken, share))
            progress(f"{size}: p50 {figures[f'p50_us.{size}']:.0f} us, p99 {figures[f'p99_us.{size}']:.0f} us")
        hot_figures, hot_bars = measure_hot()
    figures["bytes.account"] = _bytes_of_account()
    protocol = _PROTOCOL.format(columns=len(History().columns), days=DAYS, pairs=PAIRS, accounts=ACCOUNTS)
    bars = [Bar.at_most(f"live.p99_us.{size}", figures[f"p99_us.{size}"], BAR_US) for size in SIZES]
    network_figures, network_bar = measure_network()
    columns_figures, columns_bar = measure_columns()
    figures |= hot_figures | network_figures | columns_figures
    protocol = f"{protocol} {HOT_PROTOCOL} {NETWORK_PROTOCOL} {COLUMNS_PROTOCOL}"
    return Report("live", "made up", protocol, sum(SIZES), figures, {}, [*bars, *hot_bars, network_bar, columns_bar])


def _event(occurred_at: datetime, rng: np.random.Generator) -> dict[str, Any]:
    return {
        "account_id": "account",
        "occurred_at": occurred_at,
        "kind": "payment",
        "amount": float(rng.integers(1, 1_000_000)) / 100,
        "counterparty_id": f"counterparty-{rng.integers(0, 50)}",
    }


def _filled_state(size: int) -> HistoryState:
    rng = np.random.default_rng(0)
    state = HistoryState(History())
    events = [_event(START + timedelta(days=DAYS) * (index / size), rng) for index in range(size)]
    state.update({name: [event[name] for event in events] for name in events[0]})
    return state


def _bytes_of_account() -> float:
    """Measure the memory of an account with one event, including arrays and keys."""
    event = _event(START, np.random.default_rng(0))
    state = HistoryState(History())
    state.update(event)
    tracemalloc.start()
    for number in range(ACCOUNTS):
        state.update(event | {"account_id": f"account-{number}"})
    traced_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return traced_bytes / ACCOUNTS


def _pairs(state: HistoryState, n: int) -> list[float]:
    rng, now = np.random.default_rng(1), START + timedelta(days=DAYS)
    taken = []
    for index in range(-20, n):
        now += timedelta(days=DAYS) / 100_000
        event, subject = _event(now, rng), {"account_id": "account", "as_of": now + timedelta(seconds=1)}
        start = time.perf_counter()
        state.update(event)
        state.features(subject)
        if index >= 0:
            taken.append((time.perf_counter() - start) * 1e6)
    return taken
