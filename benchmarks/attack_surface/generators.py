"""Hostile input by every generator of ``tests/attack``, counted by outcome."""

import multiprocessing
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from tests.attack.outcomes import ACCEPTED, OTHER, REFUSED, Outcome, attempts, load

from benchmarks.runner import Bar, progress

from .measured import Measured

__all__ = ["PROTOCOL", "Counts", "Limits", "attack", "count_outcomes"]

HANGS: Final = 120.0
"""Seconds without an outcome after which a process is stopped."""
ENDS: Final = 20.0
"""Seconds in which a process stops what it has started."""
PREPARES: Final = 600.0
"""Seconds in which a generator must be prepared: models are trained, and kernels compiled."""
MAX_DETAILS: Final = 5
NAMES: Final = {ACCEPTED: "accepted_and_equal", REFUSED: "refused", OTHER: "anything_else"}
PROTOCOL = (
    "Every generator makes inputs from consecutive seeds for the same time, and until there are as many as asked for. "
    "It gives each to the library, in a process of its own. accepted_and_equal: accepted, and every path gives equal "
    "results. refused: an error of fraudsieve that does not quote the input. anything_else: another error, results "
    "that differ, more than 30 s, or the end of the process. Failures are listed with their seed on standard error."
)


@dataclass
class Counts:
    """Outcomes of one generator.

    Parameters
    ----------
    kinds : Counter of str
        Inputs by kind of outcome.
    failures : list of (int, str)
        Seed and detail of the inputs that had any other outcome.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, seed: int, outcome: Outcome) -> None:
        """Count an outcome."""
        self.kinds[outcome.kind] += 1
        if outcome.kind == OTHER:
            self.failures.append((seed, outcome.detail))


@dataclass(frozen=True)
class Limits:
    """When a generator ends: after some seconds, but not before `at_least` inputs, and in any case after `tries`."""

    seconds: float
    at_least: int = 0
    tries: int | None = None

    def is_over(self, number: int, seconds: float) -> bool:
        """Return whether a generator ends after a number of inputs and some seconds.

        Examples
        --------
        >>> limits = Limits(9.0, at_least=5, tries=7)
        >>> [limits.is_over(*at) for at in ((4, 10.0), (5, 10.0), (6, 8.0), (7, 8.0))]
        [False, True, False, True]
        """
        return number == self.tries or (number >= self.at_least and seconds >= self.seconds)


def count_outcomes(names: Sequence[str], limits: Limits, *, first_seed: int) -> Measured:
    """Run generators one after the other.

    Parameters
    ----------
    names : sequence of str
        The generators.
    limits : Limits
        Of each.
    first_seed : int
        Seed of the first input of each.

    Returns
    -------
    Measured
    """
    figures, bars = dict[str, float](), list[Bar]()
    for name in names:
        counts = attack(name, limits, first_seed=first_seed)
        figures |= {f"{name}.{label}": counts.kinds[kind] for kind, label in NAMES.items()}
        progress(f"{name}: " + ", ".join(f"{counts.kinds[kind]:,} {kind}" for kind in NAMES))
        for seed, detail in counts.failures[:MAX_DETAILS]:
            progress(f"  seed {seed}: {detail}")
        bars.append(Bar.at_most(f"{name}.anything_else", counts.kinds[OTHER], 0))
        bars.append(Bar.at_least(f"{name}.inputs", counts.kinds.total(), limits.at_least))
    return Measured(int(sum(figures.values())), figures, bars)


def attack(name: str, limits: Limits, *, first_seed: int = 0) -> Counts:
    """Run a generator in a process of its own; when the process ends or hangs, the next seed gets a new one.

    Parameters
    ----------
    name : str
        The generator.
    limits : Limits
        When it ends. The time of its preparation does not count.
    first_seed : int, default=0
        Seed of the first input.

    Returns
    -------
    Counts
    """
    counts, seconds = Counts(), 0.0
    with tempfile.TemporaryDirectory(prefix="fraudsieve-attack-") as folder:
        while not limits.is_over(counts.kinds.total(), seconds):
            seconds += _run_process(name, Path(folder), counts, limits, first_seed, seconds)
    return counts


def _run_process(name: str, folder: Path, counts: Counts, limits: Limits, first_seed: int, spent: float) -> float:
    """Count outcomes of one process until it fails or the generator ends; return the seconds that this took."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    seed = first_seed + counts.kinds.total()
    process = context.Process(target=_send_outcomes, args=(name, folder / str(seed), seed, sender), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(PREPARES) or receiver.recv() is not None:
            raise RuntimeError(f"{name}: the generator could not be prepared")
        begin = time.monotonic() - spent
        while not limits.is_over(counts.kinds.total(), time.monotonic() - begin):
            try:
                outcome = receiver.recv()[1] if receiver.poll(HANGS) else Outcome(OTHER, f"no outcome after {HANGS} s")
            except EOFError:
                process.join()
                outcome = Outcome(OTHER, f"the process ended with exit code {process.exitcode}")
            counts.add(first_seed + counts.kinds.total(), outcome)
            if outcome.kind == OTHER and not process.is_alive():
                break
            if outcome.detail.startswith("no outcome"):
                break
        return time.monotonic() - begin - spent
    finally:
        process.terminate()
        process.join(ENDS)
        process.kill()
        process.join()


def _send_outcomes(name: str, folder: Path, first_seed: int, sender: Connection) -> None:
    """Prepare a generator, send None, and then seeds and outcomes without end; at the end, its services are stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    attempt = load(name, folder)
    sender.send(None)
    for outcome in attempts(attempt, first_seed=first_seed):
        sender.send(outcome)
