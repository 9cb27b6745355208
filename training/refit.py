"""The shipped model: trained again on all mature rows, with the settings of the evaluated model."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, JsonObject, Progress
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.guarantees import draw_of_groups, rate_bounds
from fraudsieve.models.scoring.scores import fraud_probability, reached
from fraudsieve.models.unlike_training.compared_columns import compared_columns
from fraudsieve.models.verification import write_verified
from fraudsieve.training.data.builders import (
    Builder,
    grow_trees,
    log_odds_of,
    matrix_of,
    sample_slice,
    training_rows,
)
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.report_parts.slices import mixture_of
from fraudsieve.training.facts import window_of
from fraudsieve.training.held_out import (
    MAX_ROWS,
    FoldScorer,
    HeldOutScores,
    are_few,
    needs_folds,
    newest_rows,
    with_all_classes,
)
from fraudsieve.training.labels import seen_until
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.split_model import distance_of, distances_of, expected_unlike, unlike_of, with_points
from fraudsieve.training.splits.split import Split

RESERVE = 0.5
"""Share of the risk that a promised rate is exceeded that is kept for the difference between both models:
``python -m benchmarks.evaluation refits`` measures it."""


CHANCE = 0.98
"""Level of the interval of a rate on the newest records: above it, chance does not explain the records flagged."""
NEWEST = (
    "the model that ships gives higher scores to the newest legitimate records than the evaluated model: its "
    "thresholds are set on the newest records alone, with {n:,} campaigns or accounts"
)


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


def write_refitted(
    plan: RefitPlan, data: LabelledData, refitted: Model, of_split: Model, recipe: Recipe, output: str | Path
) -> tuple[Model, Model]:
    """Write both models: the shipped one to `output`, the evaluated one next to it."""
    of_split = write_verified(of_split, split_model_folder(output))
    refitted = replace(refitted, training=refit_facts(plan, data, of_split, refitted, recipe))
    return write_verified(refitted, output), of_split


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
    rows, columns = plan.split.calibration, compared_columns(evaluated.matrix, evaluated.ensemble)
    matrix = matrix_of(builder, data.rows.iloc[rows])
    distances = np.empty(0) if evaluated.unlike is None else distances_of(evaluated.unlike.distance, matrix)
    labels = data.rows["label"].to_numpy(object)
    legitimate = data.legitimate if data.legitimate in classes else None
    folds = FoldScorer(trained_on, data, groups, recipe, classes)
    forward = legitimate is None or not needs_folds(data, groups, rows, recipe)
    odds = with_all_classes(log_odds_of(evaluated.ensemble, matrix, recipe), evaluated.classes, classes)
    promise = forward and not are_few(data, groups, rows)
    later = HeldOutScores(rows, odds, np.isin(labels[rows], evaluated.classes), promise, RESERVE)
    scores = later if forward else folds.scores(progress, with_fraud=True)
    plain = trained_on.plain
    model = replace(
        evaluated,
        classes=classes,
        legitimate=legitimate,
        matrix=trained_on.builder.matrix_,
        ensemble=classifier.ensemble_,
        calibration=later.or_if_few(scores, labels, legitimate).calibrate(labels, classes),
        unlike=unlike_of(distance_of(plain, columns), plain, distances),
        digest="",
        training={"rows": {"calibration": len(scores.rows)}, "calibration_window": window_of(data, scores.rows)},
    )
    shares = None if model.unlike is None else model.unlike.shares_of(distances)
    model = expected_unlike(model, shares, rows, data, groups)
    decided, notes = with_points(model, scores, data, groups, recipe)
    newest = guard_newest(decided, scores, folds, progress, forward=forward)
    if newest is None:
        return decided, notes
    decided, notes = with_points(model, newest, data, groups, recipe)
    return decided, (NEWEST.format(n=len(np.unique(groups[newest.rows]))), *notes)


def guard_newest(
    model: Model, scores: HeldOutScores, folds: FoldScorer, progress: Progress, *, forward: bool
) -> HeldOutScores | None:
    """Return the scores of the newest records if more of these are flagged than the points are for, beyond chance.

    Scores of the evaluated model do not show how a shipped model that has learned a new kind of fraud scores what looks
    like it.
    """
    data, groups = folds.data, folds.groups
    is_newest = newest_rows(data, scores.rows) & np.isin(scores.rows, folds.trained_on.positions)  # not all of a sample
    labels = data.rows["label"].to_numpy(object)[scores.rows]
    legitimate = is_newest & (labels == data.legitimate)
    rates = [point for point in model.points if point.target_rate is not None]
    if not rates or not legitimate.any() or not (is_newest & ~legitimate).any():
        return None
    rows, odds = scores.rows[legitimate], scores.log_odds.copy()
    drawn = draw_of_groups(groups[rows])

    def are_too_many(log_odds: Array) -> bool:
        fraud = fraud_probability(model.calibration.apply(log_odds), model.classes, data.legitimate)[drawn]
        shares = [(float(reached(fraud, point.threshold).mean()), point.target_rate or 1.0) for point in rates]
        return any(rate_bounds(share, len(drawn), CHANCE)[0] > rate for share, rate in shares)

    if forward:
        progress("refit: comparing the thresholds with the newest records")
        # Of a large table, the scores of the model itself are only a little too low: they show if it is worth a look.
        if len(folds.trained_on.positions) > MAX_ROWS and not are_too_many(folds.learned_scores(model.ensemble, rows)):
            return None
        odds[legitimate] = folds.halves(rows)
    if not are_too_many(odds[legitimate]):
        return None
    if forward:
        frauds = is_newest & ~legitimate
        odds[frauds] = folds.on_scale(odds[frauds], scores.log_odds[legitimate], odds[legitimate])
    return HeldOutScores(scores.rows[is_newest], odds[is_newest], scores.seen[is_newest], promise=False)


def refit_facts(plan: RefitPlan, data: LabelledData, of_split: Model, refitted: Model, recipe: Recipe) -> JsonObject:
    """Return the training facts of a shipped model.

    Returns the facts of the evaluated model, with the rows and windows of the refit instead. ``split_model`` says which
    model the metrics of the run are of.
    """
    of_run = of_split.training
    return of_run | {
        "refit": True,
        "rows": {"train": len(sample_slice(data, plan.split.train, recipe)), **refitted.training["rows"]},
        "calibration_window": refitted.training["calibration_window"],
        "window": window_of(data, plan.split.train),
        "mixture": mixture_of(data.rows.iloc[plan.split.train]),
        "left_out": plan.left_out,
        "metrics_of": "split_model",
        "split_model": {
            "digest": of_split.digest,
            **{name: of_run[name] for name in ("rows", "window", "calibration_window")},
        },
    }
