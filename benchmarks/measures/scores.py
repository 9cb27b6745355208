"""Metrics of scores and labels, by scikit-learn."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

__all__ = ["METRICS", "macro_f1"]


def macro_f1(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return the mean F1 of the classes.

    Examples
    --------
    >>> macro_f1(np.array(["a", "b"]), np.array(["a", "b"]))
    1.0
    """
    return float(f1_score(truth, predicted, average="macro"))


METRICS: Mapping[str, Callable[[NDArray[Any], NDArray[np.floating[Any]]], float]] = {
    "roc_auc": lambda y, scores: float(roc_auc_score(y, scores)),
    "average_precision": lambda y, scores: float(average_precision_score(y, scores)),
    "accuracy": lambda y, scores: float(accuracy_score(y, scores > 0.5)),
    "macro_f1": lambda y, scores: macro_f1(y, scores > 0.5),
}
"""Metrics of labels and probabilities of fraud; the last two at a threshold of .5."""
