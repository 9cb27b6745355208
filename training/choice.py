"""Choose trees on the latest part of the training rows: rounds, sizes, and the columns.

Those of messages are chosen only if these have columns of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, Progress
from fraudsieve.features.wording.fit import campaign_folds
from fraudsieve.models.calibration import probabilities
from fraudsieve.models.classifier import FraudClassifier, log_rates, per_output
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.models.trees.ensemble import initial_log_odds
from fraudsieve.training.data.builders import TrainingRows, make_classifier
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.report import RoundMetrics, TreeChoice, TriedTrees
from fraudsieve.training.recipe.recipe import WITHOUT_TEXT, Recipe
from fraudsieve.training.splits.split import has_times

SHARE: Final = 0.2
"""Share of the training rows that trees are chosen on."""
MAX_ROWS: Final = 50_000
"""Rows that the choice reads at most: all fraud, if it is less than half of them, and a sample of the others."""
MAX_SHARE: Final = 1 / 3
"""Rows of equal times are on one side. If that makes the later part larger than this, nothing is chosen."""
MIN_FRAUDS: Final = 20
"""With fewer frauds on either side, chance would choose."""
MAX_ROUNDS: Final = 1500
ERRORS: Final = 2.0
"""Standard errors of the mean difference of log loss by which other trees must be better than those by default."""
STEP: Final = 20
ROWS_OF_SEEDS: Final = 100_000
"""With more rows, there are two seeds: a further one gains less."""
ROWS_OF_RATE: Final = 40_000
"""With more rows, small trees learn faster, in proportion, up to `MAX_FASTER` times: in the time of one seed, three at
three times the rate have a lower log loss (benchmarks/results/choices.md)."""
MAX_FASTER: Final = 2.5


class TreeSizes(NamedTuple):
    """Sizes of trees: the fewest rounds and the most, and those without a lower log loss after which no more follow."""

    settings: Mapping[str, Any]
    min_rounds: int
    patience: int
    max_rounds: int = MAX_ROUNDS


SIZES: Final[Mapping[str, TreeSizes]] = {
    "small": TreeSizes({}, 100, 200),
    "large": TreeSizes({"num_leaves": 31, "feature_fraction": 1.0, "learning_rate": 0.1}, 30, 100),
}


def sizes_for(recipe: Recipe, n_rows: int) -> Mapping[str, TreeSizes]:
    """Return the sizes of trees of so many rows: what the recipe names stays."""
    seeds = {} if recipe.model.n_seeds or n_rows <= ROWS_OF_SEEDS else {"n_seeds": 2}
    sizes = {name: size._replace(settings={**size.settings, **seeds}) for name, size in SIZES.items()}
    if recipe.model.learning_rate is None and n_rows > ROWS_OF_RATE:
        faster = min(n_rows / ROWS_OF_RATE, MAX_FASTER)
        rate = {"learning_rate": round(WITHOUT_TEXT["learning_rate"] * faster, 3)}
        _, *rounds = sizes["small"]
        sizes["small"] = TreeSizes(rate | seeds, *(round(n / faster) for n in rounds))
    return sizes


class _Grown(NamedTuple):
    tried: TriedTrees
    classifier: FraudClassifier
    later: TrainingRows
    # Log loss of the later rows by number of rounds, and that of each of them at the lowest.
    curve: Mapping[int, float]
    losses: Array


def choose_trees(
    trained_on: TrainingRows, data: LabelledData, groups: Array, recipe: Recipe, progress: Progress
) -> TreeChoice | None:
    """Grow trees on the earlier training rows until the log loss on the later ones no longer falls.

    Small trees over all columns are kept unless others have a lower log loss beyond chance: larger ones, or trees over
    the columns of accounts and events themselves, without any history. Returns None if the recipe names a number of
    rounds, the rows are messages without further columns, whose boosting starts from the text model, or there are too
    few rows or frauds, or no legitimate rows, to choose by.
    """
    without_columns = data.subject.has_text and not columns_of_records(trained_on, data)
    if recipe.model.n_rounds is not None or without_columns or trained_on.size.is_small:
        return None
    is_later, by_time = _later_rows(trained_on, data, groups, recipe.seed)
    labels, earlier = trained_on.labels, ~is_later
    is_later = is_later & np.isin(labels, np.unique(labels[earlier]))
    frauds = [labels[part] != data.legitimate for part in (earlier, is_later)]
    if earlier.mean() < 1 - MAX_SHARE or any(part.sum() < MIN_FRAUDS or part.all() for part in frauds):
        return None
    parts, best, tried = _draw(trained_on, data, (earlier, is_later), recipe.seed), None, []
    sizes = sizes_for(recipe, len(labels))
    for size, columns in _candidates(trained_on, data, recipe):
        progress(f"choosing trees: {size}, over {'all columns' if columns is None else 'own columns alone'}")
        grown = _grow(size, sizes[size], columns, parts, recipe, data.subject)
        tried.append(grown.tried)
        if best is None or _is_better(grown, best, groups):
            best = grown
    assert best is not None  # small trees over all columns are always tried
    rounds = min(round(best.tried.rounds * len(labels) / int(earlier.sum())), sizes[best.tried.size].max_rounds)
    is_fraud = best.later.labels != data.legitimate
    curve = _curve(best, is_fraud, data.legitimate)
    return TreeChoice(rounds, len(is_fraud), int(is_fraud.sum()), by_time, curve, best.tried, tuple(tried))


def with_trees(recipe: Recipe, choice: TreeChoice, n_rows: int) -> Recipe:
    """Return a recipe that names the chosen trees of so many rows, and no history if they do without."""
    settings = sizes_for(recipe, n_rows)[choice.chosen.size].settings
    values = {f"model.{name}": value for name, value in settings.items()} | {"model.n_rounds": choice.rounds}
    return recipe.with_values(values | ({"history.views": (), "history.network": False} if choice.chosen.own else {}))


def columns_of_records(trained_on: TrainingRows, data: LabelledData) -> Sequence[str]:
    """Return the columns of the records themselves; none of a matrix that is computed elsewhere."""
    return () if data.precomputed is not None else trained_on.builder.matrix_.custom.columns


def _candidates(
    trained_on: TrainingRows, data: LabelledData, recipe: Recipe
) -> Iterator[tuple[str, Sequence[str] | None]]:
    """Yield the size of trees and the columns that they read, None for all: what a recipe names is not tried."""
    columns: list[Sequence[str] | None] = [None]
    if recipe.history.views is None and recipe.history.network is True and not data.subject.has_text:
        own = columns_of_records(trained_on, data)
        columns += [own] if 0 < len(own) < trained_on.matrix.shape[1] else []
    named = recipe.model.model_dump(include={*SIZES["large"].settings}, exclude_none=True)
    for names in columns:
        yield from (("small", names), *(() if named else (("large", names),)))


def _later_rows(trained_on: TrainingRows, data: LabelledData, groups: Array, seed: int) -> tuple[Array, bool]:
    """Return which training rows are the latest, or those of some groups if they have no times, and whether by time."""
    times = data.rows["as_of"].iloc[trained_on.positions]
    if has_times(times):
        return (times >= times.quantile(1 - SHARE, interpolation="higher")).to_numpy(), True
    dealt = campaign_folds(trained_on.labels, groups[trained_on.positions], round(1 / SHARE), seed)
    return dealt == 0, False


def _draw(trained_on: TrainingRows, data: LabelledData, parts: Sequence[Array], seed: int) -> list[TrainingRows]:
    """Return the rows of each part, of many a sample."""
    labels, is_fraud = trained_on.labels, trained_on.labels != data.legitimate
    frauds = int(is_fraud.sum())
    of_fraud = min(1.0, MAX_ROWS / 2 / frauds)
    of_legitimate = min(1.0, (MAX_ROWS - of_fraud * frauds) / (len(labels) - frauds))
    drawn = np.random.default_rng(seed).random(len(labels)) < np.where(is_fraud, of_fraud, of_legitimate)
    rates = {
        name: trained_on.class_rates.get(name, 1.0) * (of_legitimate if name == data.legitimate else of_fraud)
        for name in np.unique(labels[parts[0] & drawn])
    }
    return [replace(trained_on.part(np.flatnonzero(part & drawn)), class_rates=rates) for part in parts]


def _grow(
    size: str,
    trees: TreeSizes,
    columns: Sequence[str] | None,
    parts: Sequence[TrainingRows],
    recipe: Recipe,
    subject: Subject,
) -> _Grown:
    earlier, later = parts if columns is None else (replace(part, matrix=part.matrix[[*columns]]) for part in parts)
    curve: dict[int, float] = {}

    def is_over(n_rounds: int, loss: float) -> bool:
        curve[n_rounds] = loss
        return n_rounds >= max(min(curve, key=lambda n: curve[n]), trees.min_rounds) + trees.patience

    classifier = make_classifier(recipe, subject, earlier.size)
    classifier.set_params(**{"n_rounds": trees.max_rounds, **trees.settings, "n_seeds": 1}).fit(
        earlier.matrix,
        earlier.labels,
        earlier.weights,
        class_rates=earlier.class_rates,
        eval_set=(later.matrix, later.labels, later.weights),
        on_round=is_over,
    )
    lowest = min((n for n in curve if n >= trees.min_rounds), key=lambda n: curve[n])
    tried = TriedTrees(size, columns is not None, lowest, curve[lowest])
    return _Grown(tried, classifier, later, curve, _losses(classifier, later, lowest))


def _losses(classifier: FraudClassifier, rows: TrainingRows, n_rounds: int) -> Array:
    """Return the log loss of each row; their mean is that of the rows as they are drawn."""
    odds = _odds(classifier, rows.matrix.to_numpy(), 0, n_rounds) + per_output(
        log_rates(rows.class_rates, classifier.classes_)
    )
    codes = np.searchsorted(classifier.classes_, rows.labels)
    losses = -np.log(np.maximum(probabilities(odds)[np.arange(len(codes)), codes], np.finfo(np.float64).tiny))
    return losses if rows.weights is None else losses * rows.weights / rows.weights.mean()


def _odds(classifier: FraudClassifier, X: Array, first: int, last: int) -> Array:
    """Return what the trees of some rounds add to log-odds, with the start if they are the first."""
    ensemble = classifier.ensemble_
    trees = ensemble.booster.predict(X, raw_score=True, start_iteration=first, num_iteration=last - first)
    start = 0.0 if first else initial_log_odds(X, ensemble.wording, ensemble.base)
    return np.asarray(start + np.asarray(trees).reshape(len(X), -1))


def _is_better(grown: _Grown, best: _Grown, groups: Array) -> bool:
    """Return whether the log loss is lower by more than chance: rows of an account or a campaign count together."""
    lower = best.losses - grown.losses
    sums = pd.Series(lower - lower.mean()).groupby(groups[grown.later.positions]).sum()
    return bool(lower.sum() > ERRORS * np.sqrt((sums**2).sum()))


def _curve(grown: _Grown, is_fraud: Array, legitimate: str) -> tuple[RoundMetrics, ...]:
    """Return the metrics every `STEP` rounds: each batch of trees adds to the scores of those before."""
    classifier, X = grown.classifier, grown.later.matrix.to_numpy()
    classes = tuple(str(name) for name in classifier.classes_)
    odds, points = np.zeros(()), []
    for first, last in pairwise(range(0, max(grown.curve) + 1, STEP)):
        odds = odds + _odds(classifier, X, first, last)
        fraud = fraud_probability(odds, classes, legitimate)
        points.append(RoundMetrics(last, grown.curve[last], float(average_precision_score(is_fraud, fraud))))
    return tuple(points)
