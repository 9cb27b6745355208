"""Uncalibrated log-odds of feature rows: LightGBM trees on top of initial log-odds."""

import ctypes
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

from .arrays import Trees, read_trees

if TYPE_CHECKING:
    from lightgbm import Booster

FLOAT64, ROW_MAJOR, RAW_SCORE = 1, 1, 1
"""Constants of LightGBM's C API."""


class SingleRow:
    """Score single rows, with exactly the results of `lightgbm.Booster.predict`.

    Threads can share it, because each has its own set-up.
    """

    def __init__(self, booster: "Booster") -> None:
        self.booster = booster
        self.n_columns = booster.num_feature()
        self.n_outputs = booster.num_model_per_iteration()
        self._own = threading.local()

    def __reduce__(self) -> tuple[type["SingleRow"], tuple["Booster"]]:
        return type(self), (self.booster,)

    def __call__(self, row: Array) -> Array:
        """Score a row."""
        if row.shape != (1, self.n_columns):
            raise ValueError(f"Expected one row of {self.n_columns} columns, got an array of shape {row.shape}.")
        config: _Config | None = getattr(self._own, "config", None)
        if config is None:
            config = self._own.config = _Config(self.booster, self.n_columns, self.n_outputs)
        return config.score(row)


class _Config:
    """Prediction set-up of one thread."""

    def __init__(self, booster: "Booster", n_columns: int, n_outputs: int) -> None:
        from lightgbm.basic import _LIB  # type: ignore[attr-defined]  # the C API is not public

        self.library = _LIB
        self.booster = booster  # must live as long as the set-up
        self.row, self.out = np.empty((1, n_columns)), np.empty(n_outputs)
        self.handle = ctypes.c_void_p()
        rounds = booster.best_iteration if booster.best_iteration > 0 else -1
        options = (RAW_SCORE, 0, rounds, FLOAT64, ctypes.c_int32(n_columns), b"num_threads=1")
        self._check(
            _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(booster._handle, *options, ctypes.byref(self.handle))
        )
        data = ctypes.c_void_p(self.row.ctypes.data)
        into = self.out.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        self.arguments = self.handle, data, ctypes.byref(ctypes.c_int64()), into

    def score(self, row: Array) -> Array:
        self.row[:] = row
        self._check(self.library.LGBM_BoosterPredictForMatSingleRowFast(*self.arguments))
        return self.out.copy()

    def __del__(self) -> None:
        if self.handle:
            self.library.LGBM_FastConfigFree(self.handle)

    def _check(self, code: int) -> None:
        if code != 0:
            from lightgbm.basic import LightGBMError

            raise LightGBMError(self.library.LGBM_GetLastError().decode("utf-8", "replace"))


@compile_kernel()
def _add_kernel(base: Array, scores: Array) -> None:
    for i in range(scores.shape[0]):
        for k in range(scores.shape[1]):
            scores[i, k] = base[k] + (0.0 if np.isnan(scores[i, k]) else scores[i, k])


def initial_log_odds(X: Array, wording: Sequence[int] | Array, base: Array) -> Array:
    """Return the log-odds that boosting starts from."""
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

    booster: "Booster"
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
