"""What a contestant is: a name, what it needs, and how it is trained; and all that are installed, by benchmark."""

import pkgutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.folds import Rows
from benchmarks.data.kinds import Task
from benchmarks.runner import progress

__all__ = [
    "MESSAGES",
    "OURS",
    "Contestant",
    "FitColumns",
    "FitEarly",
    "FitTask",
    "FitTexts",
    "Fitted",
    "Labels",
    "Scores",
    "contestants_of",
    "fits_of",
    "of_classifier",
    "settings_of",
]

OURS: Final = "ours"
MESSAGES: Final = frozenset({"detection", "attack", "transfer", "contest"})
"""The benchmarks of messages."""
Labels: TypeAlias = NDArray[Any]
Scores: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained contestant.

    Parameters
    ----------
    label : callable
        Texts, or rows of columns, to their labels.
    score : callable
        The same to scores of fraud, fraud high; for two classes.
    """

    label: Callable[[Any], Labels]
    score: Callable[[Any], Scores]


FitTexts: TypeAlias = Callable[[list[str], Labels, Rows], Fitted]
"""Called with texts, labels (or whether each is fraud), and groups that a choice of settings keeps whole."""
FitTask: TypeAlias = Callable[[Task, int], Callable[[], Scores]]
"""Called with a task and a seed; trains on its training rows, and returns what scores its test rows."""


class FitColumns(Protocol):
    """Trains on columns and labels; settings are those of the library."""

    def __call__(self, X: Any, y: Labels, *, seed: int = 0, **settings: Any) -> Fitted:
        """Train."""


class FitEarly(Protocol):
    """Trains on columns and labels, with the number of rounds that does best on rows held back from a first fit."""

    def __call__(self, X: Any, y: Labels, held_back: Rows, *, seed: int = 0) -> Fitted:
        """Train on all rows."""


@dataclass(frozen=True)
class Contestant:
    """One way to find fraud. All choices are made on training rows alone.

    Parameters
    ----------
    name : str
        The name in reports.
    distributions : tuple of str
        What it is imported from: its size on disk is theirs and that of what they require.
    benchmarks : frozenset of str, default={"contest"}
        Which benchmarks it takes part in.
    needs : str, default=""
        The module that must be installed; empty if it always is.
    place : int, default=100
        Position in reports; those of one position are sorted by name.
    first_fold_alone : bool, default=False
        Whether all folds of messages would take too long.
    settings : str, default=""
        A sentence for protocols: its settings, and how they are chosen.
    fit_texts, fit_columns, fit_early, fit_task : callable, default=None
        How it is trained on texts, on columns that others make, on these with early stopping, and on whole tables;
        None if it is not.
    """

    name: str
    distributions: tuple[str, ...]
    benchmarks: frozenset[str] = frozenset({"contest"})
    needs: str = ""
    place: int = 100
    first_fold_alone: bool = False
    settings: str = ""
    fit_texts: FitTexts | None = None
    fit_columns: FitColumns | None = None
    fit_early: FitEarly | None = None
    fit_task: FitTask | None = None


def contestants_of(benchmark: str) -> dict[str, Contestant]:
    """Return the contestants of a benchmark that are installed, by name, ours first."""
    folders = import_module("benchmarks.contestants").__path__
    modules = [import_module(f"benchmarks.contestants.{file.name}") for file in pkgutil.iter_modules(folders)]
    found = [one for module in modules for one in getattr(module, "CONTESTANTS", ()) if benchmark in one.benchmarks]
    ordered = sorted(found, key=lambda one: (one.place, one.name))
    return {one.name: one for one in ordered if not one.needs or find_spec(one.needs)}


def fits_of(benchmark: str, *, without: Sequence[str] = ()) -> dict[str, FitTexts]:
    """Return how the contestants of a benchmark of messages are trained, by name, without some of them."""
    found = contestants_of(benchmark)
    if "fasttext" not in found:
        progress("fastText is left out: it is not installed (pip install 'fraudsieve[bench]').")
    return {name: one.fit_texts for name, one in found.items() if one.fit_texts and name not in without}


def settings_of(benchmark: str, names: Collection[str]) -> list[str]:
    """Return the sentences on the settings of some contestants of a benchmark."""
    return [one.settings for one in contestants_of(benchmark).values() if one.settings and one.name in names]


def of_classifier(model: Any, prepare: Callable[[Any], Any] = lambda rows: rows) -> Fitted:
    """Return a fitted classifier of scikit-learn's kind; `prepare` makes its columns."""
    return Fitted(
        lambda rows: np.asarray(model.predict(prepare(rows))).ravel(),
        lambda rows: np.asarray(model.predict_proba(prepare(rows)))[:, 1],
    )
