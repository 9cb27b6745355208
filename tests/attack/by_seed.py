"""Attacks by seed, ``attempt(seed, folder)``, as generators."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tests.attack.outcomes import ACCEPTED, OTHER, REFUSED, Attempt, Outcome

__all__ = ["generator_of"]

BySeed = Callable[[int, Path], str]


def generator_of(attempt: BySeed) -> Callable[[Path], Attempt]:
    """Return ``prepare`` of a generator.

    Parameters
    ----------
    attempt : callable
        Takes a seed and an empty folder, and returns "accepted", "refused", or a description of anything else.
    """
    return lambda folder: partial(_attempt, attempt, folder)


def _attempt(attempt: BySeed, folder: Path, rng: np.random.Generator) -> Outcome:
    empty = Path(tempfile.mkdtemp(dir=folder))
    try:
        outcome = attempt(int(rng.integers(2**32)), empty)
    finally:
        shutil.rmtree(empty, ignore_errors=True)
    known = {"accepted": Outcome(ACCEPTED), "refused": Outcome(REFUSED)}
    return known.get(outcome, Outcome(OTHER, outcome))
