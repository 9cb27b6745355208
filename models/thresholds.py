"""The choice of operating points: the probability from which records are flagged, and the resulting metrics.

A point is chosen on rows that the model was not trained on: for a false positive rate, which it promises or estimates,
for a number of alerts per day, for a precision, for the lowest cost, or for the review capacity. Records with equal
probabilities are flagged together or not at all, so ties never exceed a bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fraudsieve._typing import Array

from .guarantees import CONFIDENCE, allowed_false_positives, draw_of_groups, rate_bounds, upper_rate
from .points import MAX_THRESHOLD, OperatingPoint

FALSE_POSITIVE_RATES = (0.01, 0.001, 0.05)
"""Default rates of operating points; the first one decides."""
CAPACITY = "capacity"
"""The name of the point for the review capacity."""
TAIL_SHARE, MIN_TAIL = 0.1, 5
"""Share of the groups, and the fewest of them, that the tail beyond the highest of them is read from."""
LEAST = 1e-15
"""Probabilities of 0 and 1 have no log-odds: they count as this close to them."""


@dataclass(frozen=True)
class Costs:
    """Costs of mistakes and reviews, in one currency.

    Parameters
    ----------
    missed : float
        Cost of a fraud that is not flagged; with `by_amount`, per unit of its amount.
    false_alarm : float, default=0.0
        Cost of a flagged legitimate record, in addition to its review.
    review : float, default=0.0
        Cost of any flagged record.
    by_amount : bool, default=False
        Whether a missed fraud costs in proportion to its amount. Unknown amounts count as the mean of the others.

    Examples
    --------
    >>> Costs(missed=100.0, review=2.0).of_missed(2, None).tolist()
    [100.0, 100.0]
    """

    missed: float
    false_alarm: float = 0.0
    review: float = 0.0
    by_amount: bool = False

    def of_missed(self, n: int, amounts: Array | None) -> Array:
        """Return the cost of each missed fraud.

        Raises
        ------
        ValueError
            If costs depend on amounts and no amount is known.
        """
        if not self.by_amount:
            return np.full(n, self.missed)
        known_amounts = np.array([]) if amounts is None else amounts[~np.isnan(amounts)]
        if amounts is None or not len(known_amounts):
            raise ValueError("costs.by_amount: expected amounts of fraud, got none. Set it to false.")
        return self.missed * np.where(np.isnan(amounts), known_amounts.mean(), amounts)


@dataclass(frozen=True)
class Targets:
    """Targets of operating points.

    Parameters
    ----------
    false_positive_rates : tuple of float, default=FALSE_POSITIVE_RATES
        Maximum false positive rates, each above 0 and below 1.
    alerts_a_day : tuple of float, default=()
        Maximum numbers of flagged records per day.
    precisions : tuple of float, default=()
        Minimum shares of fraud among the flagged records.
    costs : Costs, default=None
        Costs, for a point with the lowest cost.
    decide_by : str, default=None
        Name of the deciding point; None for the first.
    confidence : float, default=0.95
        Probability with which a false positive rate is kept, from 0.5 to below 1.
    reserve : float, default=0.0
        Share of the risk ``1 - confidence`` that the calibration rows do not use up. A shipped model that was not
        calibrated on its own scores needs some.

    Examples
    --------
    >>> Targets((0.01,), alerts_a_day=(50,), precisions=(0.9,), costs=Costs(100.0)).names
    ('false_positive_rate_0.01', 'alerts_a_day_50', 'precision_0.9', 'cost', 'capacity')
    """

    false_positive_rates: tuple[float, ...] = FALSE_POSITIVE_RATES
    alerts_a_day: tuple[float, ...] = ()
    precisions: tuple[float, ...] = ()
    costs: Costs | None = None
    decide_by: str | None = None
    confidence: float = CONFIDENCE
    reserve: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the points, in order."""
        named = [f"false_positive_rate_{rate:g}" for rate in self.false_positive_rates]
        named += [f"alerts_a_day_{alerts:g}" for alerts in self.alerts_a_day]
        named += [f"precision_{precision:g}" for precision in self.precisions]
        return (*named, *(["cost"] if self.costs else []), CAPACITY)


