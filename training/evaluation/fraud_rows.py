"""Scored rows with all that the sheet may want to know of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from fraudsieve._typing import Array

from .bootstrap import Replicates, bootstrap
from .ranking import FIXED_RATE, Ranking

__all__ = ["FraudRows", "plain", "threshold_at"]


@dataclass(frozen=True, eq=False)
class FraudRows:
    """Scored rows, of which some are fraud.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_rows,)
        Calibrated probability of fraud.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth.
    groups : ndarray, shape (n_rows,), default=None
        The account or campaign of each row; None where nobody knows, and then there are no intervals.
    replicates : int, default=400
        How often groups are drawn.
    """

    probability: Array
    is_fraud: Array
    groups: Array | None = None
    replicates: int = 400

    @property
    def both(self) -> bool:
        """Whether there is fraud, and something else."""
        return bool(self.is_fraud.any() and not self.is_fraud.all())

    def part(self, rows: Array) -> "FraudRows":
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray of bool, shape (n_rows,)
            Which.

        Returns
        -------
        FraudRows
        """
        groups = None if self.groups is None else self.groups[rows]
        return FraudRows(self.probability[rows], self.is_fraud[rows], groups, self.replicates)

    def drawn(self, ranking: Ranking, alerts: Array | None = None) -> Replicates | None:
        """Draw groups.

        Parameters
        ----------
        ranking : Ranking
            Of these rows.
        alerts : ndarray of float64, default=None
            As for `bootstrap`.

        Returns
        -------
        Replicates or None
            None where there are no groups, or only one.
        """
        if self.groups is None or not self.replicates or len(np.unique(self.groups)) < 2:
            return None
        return bootstrap(ranking, self.groups, alerts=alerts, replicates=self.replicates)

    def slice_figures(self, threshold: float) -> dict[str, Any]:
        """Compute the figures of a slice: a month, or the rows without a history.

        Parameters
        ----------
        threshold : float
            Of the whole, not of the slice: what is seen is how a fixed threshold fares.

        Returns
        -------
        dict
            ``rows``, ``frauds``, ``base_rate``, ``average_precision`` and its ``interval``, ``roc_auc``, ``recall`` and
            ``false_positive_rate`` at the threshold, ``mean_probability`` and ``observed_over_expected``; None for
            what cannot be computed.

        Examples
        --------
        >>> rows = FraudRows(np.array([0.9, 0.2]), np.array([True, False]))
        >>> figures = rows.slice_figures(0.5)
        >>> figures["recall"], figures["false_positive_rate"], figures["interval"]
        (1.0, 0.0, None)
        """
        flagged, expected = self.probability >= threshold, float(self.probability.sum())
        drawn = self.drawn(Ranking.of(self.probability, self.is_fraud)) if self.both else None
        return {
            "rows": len(self.is_fraud),
            "frauds": int(self.is_fraud.sum()),
            "base_rate": float(self.is_fraud.mean()),
            "average_precision": float(average_precision_score(self.is_fraud, self.probability)) if self.both else None,
            "interval": None if drawn is None else drawn.intervals()["average_precision"],
            "roc_auc": float(roc_auc_score(self.is_fraud, self.probability)) if self.both else None,
            "recall": float(flagged[self.is_fraud].mean()) if self.is_fraud.any() else None,
            "false_positive_rate": float(flagged[~self.is_fraud].mean()) if not self.is_fraud.all() else None,
            "mean_probability": float(self.probability.mean()),
            "observed_over_expected": float(self.is_fraud.sum()) / expected if expected > 0 else None,
        }


def threshold_at(probability: Array, is_fraud: Array, false_positive_rate: float = FIXED_RATE) -> tuple[float, float]:
    """Return the lowest threshold that flags no more than a share of the legitimate rows, and its recall.

    Parameters
    ----------
    probability : ndarray, shape (n_rows,)
        Scores.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth; both kinds must be there.
    false_positive_rate : float, default=0.01
        The rate that must not be exceeded.

    Returns
    -------
    threshold : float
        A row is flagged when its score is at least this; infinite where that flags nothing.
    recall : float
        The share of the fraud that is flagged.

    Examples
    --------
    >>> threshold_at(np.array([0.1, 0.9, 0.8]), np.array([False, True, False]))
    (0.9, 1.0)
    """
    rates, recalls, thresholds = roc_curve(is_fraud, probability, drop_intermediate=False)
    place = int(np.flatnonzero(rates <= false_positive_rate)[-1])
    return float(thresholds[place]), float(recalls[place])


def plain(value: float | None) -> float | None:
    """Return a number that JSON can hold.

    Parameters
    ----------
    value : float or None
        Any.

    Returns
    -------
    float or None
        None for NaN and for what is infinite.

    Examples
    --------
    >>> plain(float("nan")) is None
    True
    """
    return float(value) if value is not None and np.isfinite(value) else None
