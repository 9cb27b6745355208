"""Speed of the builder of account features: tables of events and of accounts to the finished matrix."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.machine import one_core
from benchmarks.runner import Bar, Report, progress
from benchmarks.speed.timing import peak_mb
from fraudsieve._subjects import Subject
from fraudsieve.features.account_records import cutoff_times, subject_columns
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.network.network_batch import network_features

__all__ = ["make_tables", "run"]

SIZES: Final = {"1m": 1_000_000, "4m": 4_000_000}
ACCOUNTS: Final = 200_000
DAYS: Final = 60
RUNS: Final = 3
BAR_PER_SECOND: Final = 400_000
BAR_SLOPE: Final = 1.1
PROTOCOL: Final = (
    "AccountFeatures by default, fit and transform, of {accounts:,} accounts, each at one random time of the second "
    "half of {days} days, from one and four million synthetic events in a frame of pandas, unsorted, ids as strings: "
    "account and counterparty both drawn from the same accounts (Zipf, exponent 1), three kinds, amounts. The matrix "
    "has views of sent and received events and the network, {columns} columns. seconds: CPU time of one thread on one "
    "core, the best of {runs} runs after a small one to compile; wall_seconds: what passed in the same run. history, "
    "network: the two parts alone, at one million. events_per_second: the lower of both sizes. slope: from one to four "
    "million, on a log-log scale. peak_mb: the largest memory that the call on four million adds. BLAKE2b digests of "
    "the matrices: {digests}."
)


def run(*, runs: int = RUNS) -> Report:
    """Time the builder with one and with four million events.

    Parameters
    ----------
    runs : int, default=3
        Number of runs per size, of which the fastest counts.

    Returns
    -------
    Report
        Seconds, events per second and memory.
    """
    _build(*make_tables(1000, min(ACCOUNTS, 200)))  # compiles
    figures: dict[str, float] = {}
    digests: dict[str, str] = {}
    columns = 0
    for name, n in SIZES.items():
        events, subjects = make_tables(n, ACCOUNTS)
        with one_core():
            matrix, times = _best(lambda: _build(events, subjects), runs)  # noqa: B023 - called at once
            if name == "1m":
                figures |= _parts(events, subjects, runs)
        figures |= {f"seconds.{name}": times[0], f"wall_seconds.{name}": times[1]}
        figures[f"events_per_second.{name}"] = n / times[0]
        columns, digests[name] = matrix.shape[1], hashlib.blake2b(matrix.tobytes(), digest_size=16).hexdigest()
        progress(f"{n:,} events: {times[0]:.2f} s of CPU, {n / times[0]:,.0f} events a second, {digests[name]}")
        del matrix
    figures |= peak_mb(lambda: _build(events, subjects))
    small, large = (figures[f"seconds.{name}"] for name in SIZES)
    figures["slope"] = float(np.log(large / small) / np.log(SIZES["4m"] / SIZES["1m"]))
    figures["events_per_second"] = min(figures[f"events_per_second.{name}"] for name in SIZES)
    said = ", ".join(f"{digest} ({name})" for name, digest in digests.items())
    protocol = PROTOCOL.format(accounts=ACCOUNTS, days=DAYS, columns=columns, runs=runs, digests=said)
    return Report("accounts", "zipf", protocol, SIZES["4m"], figures, bars=_bars(figures))


def make_tables(n_events: int, n_accounts: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Generate events among accounts, a few of which have many, and one cutoff time of each account.

    Parameters
    ----------
    n_events, n_accounts : int
        Numbers of rows.
    seed : int, default=0
        Random seed.

    Returns
    -------
    events : DataFrame
        ``account_id``, ``counterparty_id``, ``occurred_at``, ``kind`` and ``amount``.
    subjects : DataFrame
        ``account_id`` and ``as_of``.

    Examples
    --------
    >>> events, subjects = make_tables(3, 2)
    >>> events.columns.tolist(), subjects.shape
    (['account_id', 'counterparty_id', 'occurred_at', 'kind', 'amount'], (2, 2))
    """
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n_accounts + 1)
    names = np.array([f"acc{number:07d}" for number in range(n_accounts)], object)
    sides = [random.permutation(names)[random.choice(n_accounts, n_events, p=weights / weights.sum())] for _ in "ab"]
    start, seconds = np.datetime64("2026-03-01", "us"), DAYS * 86_400
    kinds = np.array(["payment", "transfer", "withdrawal"], object)
    events = {
        "account_id": pd.Series(sides[0], dtype="str"),
        "counterparty_id": pd.Series(sides[1], dtype="str"),
        "occurred_at": start + random.integers(0, seconds, n_events).astype("m8[s]"),
        "kind": pd.Series(kinds[random.integers(0, len(kinds), n_events)], dtype="str"),
        "amount": random.integers(1, 1_000_000, n_events) / 100,
    }
    as_of = start + random.integers(seconds // 2, seconds, n_accounts).astype("m8[s]")
    subjects = {"account_id": pd.Series(random.permutation(names), dtype="str"), "as_of": as_of}
    return pd.DataFrame(events), pd.DataFrame(subjects)


def _build(events: pd.DataFrame, subjects: pd.DataFrame) -> NDArray[Any]:
    return np.asarray(AccountFeatures(events).fit(subjects).transform(subjects))


def _best(call: Callable[[], NDArray[Any]], runs: int) -> tuple[NDArray[Any], tuple[float, float]]:
    """Return the result, and the seconds of CPU and of the clock of the run with the least CPU."""
    times = []
    for _ in range(runs):
        clock, cpu = time.perf_counter(), time.process_time()
        result = call()
        times.append((time.process_time() - cpu, time.perf_counter() - clock))
    return result, min(times)


def _parts(events: pd.DataFrame, subjects: pd.DataFrame, runs: int) -> dict[str, float]:
    """Time the history and the network alone."""
    matrix = AccountFeatures(events).fit(subjects).matrix_
    columns = subject_columns(subjects, cutoff_times(subjects, Subject.ACCOUNT), matrix)
    calls: dict[str, Callable[[], NDArray[Any]]] = {
        "history": lambda: history_features(events, columns, matrix.histories),
        "network": lambda: network_features(events, columns, matrix.network),
    }
    return {f"seconds.{name}": _best(call, runs)[1][0] for name, call in calls.items()}


def _bars(figures: dict[str, float]) -> list[Bar]:
    bars = [
        Bar.at_least(f"accounts.{name}", figures[name], BAR_PER_SECOND)
        for name in (f"events_per_second.{size}" for size in SIZES)
    ]
    return [*bars, Bar.at_most("accounts.slope", figures["slope"], BAR_SLOPE)]