@dataclass(frozen=True)
class _Ranked:
    """Records by descending probability, and the positions between ties where the ranking can be cut."""

    probability: Array
    cuts: Array  # numbers of flagged records, from none to all
    frauds: Array  # frauds among the flagged records
    order: Array

    @property
    def clean(self) -> Array:
        return self.cuts - self.frauds

    def threshold(self, at: int) -> float:
        """Return the lowest threshold that flags no further record: just above the next one."""
        n = self.cuts[at]
        return float(np.nextafter(self.probability[n], 2.0)) if n < len(self.probability) else 0.0

    def at(self, threshold: float) -> int:
        """Return the position at which a threshold cuts the ranking."""
        n = int(np.searchsorted(-self.probability, -threshold, side="right"))
        return int(np.searchsorted(self.cuts, n))

    def last(self, holds: Array) -> int:
        """Return the last position at which a condition holds; 0 (none flagged) if it never holds."""
        return int(np.flatnonzero(holds)[-1]) if holds.any() else 0


def _rank(probability: Array, is_fraud: Array) -> _Ranked:
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    cuts = np.append(np.flatnonzero(np.diff(ranked, prepend=np.inf)), len(ranked))
    return _Ranked(ranked, cuts, np.concatenate([[0], np.cumsum(is_fraud[order])])[cuts], order)


def operating_points(
    probability: Array,
    is_fraud: Array,
    targets: Targets = Targets(),
    *,
    groups: Array | None = None,
    capacity: float | None = None,
    days: float | None = None,
    amounts: Array | None = None,
    promise: bool = True,
) -> tuple[OperatingPoint, ...]:
    """Choose thresholds on rows that the model was not trained on.

    A false positive rate is promised if there are enough groups and `promise`, which needs scores of the very model.
    Otherwise it is estimated.
    """
    if targets.decide_by is not None and targets.decide_by not in targets.names:
        raise ValueError(f"decide_by: expected one of {', '.join(targets.names)}, got {targets.decide_by!r}.")
    if targets.alerts_a_day and days is None:
        raise ValueError(
            "alerts_a_day: expected the number of days that the rows span, got None. Add times to the records."
        )
    n_fraud, n_clean = int(is_fraud.sum()), int((~is_fraud).sum())
    if not n_clean:
        return ()
    ranked = _rank(probability, is_fraud)
    points = _of_rates(ranked, is_fraud, groups, targets, days, promise)
    if not n_fraud:  # all other targets are about fraud
        return deciding_first(points, targets.decide_by or targets.names[0])
    # 0.1 alerts per day are one in ten days, but 0.1 * 10.0 may be less than one by a rounding error. And 55 of 100
    # have the precision 0.55, but 0.55 * 100 is more than 55.
    at_most = [alerts * (days or 0.0) * (1 + 1e-12) for alerts in targets.alerts_a_day]
    positions = [ranked.last(ranked.cuts <= np.floor(alerts)) for alerts in at_most]
    at_least = [precision * (1 - 1e-12) * np.maximum(ranked.cuts, 1) for precision in targets.precisions]
    positions += [ranked.last(ranked.frauds >= frauds) for frauds in at_least]
    if targets.costs is not None:
        positions.append(_cheapest(ranked, targets.costs, is_fraud, amounts))
    positions.append(ranked.last(ranked.cuts <= (n_fraud if capacity is None else np.floor(capacity * (1 + 1e-12)))))
    others = targets.names[len(targets.false_positive_rates) :]
    points += [_point(name, ranked, at, days) for name, at in zip(others, positions, strict=True)]
    return deciding_first(points, targets.decide_by or targets.names[0])


def deciding_first(points: Sequence[OperatingPoint], decide_by: str) -> tuple[OperatingPoint, ...]:
    """Put the deciding point first: the named one or, if it was not chosen, the one for the review capacity."""
    first = decide_by if decide_by in {point.name for point in points} else CAPACITY
    return tuple(sorted(points, key=lambda point: point.name != first))


