"""Early stopping: some of the training rows choose the number of rounds, and a fit on all of them follows."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

from benchmarks.contestants.contestant import FitColumns, FitEarly, Fitted, Labels
from benchmarks.data.folds import Rows

__all__ = ["MOST_ROUNDS", "PATIENCE", "Part", "stop_early"]

MOST_ROUNDS: Final = 1000
PATIENCE: Final = 50
"""Rounds without a smaller log loss of the held-back rows, after which the search ends."""
Part: TypeAlias = tuple[Any, Labels]
"""Columns and labels."""


def stop_early(choose: Callable[[Part, Part, int], dict[str, Any]], fit: FitColumns) -> FitEarly:
    """Return what chooses settings on held-back rows, and fits all rows with them.

    `choose` is called with the other rows, the held-back rows and the seed, and returns settings of `fit`.
    """

    def fit_early(X: Any, y: Labels, held_back: Rows, *, seed: int = 0) -> Fitted:
        others = np.delete(np.arange(len(y)), held_back)
        settings = choose((X[others], y[others]), (X[held_back], y[held_back]), seed)
        return fit(X, y, seed=seed, **settings)

    return fit_early
