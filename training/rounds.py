"""The number of boosting rounds, chosen on the latest part of the training rows.

Trees are grown on the earlier rows, and the log loss on the later ones says when to stop. The calibration and test
slices are not read. Then trees are grown on all training rows, in proportion as many more as there are more rows
(``python -m benchmarks.rounds`` prints the figures).
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from sklearn.metrics import average_precision_score

from fraudsieve._typing import Array, Progress
from fraudsieve.features.wording.folds import campaign_folds
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.models.trees.start import initial_log_odds
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import TrainingRows, make_classifier
from fraudsieve.training.evaluation.report_parts.rounds import RoundChoice, RoundMetrics
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import has_times

SHARE: Final = 0.2
"""Share of the training rows that the number of rounds is chosen on."""
MIN_ROUNDS, MAX_ROUNDS, PATIENCE = 100, 1500, 200
"""The fewest rounds, the most, and those without a lower log loss after which no more are tried."""
MAX_SHARE: Final = 1 / 3
"""Rows of equal times are on one side. If that makes the later part larger than this, no number is chosen."""
MIN_FRAUDS: Final = 20
"""With fewer frauds on either side, chance would choose the number of rounds."""
STEP: Final = 50


def choose_rounds(
    trained_on: TrainingRows, data: LabelledData, groups: Array, recipe: Recipe, progress: Progress
) -> RoundChoice | None:
    """Grow trees on the earlier training rows until the log loss on the later ones no longer falls.

    Returns None if the recipe names a number of rounds, the rows are messages, whose boosting starts from the text
    model, or there are too few frauds, or no legitimate rows, to choose by.
    """
    if recipe.model.n_rounds is not None or data.subject == "message":
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

    classifier = make_classifier(with_rounds(recipe, MAX_ROUNDS), data.subject).set_params(n_seeds=1)
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
