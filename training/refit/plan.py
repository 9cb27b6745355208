"""The rows and the folds of a refit, chosen before any work, so that too little data is an error at once."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SplitError
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.points import check_points
from fraudsieve.training.labels import seen_until
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split, has_times
from fraudsieve.training.tuning.folds import cut_folds

__all__ = ["RefitPlan", "mature_rows", "plan_refit"]

N_FOLDS = 5
TRAIN_SHARES = (0.5, 0.7)
"""Shares of the rows before the first window. The models of the folds should be almost as good as the final one,
because its calibration comes from their scores."""
ADVICE = "Add data, use a shorter split.gap_days, or remove --refit."


@dataclass(frozen=True, eq=False)
class RefitPlan:
    """The rows that a model is trained on again, and the folds whose pooled scores calibrate it.

    Parameters
    ----------
    split : Split
        The mature rows (``train``) and the rows that folds test (``calibration``), which are mature rows too. There is
        no test.
    folds : list of Split
        Positions in all rows.
    left_out : dict of str to int
        Labelled rows that are not mature, by reason.
    """

    split: Split
    folds: list[Split]
    left_out: dict[str, int]

    @property
    def scores_of(self) -> str:
        """Description of the folds, such as ``5 folds that go forward in time``."""
        kind = self.folds[0].kind
        how = "that go forward in time" if kind == "time" else f"that keep every {kind} whole"
        return f"{len(self.folds)} folds {how}"


def plan_refit(data: LabelledData, groups: Array, group_kind: str, split: Split, recipe: Recipe) -> RefitPlan:
    """Choose the rows and the folds of a refit.

    The folds go forward in time if the rows have times, with the gap of the split if it is by time. Otherwise they keep
    campaigns or accounts whole.

    Raises
    ------
    SplitError
        If there are too few rows for folds.
    RecipeError
        If the operating points of the recipe cannot be chosen on the rows of the folds.
    """
    mature, left_out = mature_rows(data, split)
    rows = data.rows.iloc[mature].reset_index(drop=True)
    by_time = has_times(rows["as_of"])
    folds = cut_folds(
        replace(data, rows=rows),
        groups[mature],
        group_kind,
        recipe,
        n_folds=N_FOLDS,
        by_time=by_time,
        gap_days=split.gap_days if split.kind == "time" else None,
        advice=ADVICE,
        train_shares=TRAIN_SHARES,
    )
    usable = [_in_all_rows(fold, mature) for fold in folds if len(fold.test) and _classes(rows, fold.train) > 1]
    if not usable:
        raise SplitError(f"refit: expected folds that train on at least 2 classes, got none of {len(folds)}. {ADVICE}")
    calibration = np.sort(np.concatenate([fold.test for fold in usable]))
    both = Split("time" if by_time else group_kind, mature, calibration, mature[:0], usable[0].keeps_apart)
    check_points(data, both, recipe)
    return RefitPlan(both, usable, left_out)


def mature_rows(data: LabelledData, split: Split) -> tuple[Array, dict[str, int]]:
    """Return the labelled rows whose labels are mature at the end of the data, and count the others by reason.

    After a split by time, these are all rows with a time that are older than its gap: of younger rows, only those with
    early labels are labelled. Other splits use all labelled rows, and so does their refit.

    Parameters
    ----------
    data : LabelledData
        All rows.
    split : Split
        The split of the run.

    Returns
    -------
    rows : ndarray of int64
        Positions, ascending.
    left_out : dict of str to int
        Rows without a time (``no_time``), and rows that are younger than the gap (``not_mature``).

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2026-01-01", periods=10, tz="UTC"))
    >>> rows = pd.DataFrame({"as_of": days, "labelled_at": pd.NaT, "label": "spam"})
    >>> data = LabelledData(rows, pd.DataFrame(), pd.DataFrame(), 0, (), {})
    >>> none = np.array([], np.int64)
    >>> mature_rows(data, Split("time", none, none, none, (), gap_days=2.0))
    (array([0, 1, 2, 3, 4, 5, 6, 7]), {'no_time': 0, 'not_mature': 2})
    """
    if split.kind != "time":
        return np.arange(len(data.rows)), {}
    times = data.rows["as_of"]
    has_time = times.notna().to_numpy()
    young = (times > seen_until(data.subjects) - pd.Timedelta(days=split.gap_days)).to_numpy()
    left_out = {"no_time": int((~has_time).sum()), "not_mature": int(young.sum())}
    return np.flatnonzero(has_time & ~young), left_out


def _classes(rows: pd.DataFrame, train: Array) -> int:
    return int(rows["label"].iloc[train].nunique())


def _in_all_rows(fold: Split, mature: Array) -> Split:
    return replace(fold, train=mature[fold.train], test=mature[fold.test])
