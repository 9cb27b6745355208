"""Fit the model of a split: features and trees on the training slice, the rest on the calibration slice."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.accounts import UNTIMED
from fraudsieve.features.campaign.over_time import MAX_MESSAGES
from fraudsieve.features.history.declaration import EVERY_EVENT
from fraudsieve.features.history.history_batch import count_beyond_bound
from fraudsieve.features.large_matrix import blocks_of
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.likelihood_ratios import support_of
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.models.unlike_training.compared_columns import compared_columns, positions_of
from fraudsieve.models.unlike_training.distance import TrainingDistance, fit_distance
from fraudsieve.models.unlike_training.shares import UnlikeTraining, calibrate_distance
from fraudsieve.training.data.builders import (
    Builder,
    TrainingRows,
    grow_trees,
    log_odds_of,
    matrix_of,
    sample_of,
    training_rows,
)
from fraudsieve.training.data.column_notes import candidate_notes
from fraudsieve.training.data.groups import GROUP, units_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.points import choose_points, choose_source_points
from fraudsieve.training.evaluation.report import TreeChoice
from fraudsieve.training.held_out import FEW_FRAUDS, FoldScorer, HeldOutScores, needs_folds
from fraudsieve.training.monitoring.bounds import expected_shares
from fraudsieve.training.recipe.cores import with_threads
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split

from .choice import choose_trees, with_trees
from .facts import few_to_calibrate, training_facts
from .leaks import LeakWarning, find_leaks

NO_LEGITIMATE = (
    "no record of the training slice is legitimate, so the model separates types and gives no probability of fraud"
)


def distance_of(trained_on: pd.DataFrame, names: Sequence[str]) -> TrainingDistance:
    """Return the distance from training rows by the named columns; those that they do not have are left out."""
    return fit_distance(trained_on.to_numpy(np.float64), positions_of(names, list(trained_on.columns)))


def unlike_of(distance: TrainingDistance, trained_on: pd.DataFrame, distances: Array) -> UnlikeTraining | None:
    """Return the distance from training rows, calibrated on the distances of other rows."""
    if not len(distance.columns) or not len(distances):
        return None
    # Column by column: the median of a frame copies it.
    medians = np.array([trained_on[name].dropna().median() for name in trained_on.columns], np.float64)
    return calibrate_distance(distance, distances, medians)


def fit_unlike(
    matrix: FeatureMatrix, ensemble: Ensemble, trained_on: pd.DataFrame, calibration: pd.DataFrame
) -> UnlikeTraining | None:
    """Fit on the feature rows of the training slice and calibrate on those of the calibration slice.

    Returns None if no column distinguishes records, or there are no rows.
    """
    distance = distance_of(trained_on, compared_columns(matrix, ensemble))
    return unlike_of(distance, trained_on, distances_of(distance, calibration))


def distances_of(distance: TrainingDistance, matrix: pd.DataFrame) -> Array:
    """Return the distances of rows, block by block."""
    return np.concatenate([distance.apply(X) for X in blocks_of(matrix)])


def with_points(
    model: Model, scores: HeldOutScores, data: LabelledData, groups: Array, recipe: Recipe
) -> tuple[Model, tuple[str, ...]]:
    """Choose the operating points of a calibrated model by the scores of held-out rows, and say how many records it
    expects to flag.

    Returns the model, and notes on the rows and the points.
    """
    rows, notes = scores.rows, tuple(few_to_calibrate(len(scores.rows)))
    if model.legitimate is None:
        return replace(model, points=(), ratio_support=None), notes
    is_fraud = (data.rows["label"].iloc[rows] != model.legitimate).to_numpy()
    fraud = fraud_probability(model.calibration.apply(scores.log_odds), model.classes, model.legitimate)
    points, of_points = choose_points(fraud, is_fraud, data, groups, scores, recipe)
    model = replace(model, points=points, ratio_support=support_of(fraud, is_fraud, groups[rows]))
    columns = {"probability": fraud}
    if recipe.thresholds.by is not None:
        by_source, value_of, of_sources = choose_source_points(model, fraud, is_fraud, data, groups, scores, recipe)
        model, of_points = replace(model, source_points=by_source), (*of_points, *of_sources)
        columns["threshold_of"] = value_of
    expected = expected_shares(model, columns, groups[rows], data.rows["as_of"].iloc[rows])
    return replace(model, expected_shares=(*model.expected_shares, *expected)), (*notes, *of_points)


def expected_unlike(model: Model, shares: Array | None, rows: Array, data: LabelledData, groups: Array) -> Model:
    """Say how many records are expected to look like nothing in training, by the share of each of some rows."""
    scores = {} if shares is None else {"unlike_training": shares}
    return replace(model, expected_shares=expected_shares(model, scores, groups[rows], data.rows["as_of"].iloc[rows]))


class FittedModel(NamedTuple):
    """The model of a split."""

    model: Model
    builder: Builder
    # Notes for the user on the rows and the features.
    notes: tuple[str, ...]
    # Notes on the calibration slice and the operating points. A refit has its own.
    point_notes: tuple[str, ...]
    # How the trees were chosen; None if they are those of the recipe, or by default.
    choice: TreeChoice | None
    # That of the run, with the trees that were chosen.
    recipe: Recipe


def fit_model(
    data: LabelledData,
    groups: Array,
    split: Split,
    recipe: Recipe,
    progress: Progress,
    on_round: Callable[[int, float], None] | None = None,
) -> FittedModel:
    """Fit features, trees, calibration and operating points on their slices."""
    recipe = with_threads(recipe)[0]
    rows, labels = data.rows, data.rows["label"].to_numpy(object)
    progress("learning the text model" if data.subject.has_text else "computing histories")
    trained_on = training_rows(data, groups, split.train, recipe, progress)
    features = trained_on.builder
    choice = choose_trees(trained_on, data, groups, recipe, progress)
    chosen = recipe if choice is None else with_trees(recipe, choice, len(trained_on.labels))
    if choice is not None and choice.chosen.own:
        trained_on = training_rows(data, groups, split.train, chosen, progress)
        features = trained_on.builder
    progress("growing trees")
    classifier = grow_trees(trained_on, chosen, data.subject, on_round)
    trees = {name: value for name, value in classifier.get_params().items() if name not in ("random_state", "n_jobs")}
    progress("calibrating")
    matrix, truth = matrix_of(features, rows.iloc[split.calibration]), labels[split.calibration]
    classes = tuple(str(name) for name in classifier.classes_)
    legitimate = data.legitimate if data.legitimate in classes else None
    log_odds = log_odds_of(classifier.ensemble_, matrix, recipe)
    scores = later = HeldOutScores(split.calibration, log_odds, np.isin(truth, classes))
    if legitimate is not None and needs_folds(data, groups, np.concatenate([split.calibration, split.test]), recipe):
        few = len(np.unique(groups[split.calibration][truth != legitimate])) < FEW_FRAUDS
        folds = FoldScorer(trained_on, data, groups, chosen, classes)
        scores = scores.with_rows(folds.scores(progress, with_fraud=few))
    own = None if data.precomputed is not None else features.matrix_.custom.columns
    warnings, sample = _warnings(trained_on, data, groups, split, own), sample_of(data, recipe)
    model = Model(
        name=recipe.name,
        classes=classes,
        legitimate=legitimate,
        matrix=features.matrix_,
        ensemble=classifier.ensemble_,
        calibration=later.or_if_few(scores, labels, legitimate).calibrate(labels, classes),
        policy=recipe.scoring.policy,
        unlike=fit_unlike(features.matrix_, classifier.ensemble_, trained_on.plain, matrix),
        training=training_facts(data, split, recipe, choice) | {"trees": trees, "warnings": warnings},
    )
    shares = None
    if model.unlike is not None:
        shares = model.unlike.shares_of(distances_of(model.unlike.distance, matrix))
    model = expected_unlike(model, shares, split.calibration, data, groups)
    model, point_notes = with_points(model, scores, data, groups, recipe)
    notes = [*features.notes_, *_bound_notes(data, features.matrix_), *candidate_notes(data, recipe)]
    notes += [] if getattr(features.matrix_, "timed", True) else [UNTIMED]
    notes += [] if legitimate else [NO_LEGITIMATE]
    if not data.subject.has_text and data.size.is_small:
        sizes = "little is labelled, so the model has {n_rounds:,} rounds of trees of at most {num_leaves:,} leaves"
        notes.append(sizes.format(**trees))
    notes += [] if choice is None else choice.notes
    notes += [] if sample.rate == 1 else [_sampled(sample.rate, len(trained_on.labels), data, split)]
    notes += [f"{warning['found']}. {warning['do']}" for warning in warnings]
    return FittedModel(model, features, tuple(notes), point_notes, choice, chosen)


def _warnings(
    trained_on: TrainingRows, data: LabelledData, groups: Array, split: Split, own: Sequence[str] | None
) -> list[LeakWarning]:
    # The cutoff time of an account is the user's; what is computed for messages and events is before their own times.
    matrix = trained_on.matrix
    if own is not None and not data.subject.is_account:
        places = matrix.columns.get_indexer(pd.Index(own))
        matrix = pd.DataFrame(np.concatenate([X[:, places] for X in blocks_of(matrix)]), columns=list(own))
    return find_leaks(
        matrix,
        trained_on.labels,
        split=split,
        cutoff_times=data.rows["as_of"],
        labelled_at=data.rows["labelled_at"],
        groups={GROUP if data.group else data.subject.unit: groups},
        is_fraud=(data.rows["label"] != data.legitimate).to_numpy(),
        rows=trained_on.positions,
        own=own,
    )


def _bound_notes(data: LabelledData, matrix: FeatureMatrix) -> list[str]:
    """Return how many entities have more events, or campaigns more messages, than windows count."""
    bounded = [view for view in matrix.event_views if view.max_events < EVERY_EVENT and data.events is not None]
    views = {view.entities: view for view in bounded}
    found = {"+".join(names): (count_beyond_bound(data.events, view), view.max_events) for names, view in views.items()}
    if getattr(matrix, "campaigns", None) is not None:
        found["campaign"] = int((np.bincount(units_of(data.rows, data.subject)[0]) > MAX_MESSAGES).sum()), MAX_MESSAGES
    text = "entities by {} with more than {:,} events in a window, of which only the newest count: {:,}"
    return [text.format(name, most, n) for name, (n, most) in found.items() if n]


def _sampled(rate: float, n_rows: int, data: LabelledData, split: Split) -> str:
    left_out = 0 if data.precomputed is None else data.precomputed.declared.left_out
    return (
        f"trained on {n_rows:,} of {len(split.train) + left_out:,} rows: all fraud, and {rate:.3g} of the legitimate "
        "ones; calibrated and tested on all rows"
    )
