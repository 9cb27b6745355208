"""Scores of mature rows by the models of folds, none of which was trained on the row that it scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraudsieve._typing import Array, Progress
from fraudsieve.models.calibration import Calibration, fit_calibration
from fraudsieve.training.data.builders import matrix_of
from fraudsieve.training.data.fit_unlike_training import distance_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import grow_trees, training_rows
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split

__all__ = ["PooledScores", "pool_scores", "with_all_classes"]

UNSEEN = 50.0
"""Log-odds by which a class that a fold has not seen is below the most probable class."""


@dataclass(frozen=True, eq=False)
class PooledScores:
    """Uncalibrated scores of the folds together.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_rows,)
        Positions in the data, ascending.
    log_odds : ndarray of float64, shape (n_rows, n_outputs)
        Uncalibrated.
    seen : ndarray of bool, shape (n_rows,)
        Whether the class of the row was among the training rows of its fold.
    distances : ndarray of float64, shape (n_rows,)
        The distance of each row from the training rows of its fold.
    """

    rows: Array
    log_odds: Array
    seen: Array
    distances: Array

    def calibrate(self, labels: Array, classes: Sequence[str]) -> Calibration:
        """Fit a calibration on the rows whose class their fold has seen."""
        codes = np.searchsorted(np.array(classes, object), labels[self.seen])
        return fit_calibration(self.log_odds[self.seen], codes)


def pool_scores(
    data: LabelledData,
    groups: Array,
    folds: Sequence[Split],
    classes: Sequence[str],
    columns: Sequence[str],
    recipe: Recipe,
    progress: Progress,
) -> PooledScores:
    """Train on every fold with the settings of a recipe, and score the test rows of the fold."""
    labels, odds, seen, distances = data.rows["label"].to_numpy(object), [], [], []
    for number, fold in enumerate(folds, 1):
        progress(f"refit: fold {number} of {len(folds)}")
        trained_on = training_rows(data, groups, fold.train, recipe)
        classifier = grow_trees(trained_on, recipe, data.subject)
        matrix = matrix_of(trained_on.builder, data.rows.iloc[fold.test])
        fold_classes = [str(name) for name in classifier.classes_]
        odds.append(with_all_classes(classifier.ensemble_.log_odds(matrix.to_numpy()), fold_classes, classes))
        seen.append(np.isin(labels[fold.test], classifier.classes_))
        distances.append(distance_of(trained_on.plain, columns).apply(matrix.to_numpy()))
    rows = np.concatenate([fold.test for fold in folds])
    order = np.argsort(rows)
    return PooledScores(rows[order], *(np.concatenate(parts)[order] for parts in (odds, seen, distances)))


def with_all_classes(log_odds: Array, seen: Sequence[str], classes: Sequence[str]) -> Array:
    """Return log-odds with one column for every class; classes that a model has not seen are all but impossible.

    Parameters
    ----------
    log_odds : ndarray, shape (n_rows, n_outputs)
        One column for two classes, one per class for more.
    seen : sequence of str
        The classes of the model, sorted.
    classes : sequence of str
        All classes, sorted.

    Returns
    -------
    ndarray of float64
        Unchanged if the model has seen all classes.

    Examples
    --------
    >>> with_all_classes(np.array([[1.5]]), ["ham", "spam"], ["ham", "scam", "spam"]).tolist()
    [[0.0, -48.5, 1.5]]
    """
    if len(seen) == len(classes):
        return log_odds
    by_class = log_odds if len(seen) > 2 else np.hstack([np.zeros((len(log_odds), 1)), log_odds])
    filled = np.repeat(by_class.max(axis=1, keepdims=True) - UNSEEN, len(classes), axis=1)
    filled[:, [list(classes).index(name) for name in seen]] = by_class
    return filled
