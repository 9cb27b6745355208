"""The feature matrix and the classifier of training rows, for a run and for its hyperparameter search."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.accounts import UNTIMED
from fraudsieve.features.label_trust import WEIGHT
from fraudsieve.models.classifier import FraudClassifier, OnRound
from fraudsieve.training.recipe.recipe import LabelledSize, Recipe

from .builders import Builder, make_builder, rows_to_train
from .labelled import LabelledData
from .row_sample import ID_COLUMNS, RowSample, select_ids

SECONDS_PER_LINE = 2.0
MAX_LEGITIMATE = 150_000
"""Legitimate rows of the table from which on trees are grown on a sample by default."""


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Feature matrix and labels of the rows to train on."""

    builder: Builder
    # Shape (n_rows, n_columns). Features; those learnt from labels are out of fold.
    matrix: pd.DataFrame
    # Shape (n_rows,). Classes.
    labels: Array
    # Shape (n_rows,). Position of each row in the data, or of the row that it is an obfuscated copy of.
    positions: Array
    campaigns: dict[str, Any]
    # The labelled rows of the run, of which these are some: trees of little data are small.
    size: LabelledSize
    # Shape (n_rows,). Weights of the labels; None for equal weights.
    weights: Array | None = None
    # The share of the rows of a class that are among these, for a class that was sampled.
    class_rates: dict[str, float] = field(default_factory=dict)
    # Shape (n_rows,). The rows that are drawn like those of the sampled class, whatever their own class; None for all.
    drawn: Array | None = None

    def part(self, rows: Array) -> "TrainingRows":
        """Return some of the rows, by their positions in the matrix. Campaigns are left out."""
        weights, drawn = (None if one is None else one[rows] for one in (self.weights, self.drawn))
        parts = self.matrix.iloc[rows], self.labels[rows], self.positions[rows]
        return TrainingRows(self.builder, *parts, {}, self.size, weights, self.class_rates, drawn)

    @property
    def plain(self) -> pd.DataFrame:
        """The features of rows with as little fraud as the slice has: without a sample, those of all."""
        return self.matrix if self.drawn is None or not self.drawn.any() else self.matrix[self.drawn]


def training_rows(
    data: LabelledData, groups: Array, train: Array, recipe: Recipe, progress: Progress | None = None
) -> TrainingRows:
    """Fit the builder of a recipe on a slice, or on the sample of it that the recipe asks for."""
    train = sample_slice(data, train, recipe)
    builder = make_builder(data, recipe).set_output(transform="pandas")
    rows, labels, campaigns = rows_to_train(data, groups, train, recipe)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", UNTIMED)  # reported as a note
        of_messages: dict[str, Any] = {}
        if data.subject == "message":
            # Otherwise the text model knows the video of each message that it scores out of fold: average precision on
            # new videos is then .943 instead of .980 after a training on 6 videos, and .983 instead of .987 on 40.
            on_fit = None if progress is None else _count_fits(progress)
            of_messages = {"fold_groups": groups[rows.index.to_numpy()], "on_fit": on_fit}
        matrix = builder.fit_transform(rows, labels, **campaigns, **of_messages)
    weights = rows[WEIGHT].to_numpy() if recipe.data.trusted.declared else None
    sample = sample_of(data, recipe)
    rates = sample.class_rates(data.legitimate, {*labels})
    drawn = select_ids(rows[ID_COLUMNS[data.subject]].to_numpy(object), sample) if rates else None
    return TrainingRows(builder, matrix, labels, rows.index.to_numpy(), campaigns, data.size, weights, rates, drawn)


def sample_of(data: LabelledData, recipe: Recipe) -> RowSample:
    """Return the sample that a run trains on: that of its feature matrix if it is precomputed, else that of the
    recipe, or by default one of a large table whose rows have ids."""
    if data.precomputed is not None:
        return data.precomputed.declared.sample
    rate, name = recipe.model.sample_rate, ID_COLUMNS.get(data.subject)
    if rate is None:
        has_ids = name in data.rows and bool(data.rows[name].notna().all())
        legitimate = int((data.rows["label"] == data.legitimate).sum())
        rate = round(MAX_LEGITIMATE / legitimate, 3) if has_ids and legitimate > MAX_LEGITIMATE else 1.0
    return RowSample(rate, recipe.seed)


def sample_slice(data: LabelledData, train: Array, recipe: Recipe) -> Array:
    """Return the rows of a slice that are in the sample of a run.

    The early rows of a precomputed matrix are sampled already, and all of them are selected again.
    """
    sample = sample_of(data, recipe)
    if sample.rate == 1:
        return train
    if data.subject not in ID_COLUMNS:
        raise RecipeError("recipe", ["model.sample_rate: expected accounts or events, got messages. Remove it"])
    name, rows = ID_COLUMNS[data.subject], data.rows.iloc[train]
    if name not in rows or rows[name].isna().any():
        problem = f"column {name!r} is missing, or has no value in some rows, and rows are drawn by it"
        raise SchemaError(f"{data.subject}s", problem, "Add it, or remove --sample-rate.")
    may_be_left_out = (rows["label"] == data.legitimate).to_numpy(bool)
    return train[~may_be_left_out | select_ids(rows[name].to_numpy(object), sample)]


def _count_fits(progress: Progress) -> Callable[[int, int], None]:
    """Return a callable that reports fits of text models, at most every few seconds."""
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_PER_LINE:
            progress(f"learning the text model: {done} of {total} fits")
            last = time.monotonic()

    return report


def make_classifier(recipe: Recipe, subject: str, size: LabelledSize) -> FraudClassifier:
    """Return the classifier of a recipe, for a run with so many labelled rows."""
    parameters = recipe.model.settings(subject, size)
    return FraudClassifier(**parameters, random_state=recipe.seed, n_jobs=recipe.n_jobs)


def grow_trees(rows: TrainingRows, recipe: Recipe, subject: str, on_round: OnRound | None = None) -> FraudClassifier:
    """Fit the classifier of a recipe."""
    settings: dict[str, Any] = {"sample_weight": rows.weights, "class_rates": rows.class_rates, "on_round": on_round}
    return make_classifier(recipe, subject, rows.size).fit(rows.matrix, rows.labels, **settings, **rows.campaigns)
