"""Fit the model of a split: features and trees on the training slice, the rest on the calibration slice."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fraudsieve._typing import Array, Progress
from fraudsieve.features.accounts import UNTIMED
from fraudsieve.features.campaign.over_time import MAX_MESSAGES
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.history.history_batch import count_beyond_bound
from fraudsieve.features.history.measures import EVERY_EVENT
from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.data.builders import Builder, matrix_of
from fraudsieve.training.data.column_notes import candidate_notes
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import TrainingRows, grow_trees, sample_of, training_rows
from fraudsieve.training.evaluation.report_parts.rounds import RoundChoice
from fraudsieve.training.recipe.cores import with_threads
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split

from .chosen_points import with_points
from .data.fit_unlike_training import fit_unlike
from .facts import training_facts
from .leaks import LeakWarning, find_leaks
from .rounds import choose_rounds, with_rounds

NO_LEGITIMATE = (
    "no record of the training slice is legitimate, so the model separates types and gives no probability of fraud"
)


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
    progress("calibrating")
    matrix, truth = matrix_of(features, rows.iloc[split.calibration]), labels[split.calibration]
    trained_classes = np.isin(truth, classifier.classes_)
    classifier.calibrate(matrix[trained_classes], truth[trained_classes])
    classes = tuple(str(name) for name in classifier.classes_)
    legitimate = data.legitimate if data.legitimate in classes else None
    own = None if data.precomputed is not None else features.matrix_.custom.columns
    warnings, sample = _warnings(trained_on, data, groups, split, own), sample_of(data, recipe)
    model = Model(
        name=recipe.name,
        classes=classes,
        legitimate=legitimate,
        matrix=features.matrix_,
        ensemble=classifier.ensemble_,
        calibration=classifier.calibration_,
        policy=recipe.scoring.policy,
        unlike=fit_unlike(features.matrix_, classifier.ensemble_, trained_on.plain, matrix),
        training=training_facts(data, split, recipe, rounds) | {"warnings": warnings},
    )
    log_odds = model.ensemble.log_odds(matrix.to_numpy(), n_threads=recipe.n_jobs or 0)
    unlike = None if model.unlike is None else model.unlike.apply(matrix.to_numpy())
    model, point_notes = with_points(model, log_odds, unlike, data, groups, split, recipe)
    notes = [*features.notes_, *_bound_notes(data, groups, features.matrix_), *candidate_notes(data, recipe)]
    notes += [] if getattr(features.matrix_, "timed", True) else [UNTIMED]
    notes += [] if legitimate else [NO_LEGITIMATE]
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
        groups={"campaign" if data.subject == "message" else "account": groups},
        is_fraud=(data.rows["label"] != data.legitimate).to_numpy(),
        rows=trained_on.positions,
        own=own,
    )


def _bound_notes(data: LabelledData, groups: Array, matrix: FeatureMatrix) -> list[str]:
    """Return how many entities have more events, or campaigns more messages, than windows count."""
    bounded = [view for view in matrix.event_views if view.max_events < EVERY_EVENT and data.events is not None]
    views = {view.entities: view for view in bounded}
    found = {"+".join(names): (count_beyond_bound(data.events, view), view.max_events) for names, view in views.items()}
    if getattr(matrix, "campaigns", None) is not None:
        found["campaign"] = int((np.bincount(groups) > MAX_MESSAGES).sum()), MAX_MESSAGES
    text = "entities by {} with more than {:,} events in a window, of which only the newest count: {:,}"
    return [text.format(name, most, n) for name, (n, most) in found.items() if n]


def _sampled(rate: float, n_rows: int, data: LabelledData, split: Split) -> str:
    left_out = 0 if data.precomputed is None else data.precomputed.declared.left_out
    return (
        f"trained on {n_rows:,} of {len(split.train) + left_out:,} rows: all fraud, and {rate:.3g} of the legitimate "
        "ones; calibrated and tested on all rows"
    )
