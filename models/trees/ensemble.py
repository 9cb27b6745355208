"""Uncalibrated log-odds of feature rows: LightGBM trees on top of initial log-odds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import lightgbm as lgb
import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

from .arrays import Trees, read_trees
from .single_row import SingleRow

__all__ = ["Ensemble", "initial_log_odds"]


@compile_kernel()
def _add_kernel(base: Array, scores: Array) -> None:
    for i in range(scores.shape[0]):
        for k in range(scores.shape[1]):
            scores[i, k] = base[k] + (0.0 if np.isnan(scores[i, k]) else scores[i, k])


def initial_log_odds(X: Array, wording: Sequence[int] | Array, base: Array) -> Array:
    """Return the log-odds that boosting starts from.

    Parameters
    ----------
    X : ndarray of float64, shape (n_rows, n_columns)
        Feature rows.
    wording : sequence of int
        Positions of the wording columns, one per output; empty without wording. A missing score adds nothing.
    base : ndarray of float64, shape (n_outputs,)
        Added to every row.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_outputs)

    Examples
    --------
    >>> initial_log_odds(np.array([[5.0, 2.0]]), (1,), np.array([0.5])).tolist()
    [[2.5]]
    """
    if not len(wording):
        return np.tile(base, (len(X), 1))
    scores = X.take(wording, axis=1)
    _add_kernel(base, scores)
    return scores


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

    booster: lgb.Booster
    wording: tuple[int, ...]
    base: Array

    @cached_property
    def trees(self) -> Trees:
        """The trees as arrays, parsed at first use."""
        return read_trees(self.booster)

    @cached_property
    def single_row(self) -> SingleRow:
        """The booster for one row at a time."""
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
