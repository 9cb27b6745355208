"""Hostile input by every generator of ``tests/attack``, counted by outcome."""

import multiprocessing
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

__all__ = ["PROTOCOL", "Counts", "attack", "count_outcomes"]

HANGS: Final = 120.0
"""Seconds without an outcome after which a process is stopped."""
PREPARES: Final = 600.0
"""Seconds in which a generator must be prepared: models are trained, and kernels compiled."""
MAX_DETAILS: Final = 5
NAMES: Final = {ACCEPTED: "accepted_and_equal", REFUSED: "refused", OTHER: "anything_else"}
PROTOCOL = (
    "Every generator makes inputs from consecutive seeds for the same time and gives each to the library, in a process "
    "of its own. accepted_and_equal: accepted, and every path gives equal results. refused: an error of fraudsieve "
    "that does not quote the input. anything_else: another error, results that differ, more than 30 s, or the end of "
    "the process. Failures are listed with their seed on standard error."
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


def count_outcomes(names: Sequence[str], minutes: float, *, tries: int | None, first_seed: int) -> Measured:
    """Run generators one after the other.

    Parameters
    ----------
    names : sequence of str
        The generators.
    minutes : float
        Time of all of them.
    tries : int or None
        Maximum number of inputs of each.
    first_seed : int
        Seed of the first input of each.

    Returns
    -------
    Measured
    """
    figures: dict[str, float] = {}
    for name in names:
        counts = attack(name, minutes * 60 / len(names), tries=tries, first_seed=first_seed)
        figures |= {f"{name}.{label}": counts.kinds[kind] for kind, label in NAMES.items()}
        progress(f"{name}: " + ", ".join(f"{counts.kinds[kind]:,} {kind}" for kind in NAMES))
        for seed, detail in counts.failures[:MAX_DETAILS]:
            progress(f"  seed {seed}: {detail}")
    bars = [Bar.at_most(f"{name}.anything_else", figures[f"{name}.anything_else"], 0) for name in names]
    return Measured(int(sum(figures.values())), figures, bars)


def attack(name: str, seconds: float, *, tries: int | None = None, first_seed: int = 0) -> Counts:
    """Run a generator in a process of its own; when the process ends or hangs, the next seed gets a new one.

    Parameters
    ----------
    name : str
        The generator.
    seconds : float
        Time, without that of its preparation.
    tries : int, default=None
        Maximum number of inputs.
    first_seed : int, default=0
        Seed of the first input.

    Returns
    -------
    Counts
    """
    counts, seed, left = Counts(), first_seed, seconds
    limit = None if tries is None else first_seed + tries
    with tempfile.TemporaryDirectory(prefix="fraudsieve-attack-") as folder:
        while left > 0 and (limit is None or seed < limit):
            seed, left = _run_process(name, Path(folder, str(seed)), counts, seed, limit, left)
    return counts


def _run_process(
    name: str, folder: Path, counts: Counts, seed: int, limit: int | None, seconds: float
) -> tuple[int, float]:
    """Count outcomes of one process until it fails or the time is over; return the next seed and the time left."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_outcomes, args=(name, folder, seed, sender), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(PREPARES) or receiver.recv() is not None:
            raise RuntimeError(f"{name}: the generator could not be prepared")
        end = time.monotonic() + seconds
        while time.monotonic() < end and (limit is None or seed < limit):
            try:
                outcome = receiver.recv()[1] if receiver.poll(HANGS) else Outcome(OTHER, f"no outcome after {HANGS} s")
            except EOFError:
                process.join()
                outcome = Outcome(OTHER, f"the process ended with exit code {process.exitcode}")
            counts.add(seed, outcome)
            seed += 1
            if outcome.kind == OTHER and not process.is_alive():
                break
            if outcome.detail.startswith("no outcome"):
                break
        return seed, end - time.monotonic()
    finally:
        process.kill()
        process.join()


def _send_outcomes(name: str, folder: Path, first_seed: int, sender: Connection) -> None:
    """Prepare a generator, send None, and then seeds and outcomes without end."""
    attempt = load(name, folder)
    sender.send(None)
    for outcome in attempts(attempt, first_seed=first_seed):
        sender.send(outcome)
