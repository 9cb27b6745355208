"""The sets of the contest: rows, folds and the metric of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.folds import Fold, Rows, duplicate_groups, folds_of, schemes_of
from benchmarks.data.kinds import AccountSet, MessageSet, Task
from benchmarks.measures.scores import METRICS, macro_f1
from benchmarks.sets.table import ACCOUNT_SETS, message_sets_of

__all__ = ["CONTEST_SETS", "TableSet", "TextSet"]

FOLDS: Final = 5


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


@dataclass(frozen=True, eq=False)
class TableSet:
    """Labelled accounts or events with one split."""

    task: Task

    metric: ClassVar = "average_precision"

    @property
    def folds(self) -> list[Fold]:
        """The one split."""
        return [Fold(self.task.train, self.task.test)]

    def value(self, fold: Fold, scores: NDArray[Any]) -> float:
        """Return the metric of the scores of the test rows."""
        return METRICS[self.metric](self.task.truth[fold.test], scores)


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
