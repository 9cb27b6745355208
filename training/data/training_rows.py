"""The feature matrix and the classifier of training rows, for a run and for its hyperparameter search."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.accounts import UNTIMED
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.training.recipe.recipe import Recipe

from .builders import Builder, make_builder, rows_to_train
from .labelled import WEIGHT, LabelledData

__all__ = ["TrainingRows", "grow_trees", "training_rows"]


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Feature matrix and labels of the rows to train on.

    Parameters
    ----------
    builder : MessageFeatures or AccountFeatures
        Fitted on them.
    matrix : DataFrame, shape (n_rows, n_columns)
        Features; those learnt from labels are out of fold.
    labels : ndarray of str objects, shape (n_rows,)
        Classes.
    positions : ndarray of int64, shape (n_rows,)
        Position of each row in the data, or of the row that it is an obfuscated copy of.
    campaigns : dict
        As from `rows_to_train`.
    weights : ndarray of float64, shape (n_rows,), default=None
        Weights of the labels; None for equal weights.
    """

    builder: Builder
    matrix: pd.DataFrame
    labels: Array
    positions: Array
    campaigns: dict[str, Any]
    weights: Array | None = None


def training_rows(data: LabelledData, groups: Array, train: Array, recipe: Recipe) -> TrainingRows:
    """Fit the builder of a recipe on a slice.

    Parameters
    ----------
    data : LabelledData
        All rows.
    groups : ndarray, shape (n_rows,)
        Campaigns or accounts.
    train : ndarray of int
        Positions of the slice.
    recipe : Recipe
        Settings.

    Returns
    -------
    TrainingRows
    """
    builder = make_builder(data, recipe).set_output(transform="pandas")
    rows, labels, campaigns = rows_to_train(data, groups, train, recipe)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", UNTIMED)  # reported as a note
        matrix = builder.fit_transform(rows, labels, **campaigns)
    weights = rows[WEIGHT].to_numpy() if recipe.data.trusted.declared else None
    return TrainingRows(builder, matrix, labels, rows.index.to_numpy(), campaigns, weights)


def grow_trees(
    rows: TrainingRows, recipe: Recipe, subject: str, on_round: Callable[[int, float], None] | None = None
) -> FraudClassifier:
    """Fit the classifier of a recipe.

    Parameters
    ----------
    rows : TrainingRows
        The rows to train on.
    recipe : Recipe
        Settings.
    subject : {"message", "account", "event"}
        The kind of record in a row.
    on_round : callable, default=None
        As for `FraudClassifier.fit`.

    Returns
    -------
    FraudClassifier
        Fitted, not yet calibrated.
    """
    settings = recipe.model.settings(subject)
    classifier = FraudClassifier(**settings, random_state=recipe.seed, n_jobs=recipe.n_jobs)
    return classifier.fit(rows.matrix, rows.labels, sample_weight=rows.weights, on_round=on_round, **rows.campaigns)
