"""Uncalibrated log-odds of feature rows: LightGBM trees on top of initial log-odds."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fraudsieve._typing import Array

from .arrays import Trees, read_trees
from .start import initial_log_odds

if TYPE_CHECKING:
    from lightgbm import Booster

    from .single_row import SingleRow


@dataclass(frozen=True)
class Ensemble:
    """LightGBM trees on top of initial log-odds.

    Parameters
    ----------
    booster : lightgbm.Booster
        The trees; they add to the initial log-odds.
    wording : tuple of int
        Positions of the wording columns, one per output; empty without wording.
    base : ndarray of float64, shape (n_outputs,)
        Log-odds that do not depend on the columns.
    """

    booster: "Booster"
    wording: tuple[int, ...]
    base: Array

    @cached_property
    def trees(self) -> Trees:
        """The trees as arrays, parsed at first use."""
        return read_trees(self.booster)

    @cached_property
    def single_row(self) -> "SingleRow":
        """The booster for one row at a time."""
        from .single_row import SingleRow  # LightGBM is imported while kernels compile: see `load_model`

        return SingleRow(self.booster)

    @cached_property
    def _start(self) -> Array:
        return np.array(self.wording, np.int64)

    def log_odds(self, X: Array, *, n_threads: int = 0) -> Array:
        """Score feature rows.

        Parameters
        ----------
        X : ndarray of float64, shape (n_rows, n_columns)
            Feature rows, columns in the order of training.
        n_threads : int, default=0
            Threads; 0 for all cores. The result does not depend on it.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_outputs)
            One output for two classes, one per class for more.
        """
        if X.shape == (1, self.single_row.n_columns):
            return self.single_row(X)[None] + initial_log_odds(X, self._start, self.base)
        trees = np.asarray(self.booster.predict(X, raw_score=True, num_threads=n_threads))
        return trees.reshape(len(X), -1) + initial_log_odds(X, self._start, self.base)
