"""Scores that the evaluated model gives to mature rows that it has not learned from: they calibrate the shipped one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import Calibration, fit_calibration
from fraudsieve.training.data.builders import Builder, matrix_of
from fraudsieve.training.data.labelled import LabelledData

UNSEEN = 50.0
"""Log-odds by which a class that the evaluated model has not seen is below the most probable class."""


@dataclass(frozen=True, eq=False)
class ForwardScores:
    """Uncalibrated scores of the evaluated model."""

    # Shape (n_rows,). Positions in the data, ascending.
    rows: Array
    # Shape (n_rows, n_outputs). Uncalibrated.
    log_odds: Array
    # Shape (n_rows,). Whether the class of the row was among those that the evaluated model has learned.
    seen: Array
    # Shape (n_rows,). The distance of each row from the rows that the evaluated model has learned from; empty without a
    # distance.
    distances: Array

    def calibrate(self, labels: Array, classes: Sequence[str]) -> Calibration:
        """Fit a calibration on the rows whose class was seen."""
        codes = np.searchsorted(np.array(classes, object), labels[self.seen])
        return fit_calibration(self.log_odds[self.seen], codes)


def score_forward(
    evaluated: Model, builder: Builder, data: LabelledData, rows: Array, classes: Sequence[str]
) -> ForwardScores:
    """Score rows with the evaluated model, in the classes of the shipped model."""
    labels = data.rows["label"].iloc[rows].to_numpy(object)
    matrix = matrix_of(builder, data.rows.iloc[rows]).to_numpy()
    odds = with_all_classes(evaluated.ensemble.log_odds(matrix), evaluated.classes, classes)
    distances = np.empty(0) if evaluated.unlike is None else evaluated.unlike.distance.apply(matrix)
    return ForwardScores(rows, odds, np.isin(labels, evaluated.classes), distances)


def with_all_classes(log_odds: Array, seen: Sequence[str], classes: Sequence[str]) -> Array:
    """Return log-odds with one column for every class; classes that a model has not seen are all but impossible."""
    if len(seen) == len(classes):
        return log_odds
    by_class = log_odds if len(seen) > 2 else np.hstack([np.zeros((len(log_odds), 1)), log_odds])
    filled = np.repeat(by_class.max(axis=1, keepdims=True) - UNSEEN, len(classes), axis=1)
    filled[:, [list(classes).index(name) for name in seen]] = by_class
    return filled
