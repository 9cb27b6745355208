"""The shipped model: trained again on all mature rows, with the settings of the evaluated model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import Calibration, fit_calibration
from fraudsieve.models.unlike_training.compared_columns import compared_columns
from fraudsieve.models.verification import write_verified
from fraudsieve.training.data.builders import Builder, matrix_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import grow_trees, sample_slice, training_rows
from fraudsieve.training.evaluation.report_parts.slices import mixture_of
from fraudsieve.training.facts import window_of
from fraudsieve.training.labels import seen_until
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.split_model import distance_of, unlike_of, with_points
from fraudsieve.training.splits.split import Split

RESERVE = 0.5
"""Share of the risk that a promised rate is exceeded that is kept for the difference between both models:
``python -m benchmarks.evaluation refits`` measures it."""


UNSEEN = 50.0
"""Log-odds by which a class that the evaluated model has not seen is below the most probable class."""


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


def write_refitted(
    plan: RefitPlan, data: LabelledData, refitted: Model, of_split: Model, recipe: Recipe, output: str | Path
) -> tuple[Model, Model]:
    """Write both models: the shipped one to `output`, the evaluated one next to it."""
    of_split = write_verified(of_split, split_model_folder(output))
    n_trained = len(sample_slice(data, plan.split.train, recipe))
    return write_verified(replace(refitted, training=refit_facts(plan, data, of_split, n_trained)), output), of_split


def split_model_folder(output: str | Path) -> Path:
    """Return the folder of the evaluated model, next to that of the shipped model."""
    return Path(f"{output}.split-model")


def refit_model(
    plan: RefitPlan,
    data: LabelledData,
    groups: Array,
    evaluated: Model,
    builder: Builder,
    recipe: Recipe,
    progress: Progress,
) -> tuple[Model, tuple[str, ...]]:
    """Train on all mature rows by the recipe of the evaluated model, with its number of rounds, and calibrate on the
    scores that it gives to rows that it has not learned from."""
    progress("refit: training on all mature rows")
    trained_on = training_rows(data, groups, plan.split.train, recipe)
    classifier = grow_trees(trained_on, recipe, data.subject)
    classes = tuple(str(name) for name in classifier.classes_)
    progress("refit: calibrating")
    forward = score_forward(evaluated, builder, data, plan.split.calibration, classes)
    truth = data.rows["label"].to_numpy(object)[forward.rows]
    columns = compared_columns(evaluated.matrix, evaluated.ensemble)
    model = replace(
        evaluated,
        classes=classes,
        legitimate=data.legitimate if data.legitimate in classes else None,
        matrix=trained_on.builder.matrix_,
        ensemble=classifier.ensemble_,
        calibration=forward.calibrate(truth, classes),
        unlike=unlike_of(distance_of(trained_on.plain, columns), trained_on.plain, forward.distances),
        digest="",
    )
    shares = None if model.unlike is None else model.unlike.shares_of(forward.distances)
    return with_points(model, forward.log_odds, shares, data, groups, plan.split, recipe, RESERVE)


def refit_facts(plan: RefitPlan, data: LabelledData, of_split: Model, n_trained: int) -> dict[str, Any]:
    """Return the training facts of a shipped model.

    Returns the facts of the evaluated model, with the rows and windows of the refit instead. ``split_model`` says which
    model the metrics of the run are of, and gave the scores of the calibration rows.
    """
    of_run = of_split.training
    return of_run | {
        "refit": True,
        "rows": {"train": n_trained, "calibration": len(plan.split.calibration)},
        "window": window_of(data, plan.split.train),
        "calibration_window": window_of(data, plan.split.calibration),
        "mixture": mixture_of(data.rows.iloc[plan.split.train]),
        "left_out": plan.left_out,
        "metrics_of": "split_model",
        "split_model": {
            "digest": of_split.digest,
            **{name: of_run[name] for name in ("rows", "window", "calibration_window")},
        },
    }
