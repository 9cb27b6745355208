"""Timing in turn: every contestant once per round, so that slow phases of the machine affect all of them. Memory."""

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.machine import one_core
from benchmarks.runner import progress

__all__ = ["medians_in_turn", "peak_mb"]

_STATUS = Path("/proc/self/status")


def medians_in_turn(calls: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Time calls on one core, in turn, after one call each to warm up.

    Parameters
    ----------
    calls : mapping of str to callable
        Calls to time, by name.
    rounds : int
        Number of rounds.

    Returns
    -------
    dict of str to float
        Median seconds.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    with one_core():
        for call in calls.values():
            call()
        for _ in range(rounds):
            for name, call in calls.items():
                start = time.perf_counter()
                call()
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def peak_mb(call: Callable[[], object]) -> dict[str, float]:
    """Measure the largest memory that a call adds to the process.

    Parameters
    ----------
    call : callable
        The call.

    Returns
    -------
    dict of str to float
        ``peak_mb``; empty if the system does not report it.
    """
    try:
        _STATUS.with_name("clear_refs").write_text("5")  # resets the peak
    except OSError:
        progress("peak_mb is left out: this system does not report it.")
        return {}
    before = _resident("VmRSS")
    call()
    return {"peak_mb": _resident("VmHWM") - before}


def _resident(name: str) -> float:
    lines = (line.split() for line in _STATUS.read_text().splitlines())
    return next(float(words[1]) / 1024 for words in lines if words[0] == f"{name}:")
