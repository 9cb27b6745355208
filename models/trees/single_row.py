"""LightGBM's fast path for a single row: the set-up of a prediction is done once."""

import ctypes
import threading

import lightgbm as lgb
import numpy as np
from lightgbm.basic import _LIB  # type: ignore[attr-defined]  # the C API is not public

from fraudsieve._typing import Array

FLOAT64, ROW_MAJOR, RAW_SCORE = 1, 1, 1
"""Constants of LightGBM's C API."""


class SingleRow:
    """Score single rows, with exactly the results of `lightgbm.Booster.predict`.

    Threads can share it, because each has its own set-up.
    """

    def __init__(self, booster: lgb.Booster) -> None:
        self.booster = booster
        self.n_columns = booster.num_feature()
        self.n_outputs = booster.num_model_per_iteration()
        self._own = threading.local()

    def __reduce__(self) -> tuple[type["SingleRow"], tuple[lgb.Booster]]:
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

    def __init__(self, booster: lgb.Booster, n_columns: int, n_outputs: int) -> None:
        self.booster = booster  # must live as long as the set-up
        self.row, self.out = np.empty((1, n_columns)), np.empty(n_outputs)
        self.handle = ctypes.c_void_p()
        rounds = booster.best_iteration if booster.best_iteration > 0 else -1
        options = (RAW_SCORE, 0, rounds, FLOAT64, ctypes.c_int32(n_columns), b"num_threads=1")
        _check(_LIB.LGBM_BoosterPredictForMatSingleRowFastInit(booster._handle, *options, ctypes.byref(self.handle)))
        data = ctypes.c_void_p(self.row.ctypes.data)
        into = self.out.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        self.arguments = self.handle, data, ctypes.byref(ctypes.c_int64()), into

    def score(self, row: Array) -> Array:
        self.row[:] = row
        _check(_LIB.LGBM_BoosterPredictForMatSingleRowFast(*self.arguments))
        return self.out.copy()

    def __del__(self) -> None:
        if self.handle and _LIB is not None:
            _LIB.LGBM_FastConfigFree(self.handle)


def _check(code: int) -> None:
    if code != 0:
        raise lgb.basic.LightGBMError(_LIB.LGBM_GetLastError().decode("utf-8", "replace"))
