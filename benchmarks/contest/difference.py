"""How far one contestant is ahead of another on the runs that both had, and how sure that is."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.measures.paired import paired_figures

from .results import Row

__all__ = ["SEEDS_ALONE", "Difference"]

SEEDS_ALONE: Final = "standard error over seeds alone"


@dataclass(frozen=True)
class Difference:
    """A mean difference over paired runs.

    Parameters
    ----------
    mean : float
        Of the differences.
    error : float or None
        Its standard error; None with one run.
    kind : str
        What the error is, in words.

    Examples
    --------
    >>> Difference(0.02, 0.01, "standard error").cells()
    '0.0200 | 0.0100 | +2.0'
    """

    mean: float
    error: float | None
    kind: str

    @classmethod
    def between(cls, row: Row, other: Row) -> "Difference":
        """Compare two rows of one set.

        Several splits, which share rows, have the corrected error. The error on one split is of test rows, from the
        draws of both, and of seeds; without draws it is of seeds alone, and with one run of test rows alone.
        """
        n = min(len(row.values), len(other.values))
        folds = round(1 / row.test_share) + 1 if row.test_share else 2
        figures = paired_figures("set", "other", np.array(row.values[:n]), np.array(other.values[:n]), folds=folds)
        mean, of_seeds = figures["set.vs_other.mean"], figures.get("set.vs_other.se")
        if row.test_share:
            return cls(mean, figures.get("set.vs_other.se_corrected"), "corrected standard error")
        if not (row.draws and other.draws):
            return cls(mean, of_seeds, SEEDS_ALONE)
        of_rows = float(np.nanstd(np.subtract(row.draws, other.draws), ddof=1))  # a draw without fraud has none
        kind = "standard error" if of_seeds is not None else "standard error over test rows alone"
        return cls(mean, math.hypot(of_rows, of_seeds or 0.0), kind)

    def words(self) -> str:
        """Return the difference as in a sentence."""
        spread = "one run" if self.error is None else f"{self.kind} {self.error:.4f}"
        return f"{self.mean:.4f} ({spread})"

    def cells(self) -> str:
        """Return the difference, its error and their ratio as cells of a table; a ratio needs an error."""
        error = "" if self.error is None else f"{self.error:.4f}"
        ratio = f"{self.mean / self.error:+.1f}" if self.error else ""
        return f"{self.mean:.4f} | {error} | {ratio}"
