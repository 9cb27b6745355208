"""The ordinary call without a recipe on the rows of a task, and the columns that it makes of them."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.defaults.sets import Task
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import groups_of, matrix_of, read_data, scores_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import training_rows
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.split import Split

__all__ = ["fit_ours", "our_columns"]

CALIBRATION_SHARE = 0.15
Rows = NDArray[np.int64]


def fit_ours(task: Task, seed: int) -> Callable[[], NDArray[np.float64]]:
    """Train as the ordinary call does, on the training rows of a task.

    Parameters
    ----------
    task : Task
        The tables and the rows.
    seed : int
        The seed of the recipe.

    Returns
    -------
    callable
        Returns the probabilities of the test rows.
    """
    recipe = Recipe(seed=seed)
    data, train, test = _read(task, recipe)
    fitted, calibration = _calibration(train, data.rows["as_of"], seed)
    groups, _ = groups_of(data)
    split = Split("given", fitted, calibration, test, ())
    model, builder, _ = fit_model(data, groups, split, recipe, lambda step: None)
    return lambda: np.asarray(scores_of(Scorer(model), data.rows.iloc[test], builder)["probability"], np.float64)


def our_columns(task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the feature columns of the training rows and of the test rows, as the ordinary call makes them.

    Parameters
    ----------
    task : Task
        The tables and the rows.

    Returns
    -------
    train, test : DataFrame
        In the order of ``task.train`` and ``task.test``. Columns that use labels are out of fold in training.
    """
    recipe = Recipe()
    data, train, test = _read(task, recipe)
    fitted = training_rows(data, groups_of(data)[0], train, recipe)
    place = pd.Series(np.arange(len(fitted.positions)), fitted.positions).reindex(train)
    return fitted.matrix.iloc[place.to_numpy()], matrix_of(fitted.builder, data.rows.iloc[test])


def _read(task: Task, recipe: Recipe) -> tuple[LabelledData, Rows, Rows]:
    """Read the tables of a task, and find its rows in them."""
    named = task.rows.assign(label=task.rows["label"].map({0: "legitimate", 1: "fraud"}))
    tables = {"events": named} if task.subject == "event" else {"accounts": named, "events": task.events}
    data = read_data(recipe, tables, min_label_rows=2)
    key = "event_id" if task.subject == "event" else "account_id"
    place = pd.Series(np.arange(len(data.rows)), data.rows[key].astype(str))
    train, test = (place.reindex(task.rows[key].iloc[rows].astype(str)).to_numpy() for rows in (task.train, task.test))
    return data, train, test


def _calibration(train: Rows, times: pd.Series, seed: int) -> tuple[Rows, Rows]:
    """Split the training rows: the latest are for calibration, or some at random without an order in time."""
    cut = len(train) - max(round(CALIBRATION_SHARE * len(train)), 2)
    order = times.iloc[train].to_numpy().argsort(kind="stable")
    if times.iloc[train].nunique() < 20 or len(train) < 2000:
        order = np.random.default_rng(seed).permutation(len(train))
    return np.sort(train[order[:cut]]), np.sort(train[order[cut:]])
