"""The rows of a refit: those that it learns from, and those whose scores by the evaluated model calibrate it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.labels import seen_until
from fraudsieve.training.splits.split import Split


@dataclass(frozen=True, eq=False)
class RefitPlan:
    """The rows that a model is trained on again, and those that calibrate it."""

    # The mature rows (`train`), and those of them that the evaluated model has not learned from and can score: the rows
    # of its calibration and test slices (`calibration`). There is no test.
    split: Split
    # Labelled rows that are not mature, by reason.
    left_out: dict[str, int]


def plan_refit(data: LabelledData, split: Split) -> RefitPlan:
    """Choose the rows of a refit.

    The models differ in the rows that they learn from, and not in their settings. So the scores that the evaluated
    model gives to rows that it has not learned from stand for those that the shipped model gives to new records.
    """
    mature, left_out = mature_rows(data, split)
    not_learned = np.intersect1d(mature, np.concatenate([split.calibration, split.test]))
    return RefitPlan(Split(split.kind, mature, not_learned, mature[:0], split.keeps_apart), left_out)


def mature_rows(data: LabelledData, split: Split) -> tuple[Array, dict[str, int]]:
    """Return the labelled rows whose labels are mature at the end of the data, and count the others by reason.

    After a split by time, these are all rows with a time that are older than its gap: of younger rows, only those with
    early labels are labelled. Other splits use all labelled rows, and so does their refit.
    """
    if split.kind != "time":
        return np.arange(len(data.rows)), {}
    times = data.rows["as_of"]
    has_time = times.notna().to_numpy()
    young = (times > seen_until(data.subjects) - pd.Timedelta(days=split.gap_days)).to_numpy()
    left_out = {"no_time": int((~has_time).sum()), "not_mature": int(young.sum())}
    return np.flatnonzero(has_time & ~young), left_out
