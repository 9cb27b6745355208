"""Folds inside the training slice, whose features are computed once, so that a trial only trains and evaluates.

Rows of the calibration and test slices, and dropped rows, have no label here. They are not trained on or tested, and
their labels are not used in features of other rows.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import joblib
import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, f1_score

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import RecipeError, SplitError
from fraudsieve.features.wording.fit import campaign_folds
from fraudsieve.models.calibration import probabilities
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.training.data.builders import TrainingRows, grow_trees, log_odds_of, matrix_of, training_rows
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.capacity import naive_utc
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.points import share_of_records
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.forward import forward_folds
from fraudsieve.training.splits.split import Split

from .space import tune_of

METRICS = {
    "average_precision": "average precision",
    "macro_f1": "macro-F1",
    "recall_at_capacity": "recall at the review capacity",
}
"""The metrics that can be optimised, with their names in messages."""
TRAIN_SHARES = (0.3, 0.5, 0.7)
"""Shares of the rows before the first window, tried in turn: with long label delays early windows have no labels."""
MAX_CACHED = 16
"""Number of prepared folds in memory, or all folds if there are more; only a search over features needs more."""
EMPTY = np.array([], np.int64)


def metric_of(data: LabelledData, recipe: Recipe) -> str:
    """Return the metric that a search optimises."""
    metric = tune_of(recipe).metric
    has_legitimate = bool((data.rows["label"] == data.legitimate).any())
    if metric == "auto":
        return "average_precision" if has_legitimate else "macro_f1"
    if metric != "macro_f1" and not has_legitimate:
        raise RecipeError(
            "recipe", [f"tune.metric: {metric} needs a legitimate class, and there is none. Use macro_f1"]
        )
    alerts_per_day = recipe.evaluate.alerts_a_day
    if metric == "recall_at_capacity" and alerts_per_day is not None and data.rows["as_of"].isna().all():
        raise RecipeError(
            "recipe",
            ["tune.metric: recall_at_capacity with alerts_a_day needs records with times. Use another metric"],
        )
    return metric


def training_alone(data: LabelledData, split: Split) -> LabelledData:
    """Return the rows of the training slice, and their past without the labels of other rows."""
    rows, known, name = data.rows.iloc[split.train].reset_index(drop=True), data.known_labels, data.subject.id
    if known is not None:  # events without ids have one label, that of the rows
        known = known[known[name].isin(rows[name].dropna())] if name in known else None
    return replace(data, rows=rows, known_labels=known)


def search_folds(data: LabelledData, groups: Array, group_kind: str, split: Split, recipe: Recipe) -> list[Split]:
    """Cut the training slice into folds of the same kind as the split of the run.

    Returns the folds that can be trained and tested, at least two.
    """
    labels, folds = data.rows["label"].to_numpy(object), _cut_folds(data, groups, group_kind, split, recipe)
    is_crime = labels != data.legitimate
    mixed = not is_crime.all()
    usable = [
        fold
        for fold in folds
        if len(np.unique(labels[fold.train])) > 1 and len(np.unique(is_crime[fold.test])) == 1 + mixed
    ]
    if len(usable) < 2:
        raise SplitError(
            f"tune: expected at least 2 folds that can be trained and tested, got {len(usable)} of {len(folds)}. "
            "Add data, change tune.folds, or remove --tune."
        )
    return usable


def _cut_folds(data: LabelledData, groups: Array, group_kind: str, split: Split, recipe: Recipe) -> list[Split]:
    """Cut rows into folds that go forward in time with the gap of a split by time, or that keep groups whole."""
    labels, n_folds = data.rows["label"], tune_of(recipe).folds
    if split.kind != "time":
        dealt = campaign_folds(labels.to_numpy(object), groups, n_folds, recipe.seed)
        slices = [(np.flatnonzero(dealt != fold), np.flatnonzero(dealt == fold)) for fold in range(n_folds)]
        return [Split(group_kind, train, EMPTY, test, (f"{group_kind}s",)) for train, test in slices]
    legitimate = data.legitimate
    # Without a legitimate class, stratify by the most frequent class against the others.
    has_legitimate = bool((labels == legitimate).any())
    is_crime = (labels != (legitimate if has_legitimate else labels.mode()[0])).to_numpy()
    times = data.rows["as_of"], data.rows["labelled_at"]
    kept_whole = {group_kind: groups} if f"fraud {group_kind}s" in split.keeps_apart else {}
    for share in TRAIN_SHARES:
        try:
            folds = forward_folds(
                *times,
                kept_whole,
                is_crime,
                n_folds=n_folds,
                gap_days=split.gap_days,
                by_time=True,
                apart="crime" if has_legitimate else "all",
                min_train_share=share,
            )
            return [*folds]
        except SplitError:
            continue
    raise SplitError(
        f"of {n_folds} folds that go forward in time, with gaps of {split.gap_days:.3g} days, at least one has nothing "
        "to train on or to test. Use fewer tune.folds, a shorter split.gap_days, or remove --tune."
    )


@dataclass(frozen=True, eq=False)
class _Prepared:
    """The feature matrices of a fold."""

    train: TrainingRows
    matrix: pd.DataFrame
    labels: Array
    legitimate: str
    cutoff_times: pd.Series
    share: float
    """Share of the records of the test window that are test rows."""


@dataclass(eq=False)
class SearchFolds:
    """The folds of a search, whose feature matrices are computed at first use."""

    data: LabelledData
    # Shape (n_rows,). Campaigns or accounts of these rows.
    groups: Array
    folds: list[Split]
    metric: str
    # Called with a message before each step.
    progress: Progress
    _kept: dict[tuple[str, int], _Prepared] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.folds)

    def scores(self, recipe: Recipe, places: Iterable[int]) -> list[float]:
        """Train and test on folds, in parallel.

        Returns the metric of each fold; larger is better.
        """
        folds = [self._prepared(recipe, place) for place in places]
        workers = joblib.effective_n_jobs(recipe.n_jobs)
        # One thread per fold, because threads that share one small fit mostly wait for each other.
        # Trials compare settings, and a seed is enough for that unless the recipe names a number of them.
        values = {"n_jobs": max(1, workers // len(folds)), "model.n_seeds": recipe.model.n_seeds or 1}
        alone = recipe.with_values(values)
        score = joblib.delayed(_score)
        scores = joblib.Parallel(min(workers, len(folds)), prefer="threads")(
            score(fold, alone, self.data.subject, self.metric) for fold in folds
        )
        return list(scores)

    def _prepared(self, recipe: Recipe, place: int) -> _Prepared:
        key = json.dumps(recipe.features.model_dump(mode="json"), sort_keys=True), place
        if key not in self._kept:
            self.progress(f"tuning: features of fold {place + 1} of {len(self)}")
            while len(self._kept) >= max(MAX_CACHED, len(self)):
                del self._kept[next(iter(self._kept))]
            self._kept[key] = self._prepare(recipe, self.folds[place])
        return self._kept[key]

    def _prepare(self, recipe: Recipe, fold: Split) -> _Prepared:
        train = training_rows(self.data, self.groups, fold.train, recipe)
        rows = self.data.rows.iloc[fold.test]
        labels, share = rows["label"].to_numpy(object), share_of_records(self.data, rows)
        return _Prepared(train, matrix_of(train.builder, rows), labels, self.data.legitimate, rows["as_of"], share)


def _score(fold: _Prepared, recipe: Recipe, subject: Subject, metric: str) -> float:
    classifier = grow_trees(fold.train, recipe, subject)
    classes = tuple(str(name) for name in classifier.classes_)
    odds = log_odds_of(classifier.ensemble_, fold.matrix, recipe)
    if metric == "macro_f1":
        predicted = np.array(classes, object)[probabilities(odds).argmax(axis=1)]
        return float(f1_score(fold.labels, predicted, average="macro", zero_division=0.0))
    probability = fraud_probability(odds, classes, fold.legitimate)
    is_fraud = fold.labels != fold.legitimate
    if metric == "average_precision":
        return float(average_precision_score(is_fraud, probability))
    rows = FraudRows(probability, is_fraud, cutoff_times=naive_utc(fold.cutoff_times), share_of_all=fold.share)
    capacity = rows.capacity(recipe.evaluate.alerts_a_day) or rows.capacity(None)
    alerts = np.array([capacity.alerts if capacity else 1.0])
    return float(rows.ranking().at_alerts(alerts)[0, 0])
