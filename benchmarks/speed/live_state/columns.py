"""Speed of the live state with many events at once: columns in, a snapshot out."""

import time
from typing import Any

import numpy as np

from benchmarks.machine import one_core
from benchmarks.runner import Bar, progress
from fraudsieve._microseconds import DAY
from fraudsieve.features.default_views import default_histories
from fraudsieve.features.live_state import HistoryState

__all__ = ["COLUMNS_PROTOCOL", "measure_columns"]

EVENTS, RECORDS = 1_000_000, 100_000
ACCOUNTS = 100_000
DAYS = 5
RUNS = 3
BAR_PER_SECOND = 300_000
COLUMNS = ("account_id", "counterparty_id", "amount", "kind", "occurred_at")
COLUMNS_PROTOCOL = (
    f"columns: one update of an empty live state with the default views of accounts and {EVENTS:,} events in arrays, "
    f"of {ACCOUNTS:,} Zipf accounts and as many counterparties with ids as Python strings; events per second of CPU "
    f"time of one core, the best of {RUNS}. records: the same with {RECORDS:,} dicts. bytes_per_event: arrays of the "
    "state. dump_s, restore_s: CPU seconds to copy the timelines to arrays, and to fill others from them."
)


def measure_columns() -> tuple[dict[str, float], Bar]:
    """Time updates with columns and with records, and copies of the state.

    Returns
    -------
    figures : dict of str to float
        Events per second, bytes and seconds.
    bar : Bar
        The bar of columns.
    """
    columns = _columns(EVENTS)
    names = list(columns)
    rows = zip(*(values[:RECORDS].tolist() for values in columns.values()), strict=True)
    records = [dict(zip(names, row, strict=True)) for row in rows]
    with one_core():
        _filled({name: values[:1000] for name, values in columns.items()})  # compiles
        seconds = min(_seconds(columns) for _ in range(RUNS))
        figures = {
            "columns.events_per_second": EVENTS / seconds,
            "columns.records_per_second": RECORDS / min(_seconds(records) for _ in range(RUNS)),
        }
        figures |= _copies(_filled(columns))
    progress(f"columns: {figures['columns.events_per_second']:,.0f} events a second")
    name = "columns.events_per_second"
    return figures, Bar.at_least(name, figures[name], BAR_PER_SECOND)


def _columns(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    names = np.array([f"account-{number}" for number in range(ACCOUNTS)], object)
    return {
        "account_id": names[(rng.zipf(1.3, n) - 1) % ACCOUNTS],
        "counterparty_id": names[(rng.zipf(1.3, n) * 7919) % ACCOUNTS],
        "amount": rng.integers(1, 1_000_000, n) / 100,
        "kind": np.array(["payment", "transfer"], object)[rng.integers(0, 2, n)],
        "occurred_at": np.datetime64("2026-05-01", "us") + np.sort(rng.integers(0, DAYS * DAY, n)).astype("m8[us]"),
    }


def _filled(events: Any) -> HistoryState:
    state = HistoryState(default_histories(COLUMNS))
    state.update(events)
    return state


def _seconds(events: Any) -> float:
    start = time.process_time()
    _filled(events)
    return time.process_time() - start


def _copies(state: HistoryState) -> dict[str, float]:
    start = time.process_time()
    _, arrays = state.dump()
    dumped = time.process_time()
    other = HistoryState(state.histories)
    for view, its_arrays in zip(other.views, arrays, strict=False):
        view.restore(its_arrays)
    restored = time.process_time()
    return {
        "columns.bytes_per_event": state.nbytes / EVENTS,
        "columns.dump_s": dumped - start,
        "columns.restore_s": restored - dumped,
    }