def _of_rates(
    ranked: _Ranked, is_fraud: Array, groups: Array | None, targets: Targets, days: float | None, promise: bool
) -> list[OperatingPoint]:
    """Return the points of the false positive rates, promised where that is possible, otherwise estimated."""
    drawn, of_fraud = (_one_of_each(rows, groups) for rows in (~is_fraud, is_fraud))
    alarms, caught = (np.concatenate([[0], np.cumsum(rows[ranked.order])])[ranked.cuts] for rows in (drawn, of_fraud))
    of_groups = ranked.probability[drawn[ranked.order]]
    n = len(of_groups)
    on_these = 1 - (1 - targets.confidence) * (1 - targets.reserve)
    points = []
    for name, rate in zip(targets.names, targets.false_positive_rates, strict=False):
        allowed = allowed_false_positives(n, rate, on_these) if promise else -1
        if allowed >= 0:
            at = ranked.last(alarms <= allowed)
            # Frauds have no part in the choice of the threshold, so those that it catches are binomial.
            n_missed, n_fraud = int(caught[-1] - caught[at]), int(caught[-1])
            of_rate = replace(
                _point(name, ranked, at, days),
                max_false_positive_rate=rate,
                confidence=targets.confidence,
                min_recall=1 - upper_rate(n_missed, n_fraud, on_these) if n_fraud else None,
            )
        else:
            threshold = estimated_threshold(of_groups, rate)
            at = ranked.at(threshold)
            bounds = rate_bounds(float(alarms[at]) / n, n)
            of_rate = replace(_point(name, ranked, at, days), threshold=threshold)
            of_rate = replace(of_rate, estimated_false_positive_rate=rate, interval=bounds)
        points.append(replace(of_rate, legitimate_groups=n))
    return points


def _one_of_each(chosen: Array, groups: Array | None) -> Array:
    """Return one of the chosen rows of every group."""
    rows, drawn = np.flatnonzero(chosen), np.zeros(len(chosen), np.bool_)
    drawn[rows if groups is None else rows[draw_of_groups(groups[rows])]] = True
    return drawn


def estimated_threshold(probability: Array, rate: float) -> float:
    """Return the threshold that a share of legitimate records is expected to reach, from those of independent ones, in
    descending order.

    Between the probabilities it is their quantile. Beyond the highest, log-odds are taken to fall off exponentially, as
    fast as the mean excess of the highest ones over the next (Weissman, 1978, "Estimation of parameters and large
    quantiles based on the k largest observations", JASA 73): with 25 legitimate records, the highest of them is passed
    by 4 % of the others, not by 1 %.
    """
    n = len(probability)
    if n * rate >= 1 or n == 1:
        place = int(n * rate * (1 + 1e-12))
        return float(np.nextafter(probability[min(place, n - 1)], 2.0))
    kept = np.clip(probability, LEAST, 1 - LEAST)
    odds = np.log(kept) - np.log1p(-kept)
    k = min(max(MIN_TAIL, int(TAIL_SHARE * n)), n - 1)
    threshold = odds[k] + (odds[:k] - odds[k]).mean() * np.log(k / (n * rate))
    # Where the highest are equal, rounding may not take the threshold below them.
    beyond = max(1 / (1 + np.exp(-threshold)), float(probability[k]))
    return min(float(np.nextafter(beyond, 2.0)), MAX_THRESHOLD)


def _cheapest(ranked: _Ranked, costs: Costs, is_fraud: Array, amounts: Array | None) -> int:
    """Return the first position of the lowest cost."""
    missed = np.zeros(len(is_fraud))
    missed[is_fraud] = costs.of_missed(int(is_fraud.sum()), None if amounts is None else amounts[is_fraud])
    saved = np.concatenate([[0.0], np.cumsum(missed[ranked.order])])[ranked.cuts]
    return int(np.argmin(costs.false_alarm * ranked.clean + costs.review * ranked.cuts - saved))


def _point(name: str, ranked: _Ranked, at: int, days: float | None) -> OperatingPoint:
    flagged, frauds = int(ranked.cuts[at]), int(ranked.frauds[at])
    n, n_fraud = len(ranked.order), int(ranked.frauds[-1])
    return OperatingPoint(
        name,
        ranked.threshold(at),
        (flagged - frauds) / (n - n_fraud),
        frauds / n_fraud if n_fraud else None,
        flagged / n,
        frauds / flagged if flagged else None,
        None if days is None else flagged / days,
    )
