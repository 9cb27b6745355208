"""Speed of the account history: an unsorted table of events to finished columns, against DuckDB and Polars."""

import importlib.util
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.runner import Bar, Report, progress
from benchmarks.speed.timing import medians_in_turn, peak_mb
from fraudsieve.features.history.declaration import History, window_seconds
from fraudsieve.features.history.history_batch import HistoryTables, encode, history_features
from fraudsieve.features.history.timeline import CutoffTimes, EncodedEvents, fill_history

__all__ = ["run"]

Block: TypeAlias = NDArray[Any]
Call: TypeAlias = Callable[[], Block]

EVENTS = 2_000_000
ACCOUNTS = 50_000
DAYS = 60
ROUNDS = 3
WINDOWS = ("1h", "1d")
RATIO_TO_DUCKDB = 1 / 25
RATIO_TO_POLARS = 1 / 12
KERNEL_TO_DUCKDB = 1 / 200
_MEASURES = ("count", "sum", "distinct")
_PROTOCOL = (
    "{rows:,} synthetic events of {accounts:,} accounts (Zipf, exponent 1) over {days} days, unsorted, ids as "
    "strings, in one Arrow table; for every event the count, the sum of amounts and the distinct counterparties (as "
    "many, Zipf) of its account in the hour and in the day strictly before it. Every contestant computes from that "
    "table finished columns in the order of its rows, one window per call, all on one core, one thread each; one call "
    "to warm up, then {rounds} rounds in turn, medians. The columns are compared: counts equal, sums to 1e-9. kernel: "
    "the windows alone, on sorted and encoded arrays, with all counting and linking for them. compile: the first call "
    "beyond the median of the others (a cache on disk may have served it). duckdb: window functions over RANGE, "
    "COUNT(DISTINCT), ordered by the row. polars: rolling on an index column by account, closed left, n_unique, "
    "sorted back to the rows. all: the four default windows in one call. slope: seconds for the hour, from half to "
    "ten times the events, on a log-log scale; peak_mb: the largest memory that the call on the larger table adds to "
    "the process."
)


def run(*, events: int = EVENTS, rounds: int = ROUNDS) -> Report:
    """Time both windows with all contestants, and compare their results.

    Parameters
    ----------
    events : int, default=2_000_000
        Number of events.
    rounds : int, default=3
        Number of rounds.

    Returns
    -------
    Report
        Seconds and ratios.
    """
    table = make_events(events)
    figures: dict[str, dict[str, float]] = {}
    for window in WINDOWS:
        for name, measured in _measure(table, window, rounds).items():
            figures.setdefault(name, {}).update(measured)
    own = figures.pop("ours") | _all_windows(table) | _growth(events)
    ratios = _ratios(own, figures)
    protocol = _PROTOCOL.format(rows=events, accounts=ACCOUNTS, days=DAYS, rounds=rounds)
    return Report("history", "zipf", protocol, events, own | ratios, figures, _bars(ratios))


def make_events(events: int, *, seed: int = 0) -> pa.Table:
    """Generate events of accounts, a few of which have many.

    Parameters
    ----------
    events : int
        Number of events.
    seed : int, default=0
        Random seed.

    Returns
    -------
    pyarrow Table
        ``account_id``, ``counterparty_id``, ``occurred_at`` (whole seconds) and ``amount`` (two decimals).

    Examples
    --------
    >>> make_events(3).schema.names
    ['account_id', 'counterparty_id', 'occurred_at', 'amount']
    """
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, ACCOUNTS + 1)
    ids = {prefix: pa.array([f"{prefix}{n:07d}" for n in random.permutation(ACCOUNTS)]) for prefix in ("acc", "cpt")}
    drawn = [random.choice(ACCOUNTS, events, p=weights / weights.sum()) for _ in ids]
    seconds = random.integers(1_714_521_600, 1_714_521_600 + DAYS * 86_400, events)
    return pa.table(
        {
            "account_id": ids["acc"].take(pa.array(drawn[0])),
            "counterparty_id": ids["cpt"].take(pa.array(drawn[1])),
            "occurred_at": pa.array(seconds * 1_000_000, pa.timestamp("us")),
            "amount": pa.array(random.integers(1, 1_000_000, events) / 100),
        }
    )


def _measure(table: pa.Table, window: str, rounds: int) -> dict[str, dict[str, float]]:
    calls = {name: make(table, window) for name, make in _makers().items()}
    start = time.perf_counter()
    calls["ours"]()
    first = time.perf_counter() - start
    results: dict[str, Block] = {}
    storing = {name: _storing(results, name, call) for name, call in calls.items()}
    medians = medians_in_turn({**storing, "kernel": _kernel(table, window)}, rounds=rounds)
    _compare(results, window)
    progress(f"{window}: " + ", ".join(f"{name} {seconds:.3f} s" for name, seconds in medians.items()))
    figures = {name: {f"seconds.{window}": medians[name]} for name in calls}
    figures["ours"][f"kernel.{window}"] = medians["kernel"]
    figures["ours"][f"compile.{window}"] = max(first - medians["ours"], 0.0)
    return figures


