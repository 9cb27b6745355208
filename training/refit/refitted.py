"""The shipped model: trained again on all mature rows, with the settings of the evaluated model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from fraudsieve._typing import Array, Progress
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.likelihood_ratios import support_of
from fraudsieve.models.points import AbsentPoint, OperatingPoint
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.models.unlike_training.compared_columns import compared_columns
from fraudsieve.models.verification import write_verified
from fraudsieve.training.data.fit_unlike_training import unlike_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import grow_trees, sample_slice, training_rows
from fraudsieve.training.evaluation.points import choose_points
from fraudsieve.training.evaluation.report_parts.slices import mixture_of
from fraudsieve.training.facts import few_to_calibrate, window_of
from fraudsieve.training.monitoring.expected_shares import expected_shares
from fraudsieve.training.recipe.recipe import Recipe

from .plan import RefitPlan
from .pooled_scores import pool_scores

__all__ = ["refit_facts", "refit_model", "split_model_folder", "write_refitted"]


def write_refitted(
    plan: RefitPlan, data: LabelledData, refitted: Model, of_split: Model, recipe: Recipe, output: str | Path
) -> tuple[Model, Model]:
    """Write both models: the shipped one to `output`, the evaluated one next to it."""
    of_split = write_verified(of_split, split_model_folder(output))
    n_trained = len(sample_slice(data, plan.split.train, recipe))
    return write_verified(replace(refitted, training=refit_facts(plan, data, of_split, n_trained)), output), of_split


def split_model_folder(output: str | Path) -> Path:
    """Return the folder of the evaluated model, next to that of the shipped model.

    Parameters
    ----------
    output : str or Path
        The folder of the shipped model.

    Returns
    -------
    Path

    Examples
    --------
    >>> str(split_model_folder("models/cards"))
    'models/cards.split-model'
    """
    return Path(f"{output}.split-model")


def refit_model(
    plan: RefitPlan, data: LabelledData, groups: Array, of_split: Model, recipe: Recipe, progress: Progress
) -> tuple[Model, tuple[str, ...]]:
    """Train on all mature rows, and calibrate on the pooled scores of folds."""
    progress("refit: training on all mature rows")
    trained_on = training_rows(data, groups, plan.split.train, recipe)
    classifier = grow_trees(trained_on, recipe, data.subject)
    classes = tuple(str(name) for name in classifier.classes_)
    columns = compared_columns(trained_on.builder.matrix_, classifier.ensemble_)
    pooled = pool_scores(data, groups, plan.folds, classes, columns, recipe, progress)
    truth = data.rows["label"].to_numpy(object)[pooled.rows]
    legitimate = data.legitimate if data.legitimate in classes else None
    model = replace(
        of_split,
        classes=classes,
        legitimate=legitimate,
        matrix=trained_on.builder.matrix_,
        ensemble=classifier.ensemble_,
        calibration=pooled.calibrate(truth, classes),
        unlike=unlike_of(trained_on.plain, columns, pooled.distances),
        digest="",
    )
    points: tuple[OperatingPoint, ...] = ()
    absent: tuple[AbsentPoint, ...] = ()
    notes: tuple[str, ...] = ()
    support = None
    scores = {} if model.unlike is None else {"unlike_training": model.unlike.shares_of(pooled.distances)}
    if legitimate is not None:
        fraud = fraud_probability(model.calibration.apply(pooled.log_odds), classes, legitimate)
        scores["probability"] = fraud
        points, absent, notes = choose_points(fraud, truth != legitimate, data, groups, plan.split, recipe)
        support = support_of(fraud, truth != legitimate, groups[plan.split.calibration])
    notes = (*few_to_calibrate(len(pooled.rows)), *notes)
    model = replace(model, points=points, absent_points=absent, ratio_support=support)
    expected = expected_shares(model, scores, groups[pooled.rows], data.rows["as_of"].iloc[pooled.rows])
    model = replace(model, expected_shares=expected)
    return model, tuple(f"refit: {note}" for note in notes)


def refit_facts(plan: RefitPlan, data: LabelledData, of_split: Model, n_trained: int) -> dict[str, Any]:
    """Return the training facts of a shipped model.

    Returns the facts of the evaluated model, with the rows and windows of the refit instead. ``calibration`` says
    where calibration and operating points come from, and ``split_model`` which model the metrics of the run are of.
    """
    of_run = of_split.training
    return of_run | {
        "refit": True,
        "rows": {"train": n_trained, "calibration": len(plan.split.calibration)},
        "window": window_of(data, plan.split.train),
        "calibration_window": window_of(data, plan.split.calibration),
        "mixture": mixture_of(data.rows.iloc[plan.split.train]),
        "left_out": plan.left_out,
        "calibration": {
            "of": ["calibration", "operating_points"],
            "inherited_from": f"pooled scores of {plan.scores_of}",
            "keeps_apart": list(plan.split.keeps_apart),
            "rows": len(plan.split.calibration),
        },
        "metrics_of": "split_model",
        "split_model": {
            "digest": of_split.digest,
            **{name: of_run[name] for name in ("rows", "window", "calibration_window")},
        },
    }
