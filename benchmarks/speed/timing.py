"""Timing in turn: every contestant once per round, so that slow phases of the machine affect all of them."""

import statistics
import time
from collections.abc import Callable, Mapping

from benchmarks.machine import one_core

__all__ = ["medians_in_turn"]


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
