"""Operating points: the probability from which records are flagged, and the resulting metrics.

A point is chosen on rows that the model was not trained on: for a false-positive rate, for a number of alerts per day,
for a precision, or for the lowest cost. Records with equal probabilities are flagged together or not at all, so ties
never exceed a bound.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fraudsieve._typing import Array

__all__ = ["FALSE_POSITIVE_RATES", "Costs", "OperatingPoint", "Targets", "operating_points"]


FALSE_POSITIVE_RATES = (0.01, 0.001, 0.05)
"""Default rates of operating points; the first one decides."""
MAX_THRESHOLD = float(np.nextafter(1.0, 2.0))
"""The threshold of a point that flags nothing, if there is a probability of one."""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and its metrics on the calibration slice.

    Parameters
    ----------
    name : str
        Its target, such as ``false_positive_rate_0.01``.
    threshold : float
        A record is flagged when its probability is at least this.
    false_positive_rate : float
        Share of the legitimate records that were flagged.
    recall : float
        Share of the fraud that was flagged.
    flagged : float
        Share of all records that were flagged.
    precision : float, default=None
        Share of the flagged records that were fraud; None if none was flagged.
    alerts_a_day : float, default=None
        Flagged records per day; None if the number of days is unknown.
    legitimate_rows : int, default=None
        Legitimate records of the calibration slice, on which the false-positive rate stands; None if unknown.
    max_false_positive_rate : float, default=None
        The target, if it is a false-positive rate.

    Examples
    --------
    >>> rare = OperatingPoint("rare", 0.9, 0.0, 0.5, 0.1, legitimate_rows=300, max_false_positive_rate=0.001)
    >>> rare.warning.partition(",")[0]
    'rare: less than one of the 300 legitimate rows of the calibration slice'
    """

    name: str
    threshold: float
    false_positive_rate: float
    recall: float
    flagged: float
    precision: float | None = None
    alerts_a_day: float | None = None
    legitimate_rows: int | None = None
    max_false_positive_rate: float | None = None

    @property
    def warning(self) -> str | None:
        """Why the false-positive rate on later records can be much higher; None if the slice was large enough.

        If the target is less than one legitimate row, no row tells the threshold from that of a lower target.
        """
        rate, rows = self.max_false_positive_rate, self.legitimate_rows
        if rate is None or rows is None or not 0 < rate * rows < 1:
            return None
        found = f"{self.name}: less than one of the {rows:,} legitimate rows of the calibration slice"
        advice = f"Label at least {int(np.ceil(1 / rate)):,}, or use a higher rate"
        return f"{found}, so the rate on later ones can be much higher. {advice}"

    @property
    def problem(self) -> str | None:
        """What is wrong with the name or a number; None if nothing is."""
        name: Any = self.name  # a manifest can hold any type
        shares: list[Any] = [self.false_positive_rate, self.recall, self.flagged]
        shares += [share for share in (self.precision, self.max_false_positive_rate) if share is not None]
        rows: Any = self.legitimate_rows
        alerts = 0.0 if self.alerts_a_day is None else self.alerts_a_day
        if not isinstance(name, str) or not name.isprintable():
            return "expected a printable string as name, got something else"
        if not all(isinstance(number, int | float) for number in (self.threshold, *shares, alerts)):
            return "expected numbers, got another type"
        if not 0 <= self.threshold <= MAX_THRESHOLD:
            return "expected a threshold from 0 to 1, got another"
        if not all(0 <= share <= 1 for share in shares) or not 0 <= alerts < np.inf:
            return "expected rates from 0 to 1, and a finite number of alerts, got others"
        if rows is not None and (type(rows) is not int or rows < 0):
            return "expected a number of legitimate rows, got something else"
        return None


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

        Parameters
        ----------
        n : int
            Number of frauds.
        amounts : ndarray of float64, shape (n,), or None
            Their amounts, NaN for unknown; used only with `by_amount`.

        Returns
        -------
        ndarray of float64, shape (n,)

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
        Maximum shares of the legitimate records that are flagged.
    alerts_a_day : tuple of float, default=()
        Maximum numbers of flagged records per day.
    precisions : tuple of float, default=()
        Minimum shares of fraud among the flagged records.
    costs : Costs, default=None
        Costs, for a point of the lowest cost.
    decide_by : str, default=None
        Name of the deciding point; None for the first.

    Examples
    --------
    >>> Targets((0.01,), alerts_a_day=(50,), precisions=(0.9,), costs=Costs(100.0)).names
    ('false_positive_rate_0.01', 'alerts_a_day_50', 'precision_0.9', 'cost')
    """

    false_positive_rates: tuple[float, ...] = FALSE_POSITIVE_RATES
    alerts_a_day: tuple[float, ...] = ()
    precisions: tuple[float, ...] = ()
    costs: Costs | None = None
    decide_by: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the points, in order."""
        named = [f"false_positive_rate_{rate:g}" for rate in self.false_positive_rates]
        named += [f"alerts_a_day_{alerts:g}" for alerts in self.alerts_a_day]
        named += [f"precision_{precision:g}" for precision in self.precisions]
        return (*named, *(["cost"] if self.costs else []))


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
        """Return the lowest threshold that flags no more: just above the next record."""
        n = self.cuts[at]
        return float(np.nextafter(self.probability[n], 2.0)) if n < len(self.probability) else 0.0

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
    days: float | None = None,
    amounts: Array | None = None,
) -> tuple[OperatingPoint, ...]:
    """Choose thresholds on rows that the model was not trained on.

    Parameters
    ----------
    probability : ndarray, shape (n_rows,)
        Calibrated probability of fraud.
    is_fraud : ndarray of bool, shape (n_rows,)
        True classes.
    targets : Targets, optional
        The targets; by default `FALSE_POSITIVE_RATES`.
    days : float, default=None
        Days that the rows span; None if unknown.
    amounts : ndarray of float64, shape (n_rows,), default=None
        Amounts, for costs by amount; NaN for unknown.

    Returns
    -------
    tuple of OperatingPoint
        The deciding point first; empty if the rows have only one class. A threshold is the lowest that meets a rate, a
        number or a precision, or the highest with the lowest cost. A point flags nothing if no threshold meets its
        target.

    Raises
    ------
    ValueError
        If a target is in alerts per day but the days are unknown, costs depend on amounts but none is known, or no
        point has the name in `decide_by`.

    Examples
    --------
    >>> p, truth = np.array([0.1, 0.2, 0.3, 0.9]), np.array([False, False, False, True])
    >>> [(point.name, point.recall) for point in operating_points(p, truth)][0]
    ('false_positive_rate_0.01', 1.0)
    >>> (point,) = operating_points(p, truth, Targets((), alerts_a_day=(1,)), days=2.0)
    >>> point.name, point.alerts_a_day, bool(0.2 < point.threshold <= 0.3)
    ('alerts_a_day_1', 1.0, True)
    """
    if targets.decide_by is not None and targets.decide_by not in targets.names:
        raise ValueError(f"decide_by: expected one of {', '.join(targets.names)}, got {targets.decide_by!r}.")
    if targets.alerts_a_day and days is None:
        raise ValueError(
            "alerts_a_day: expected the number of days that the rows span, got None. Add times to the records."
        )
    n_fraud, n_clean = int(is_fraud.sum()), int((~is_fraud).sum())
    if not n_fraud or not n_clean:
        return ()
    ranked = _rank(probability, is_fraud)
    positions = [ranked.last(ranked.clean <= np.floor(rate * n_clean)) for rate in targets.false_positive_rates]
    # 0.1 alerts per day are one in ten days, but 0.1 * 10.0 may be less than one by a rounding error.
    positions += [
        ranked.last(ranked.cuts <= np.floor(alerts * (days or 0.0) * (1 + 1e-12))) for alerts in targets.alerts_a_day
    ]
    positions += [
        ranked.last(ranked.frauds >= precision * np.maximum(ranked.cuts, 1)) for precision in targets.precisions
    ]
    if targets.costs is not None:
        positions.append(_cheapest(ranked, targets.costs, is_fraud, amounts))
    rates = [*targets.false_positive_rates, *[None] * (len(positions) - len(targets.false_positive_rates))]
    points = [
        _point(name, ranked, at, (n_fraud, n_clean), days, rate)
        for name, at, rate in zip(targets.names, positions, rates, strict=True)
    ]
    return tuple(sorted(points, key=lambda point: point.name != (targets.decide_by or points[0].name)))


def _cheapest(ranked: _Ranked, costs: Costs, is_fraud: Array, amounts: Array | None) -> int:
    """Return the first position of the lowest cost."""
    missed = np.zeros(len(is_fraud))
    missed[is_fraud] = costs.of_missed(int(is_fraud.sum()), None if amounts is None else amounts[is_fraud])
    saved = np.concatenate([[0.0], np.cumsum(missed[ranked.order])])[ranked.cuts]
    return int(np.argmin(costs.false_alarm * ranked.clean + costs.review * ranked.cuts - saved))


def _point(
    name: str, ranked: _Ranked, at: int, of: tuple[int, int], days: float | None, rate: float | None
) -> OperatingPoint:
    flagged, frauds = int(ranked.cuts[at]), int(ranked.frauds[at])
    return OperatingPoint(
        name=name,
        threshold=ranked.threshold(at),
        false_positive_rate=(flagged - frauds) / of[1],
        recall=frauds / of[0],
        flagged=flagged / sum(of),
        precision=frauds / flagged if flagged else None,
        alerts_a_day=None if days is None else flagged / days,
        legitimate_rows=of[1],
        max_false_positive_rate=rate,
    )
