"""Operating points of a training run: in how many days its records come, and what its recipe asks for."""

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError
from fraudsieve.models.thresholds import OperatingPoint, operating_points
from fraudsieve.training.data.labelled import Labelled
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split

__all__ = ["amounts_of", "calibration_days", "check_points", "choose_points", "share_of_records"]


DAY = pd.Timedelta(days=1)


def calibration_days(data: Labelled, split: Split) -> float | None:
    """Tell in how many days so many records come as the calibration slice has rows.

    Reviewers get alerts of all records, not of labelled ones alone, and a slice leaves rows out. So the slice counts
    for as much time as all messages of its window take to be as many; of accounts and events those with a label count.

    Parameters
    ----------
    data : Labelled
        The rows, and the messages without a label.
    split : Split
        The slices; one that is not by time has the window of all rows.

    Returns
    -------
    float or None
        Days; None where fewer than two records have a time, or all have the same.
    """
    times = data.rows["as_of"]
    window = (times.iloc[split.calibration] if split.kind == "time" else times).dropna()
    stream = times if data.messages is None else data.messages["as_of"]
    seen = int(stream.between(window.min(), window.max()).sum()) if len(window) else 0
    if seen < 2 or window.min() == window.max():
        return None
    # So many records have one gap fewer between them.
    return float((window.max() - window.min()) / DAY / (seen - 1) * len(split.calibration))


def share_of_records(data: Labelled, rows: pd.DataFrame) -> float:
    """Tell which share some labelled rows are of all records of their time, as `calibration_days` counts them.

    Parameters
    ----------
    data : Labelled
        All rows, and the messages without a label.
    rows : DataFrame
        Those that are looked at, such as the test slice; with ``as_of``.

    Returns
    -------
    float
        At most 1; 1 where no record has a time.
    """
    times = rows["as_of"].dropna()
    stream = data.rows["as_of"] if data.messages is None else data.messages["as_of"]
    seen = int(stream.between(times.min(), times.max()).sum()) if len(times) else 0
    return min(len(times) / seen, 1.0) if seen else 1.0


def check_points(data: Labelled, split: Split, recipe: Recipe) -> None:
    """Check, before any work, that the points of a recipe can be chosen.

    Parameters
    ----------
    data : Labelled
        The rows.
    split : Split
        The slices.
    recipe : Recipe
        What is asked for.

    Raises
    ------
    RecipeError
        When alerts a day are asked for and the rows have no times, or costs by amount and no fraud has an amount.
    """
    asked, problems = recipe.thresholds, []
    if asked.alerts_a_day and calibration_days(data, split) is None:
        problems.append("thresholds.alerts_a_day: the records have no times. Give times, or take it out")
    if asked.costs is not None and asked.costs.by_amount:
        amounts = amounts_of(data, split)
        is_fraud = data.rows["label"].iloc[split.calibration].to_numpy(object) != recipe.data.legitimate
        if amounts is None or np.isnan(amounts[is_fraud]).all():
            problems.append("thresholds.costs.by_amount: no fraud to calibrate on has an amount. Set it to false")
    if problems:
        raise RecipeError("recipe", problems)


def amounts_of(data: Labelled, split: Split) -> Array | None:
    """Return the amounts of the calibration slice, NaN for unknown.

    Parameters
    ----------
    data : Labelled
        The rows.
    split : Split
        The slices.

    Returns
    -------
    ndarray of float64, shape (n_calibration,), or None
        None where rows have no amount.
    """
    if "amount" not in data.rows:
        return None
    return data.rows["amount"].iloc[split.calibration].to_numpy(np.float64, na_value=np.nan)


def choose_points(
    probability: Array, is_fraud: Array, data: Labelled, split: Split, recipe: Recipe
) -> tuple[tuple[OperatingPoint, ...], tuple[str, ...]]:
    """Choose the operating points that a recipe asks for, on the calibration slice.

    Parameters
    ----------
    probability : ndarray, shape (n_calibration,)
        Calibrated probability of fraud.
    is_fraud : ndarray of bool, shape (n_calibration,)
        The truth.
    data : Labelled
        The rows.
    split : Split
        The slices.
    recipe : Recipe
        What is asked for.

    Returns
    -------
    points : tuple of OperatingPoint
        The one that decides first.
    notes : tuple of str
        Points that flag nothing.
    """
    days, amounts = calibration_days(data, split), amounts_of(data, split)
    points = operating_points(probability, is_fraud, recipe.thresholds.targets, days=days, amounts=amounts)
    idle = [point.name for point in points if not point.flagged]
    notes = (f"operating points that flag nothing on the calibration slice: {', '.join(idle)}",) if idle else ()
    return points, notes
