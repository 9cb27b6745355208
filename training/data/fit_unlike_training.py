"""Fit `UnlikeTraining`: the distance from the training rows, calibrated on rows that the model was not trained on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.models.unlike_training.compared_columns import compared_columns, positions_of
from fraudsieve.models.unlike_training.distance import TrainingDistance, fit_distance
from fraudsieve.models.unlike_training.shares import UnlikeTraining, calibrate_distance

__all__ = ["distance_of", "fit_unlike", "unlike_of"]


def distance_of(trained_on: pd.DataFrame, names: Sequence[str]) -> TrainingDistance:
    """Return the distance from training rows by the named columns; those that a fold does not have are left out.

    Examples
    --------
    >>> distance_of(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), ["b"]).columns.tolist()
    [1]
    """
    return fit_distance(trained_on.to_numpy(np.float64), positions_of(names, list(trained_on.columns)))


def unlike_of(trained_on: pd.DataFrame, names: Sequence[str], distances: Array) -> UnlikeTraining | None:
    """Return the distance from training rows, calibrated on the distances of other rows.

    Parameters
    ----------
    trained_on : DataFrame, shape (n_training_rows, n_columns)
        Feature rows of the training slice.
    names : sequence of str
        The columns to use, from `compared_columns`.
    distances : ndarray of float64, shape (n_rows,)
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
    distance = distance_of(trained_on, names)
    if not len(distance.columns) or not len(distances):
        return None
    # Column by column: the median of a frame copies it.
    medians = np.array([trained_on[name].median() for name in trained_on.columns], np.float64)
    return calibrate_distance(distance, distances, medians)


def fit_unlike(
    matrix: FeatureMatrix, ensemble: Ensemble, trained_on: pd.DataFrame, calibration: pd.DataFrame
) -> UnlikeTraining | None:
    """Fit on the feature rows of the training slice and calibrate on those of the calibration slice.

    Returns None if no column distinguishes records, or there are no rows.
    """
    names = compared_columns(matrix, ensemble)
    distances = distance_of(trained_on, names).apply(calibration.to_numpy(np.float64))
    return unlike_of(trained_on, names, distances)
