"""What the size of trees is worth where few rows are labelled: ``python -m benchmarks.small SET``."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.contestants.lightgbm import fit_columns
from benchmarks.data.folds import Rows
from benchmarks.data.kinds import LEGITIMATE as HAM
from benchmarks.data.kinds import fraud_or_legitimate
from benchmarks.data.location import load_accounts
from benchmarks.measures.paired import paired_figures
from benchmarks.measures.scores import METRICS
from benchmarks.runner import Arguments, Report, progress, run_command
from benchmarks.sets.table import ACCOUNT_SETS, MESSAGE_SETS
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.training.choice import choose_trees, with_trees
from fraudsieve.training.data.builders import TrainingRows, grow_trees, matrix_of, read_data, training_rows
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import FEW_RARER, FEW_ROWS, LabelledSize, Recipe
from fraudsieve.training.splits.choose import choose_split

__all__ = ["drawn_rows", "main", "small_sets"]

LEGITIMATE, FRAUD = "legitimate", "fraud"
SIZES: Final = (50, 100, 200, 300, 500, 1000, 2000)
MIN_FRAUDS: Final = 4
MAX_TESTED: Final = 8000
MAX_EVENTS: Final = 150_000
"""Of more events, those of a random part of the accounts are used."""
PROTOCOL: Final = (
    "{draws} draws of so many labelled rows, or of {rows} rows with so many frauds. The other rows have no label in "
    "the tables, and are the test, at most {tested:,} of them. ours: the trees of the ordinary call, on all drawn "
    "rows; if they are not few, rounds are chosen on a part of them. large, small: with the sizes for many and for few "
    "rows, whatever their number. lightgbm: its defaults on our columns. Average precision; vs: ours and the "
    "difference, paired by draw, with its standard error."
)


class SmallSet(NamedTuple):
    """Rows of a set with a label in words, their identifier, and the events of accounts."""

    subject: str
    rows: pd.DataFrame
    events: pd.DataFrame | None = None

    @property
    def key(self) -> str:
        """The name of the column that identifies a row."""
        return f"{self.subject}_id"


def small_sets() -> list[str]:
    """Return the names of the sets that can be drawn from."""
    return [
        *(name for name, one in MESSAGE_SETS.items() if one.schemes and name != "fbs_sms"),
        "credit_default",
        *ACCOUNT_SETS,
    ]


def main(argv: list[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    names = small_sets()
    arguments: Arguments = {
        "set": {"choices": names, "metavar": "SET", "help": ", ".join(names)},
        "--rows": {"type": int, "nargs": "+", "default": SIZES, "help": "numbers of labelled rows"},
        "--frauds": {"type": int, "nargs": "+", "default": (), "help": "numbers of frauds among --rows, of which one"},
        "--draws": {"type": int, "default": 5, "help": "draws of each size (default 5)"},
    }
    return run_command("small", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    of_set = _load(options.set)
    found: dict[str, dict[str, float]] = {}
    figures: dict[str, float] = {}
    sizes = [(n, None) for n in options.rows] if not options.frauds else [(options.rows[0], n) for n in options.frauds]
    for n_rows, n_frauds in sizes:
        draws = [_draw(of_set, n_rows, n_frauds, seed) for seed in range(options.draws)]
        means = {name: np.array([draw[name] for draw in draws]) for name in draws[0]}
        name = f"{n_rows if n_frauds is None else n_frauds}"
        progress(f"{options.set} {name}: " + ", ".join(f"{way} {one.mean():.4f}" for way, one in means.items()))
        for way, one in means.items():
            found.setdefault(way, {})[f"{name}.average_precision"] = float(one.mean())
        for peer in ("large", "lightgbm"):
            paired = paired_figures(name, peer, means["ours"], means[peer], folds=2)
            figures |= {key: value for key, value in paired.items() if not key.endswith("corrected")}
    protocol = PROTOCOL.format(draws=options.draws, rows=options.rows[0], tested=MAX_TESTED)
    return Report("small", options.set, protocol, len(of_set.rows), found.pop("ours") | figures, found)


def _load(name: str) -> SmallSet:
    if name in MESSAGE_SETS:
        table = fraud_or_legitimate(MESSAGE_SETS[name].load())
        return SmallSet("message", table.replace({"label": {HAM: LEGITIMATE}}))
    words: dict[Any, str] = {0: LEGITIMATE, 1: FRAUD}
    if name == "credit_default":
        accounts = load_accounts(name, "accounts")
        return SmallSet("account", accounts.assign(label=accounts["label"].map(words)))
    task = ACCOUNT_SETS[name].task()
    rows = task.rows.assign(label=task.rows["label"].map(words))
    if task.subject == "event" and len(rows) > MAX_EVENTS:
        ids = pd.Series(rows["account_id"].unique()).sample(frac=MAX_EVENTS / len(rows), random_state=0)
        rows = rows[rows["account_id"].isin(ids)].reset_index(drop=True)
    return SmallSet(task.subject, rows, task.events)


def drawn_rows(labels: Array, n_rows: int, n_frauds: int | None, seed: int) -> Rows:
    """Draw labelled rows: with so many frauds, or at random with at least `MIN_FRAUDS`.

    Examples
    --------
    >>> labels = np.repeat(["fraud", "legitimate"], [10, 990]).astype(object)
    >>> [int((labels[drawn_rows(labels, 100, n, 0)] == "fraud").sum()) for n in (None, 2)]
    [4, 2]
    """
    shuffled = np.random.default_rng(seed).permutation(np.flatnonzero(pd.notna(labels)))
    is_fraud = labels[shuffled] == FRAUD
    n_found = max(int(is_fraud[:n_rows].sum()), MIN_FRAUDS) if n_frauds is None else n_frauds
    return np.concatenate([shuffled[is_fraud][:n_found], shuffled[~is_fraud][: n_rows - n_found]])


def _draw(of_set: SmallSet, n_rows: int, n_frauds: int | None, seed: int) -> dict[str, float]:
    """Return the average precision of every way on the rows that were not drawn."""
    labels = of_set.rows["label"].to_numpy(object)
    drawn = np.isin(np.arange(len(labels)), drawn_rows(labels, n_rows, n_frauds, seed))
    known = of_set.rows.assign(label=of_set.rows["label"].where(drawn))
    tables = {f"{of_set.subject}s": known} | ({} if of_set.events is None else {"events": of_set.events})
    recipe = Recipe.read(overrides={"data.subject": of_set.subject, "n_jobs": 1, "seed": seed})
    data = read_data(recipe, tables, min_label_rows=recipe.data.min_label_rows)
    truth = pd.Series(labels, of_set.rows[of_set.key].astype(str))
    others = data.unlabelled[truth.reindex(data.unlabelled[of_set.key].astype(str)).notna().to_numpy()][:MAX_TESTED]
    is_fraud = (truth.reindex(others[of_set.key].astype(str)) == FRAUD).to_numpy(np.float64)
    trained_on = training_rows(data, groups_of(data)[0], np.arange(len(data.rows)), recipe)
    tested = matrix_of(trained_on.builder, others).to_numpy()
    scores = {way: _scores(rows, one, data.subject, tested) for way, rows, one in _ways(trained_on, data, recipe)}
    peer = fit_columns(trained_on.matrix.to_numpy(), trained_on.labels == FRAUD, seed=seed)
    scores["lightgbm"] = peer.score(tested)
    return {way: float(METRICS["average_precision"](is_fraud, one)) for way, one in scores.items()}


def _ways(trained_on: TrainingRows, data: LabelledData, recipe: Recipe) -> Iterator[tuple[str, TrainingRows, Recipe]]:
    """Yield the trees of the ordinary call, and those for many and for few rows, whatever the number of rows is."""
    groups, group_kind = groups_of(data)
    of_split = training_rows(data, groups, choose_split(data, groups, group_kind, recipe).train, recipe)
    for way, size in (("ours", data.size), ("large", LabelledSize(FEW_ROWS, FEW_RARER))):
        choice = choose_trees(replace(of_split, size=size), data, groups, recipe, lambda step: None)
        chosen = recipe if choice is None else with_trees(recipe, choice, len(of_split.labels))
        yield way, replace(trained_on, size=size), chosen
    small = recipe.model.model_copy(update=data.size.small_trees)
    yield "small", trained_on, recipe.model_copy(update={"model": small})


def _scores(rows: TrainingRows, recipe: Recipe, subject: Subject, tested: Array) -> Array:
    """Return the log-odds of fraud: those of a classifier are of its second class."""
    classifier = grow_trees(rows, recipe, subject)
    sign: Mapping[Any, float] = {classifier.classes_[1]: 1.0, classifier.classes_[0]: -1.0}
    return np.asarray(sign[FRAUD] * classifier.ensemble_.log_odds(tested, n_threads=1)[:, 0])


if __name__ == "__main__":
    sys.exit(main())
