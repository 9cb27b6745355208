"""Costs of decisions: reviews of alerts, and fraud that is missed."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._typing import Array


@dataclass(frozen=True)
class CostPoint:
    """Cost per 1,000 rows, in reviews, when the rows of highest score are reviewed."""

    alerts: float
    alerts_a_day: float | None
    cost: float


@dataclass(frozen=True, kw_only=True)
class CostCurve:
    """Alerts of the decision by cost, and costs per 1,000 rows without any review and by number of alerts."""

    missed_cost: float
    by_amount: bool
    alerts: int
    alerts_a_day: float | None
    without_review: float
    points: tuple[CostPoint, ...]


@dataclass(frozen=True, eq=False)
class RowCosts:
    """Cost of each row, in reviews. Create it with `RowCosts.of`.

    Notes
    -----
    A fraud that is reviewed costs its review and nothing more.
    """

    # Shape (n_rows,). Cost of the row if it is fraud and is missed.
    loss: Array
    # Shape (n_rows,). Whether a review of the row pays off: its probability times its loss is at least one review
    # (Elkan, The foundations of cost-sensitive learning, 2001). This presumes calibrated probabilities.
    flagged: Array
    # Shape (n_rows,). Cost of that decision: 1 for a reviewed row, its loss for a missed fraud, otherwise 0.
    cost: Array

    @classmethod
    def of(
        cls,
        probability: Array,
        is_fraud: Array,
        missed_cost: float,
        amounts: Array | None = None,
        weight: Array | None = None,
    ) -> Self:
        """Compute the costs of rows."""
        loss = missed_cost * (np.ones(len(probability)) if amounts is None else _relative(amounts, is_fraud, weight))
        flagged = probability * loss >= 1
        return cls(loss, flagged, np.where(flagged, 1.0, np.where(is_fraud, loss, 0.0)))


def _relative(amounts: Array, is_fraud: Array, weight: Array | None) -> Array:
    sizes = np.abs(np.asarray(amounts, np.float64))
    known = is_fraud & np.isfinite(sizes)
    mean = float(np.average(sizes[known], weights=None if weight is None else weight[known])) if known.any() else 0.0
    if mean <= 0:
        return np.ones(len(sizes))
    return np.where(np.isfinite(sizes), sizes, mean) / mean
