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
    """Return the distance from training rows by the named columns; those that they do not have are left out."""
    return fit_distance(trained_on.to_numpy(np.float64), positions_of(names, list(trained_on.columns)))


def unlike_of(distance: TrainingDistance, trained_on: pd.DataFrame, distances: Array) -> UnlikeTraining | None:
    """Return the distance from training rows, calibrated on the distances of other rows."""
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
