"""Outcomes of hostile input, and the run of a generator."""

import importlib
import pkgutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np

from fraudsieve.exceptions import FraudsieveError
from tests.attack import generators

__all__ = [
    "ACCEPTED",
    "OTHER",
    "REFUSED",
    "SECRET",
    "Attempt",
    "Outcome",
    "attempts",
    "generator_names",
    "judge",
    "load",
    "of_seeds",
]

Kind: TypeAlias = Literal["accepted and equal", "refused", "anything else"]
ACCEPTED: Final[Kind] = "accepted and equal"
REFUSED: Final[Kind] = "refused"
OTHER: Final[Kind] = "anything else"
SECRET: Final = "Zebedee"
"""A word that generators put into their texts; an error that contains it is a failure."""
MAX_SECONDS: Final = 30.0
"""Maximum time of one input on a busy machine."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one input, and for a failure what happened."""

    kind: Kind
    detail: str = ""


Attempt: TypeAlias = Callable[[np.random.Generator], Outcome]


def of_seeds(attempt: Callable[[int, Path], str], folder: Path) -> Attempt:
    """Return an attempt that draws a seed and uses an empty folder, and says "accepted", "refused" or what failed."""

    def run(rng: np.random.Generator) -> Outcome:
        seed = int(rng.integers(2**32))
        with tempfile.TemporaryDirectory(dir=folder) as place:
            said = attempt(seed, Path(place))
        kinds: dict[str, Kind] = {"accepted": ACCEPTED, "refused": REFUSED}
        return Outcome(kinds[said]) if said in kinds else Outcome(OTHER, f"seed {seed}: {said}")

    return run


def judge(use: Callable[[], bool], *, refusals: tuple[type[Exception], ...] = (FraudsieveError,)) -> Outcome:
    """Use an input and return the outcome.

    `use` gives it to the library, and returns whether an accepted input gives equal results by every path.
    """
    start = time.perf_counter()
    try:
        outcome = Outcome(ACCEPTED) if use() else Outcome(OTHER, "accepted, and the results differ")
    except refusals as error:
        leaks = SECRET in str(error)
        outcome = Outcome(OTHER, "the error quotes the input") if leaks else Outcome(REFUSED)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        outcome = Outcome(OTHER, f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}: {error}")
    seconds = time.perf_counter() - start
    return outcome if seconds < MAX_SECONDS else Outcome(OTHER, f"took {seconds:.0f} s")


def generator_names() -> list[str]:
    """Return the names of the generators: the modules in ``tests/attack/generators``."""
    return sorted(module.name for module in pkgutil.iter_modules(generators.__path__))


def load(name: str, folder: Path) -> Attempt:
    """Prepare a generator, in a folder that is its own."""
    folder.mkdir(parents=True, exist_ok=True)
    attempt: Attempt = importlib.import_module(f"{generators.__name__}.{name}").prepare(folder)
    return attempt


def attempts(attempt: Attempt, *, first_seed: int = 0) -> Iterator[tuple[int, Outcome]]:
    """Yield seeds and outcomes without end; the same seed makes the same input."""
    seed = first_seed
    while True:
        yield seed, attempt(np.random.default_rng(seed))
        seed += 1
