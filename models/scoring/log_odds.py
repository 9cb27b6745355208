"""Calibrated log-odds of feature rows."""

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model

__all__ = ["calibrated_log_odds", "scorable_log_odds"]


def calibrated_log_odds(model: Model, rows: Array, n_threads: int = 1) -> Array:
    """Return calibrated log-odds of feature rows, as ndarray of float64, shape (n_rows, n_outputs)."""
    return model.calibration.apply(model.ensemble.log_odds(rows, n_threads=n_threads))


def scorable_log_odds(model: Model, rows: Array, why: Array, n_threads: int = 1) -> Array:
    """Return calibrated log-odds; NaN where a record is unscorable, which is where `why` is not None."""
    if len(rows) and not any(why.tolist()):  # most calls
        return calibrated_log_odds(model, rows, n_threads)
    good = np.flatnonzero(why == None)  # noqa: E711 - compares every element
    odds = np.full((len(rows), len(model.ensemble.base)), np.nan)
    if len(good):
        odds[good] = calibrated_log_odds(model, rows[good], n_threads)
    return odds
