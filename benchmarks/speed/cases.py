"""Speed and memory of cases: a million flagged actions with five million links."""

import resource
import sys
import time
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.runner import Bar, Report, progress
from fraudsieve.cases import Actions, CaseSettings, partition_actions
from fraudsieve.cases.case_finding import find_bridges, within_cases
from fraudsieve.cases.links import find_links
from fraudsieve.cases.summary import ReviewTime, summarise_cases

__all__ = ["flagged_actions", "measure_cases", "run"]

SIZES: Final = (250_000, 1_000_000)
SECONDS: Final = 60.0
GROWTH: Final = 4.4
"""Memory of four times as many actions, at most, as a multiple: linear, and a tenth."""
DAYS: Final = 90
PROTOCOL: Final = (
    "Simulated transfers of 90 days: rings of 28 actions among 4 accounts within a week, and as many transfers between "
    "random accounts. From the frame of flagged actions to links, cases, bridges and their table. cpu_seconds is the "
    "time of this one-threaded process, which a machine with two idle cores needs at most; seconds is what passed. "
    "megabytes is the growth of the peak of the resident memory. The kernels were compiled before."
)


def run() -> Report:
    """Measure both sizes.

    Returns
    -------
    Report
    """
    measure_cases(flagged_actions(2000))  # compiles
    figures: dict[str, float] = {}
    for size in SIZES:
        for name, value in measure_cases(flagged_actions(size)).items():
            figures[f"{name}.{size}"] = value
        progress(f"{size:,} actions: {figures[f'cpu_seconds.{size}']:.1f} s of CPU")
    growth = figures[f"megabytes.{SIZES[1]}"] / max(figures[f"megabytes.{SIZES[0]}"], 1.0)
    bars = [
        Bar.at_most(f"cpu_seconds.{SIZES[1]}", figures[f"cpu_seconds.{SIZES[1]}"], SECONDS),
        Bar.at_least(f"links.{SIZES[1]}", figures[f"links.{SIZES[1]}"], 5 * SIZES[1]),
        Bar.at_most("growth_of_memory", growth, GROWTH),
    ]
    return Report("speed", "cases", PROTOCOL, SIZES[1], figures | {"growth_of_memory": growth}, bars=bars)


def flagged_actions(n: int, seed: int = 0) -> pd.DataFrame:
    """Simulate flagged transfers, half of them in rings.

    Parameters
    ----------
    n : int
        Number of actions.
    seed : int, default=0
        Seed.

    Returns
    -------
    DataFrame of shape (n, 7)
    """
    rng = np.random.default_rng(seed)
    ring = np.repeat(np.arange(n // 56), 28)
    in_ring = len(ring)
    others = n - in_ring
    first = rng.integers(0, DAYS, n // 56)[ring]
    accounts = np.concatenate([4 * ring + rng.integers(0, 4, in_ring), rng.integers(0, 2 * n, others)])
    payees = np.concatenate([4 * ring + rng.integers(0, 4, in_ring), rng.integers(0, 2 * n, others)])
    days = np.concatenate([first + rng.random(in_ring) * 7, rng.random(others) * DAYS])
    columns: dict[str, Any] = {
        "action_id": np.char.add("t", np.arange(n).astype(str)),
        "account_id": np.char.add("a", accounts.astype(str)),
        "counterparty_id": np.char.add("a", payees.astype(str)),
        "occurred_at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(days, unit="D").round("s"),
        "kind": "transfer",
        "amount": rng.integers(1, 1000, n).astype(float),
        "probability": rng.random(n),
    }
    return pd.DataFrame(columns).sample(frac=1, random_state=seed, ignore_index=True)


def measure_cases(frame: pd.DataFrame) -> dict[str, float]:
    """Time every step from flagged actions to the table of cases.

    Parameters
    ----------
    frame : DataFrame
        The actions.

    Returns
    -------
    dict of str to float
        ``seconds``, ``cpu_seconds``, ``megabytes``, ``links``, ``cases`` and the CPU seconds of each step.
    """
    before, start = _peak(), time.perf_counter()
    marks = [time.process_time()]
    actions = Actions.from_frame(frame)
    marks.append(time.process_time())
    settings = CaseSettings()
    links, _ = find_links(actions, settings, key=b"benchmark")
    marks.append(time.process_time())
    graph = links.graph(len(actions))
    case = partition_actions(graph, actions.frame["action_id"].to_numpy(object), resolution=settings.resolution).case
    marks.append(time.process_time())
    table = summarise_cases(actions, case, links, find_bridges(within_cases(graph, case)), ReviewTime())
    marks.append(time.process_time())
    steps = dict(zip(("actions", "links", "partition", "summary"), np.diff(marks).tolist(), strict=True))
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": marks[-1] - marks[0],
        "megabytes": _peak() - before,
        "links": float(len(links)),
        "cases": float(len(table)),
        **{f"cpu_seconds.{name}": value for name, value in steps.items()},
    }


def _peak() -> float:
    """Return the peak of the resident memory in megabytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
