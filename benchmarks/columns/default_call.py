"""The tables of a task as the ordinary call reads them, without a recipe, and the columns that it makes of them."""

import numpy as np
import pandas as pd

from benchmarks.data.folds import Rows
from benchmarks.data.kinds import Matrices, Task
from fraudsieve.training.data.builders import matrix_of, read_data, training_rows
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe

__all__ = ["our_columns", "read_task"]


def our_columns(task: Task) -> Matrices:
    """Compute the columns of the training rows and of the test rows, in their order.

    Columns that use labels are out of fold in training.
    """
    recipe = Recipe()
    data, train, test = read_task(task, recipe)
    fitted = training_rows(data, groups_of(data)[0], train, recipe)
    place = pd.Series(np.arange(len(fitted.positions)), fitted.positions).reindex(train)
    return fitted.matrix.iloc[place.to_numpy()], matrix_of(fitted.builder, data.rows.iloc[test])


def read_task(task: Task, recipe: Recipe) -> tuple[LabelledData, Rows, Rows]:
    """Read the tables of a task, and find its rows in them."""
    named = task.rows.assign(label=task.rows["label"].map({0: "legitimate", 1: "fraud"}))
    tables = {"events": named} if task.subject == "event" else {"accounts": named, "events": task.events}
    data = read_data(recipe, tables, min_label_rows=2)
    key = "event_id" if task.subject == "event" else "account_id"
    place = pd.Series(np.arange(len(data.rows)), data.rows[key].astype(str))
    train, test = (place.reindex(task.rows[key].iloc[rows].astype(str)).to_numpy() for rows in (task.train, task.test))
    return data, train, test
