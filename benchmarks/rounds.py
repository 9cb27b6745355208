"""How the number of rounds is best chosen, on inner folds of training rows: ``python -m benchmarks.rounds SET``."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from benchmarks.columns.default_call import read_task
from benchmarks.data.folds import Fold, Rows
from benchmarks.measures.scores import METRICS
from benchmarks.runner import Report, progress, run_command
from benchmarks.sets.table import ACCOUNT_SETS
from fraudsieve._typing import Array
from fraudsieve.training.data.builders import matrix_of
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import TrainingRows, grow_trees, training_rows
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.split_model import choose_rounds, with_rounds
from fraudsieve.training.splits.split import has_times

__all__ = ["main", "ways"]

FORWARD: Final = ((0.5, 0.65), (0.65, 0.8), (0.8, 1.0))
"""Shares of the training rows before a window and until its end."""
CONSTANT, MAX_ROWS = 300, 100_000
PROTOCOL: Final = (
    "Training rows of the default split alone; no test row is read. {folds}. On the rows before a window, trees are "
    "grown with the default settings, and score the window. lowest: the rounds with the lowest log loss on the latest "
    "fifth of the rows before the window, in trees of the others. one_seed: as many more as there are more rows. "
    "ours: the mean log-odds of the default number of seeds of these. constant: {constant} rounds. "
    "slow: one_seed at a third of the learning rate, with thrice the rounds. leaves_4, leaves_15: one_seed, with "
    "rounds chosen for trees of so many leaves. average_precision and log_loss: means over the windows."
)


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
    window = matrix_of(trained_on.builder, data.rows.iloc[fold.test]).to_numpy()
    truth = (data.rows["label"].iloc[fold.test] != data.legitimate).to_numpy()
    for name, way in ways(trained_on, data, groups, recipe).items():
        odds = _log_odds(trained_on, way, data, window)
        loss = float(np.logaddexp(0, np.where(truth, -odds, odds)).mean())
        rounds = float(way.model.n_rounds or 0)
        precision = METRICS["average_precision"](truth.astype(float), odds)
        yield name, {"average_precision": precision, "log_loss": loss, "rounds": rounds}


def ways(trained_on: TrainingRows, data: LabelledData, groups: Array, recipe: Recipe) -> dict[str, Recipe]:
    """Return the recipe of each way to choose."""
    choice = choose_rounds(trained_on, data, groups, recipe, lambda step: None)
    ours = with_rounds(recipe, CONSTANT if choice is None else choice.rounds)
    one_seed = _changed(ours, n_seeds=1)
    rate = recipe.model.settings(data.subject, data.size)["learning_rate"]
    found = {
        "ours": ours,
        "one_seed": one_seed,
        "constant": with_rounds(one_seed, CONSTANT),
        "lowest": with_rounds(one_seed, CONSTANT if choice is None else choice.lowest),
        "slow": _changed(one_seed, learning_rate=rate / 3, n_rounds=3 * (ours.model.n_rounds or 0)),
    }
    for leaves in (4, 15):
        sized = _changed(recipe, num_leaves=leaves, n_seeds=1)
        of_size = choose_rounds(trained_on, data, groups, sized, lambda step: None)
        found[f"leaves_{leaves}"] = with_rounds(sized, CONSTANT if of_size is None else of_size.rounds)
    return found


def _changed(recipe: Recipe, **settings: Any) -> Recipe:
    return recipe.model_copy(update={"model": recipe.model.model_copy(update=settings)})


def _log_odds(trained_on: TrainingRows, recipe: Recipe, data: LabelledData, window: Array) -> Array:
    """Return the log-odds of fraud: those of a classifier are of its second class."""
    classifier = grow_trees(trained_on, recipe, data.subject)
    sign = -1.0 if classifier.classes_[1] == data.legitimate else 1.0
    return np.asarray(sign * classifier.ensemble_.log_odds(window)[:, 0])


if __name__ == "__main__":
    sys.exit(main())
