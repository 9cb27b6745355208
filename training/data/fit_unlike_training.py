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


def distance_of(trained_on: pd.DataFrame, names: Sequence[str]) -> TrainingDistance:
    """Return the distance from training rows by the named columns; those that they do not have are left out.

    Examples
    --------
    >>> distance_of(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), ["b"]).columns.tolist()
    [1]
    """
    return fit_distance(trained_on.to_numpy(np.float64), positions_of(names, list(trained_on.columns)))


def unlike_of(distance: TrainingDistance, trained_on: pd.DataFrame, distances: Array) -> UnlikeTraining | None:
    """Return the distance from training rows, calibrated on the distances of other rows.

    Parameters
    ----------
    distance : TrainingDistance
        From `distance_of`.
    trained_on : DataFrame, shape (n_training_rows, n_columns)
        Feature rows of the training slice.
    distances : ndarray of float64, shape (n_rows,)
        Of rows that the model was not trained on, legitimate and fraud alike.

    Returns
    -------
    UnlikeTraining or None
        None without columns or rows.

    Examples
    --------
    >>> rows = pd.DataFrame({"a": [1.0, 2.0]})
    >>> unlike = unlike_of(distance_of(rows, ["a"]), rows, np.array([0.5, 0.7, 0.9]))
    >>> unlike.usual.tolist(), unlike.shares.tolist()
    ([1.5], [0.25, 0.5, 0.75])
    """
    if not len(distance.columns) or not len(distances):
        return None
    # Column by column: the median of a frame copies it.
    medians = np.array([trained_on[name].dropna().median() for name in trained_on.columns], np.float64)
    return calibrate_distance(distance, distances, medians)


def fit_unlike(
    matrix: FeatureMatrix, ensemble: Ensemble, trained_on: pd.DataFrame, calibration: pd.DataFrame
) -> UnlikeTraining | None:
    """Fit on the feature rows of the training slice and calibrate on those of the calibration slice.

    Returns None if no column distinguishes records, or there are no rows.
    """
    distance = distance_of(trained_on, compared_columns(matrix, ensemble))
    return unlike_of(distance, trained_on, distance.apply(calibration.to_numpy(np.float64)))
