"""The feature matrix and the classifier of training rows, for a run and for its hyperparameter search."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.features.accounts import UNTIMED
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.training.recipe.recipe import Recipe

from .builders import Builder, make_builder, rows_to_train
from .labelled import WEIGHT, LabelledData

__all__ = ["TrainingRows", "grow_trees", "training_rows"]

SECONDS_PER_LINE = 2.0


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


def training_rows(
    data: LabelledData, groups: Array, train: Array, recipe: Recipe, progress: Progress | None = None
) -> TrainingRows:
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
    progress : callable, default=None
        Called with the number of fits of text models that are done, after those that take long.

    Returns
    -------
    TrainingRows
    """
    builder = make_builder(data, recipe).set_output(transform="pandas")
    rows, labels, campaigns = rows_to_train(data, groups, train, recipe)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", UNTIMED)  # reported as a note
        on_fit = {} if progress is None or data.subject != "message" else {"on_fit": _count_fits(progress)}
        matrix = builder.fit_transform(rows, labels, **campaigns, **on_fit)
    weights = rows[WEIGHT].to_numpy() if recipe.data.trusted.declared else None
    return TrainingRows(builder, matrix, labels, rows.index.to_numpy(), campaigns, weights)


def _count_fits(progress: Progress) -> Callable[[int, int], None]:
    """Return a callable that reports fits of text models, at most every few seconds."""
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_PER_LINE:
            progress(f"learning the text model: {done} of {total} fits")
            last = time.monotonic()

    return report


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
