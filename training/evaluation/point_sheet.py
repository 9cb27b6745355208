"""The operating points of a model on other records than those they were chosen on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.thresholds import OperatingPoint

from .capacity import Capacity

__all__ = ["point_sheet"]


FIGURES = ("false_positive_rate", "recall", "precision", "flagged", "alerts_a_day")


def point_sheet(
    points: Sequence[OperatingPoint], probability: Array, is_fraud: Array, *, capacity: Capacity | None = None
) -> list[dict[str, Any]]:
    """Say what every operating point does on some records, beside what it did on the calibration slice.

    Parameters
    ----------
    points : sequence of OperatingPoint
        Those of the model; the one that decides first.
    probability : ndarray of float64, shape (n_rows,)
        Calibrated probability of fraud.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth.
    capacity : Capacity, default=None
        Days, and which share of the records of these days the rows are; None where that is not known.

    Returns
    -------
    list of dict
        ``name``, ``threshold``, and ``here`` and ``calibration``, each with ``false_positive_rate``, ``recall``,
        ``precision``, ``flagged`` (share of the records) and ``alerts_a_day`` (of all records that come); None for what
        cannot be computed.

    Examples
    --------
    >>> point = OperatingPoint("half", 0.5, false_positive_rate=0.0, recall=1.0, flagged=0.1)
    >>> (found,) = point_sheet([point], np.array([0.9, 0.6, 0.1]), np.array([True, False, False]))
    >>> found["here"]["false_positive_rate"], found["calibration"]["false_positive_rate"]
    (0.5, 0.0)
    """
    return [
        {
            "name": point.name,
            "threshold": point.threshold,
            "here": _figures(probability >= point.threshold, is_fraud, capacity),
            "calibration": {name: getattr(point, name) for name in FIGURES},
        }
        for point in points
    ]


def _figures(flagged: Array, is_fraud: Array, capacity: Capacity | None) -> dict[str, float | None]:
    return {
        "false_positive_rate": _share(flagged[~is_fraud]),
        "recall": _share(flagged[is_fraud]),
        "precision": _share(is_fraud[flagged]),
        "flagged": _share(flagged),
        "alerts_a_day": None if capacity is None else capacity.a_day(float(np.sum(flagged))),
    }


def _share(rows: Array) -> float | None:
    return float(rows.mean()) if len(rows) else None
