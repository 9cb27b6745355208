"""Two models on the same records: their figures side by side, and the intervals of what they differ by.

Both are drawn together: a draw takes the same campaigns or accounts for one as for the other, so that what is hard for
both does not count as a difference (a paired bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap, 1993).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.training.evaluation.bootstrap import Replicates, percentile_interval
from fraudsieve.training.evaluation.capacity import Capacity, count_days
from fraudsieve.training.evaluation.costs import RowCosts
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.json_types import finite_or_none
from fraudsieve.training.evaluation.ranking import FIGURES, Ranking
from fraudsieve.training.recipe.recipe import EvaluateRecipe

__all__ = ["paired_metrics"]


AT_ALERTS = ("recall", "precision", "share_of_loss")
"""What `Ranking.at_alerts` gives, in its order."""


def paired_metrics(
    champion: FraudRows,
    challenger: FraudRows,
    settings: EvaluateRecipe,
    *,
    cutoff_times: Array | None = None,
    amounts: Array | None = None,
    share: float = 1.0,
) -> dict[str, Any]:
    """Compare the scores of two models on the same rows.

    Parameters
    ----------
    champion, challenger : FraudRows
        Scores of the two; rows, truth, groups and replicates are the same.
    settings : EvaluateRecipe
        Capacity and costs.
    cutoff_times : array-like of datetime64, shape (n_rows,), default=None
        When each row was scored, UTC: for alerts a day.
    amounts : ndarray of float64, shape (n_rows,), default=None
        What is at stake: for the costs.
    share : float, default=1.0
        Of the records of their time, the share that the rows are: for alerts a day. See `Capacity`.

    Returns
    -------
    dict
        ``rows``, ``frauds``, ``base_rate``; ``figures``: for each of `FIGURES` but the base rate, and for the recall
        and the precision at the review capacity, ``champion``, ``challenger``, ``difference`` (challenger minus
        champion) and ``interval`` (95 %, of the difference); ``capacity``: alerts, days and 20 points up to twice the
        capacity, at each the recall of both with its difference, at the same number of alerts. None for what cannot be
        computed.

    Raises
    ------
    ValueError
        When the two are not of the same rows.

    Examples
    --------
    >>> fraud, groups = np.array([True, False, False]), np.arange(3)
    >>> worse, better = (FraudRows(np.array(p), fraud, groups) for p in ([0.2, 0.9, 0.1], [0.9, 0.2, 0.1]))
    >>> sheet = paired_metrics(worse, better, EvaluateRecipe())
    >>> [sheet["figures"]["average_precision"][name] for name in ("champion", "challenger", "difference")]
    [0.5, 1.0, 0.5]
    """
    if not np.array_equal(champion.is_fraud, challenger.is_fraud):
        raise ValueError("Expected scores of the same rows, got rows of another truth.")
    truth = challenger.is_fraud
    capacity = Capacity.of(len(truth), count_days(cutoff_times), settings.alerts_a_day, share=share)
    points = np.zeros(0) if capacity is None else capacity.points
    old, new = (_Side.of(rows, points, settings.missed_cost, amounts) for rows in (champion, challenger))
    compared = {name: place for place, name in enumerate(FIGURES) if name != "base_rate"}
    figures = {name: _pair(old.figure(place), new.figure(place)) for name, place in compared.items()}
    for row, name in enumerate(AT_ALERTS[:2]):
        unknown: dict[str, Any] = dict.fromkeys(("champion", "challenger", "difference", "interval"))
        at = unknown if capacity is None else _pair(old.at(row, capacity.place), new.at(row, capacity.place))
        figures[f"{name}_at_capacity"] = at
    return {
        "rows": len(truth),
        "frauds": int(truth.sum()),
        "base_rate": float(truth.mean()),
        "figures": figures,
        "capacity": None if capacity is None else _by_alerts(capacity, old, new),
    }


Drawn = tuple[float, Array | None]


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the two: its figures, what it finds at every number of alerts, and both for every draw."""

    figures: Array
    at_alerts: Array
    drawn: Replicates | None

    @classmethod
    def of(cls, rows: FraudRows, points: Array, missed_cost: float, amounts: Array | None) -> Self:
        costs = RowCosts.of(rows.probability, rows.is_fraud, missed_cost, amounts)
        ranking = Ranking.of(rows.probability, rows.is_fraud, costs.loss, costs.cost)
        return cls(ranking.figures(), ranking.at_alerts(points), rows.bootstrap(ranking, points))

    def figure(self, place: int) -> Drawn:
        return self.figures[place], None if self.drawn is None else self.drawn.figures[:, place]

    def at(self, row: int, place: int) -> Drawn:
        return self.at_alerts[row, place], None if self.drawn is None else self.drawn.at_alerts[:, row, place]


def _pair(old: Drawn, new: Drawn) -> dict[str, Any]:
    (was, was_drawn), (now, now_drawn) = old, new
    return {
        "champion": finite_or_none(was),
        "challenger": finite_or_none(now),
        "difference": finite_or_none(now - was),
        "interval": None if was_drawn is None or now_drawn is None else percentile_interval(now_drawn - was_drawn),
    }


def _by_alerts(capacity: Capacity, old: _Side, new: _Side) -> dict[str, Any]:
    points = [
        {"alerts": float(alerts), "alerts_a_day": capacity.per_day(alerts), **_pair(old.at(0, place), new.at(0, place))}
        for place, alerts in enumerate(capacity.points)
    ]
    return {
        "alerts": float(capacity.alerts),
        "alerts_a_day": capacity.per_day(capacity.alerts),
        "days": capacity.days,
        "share": capacity.share,
        "given": capacity.given,
        "recall": points,
    }
