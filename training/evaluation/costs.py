"""What decisions cost: alerts that people look at, and fraud that is let pass."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._typing import Array

__all__ = ["RowCosts"]


@dataclass(frozen=True, eq=False)
class RowCosts:
    """What each row costs, in reviews. `RowCosts.of` makes it.

    Parameters
    ----------
    loss : ndarray of float64, shape (n_rows,)
        What the row costs when it is fraud and let pass.
    flagged : ndarray of bool, shape (n_rows,)
        Whether looking at the row is worth it: probability times loss is at least one review (Elkan, The foundations
        of cost-sensitive learning, 2001). It takes calibrated probabilities at their word.
    cost : ndarray of float64, shape (n_rows,)
        What that decision costs: 1 for a row looked at, its loss for a fraud let pass, else nothing.

    Notes
    -----
    A fraud that is looked at costs its review and no more.
    """

    loss: Array
    flagged: Array
    cost: Array

    @classmethod
    def of(cls, probability: Array, is_fraud: Array, missed_cost: float, amounts: Array | None = None) -> Self:
        """Compute the costs of rows.

        Parameters
        ----------
        probability : ndarray, shape (n_rows,)
            Calibrated probability of fraud.
        is_fraud : ndarray of bool, shape (n_rows,)
            The truth.
        missed_cost : float
            What a fraud costs that is let pass, in reviews.
        amounts : ndarray of float64, shape (n_rows,), default=None
            What is at stake: a row's loss is then `missed_cost` times its amount over the mean amount of the frauds.
            The sign does not count; where the amount is not known the mean stands in.

        Returns
        -------
        RowCosts

        Examples
        --------
        >>> costs = RowCosts.of(np.array([0.9, 0.01]), np.array([True, True]), 10.0)
        >>> costs.flagged.tolist(), costs.cost.tolist()
        ([True, False], [1.0, 10.0])
        """
        loss = missed_cost * (np.ones(len(probability)) if amounts is None else _relative(amounts, is_fraud))
        flagged = probability * loss >= 1
        return cls(loss, flagged, np.where(flagged, 1.0, np.where(is_fraud, loss, 0.0)))


def _relative(amounts: Array, is_fraud: Array) -> Array:
    sizes = np.abs(np.asarray(amounts, np.float64))
    known = sizes[is_fraud & np.isfinite(sizes)]
    mean = float(known.mean()) if len(known) else 0.0
    if mean <= 0:
        return np.ones(len(sizes))
    return np.where(np.isfinite(sizes), sizes, mean) / mean