def _storing(results: dict[str, Block], name: str, call: Call) -> Callable[[], object]:
    def call_and_store() -> None:
        results[name] = call()

    return call_and_store


def _compare(results: Mapping[str, Block], window: str) -> None:
    own = results["ours"]
    for name, theirs in results.items():
        exact = np.array_equal(theirs[:, [0, 2]], own[:, [0, 2]])
        if not exact or not np.allclose(theirs[:, 1], own[:, 1], rtol=1e-9, atol=1e-6):
            raise AssertionError(f"{name} and ours differ on the window of {window}")


def _all_windows(table: pa.Table) -> dict[str, float]:
    """Time the four default windows in one call of fraudsieve."""
    history = History(measures=_MEASURES)
    return medians_in_turn({"seconds.all": lambda: history_features(table, None, history)}, rounds=1)


def _growth(events: int) -> dict[str, float]:
    """Time fraudsieve on the window of an hour with half and with ten times the events; a slope of 1 is linear."""
    seconds: dict[int, float] = {}
    peak: dict[str, float] = {}
    for size in (events // 2, events * 10):
        call = _ours(make_events(size), "1h")
        seconds[size] = medians_in_turn({"ours": call}, rounds=1)["ours"]
        peak = peak_mb(call)
        progress(f"{size:,} events: {seconds[size]:.3f} s")
    small, large = seconds.values()
    return {"slope": float(np.log(large / small) / np.log(20))} | peak


def _ratios(own: Mapping[str, float], peers: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    ours, kernel = (sum(own[f"{name}.{window}"] for window in WINDOWS) for name in ("seconds", "kernel"))
    theirs = {peer: sum(seconds[f"seconds.{window}"] for window in WINDOWS) for peer, seconds in peers.items()}
    ratios = {f"ratio_to_{peer}": ours / seconds for peer, seconds in theirs.items()}
    return ratios | {f"kernel_ratio_to_{peer}": kernel / seconds for peer, seconds in theirs.items()}


def _bars(ratios: Mapping[str, float]) -> list[Bar]:
    bounds = {
        "ratio_to_duckdb": RATIO_TO_DUCKDB,
        "ratio_to_polars": RATIO_TO_POLARS,
        "kernel_ratio_to_duckdb": KERNEL_TO_DUCKDB,
    }
    return [Bar.at_most(f"history.{name}", ratios[name], bound) for name, bound in bounds.items() if name in ratios]


def _makers() -> dict[str, Callable[[pa.Table, str], Call]]:
    makers: dict[str, Callable[[pa.Table, str], Call]] = {"ours": _ours, "duckdb": _duckdb, "polars": _polars}
    for peer in ("duckdb", "polars"):
        if importlib.util.find_spec(peer) is None:
            progress(f"{peer} is left out: it is not installed (pip install 'fraudsieve[bench]').")
            del makers[peer]
    return makers


def _ours(table: pa.Table, window: str) -> Call:
    history = History((window,), measures=_MEASURES)
    return lambda: history_features(table, None, history)


def _kernel(table: pa.Table, window: str) -> Call:
    history = History((window,), measures=_MEASURES)
    tables = HistoryTables.read(table, None, None)
    log, _ = encode(history, tables.events, tables.subjects)
    cutoffs = CutoffTimes(log.starts, log.times, np.arange(log.times.size, dtype=np.int32))
    out = np.full((log.times.size, len(history.columns)), np.nan)
    return lambda: _filled(history, log, cutoffs, out)


def _filled(history: History, log: EncodedEvents, cutoffs: CutoffTimes, out: Block) -> Block:
    fill_history(history, log, cutoffs, out)
    return out


def _duckdb(table: pa.Table, window: str) -> Call:
    import duckdb

    base = duckdb.connect(config={"threads": 1})
    base.register("events", table.append_column("place", pa.array(np.arange(len(table)))))
    query = f"""
        SELECT count(*) OVER past AS n, coalesce(sum(amount) OVER past, 0) AS total,
            count(DISTINCT counterparty_id) OVER past AS others
        FROM events
        WINDOW past AS (PARTITION BY account_id ORDER BY occurred_at
            RANGE BETWEEN INTERVAL {window_seconds(window)} SECONDS PRECEDING
            AND INTERVAL 1 MICROSECOND PRECEDING)
        ORDER BY place"""
    return lambda: np.column_stack([*base.execute(query).fetchnumpy().values()])


def _polars(table: pa.Table, window: str) -> Call:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # read when Polars is first imported
    import polars as pl

    measures = [
        pl.len().alias("n"),
        pl.col("amount").sum().alias("total"),
        pl.col("counterparty_id").n_unique().alias("others"),
    ]

    def call() -> Block:
        events = pl.DataFrame(table).with_row_index("place").sort("account_id", "occurred_at")
        rolled = events.rolling("occurred_at", period=window, closed="left", group_by="account_id").agg(measures)
        in_order = rolled.with_columns(events["place"]).sort("place").select("n", "total", "others")
        return np.asarray(in_order.to_numpy())

    return call
