"""The sets of the contest: rows, folds and the metric of each."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.columns.default_call import our_columns
from benchmarks.columns.handbook import handbook_columns
from benchmarks.data.folds import Fold, Rows, duplicate_groups, folds_of, grouped_splits, schemes_of
from benchmarks.data.kinds import AccountSet, MessageSet, Task
from benchmarks.machine import one_core
from benchmarks.measures.scores import METRICS, macro_f1
from benchmarks.sets.table import ACCOUNT_SETS, message_sets_of
from fraudsieve.training.evaluation.bootstrap import bootstrap_ranking
from fraudsieve.training.evaluation.ranking import RANKING_METRICS, Ranking

__all__ = ["COLUMNS", "CONTEST_SETS", "REPLICATES", "SEEDS", "Columns", "TableSet", "TextSet", "drawn_together"]

FOLDS: Final = 5
SEEDS: Final = 5
"""Seeds of each contestant on accounts and events, if the set has one split."""
REPLICATES: Final = 100
"""Bootstrap draws of the test rows of accounts and events."""
COLUMNS: Final = {"handbook": handbook_columns, "ours": our_columns}
"""What makes the columns of a peer, so that model and features are told apart."""


class Columns(NamedTuple):
    """Columns of the training rows and of the test rows, and the processor time that they took, in seconds a row."""

    train: pd.DataFrame
    test: pd.DataFrame
    seconds: float


@dataclass(frozen=True, eq=False)
class TextSet:
    """Labelled messages, their folds, and the groups that contestants keep together when they choose their settings."""

    texts: list[str]
    labels: NDArray[Any]
    groups: Rows
    folds: list[Fold]

    metric: ClassVar = "macro_f1"

    def value(self, fold: Fold, predicted: NDArray[Any]) -> float:
        """Return the metric of the labels of the test rows."""
        return macro_f1(self.labels[fold.test], predicted)

    def draws(self, fold: Fold, predicted: NDArray[Any]) -> NDArray[np.float64]:
        """Return none: there are draws of accounts and events alone."""
        return np.zeros(0)


@dataclass(frozen=True, eq=False)
class TableSet:
    """Labelled accounts or events with one split, on which each contestant runs with several seeds, or with several."""

    task: Task
    _made: dict[tuple[str, int], Columns] = field(default_factory=dict)

    metric: ClassVar = "average_precision"

    @cached_property
    def splits(self) -> list[Task]:
        """The task of each split."""
        return self.task.splits

    @cached_property
    def folds(self) -> list[Fold]:
        """The runs of a contestant: one split with several seeds, or several splits with a seed each.

        The number of a fold is that of its split.
        """
        splits = list(enumerate(self.splits))
        runs = splits * SEEDS if len(splits) == 1 else splits
        return [Fold(one.train, one.test, (seed,), number=number) for seed, (number, one) in enumerate(runs)]

    def columns(self, name: str, number: int) -> Columns:
        """Return columns of `COLUMNS` for a split; they are made once, and all contestants and seeds share them."""
        if (name, number) not in self._made:
            start = time.process_time()
            with one_core():
                train, test = COLUMNS[name](self.splits[number])
            seconds = (time.process_time() - start) / (len(train) + len(test))
            self._made[name, number] = Columns(train, test, seconds)
        return self._made[name, number]

    def held_back(self, fold: Fold) -> Rows:
        """Return the fifth of the training rows on which early stopping chooses rounds, as positions among them.

        These are the latest events, or random accounts: as the test rows are chosen.
        """
        labels = self.task.truth[fold.train]
        if self.task.subject == "account":
            return next(grouped_splits(labels, np.arange(len(labels)), folds=FOLDS, seed=fold.seeds[0]))[1]
        order = self.task.rows["occurred_at"].iloc[fold.train].argsort(kind="stable").to_numpy()
        return np.sort(order[-round(len(order) / FOLDS) :])

    def value(self, fold: Fold, scores: NDArray[Any]) -> float:
        """Return the metric of the scores of the test rows."""
        return METRICS[self.metric](self.task.truth[fold.test], scores)

    def draws(self, fold: Fold, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Return the metric for `REPLICATES` bootstrap draws of the test rows, as from `drawn_together`.

        The draws depend on the split alone, so they are the same for all contestants and seeds.
        """
        truth = self.task.truth[fold.test]
        groups = drawn_together(self.task.rows.iloc[fold.test], truth)
        drawn = bootstrap_ranking(Ranking.of(scores, truth), groups, replicates=REPLICATES, seed=fold.number)
        return drawn.metrics[:, RANKING_METRICS.index(self.metric)]


def drawn_together(rows: pd.DataFrame, is_fraud: NDArray[Any]) -> Rows:
    """Return the groups that a bootstrap draws whole: accounts, or counterparties if the frauds are at far fewer.

    What is right about one fraud of a group is right about all, so that a set has no more evidence than groups. Their
    effective number is that of Kish (1965, Survey Sampling): the squared sum of the frauds of each over the sum of
    squares. Counterparties are drawn if there are less than half as many.

    Examples
    --------
    >>> rows = pd.DataFrame({"account_id": [*"abcde"], "counterparty_id": [*"vvvvw"]})
    >>> drawn_together(rows, np.ones(5)).tolist(), drawn_together(rows, np.eye(5)[4]).tolist()
    ([0, 0, 0, 0, 1], [0, 1, 2, 3, 4])
    """
    accounts = pd.factorize(rows["account_id"])[0]
    if "counterparty_id" not in rows:
        return accounts
    others = pd.factorize(rows["counterparty_id"], use_na_sentinel=False)[0]
    frauds = [np.bincount(groups, is_fraud) for groups in (accounts, others)]
    of_accounts, of_others = (n.sum() ** 2 / (n**2).sum() for n in frauds)
    return others if of_others < of_accounts / 2 else accounts


def _text_set(of_messages: MessageSet, scheme: str) -> TextSet:
    table = of_messages.load()
    texts, labels = table["text"].tolist(), table["label"].to_numpy(object)
    if scheme == "given":
        train, test = (np.flatnonzero(table["split"] == part) for part in ("train", "test"))
        return TextSet(texts, labels, duplicate_groups(texts), [Fold(train, test)])
    apart, groups = schemes_of(table)[scheme]
    return TextSet(texts, labels, groups, list(folds_of(labels, apart, repeats=1, folds=FOLDS)))


def _table_set(of_accounts: AccountSet) -> TableSet:
    return TableSet(of_accounts.task())


CONTEST_SETS: Final[Mapping[str, Callable[[], TextSet | TableSet]]] = {
    **{
        f"{name}.{scheme}": partial(_text_set, one, scheme)
        for name, one in message_sets_of("contest").items()
        for scheme in one.schemes
    },
    **{name: partial(_table_set, one) for name, one in ACCOUNT_SETS.items()},
}
"""What reads each set: of messages one for each scheme, and the sets of accounts and events."""
