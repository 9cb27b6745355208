"""How the number of rounds is best chosen, on inner folds of training rows: ``python -m benchmarks.rounds SET``."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.columns.default_call import read_task
from benchmarks.data.folds import Fold, Rows
from benchmarks.measures.scores import METRICS
from benchmarks.runner import Report, progress, run_command
from benchmarks.sets.table import ACCOUNT_SETS
from fraudsieve._typing import Array
from fraudsieve.training.choice import choose_trees, columns_of_records, with_trees
from fraudsieve.training.data.builders import TrainingRows, grow_trees, matrix_of, training_rows
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import has_times

__all__ = ["main", "ways"]

FORWARD: Final = ((0.5, 0.65), (0.65, 0.8), (0.8, 1.0))
"""Shares of the training rows before a window and until its end."""
CONSTANT, MAX_ROWS = 300, 300_000
PROTOCOL: Final = (
    "Training rows of the default split alone; no test row is read. {folds}. On the rows before a window, trees are "
    "grown with the default settings, and score the window. ours: the mean log-odds of the default number of seeds of "
    "the trees that are chosen on the latest fifth of the rows before the window, with as many more rounds as there "
    "are more rows. one_seed: one of them. constant: {constant} rounds of small trees. slow: one_seed at a third of "
    "the learning rate, with thrice the rounds. small, large: all columns; small_own, large_own: the columns of the "
    "records themselves. average_precision and log_loss: means over the windows."
)


class Way(NamedTuple):
    """A recipe, and the columns that its trees read."""

    recipe: Recipe
    columns: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    choice = {"choices": ACCOUNT_SETS, "metavar": "SET", "help": ", ".join(ACCOUNT_SETS)}
    return run_command("rounds", _run, __doc__, argv, arguments={"set": choice})


def _run(options: argparse.Namespace) -> Report:
    task = ACCOUNT_SETS[options.set].task()
    data, train, _ = read_task(task, Recipe())
    rate = min(MAX_ROWS / len(train), 1.0)
    recipe = Recipe.read(overrides={"n_jobs": 1, "model.sample_rate": rate, "data.subject": task.subject})
    found: dict[str, list[Mapping[str, float]]] = {}
    folds = [*_windows(train, data)]
    for number, fold in enumerate(folds, 1):
        for name, figures in _ways(data, fold, recipe):
            progress(f"window {number}/{len(folds)} {name}: average precision {figures['average_precision']:.4f}")
            found.setdefault(name, []).append(figures)
    means = {
        name: {figure: float(np.mean([row[figure] for row in rows])) for figure in rows[0]}
        for name, rows in found.items()
    }
    how = "Three windows forward in time" if len(folds) > 1 else "A fifth of the rows at random"
    protocol = PROTOCOL.format(folds=how, constant=CONSTANT)
    return Report("rounds", options.set, protocol, len(train), means.pop("ours"), means)


def _windows(train: Rows, data: LabelledData) -> Iterator[Fold]:
    times = data.rows["as_of"].iloc[train]
    order = times.to_numpy().argsort(kind="stable")
    shares: Sequence[tuple[float, float]] = FORWARD
    if not has_times(times):
        order, shares = np.random.default_rng(0).permutation(len(train)), FORWARD[-1:]
    for begin, end in shares:
        first, last = (int(share * len(train)) for share in (begin, end))
        yield Fold(np.sort(train[order[:first]]), np.sort(train[order[first:last]]))


def _ways(data: LabelledData, fold: Fold, recipe: Recipe) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the metrics of a window by each way to choose."""
    groups, _ = groups_of(data)
    trained_on = training_rows(data, groups, fold.train, recipe)
    window = matrix_of(trained_on.builder, data.rows.iloc[fold.test])
    truth = (data.rows["label"].iloc[fold.test] != data.legitimate).to_numpy()
    for name, (way, names) in ways(trained_on, data, groups, recipe).items():
        read = replace(trained_on, matrix=trained_on.matrix[names])
        odds = _log_odds(read, way, data, window[names].to_numpy())
        loss = float(np.logaddexp(0, np.where(truth, -odds, odds)).mean())
        rounds = float(way.model.n_rounds or 0)
        precision = METRICS["average_precision"](truth.astype(float), odds)
        yield name, {"average_precision": precision, "log_loss": loss, "rounds": rounds}


def ways(trained_on: TrainingRows, data: LabelledData, groups: Array, recipe: Recipe) -> dict[str, Way]:
    """Return the recipe of each way to choose, and the columns that its trees read."""
    choice = choose_trees(trained_on, data, groups, recipe, lambda step: None)
    every = [*trained_on.matrix]
    constant = Way(_changed(recipe, n_seeds=1, n_rounds=CONSTANT), every)
    if choice is None:
        return {"ours": Way(recipe.with_values({"model.n_rounds": CONSTANT}), every), "constant": constant}
    own = [*columns_of_records(trained_on, data)]
    more, n = choice.rounds / choice.chosen.rounds, len(trained_on.labels)
    tried = {
        f"{one.size}_own" if one.own else one.size: Way(
            with_trees(recipe, replace(choice, chosen=one, rounds=round(more * one.rounds)), n),
            own if one.own else every,
        )
        for one in choice.tried
    }
    ours = Way(with_trees(recipe, choice, n), own if choice.chosen.own else every)
    one_seed = ours._replace(recipe=_changed(ours.recipe, n_seeds=1))
    rate = ours.recipe.model.settings(data.subject, data.size)["learning_rate"]
    slow = {"learning_rate": rate / 3, "n_rounds": 3 * choice.rounds}
    found = {"ours": ours, "one_seed": one_seed, "constant": constant}
    return found | {"slow": one_seed._replace(recipe=_changed(one_seed.recipe, **slow))} | tried


def _changed(recipe: Recipe, **settings: Any) -> Recipe:
    return recipe.model_copy(update={"model": recipe.model.model_copy(update=settings)})


def _log_odds(trained_on: TrainingRows, recipe: Recipe, data: LabelledData, window: Array) -> Array:
    """Return the log-odds of fraud: those of a classifier are of its second class."""
    classifier = grow_trees(trained_on, recipe, data.subject)
    sign = -1.0 if classifier.classes_[1] == data.legitimate else 1.0
    return np.asarray(sign * classifier.ensemble_.log_odds(window)[:, 0])


if __name__ == "__main__":
    sys.exit(main())
