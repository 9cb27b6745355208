"""The shipped model: trained again on all mature rows, with the settings of the evaluated model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from fraudsieve._typing import Array, Progress
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.unlike_training.compared_columns import compared_columns
from fraudsieve.models.verification import write_verified
from fraudsieve.training.chosen_points import with_points
from fraudsieve.training.data.builders import Builder
from fraudsieve.training.data.fit_unlike_training import distance_of, unlike_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import grow_trees, sample_slice, training_rows
from fraudsieve.training.evaluation.report_parts.slices import mixture_of
from fraudsieve.training.facts import window_of
from fraudsieve.training.recipe.recipe import Recipe

from .forward_scores import score_forward
from .plan import RefitPlan

RESERVE = 0.5
"""Share of the risk that a promised rate is exceeded that is kept for the difference between both models:
``python -m benchmarks.evaluation refits`` measures it."""


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
