"""Operating points: from which probability on a record is flagged, and what that costs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FALSE_POSITIVE_RATES", "OperatingPoint", "operating_points"]

Array = npt.NDArray[Any]

FALSE_POSITIVE_RATES = (0.01, 0.001, 0.05)
"""The rates for which every model has a point; the first decides unless another is asked for."""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it did on the calibration slice.

    Parameters
    ----------
    name : str
        What it was chosen for.
    threshold : float
        A record is flagged when its probability is at least this.
    false_positive_rate : float
        Share of the legitimate records that were flagged.
    recall : float
        Share of the fraud that was flagged.
    flagged : float
        Share of all records that were flagged.
    """

    name: str
    threshold: float
    false_positive_rate: float
    recall: float
    flagged: float


def operating_points(probability: Array, is_fraud: Array) -> tuple[OperatingPoint, ...]:
    """Choose the threshold of each of `FALSE_POSITIVE_RATES` on rows that the model was not trained on.

    Parameters
    ----------
    probability : ndarray, shape (n_rows,)
        Calibrated probability of fraud.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth.

    Returns
    -------
    tuple of OperatingPoint
        The lowest thresholds that flag no more than the rate; none when one of the two kinds is absent.

    Examples
    --------
    >>> p, truth = np.array([0.1, 0.2, 0.3, 0.9]), np.array([False, False, False, True])
    >>> [(point.name, point.recall) for point in operating_points(p, truth)][0]
    ('false_positive_rate_0.01', 1.0)
    """
    clean = np.sort(probability[~is_fraud])[::-1]
    if not len(clean) or not is_fraud.any():
        return ()
    points = []
    for rate in FALSE_POSITIVE_RATES:
        allowed = int(np.floor(rate * len(clean)))
        # Just above the first legitimate record that must not be flagged, so that ties stay below.
        threshold = float(np.nextafter(clean[allowed], 2.0)) if allowed < len(clean) else 0.0
        flagged = probability >= threshold
        points.append(
            OperatingPoint(
                name=f"false_positive_rate_{rate:g}",
                threshold=threshold,
                false_positive_rate=float(flagged[~is_fraud].mean()),
                recall=float(flagged[is_fraud].mean()),
                flagged=float(flagged.mean()),
            )
        )
    return tuple(points)
