"""The sheet: what a model's scores are worth on records that it has not seen.

Standard metrics come from scikit-learn. Those of fraud against legitimate need a legitimate class; without one only
those of the types are there.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
)

__all__ = ["calibration_error", "evaluate", "recall_at"]

Array = npt.NDArray[Any]

ECE_BINS = 15


def evaluate(
    probability: Array, classes: tuple[str, ...], class_probability: Array, labels: Array, legitimate: str | None
) -> dict[str, Any]:
    """Compute the sheet.

    Parameters
    ----------
    probability : ndarray, shape (n_rows,)
        Calibrated probability of fraud; not looked at without a legitimate class.
    classes : tuple of str
        The model's classes.
    class_probability : ndarray, shape (n_rows, n_classes)
        Probability of every class.
    labels : ndarray of str objects, shape (n_rows,)
        The truth. A label that the model does not know is fraud of a type that it cannot name.
    legitimate : str or None
        The class that is no crime.

    Returns
    -------
    dict
        ``rows``; ``macro_f1`` and ``accuracy`` over the types; ``by_type`` (precision, recall, F1 and rows of each);
        and with a legitimate class ``base_rate``, ``average_precision``, ``roc_auc``, ``recall_at_1pct_fpr``, ``ece``
        (equal mass, 15 bins), ``brier`` and ``observed_over_expected``. What cannot be computed is None.

    Examples
    --------
    >>> p = np.array([0.1, 0.2, 0.9, 0.8])
    >>> labels = np.array(["ham", "ham", "spam", "spam"], object)
    >>> sheet = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, "ham")
    >>> sheet["average_precision"], sheet["macro_f1"]
    (1.0, 1.0)
    """
    predicted = np.array(classes, object)[class_probability.argmax(axis=1)]
    sheet: dict[str, Any] = {"rows": len(labels)}
    if legitimate is not None:
        sheet |= _fraud_sheet(probability, labels != legitimate)
    sheet["macro_f1"] = float(f1_score(labels, predicted, average="macro", zero_division=0.0))
    sheet["accuracy"] = float(np.mean(labels == predicted))
    sheet["by_type"] = _by_type(labels, predicted)
    return sheet


def _fraud_sheet(probability: Array, is_fraud: Array) -> dict[str, Any]:
    both = bool(is_fraud.any() and not is_fraud.all())
    expected = float(probability.sum())
    return {
        "base_rate": float(is_fraud.mean()),
        "average_precision": float(average_precision_score(is_fraud, probability)) if both else None,
        "roc_auc": float(roc_auc_score(is_fraud, probability)) if both else None,
        "recall_at_1pct_fpr": recall_at(probability, is_fraud, 0.01) if both else None,
        "ece": calibration_error(probability, is_fraud),
        "brier": float(np.mean((is_fraud - probability) ** 2)),
        "observed_over_expected": float(is_fraud.sum()) / expected if expected > 0 else None,
    }


def _by_type(labels: Array, predicted: Array) -> dict[str, dict[str, float]]:
    names = sorted(set(labels) | set(predicted))
    columns = precision_recall_fscore_support(labels, predicted, labels=names, zero_division=0.0)
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "rows": int(n)}
        for name, p, r, f, n in zip(names, *columns, strict=True)
    }


def recall_at(probability: Array, is_fraud: Array, false_positive_rate: float) -> float:
    """Return the recall at a false-positive rate.

    Parameters
    ----------
    probability : ndarray, shape (n_rows,)
        Scores.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth; both kinds must be there.
    false_positive_rate : float
        The rate that must not be exceeded.

    Returns
    -------
    float

    Examples
    --------
    >>> recall_at(np.array([0.1, 0.9, 0.8]), np.array([False, True, False]), 0.01)
    1.0
    """
    rates, recalls, _ = roc_curve(is_fraud, probability, drop_intermediate=False)
    return float(recalls[rates <= false_positive_rate].max())


def calibration_error(probability: Array, is_fraud: Array, n_bins: int = ECE_BINS) -> float:
    """Return the expected calibration error over bins of equal mass.

    Parameters
    ----------
    probability : ndarray, shape (n_rows,)
        Probabilities.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth.
    n_bins : int, default=15
        How many bins.

    Returns
    -------
    float
        Mean absolute gap between the mean probability and the share of fraud, weighted by rows (Naeini et al., 2015,
        with the equal-mass bins of Nixon et al., 2019).

    Examples
    --------
    >>> calibration_error(np.array([0.5, 0.5]), np.array([True, False]), n_bins=1)
    0.0
    """
    order = np.argsort(probability, kind="stable")
    gap = 0.0
    for rows in np.array_split(order, min(n_bins, len(order))):
        gap += len(rows) * abs(float(probability[rows].mean() - is_fraud[rows].mean()))
    return gap / len(order)
