"""The sets of the contest: rows, folds and the metric of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score

from benchmarks.data.location import load_messages
from benchmarks.defaults.sets import DEFAULT_SETS, Task
from benchmarks.detection.folds import duplicate_groups, folds_of, schemes_of

__all__ = ["CONTEST_SETS", "Fold", "TableSet", "TextSet", "average_precision", "macro_f1"]

Rows = NDArray[np.intp]
Fold = tuple[Rows, Rows]
"""Rows to train on, and rows to test on."""
FOLDS: Final = 5


@dataclass(frozen=True, eq=False)
class TextSet:
    """Labelled messages and their folds; the metric is macro-F1.

    Parameters
    ----------
    texts : list of str
        Raw texts.
    labels : ndarray of object, shape (n_texts,)
        Their classes.
    groups : ndarray of int, shape (n_texts,)
        Groups that contestants keep together when they choose their settings.
    folds : list of Fold
        The folds.
    """

    texts: list[str]
    labels: NDArray[Any]
    groups: NDArray[np.intp]
    folds: list[Fold]

    metric = "macro_f1"


@dataclass(frozen=True, eq=False)
class TableSet:
    """Labelled accounts or events with one split; the metric is average precision.

    Parameters
    ----------
    task : Task
        The tables and the rows.
    """

    task: Task

    metric = "average_precision"

    @property
    def folds(self) -> list[Fold]:
        """The one split."""
        return [(self.task.train, self.task.test)]


def macro_f1(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return the mean F1 of the classes.

    Examples
    --------
    >>> macro_f1(np.array(["a", "b"]), np.array(["a", "b"]))
    1.0
    """
    return float(f1_score(truth, predicted, average="macro"))


def average_precision(truth: NDArray[Any], scores: NDArray[Any]) -> float:
    """Return the average precision of scores of fraud.

    Examples
    --------
    >>> average_precision(np.array([0, 1]), np.array([0.1, 0.2]))
    1.0
    """
    return float(average_precision_score(truth, scores))


def _text_set(name: str, scheme: str) -> TextSet:
    table = load_messages(name)
    texts, labels = table["text"].tolist(), table["label"].to_numpy(object)
    if scheme == "given":
        train, test = (np.flatnonzero(table["split"] == part) for part in ("train", "test"))
        return TextSet(texts, labels, duplicate_groups(texts), [(train, test)])
    apart, groups = schemes_of(table)[scheme]
    folds = [(fold.train, fold.test) for fold in folds_of(labels, apart, repeats=1, folds=FOLDS)]
    return TextSet(texts, labels, groups, folds)


def _table_set(name: str) -> TableSet:
    return TableSet(DEFAULT_SETS[name]())


TEXT_SCHEMES: Final = (
    ("fbs_sms", "campaign"),
    ("fbs_sms", "random"),
    ("smishing", "grouped"),
    ("uci_sms", "grouped"),
    ("mudou_sms", "grouped"),
    ("exais_sms", "users"),
    ("stoneskipping", "given"),
)
CONTEST_SETS: Final[Mapping[str, Callable[[], TextSet | TableSet]]] = {
    **{f"{name}.{scheme}": partial(_text_set, name, scheme) for name, scheme in TEXT_SCHEMES},
    **{name: partial(_table_set, name) for name in DEFAULT_SETS},
}
"""What reads each set: of messages one for each scheme, and the sets of accounts and events."""
