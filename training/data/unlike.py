"""Fit `UnlikeTraining`: quantiles of the training rows, calibrated on rows that the model was not trained on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.models.strangeness.columns import positions_of, strangeness_columns
from fraudsieve.models.strangeness.tails import Tails, fit_tails
from fraudsieve.models.strangeness.unlike_training import UnlikeTraining, calibrate_strangeness
from fraudsieve.models.trees.ensemble import Ensemble

__all__ = ["fit_unlike", "tails_of", "unlike_of"]


def tails_of(trained_on: pd.DataFrame, names: Sequence[str]) -> Tails:
    """Return the quantiles of the named columns of training rows; those that a fold does not have are left out.

    Examples
    --------
    >>> tails_of(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), ["b"]).columns.tolist()
    [1]
    """
    return fit_tails(trained_on.to_numpy(np.float64), positions_of(names, list(trained_on.columns)))


def unlike_of(trained_on: pd.DataFrame, names: Sequence[str], strangeness: Array) -> UnlikeTraining | None:
    """Return the quantiles of training rows, calibrated on the strangeness of other rows.

    Parameters
    ----------
    trained_on : DataFrame, shape (n_training_rows, n_columns)
        Feature rows of the training slice.
    names : sequence of str
        The columns to use, from `strangeness_columns`.
    strangeness : ndarray of float64, shape (n_rows,)
        Of rows that the model was not trained on, legitimate and fraud alike.

    Returns
    -------
    UnlikeTraining or None
        None without columns or rows.

    Examples
    --------
    >>> unlike = unlike_of(pd.DataFrame({"a": [1.0, 2.0]}), ["a"], np.array([0.5, 0.7, 0.9]))
    >>> unlike.usual.tolist(), unlike.shares.tolist()
    ([1.5], [0.25, 0.5, 0.75])
    """
    tails = tails_of(trained_on, names)
    if not len(tails.columns) or not len(strangeness):
        return None
    return calibrate_strangeness(tails, strangeness, trained_on.median().to_numpy(np.float64))


def fit_unlike(
    matrix: FeatureMatrix, ensemble: Ensemble, trained_on: pd.DataFrame, calibration: pd.DataFrame
) -> UnlikeTraining | None:
    """Fit on the feature rows of the training slice and calibrate on those of the calibration slice.

    Parameters
    ----------
    matrix : FeatureMatrix
        The features of the model.
    ensemble : Ensemble
        Its trees.
    trained_on, calibration : DataFrame, shape (n_rows, n_columns)
        Feature rows.

    Returns
    -------
    UnlikeTraining or None
        None if no column tells records apart, or there are no rows.
    """
    names = strangeness_columns(matrix, ensemble)
    strangeness = tails_of(trained_on, names).strangeness(calibration.to_numpy(np.float64))
    return unlike_of(trained_on, names, strangeness)
