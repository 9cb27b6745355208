"""The sheet: what a model's scores are worth on records that it has not seen.

Standard metrics come from scikit-learn. Those of fraud against legitimate need a legitimate class; without one only
those of the types are there.
"""

from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.training.recipe.recipe import EvaluateRecipe

from .bootstrap import LEVEL
from .fraud import fraud_sheet
from .fraud_rows import FraudRows, threshold_at
from .ranking import ECE_BINS, Ranking
from .types import type_sheet

__all__ = ["calibration_error", "drawn_facts", "evaluate", "recall_at"]


def evaluate(
    probability: Array,
    classes: tuple[str, ...],
    class_probability: Array,
    labels: Array,
    legitimate: str | None,
    *,
    moments: Array | None = None,
    groups: Array | None = None,
    group_kind: str = "group",
    accounts: Array | None = None,
    amounts: Array | None = None,
    known: Array | None = None,
    share: float = 1.0,
    settings: EvaluateRecipe | None = None,
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
    moments : array-like of datetime64, shape (n_rows,), default=None
        When each row was scored, UTC: for alerts a day, and for the months.
    groups : ndarray, shape (n_rows,), default=None
        The account or campaign of each row: for the intervals.
    group_kind : str, default="group"
        What a group is, in words.
    accounts : array-like, shape (n_rows,), default=None
        Who each row is of: for card precision.
    amounts : ndarray of float64, shape (n_rows,), default=None
        What is at stake: for the costs. See `Costs`.
    known : ndarray of bool, shape (n_rows,), default=None
        Whether the account had a history: the others start cold.
    share : float, default=1.0
        Of the records of their time, the share that the rows are: for alerts a day. See `Capacity`.
    settings : EvaluateRecipe, default=None
        Capacity, costs and replicates; None for the defaults.

    Returns
    -------
    dict
        ``rows``; ``macro_f1`` and ``accuracy`` over the types; ``by_type`` (see `type_sheet`); ``intervals`` (95 %, of
        every main figure) and ``bootstrap`` (over what they were drawn). With a legitimate class also ``base_rate``,
        ``frauds``, ``average_precision``, ``roc_auc``, ``recall_at_1pct_fpr``, ``ece`` (equal mass, 15 bins),
        ``brier``, ``observed_over_expected``, ``recall_at_capacity``, ``precision_at_capacity``, ``capacity`` (20
        points up to twice the capacity), ``card_precision`` (and what a perfect ranking would reach),
        ``cost_per_1000`` and ``costs`` (in reviews), ``by_month``, ``cold_start`` (with and without a history) and
        ``curves``. What cannot be computed is None.

    Examples
    --------
    >>> p = np.array([0.1, 0.2, 0.9, 0.8])
    >>> labels = np.array(["ham", "ham", "spam", "spam"], object)
    >>> sheet = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, "ham")
    >>> sheet["average_precision"], sheet["macro_f1"], sheet["by_month"]
    (1.0, 1.0, None)
    """
    settings = EvaluateRecipe() if settings is None else settings
    predicted = np.array(classes, object)[class_probability.argmax(axis=1)]
    of_fraud: dict[str, Any] = {}
    if legitimate is not None:
        rows = FraudRows(np.asarray(probability, np.float64), labels != legitimate, groups, settings.replicates)
        context = {"moments": moments, "accounts": accounts, "amounts": amounts, "known": known}
        of_fraud = fraud_sheet(rows, settings, **context, share=share)
    of_types = type_sheet(
        labels,
        predicted,
        legitimate=legitimate,
        probability=probability,
        groups=groups,
        replicates=settings.replicates,
    )
    intervals = of_fraud.pop("intervals", {}) | of_types.pop("intervals")
    drawn = {"intervals": intervals, "bootstrap": drawn_facts(groups, labels != legitimate, group_kind, settings)}
    return {"rows": len(labels), **of_fraud, **of_types, **drawn}


def drawn_facts(groups: Array | None, is_fraud: Array, kind: str, settings: EvaluateRecipe) -> dict[str, Any] | None:
    """Say over what intervals are drawn.

    Parameters
    ----------
    groups : ndarray, shape (n_rows,), or None
        The account or campaign of each row.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth.
    kind : str
        What a group is, in words.
    settings : EvaluateRecipe
        How often groups are drawn.

    Returns
    -------
    dict or None
        ``over``, ``level``, ``groups``, ``groups_with_fraud`` and ``replicates``; None where nothing is drawn.

    Examples
    --------
    >>> found = drawn_facts(np.array([1, 1, 2]), np.array([True, True, False]), "account", EvaluateRecipe())
    >>> found["groups"], found["groups_with_fraud"]
    (2, 1)
    """
    if groups is None or not settings.replicates or len(np.unique(groups)) < 2:
        return None
    counts = {"groups": len(np.unique(groups)), "groups_with_fraud": len(np.unique(groups[is_fraud]))}
    return {"over": kind, "level": LEVEL, **counts, "replicates": settings.replicates}


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
    return threshold_at(probability, is_fraud, false_positive_rate)[1]


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
        with the equal-mass bins of Nixon et al., 2019). A row at the edge of a bin is in both, in parts; rows of one
        probability count as their mean, so that their order does not matter.

    Examples
    --------
    >>> calibration_error(np.array([0.5, 0.5]), np.array([True, False]), n_bins=1)
    0.0
    """
    return Ranking.of(probability, is_fraud).calibration_gap(n_bins)
