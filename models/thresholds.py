"""Operating points: from which probability on a record is flagged, and what that costs.

A point is chosen on rows that the model was not trained on: for a rate of false positives, for what reviewers can look
at in a day, for a precision, or for the least cost. Records of one probability are flagged together or not at all, so
no point goes beyond its bound because of ties.
"""

from dataclasses import dataclass

import numpy as np

from fraudsieve._typing import Array

__all__ = ["FALSE_POSITIVE_RATES", "Costs", "OperatingPoint", "Targets", "operating_points"]


FALSE_POSITIVE_RATES = (0.01, 0.001, 0.05)
"""The rates for which a model has a point unless others are asked for; the first decides."""


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
    precision : float, default=None
        Share of the flagged records that were fraud; None where none was flagged.
    alerts_a_day : float, default=None
        Records flagged a day; None where the days are not known.
    """

    name: str
    threshold: float
    false_positive_rate: float
    recall: float
    flagged: float
    precision: float | None = None
    alerts_a_day: float | None = None

    @property
    def figures(self) -> tuple[float, ...]:
        """All of its numbers; of those that may be unknown the known ones."""
        known = [number for number in (self.precision, self.alerts_a_day) if number is not None]
        return (self.threshold, self.false_positive_rate, self.recall, self.flagged, *known)


@dataclass(frozen=True)
class Costs:
    """What mistakes and reviews cost, in one currency.

    Parameters
    ----------
    missed : float
        Of a fraud that is not flagged; with `by_amount`, for each unit of its amount.
    false_alarm : float, default=0.0
        Of a legitimate record that is flagged, beside its review.
    review : float, default=0.0
        Of any record that is flagged.
    by_amount : bool, default=False
        Whether a missed fraud costs by its amount. One of an unknown amount costs what the others cost on average.

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
        """Return what each of some frauds costs when it is missed.

        Parameters
        ----------
        n : int
            How many.
        amounts : ndarray of float64, shape (n,), or None
            Their amounts, NaN for unknown; not looked at unless costs go by amount.

        Returns
        -------
        ndarray of float64, shape (n,)

        Raises
        ------
        ValueError
            When costs go by amount and no amount is known.
        """
        if not self.by_amount:
            return np.full(n, self.missed)
        known = np.array([]) if amounts is None else amounts[~np.isnan(amounts)]
        if amounts is None or not len(known):
            raise ValueError("costs.by_amount: expected amounts of fraud, there are none. Set it to false.")
        return self.missed * np.where(np.isnan(amounts), known.mean(), amounts)


@dataclass(frozen=True)
class Targets:
    """What operating points are chosen for.

    Parameters
    ----------
    false_positive_rates : tuple of float, default=FALSE_POSITIVE_RATES
        Shares of the legitimate records that may be flagged.
    alerts_a_day : tuple of float, default=()
        Records that reviewers can look at in a day.
    precisions : tuple of float, default=()
        Shares of the flagged records that must be fraud.
    costs : Costs, default=None
        For a point of the least cost.
    decide_by : str, default=None
        Name of the point that decides; None for the first.

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
        """The names of the points, in their order."""
        named = [f"false_positive_rate_{rate:g}" for rate in self.false_positive_rates]
        named += [f"alerts_a_day_{alerts:g}" for alerts in self.alerts_a_day]
        named += [f"precision_{precision:g}" for precision in self.precisions]
        return (*named, *(["cost"] if self.costs else []))


@dataclass(frozen=True)
class _Ranked:
    """Records from the most suspicious on, and the places where the ranking may be cut: between ties it may not."""

    probability: Array
    cuts: Array  # how many records are flagged; from none to all
    frauds: Array  # of the flagged
    order: Array

    @property
    def clean(self) -> Array:
        return self.cuts - self.frauds

    def threshold(self, at: int) -> float:
        """Return the lowest threshold that flags no more: just above the first record that must not be flagged."""
        n = self.cuts[at]
        return float(np.nextafter(self.probability[n], 2.0)) if n < len(self.probability) else 0.0

    def last(self, holds: Array) -> int:
        """Return the last place at which a condition holds; none flagged where it never does."""
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
        The truth.
    targets : Targets, optional
        What for; by default `FALSE_POSITIVE_RATES`.
    days : float, default=None
        In how many days so many records come as there are rows; None where that is not known.
    amounts : ndarray of float64, shape (n_rows,), default=None
        Amounts, for costs by amount; NaN for unknown.

    Returns
    -------
    tuple of OperatingPoint
        The one that decides first; none when there is no fraud, or nothing else. The lowest thresholds that keep to a
        rate, a number or a precision, and the highest of the least cost. One flags nothing where nothing keeps to it.

    Raises
    ------
    ValueError
        When alerts a day are asked for and the days are not known, costs go by amount and there is none, or no point
        has the name of the one that decides.

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
            "alerts_a_day: expected the days that the rows span, they are not known. Give times of records."
        )
    n_fraud, n_clean = int(is_fraud.sum()), int((~is_fraud).sum())
    if not n_fraud or not n_clean:
        return ()
    ranked = _rank(probability, is_fraud)
    places = [ranked.last(ranked.clean <= np.floor(rate * n_clean)) for rate in targets.false_positive_rates]
    # A capacity of .1 a day is one in ten days, which .1 times 10.0 may miss by a last bit.
    places += [
        ranked.last(ranked.cuts <= np.floor(some * (days or 0.0) * (1 + 1e-12))) for some in targets.alerts_a_day
    ]
    places += [ranked.last(ranked.frauds >= some * np.maximum(ranked.cuts, 1)) for some in targets.precisions]
    if targets.costs is not None:
        places.append(_cheapest(ranked, targets.costs, is_fraud, amounts))
    points = [
        _point(name, ranked, at, (n_fraud, n_clean), days) for name, at in zip(targets.names, places, strict=True)
    ]
    return tuple(sorted(points, key=lambda point: point.name != (targets.decide_by or points[0].name)))


def _cheapest(ranked: _Ranked, costs: Costs, is_fraud: Array, amounts: Array | None) -> int:
    """Return the first place of the least cost."""
    missed = np.zeros(len(is_fraud))
    missed[is_fraud] = costs.of_missed(int(is_fraud.sum()), None if amounts is None else amounts[is_fraud])
    saved = np.concatenate([[0.0], np.cumsum(missed[ranked.order])])[ranked.cuts]
    return int(np.argmin(costs.false_alarm * ranked.clean + costs.review * ranked.cuts - saved))


def _point(name: str, ranked: _Ranked, at: int, of: tuple[int, int], days: float | None) -> OperatingPoint:
    flagged, frauds = int(ranked.cuts[at]), int(ranked.frauds[at])
    return OperatingPoint(
        name=name,
        threshold=ranked.threshold(at),
        false_positive_rate=(flagged - frauds) / of[1],
        recall=frauds / of[0],
        flagged=flagged / sum(of),
        precision=frauds / flagged if flagged else None,
        alerts_a_day=None if days is None else flagged / days,
    )
