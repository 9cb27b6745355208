"""Fit the model of a split: features and trees on the training slice, the rest on the calibration slice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from fraudsieve._typing import Array, Progress
from fraudsieve.features.accounts import UNTIMED
from fraudsieve.features.campaign.over_time import MAX_MESSAGES
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.history.history_batch import count_beyond_bound
from fraudsieve.features.history.measures import EVERY_EVENT
from fraudsieve.features.wording.fit import campaign_folds
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.models.likelihood_ratios import support_of
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.models.trees.start import initial_log_odds
from fraudsieve.models.unlike_training.compared_columns import compared_columns, positions_of
from fraudsieve.models.unlike_training.distance import TrainingDistance, fit_distance
from fraudsieve.models.unlike_training.shares import UnlikeTraining, calibrate_distance
from fraudsieve.training.data.builders import Builder, matrix_of
from fraudsieve.training.data.column_notes import candidate_notes
from fraudsieve.training.data.groups import GROUP, UNITS, units_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import TrainingRows, grow_trees, make_classifier, sample_of, training_rows
from fraudsieve.training.evaluation.points import choose_points, choose_source_points
from fraudsieve.training.evaluation.report import RoundChoice, RoundMetrics
from fraudsieve.training.held_out import FEW_FRAUDS, FoldScorer, HeldOutScores, needs_folds
from fraudsieve.training.monitoring.expected_shares import expected_shares
from fraudsieve.training.recipe.cores import with_threads
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split, has_times

from .facts import few_to_calibrate, training_facts
from .leaks import LeakWarning, find_leaks

NO_LEGITIMATE = (
    "no record of the training slice is legitimate, so the model separates types and gives no probability of fraud"
)


SHARE: Final = 0.2
"""Share of the training rows that the number of rounds is chosen on."""
MIN_ROUNDS, MAX_ROUNDS, PATIENCE = 100, 1500, 200
"""The fewest rounds, the most, and those without a lower log loss after which no more are tried."""
MAX_SHARE: Final = 1 / 3
"""Rows of equal times are on one side. If that makes the later part larger than this, no number is chosen."""
MIN_FRAUDS: Final = 20
"""With fewer frauds on either side, chance would choose the number of rounds."""
STEP: Final = 50


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
    return unlike_of(distance, trained_on, distance.apply(calibration.to_numpy(np.float64)))


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
    if recipe.thresholds.by is not None:
        by_source, of_sources = choose_source_points(model, fraud, is_fraud, data, groups, scores, recipe)
        model, of_points = replace(model, source_points=by_source), (*of_points, *of_sources)
    expected = expected_shares(model, {"probability": fraud}, groups[rows], data.rows["as_of"].iloc[rows])
    return replace(model, expected_shares=(*model.expected_shares, *expected)), (*notes, *of_points)


def expected_unlike(model: Model, shares: Array | None, rows: Array, data: LabelledData, groups: Array) -> Model:
    """Say how many records are expected to look like nothing in training, by the share of each of some rows."""
    scores = {} if shares is None else {"unlike_training": shares}
    return replace(model, expected_shares=expected_shares(model, scores, groups[rows], data.rows["as_of"].iloc[rows]))


def choose_rounds(
    trained_on: TrainingRows, data: LabelledData, groups: Array, recipe: Recipe, progress: Progress
) -> RoundChoice | None:
    """Grow trees on the earlier training rows until the log loss on the later ones no longer falls.

    Returns None if the recipe names a number of rounds, the rows are messages, whose boosting starts from the text
    model, or there are too few rows or frauds, or no legitimate rows, to choose by.
    """
    if recipe.model.n_rounds is not None or data.subject == "message" or trained_on.size.is_small:
        return None
    is_later, by_time = _later_rows(trained_on, data, groups, recipe.seed)
    matrix, labels, is_fraud = trained_on.matrix, trained_on.labels, trained_on.labels != data.legitimate
    earlier = ~is_later
    is_later = is_later & np.isin(labels, np.unique(labels[earlier]))
    parts = [is_fraud[part] for part in (earlier, is_later)]
    if earlier.mean() < 1 - MAX_SHARE or any(part.sum() < MIN_FRAUDS or part.all() for part in parts):
        return None
    progress("choosing the number of rounds")
    losses: dict[int, float] = {}

    def is_over(n_rounds: int, loss: float) -> bool:
        losses[n_rounds] = loss
        return n_rounds >= max(min(losses, key=lambda n: losses[n]), MIN_ROUNDS) + PATIENCE

    of_most = with_rounds(recipe, MAX_ROUNDS)
    classifier = make_classifier(of_most, data.subject, trained_on.size).set_params(n_seeds=1)
    classifier.fit(
        matrix[earlier],
        labels[earlier],
        _weights(trained_on, earlier),
        class_rates=trained_on.class_rates,
        validation=(matrix[is_later], labels[is_later], _weights(trained_on, is_later)),
        on_round=is_over,
    )
    lowest = min((n for n in losses if n >= MIN_ROUNDS), key=lambda n: losses[n])
    rounds = min(round(lowest * len(labels) / int(earlier.sum())), MAX_ROUNDS)
    curve = _curve(classifier, matrix[is_later].to_numpy(), is_fraud[is_later], data.legitimate, losses)
    return RoundChoice(rounds, lowest, int(is_later.sum()), int(is_fraud[is_later].sum()), by_time, curve)


def with_rounds(recipe: Recipe, n_rounds: int) -> Recipe:
    """Return a recipe that names a number of rounds."""
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"n_rounds": n_rounds})})


def _later_rows(trained_on: TrainingRows, data: LabelledData, groups: Array, seed: int) -> tuple[Array, bool]:
    """Return which training rows are the latest, or those of some groups if they have no times, and whether by time."""
    times = data.rows["as_of"].iloc[trained_on.positions]
    if has_times(times):
        return (times >= times.quantile(1 - SHARE, interpolation="higher")).to_numpy(), True
    dealt = campaign_folds(trained_on.labels, groups[trained_on.positions], round(1 / SHARE), seed)
    return dealt == 0, False


def _weights(trained_on: TrainingRows, rows: Array) -> Array | None:
    return None if trained_on.weights is None else trained_on.weights[rows]


def _curve(
    classifier: FraudClassifier, X: Array, is_fraud: Array, legitimate: str, losses: Mapping[int, float]
) -> tuple[RoundMetrics, ...]:
    """Return the metrics every `STEP` rounds: each batch of trees adds to the scores of those before."""
    ensemble, classes = classifier.ensemble_, tuple(str(name) for name in classifier.classes_)
    odds, points = initial_log_odds(X, ensemble.wording, ensemble.base), []
    for first, last in pairwise(range(0, max(losses) + 1, STEP)):
        trees = ensemble.booster.predict(X, raw_score=True, start_iteration=first, num_iteration=last - first)
        odds = odds + np.asarray(trees).reshape(len(X), -1)
        fraud = fraud_probability(odds, classes, legitimate)
        points.append(RoundMetrics(last, losses[last], float(average_precision_score(is_fraud, fraud))))
    return tuple(points)


class FittedModel(NamedTuple):
    """The model of a split."""

    model: Model
    builder: Builder
    # Notes for the user on the rows and the features.
    notes: tuple[str, ...]
    # Notes on the calibration slice and the operating points. A refit has its own.
    point_notes: tuple[str, ...]
    # How the number of rounds was chosen; None if it is that of the recipe, or a default.
    rounds: RoundChoice | None
    # That of the run, with the number of rounds that was chosen.
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
    progress("learning the text model" if data.subject == "message" else "computing histories")
    trained_on = training_rows(data, groups, split.train, recipe, progress)
    features = trained_on.builder
    rounds = choose_rounds(trained_on, data, groups, recipe, progress)
    progress("growing trees")
    chosen = recipe if rounds is None else with_rounds(recipe, rounds.rounds)
    classifier = grow_trees(trained_on, chosen, data.subject, on_round)
    trees = {name: value for name, value in classifier.get_params().items() if name not in ("random_state", "n_jobs")}
    progress("calibrating")
    matrix, truth = matrix_of(features, rows.iloc[split.calibration]), labels[split.calibration]
    classes = tuple(str(name) for name in classifier.classes_)
    legitimate = data.legitimate if data.legitimate in classes else None
    log_odds = classifier.ensemble_.log_odds(matrix.to_numpy(), n_threads=recipe.n_jobs or 0)
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
        training=training_facts(data, split, recipe, rounds) | {"trees": trees, "warnings": warnings},
    )
    shares = None if model.unlike is None else model.unlike.apply(matrix.to_numpy())
    model = expected_unlike(model, shares, split.calibration, data, groups)
    model, point_notes = with_points(model, scores, data, groups, recipe)
    notes = [*features.notes_, *_bound_notes(data, features.matrix_), *candidate_notes(data, recipe)]
    notes += [] if getattr(features.matrix_, "timed", True) else [UNTIMED]
    notes += [] if legitimate else [NO_LEGITIMATE]
    if data.subject != "message" and data.size.is_small:
        sizes = "little is labelled, so the model has {n_rounds:,} rounds of trees of at most {num_leaves:,} leaves"
        notes.append(sizes.format(**trees))
    notes += [] if sample.rate == 1 else [_sampled(sample.rate, len(trained_on.labels), data, split)]
    notes += [f"{warning['found']}. {warning['do']}" for warning in warnings]
    return FittedModel(model, features, tuple(notes), point_notes, rounds, chosen)


def _warnings(
    trained_on: TrainingRows, data: LabelledData, groups: Array, split: Split, own: Sequence[str] | None
) -> list[LeakWarning]:
    # The cutoff time of an account is the user's; what is computed for messages and events is before their own times.
    matrix = trained_on.matrix if own is None or data.subject == "account" else trained_on.matrix[list(own)]
    return find_leaks(
        matrix,
        trained_on.labels,
        split=split,
        cutoff_times=data.rows["as_of"],
        labelled_at=data.rows["labelled_at"],
        groups={GROUP if data.group else UNITS[data.subject]: groups},
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
