"""Intervals from a bootstrap over groups: accounts or campaigns are drawn with all their rows.

Rows of one account, or of one campaign, are alike. Drawing single rows would treat them as independent, and the
intervals would be too narrow (Field and Welsh, Bootstrapping clustered data, 2007).

Of a sample with unequal probabilities, an interval holds the value of the records that were sampled. A row that was
drawn with the probability p stands for 1 / p records in every draw, and varies by the root of 1 - p of what it would
with replacement, so that alerts that were all reviewed do not vary (Rao and Wu, Resampling inference with complex
survey data, 1988). The frauds that the sample has not seen are drawn too, see `UnseenFrauds`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fraudsieve._typing import Array

from .ranking import RANKING_METRICS, Hidden, Ranking, UnseenFrauds

Interval: TypeAlias = tuple[float, float]

LEVEL = 0.95
"""Probability with which an interval should contain the true value."""
NORMAL_QUANTILE = 1.959963984540054
"""The quantile of the normal distribution for `LEVEL`, on both sides."""
MIN_GROUPS = 30
"""With fewer groups that have fraud, intervals from a bootstrap over groups are not reliable."""


@dataclass(frozen=True, eq=False)
class Replicates:
    """The metrics of every replicate."""

    # Shape (n_metrics,). The metrics of the rows as they are.
    values: Array
    # Shape (n_replicates, n_metrics). In the order of `RANKING_METRICS`; NaN where a replicate has only one kind of
    # rows.
    metrics: Array
    # Shape (n_replicates, 3, n_points). As from `Ranking.at_alerts`.
    at_alerts: Array

    def intervals(self) -> dict[str, Interval | None]:
        """Return the interval of every metric, as from `percentile_interval`.

        Drawing rows again adds to the gap of every bin of the ECE, so nearly all its replicates lie above its value.
        They are moved to have that value as their mean, and cut at 0.
        """
        intervals = {name: percentile_interval(self.metrics[:, place]) for place, name in enumerate(RANKING_METRICS)}
        place = RANKING_METRICS.index("ece")
        moved = self.metrics[:, place] - self.metrics[:, place].mean() + self.values[place]
        return intervals | {"ece": percentile_interval(np.maximum(moved, 0.0))}


def draw_weights(groups: Array, replicates: int, seed: int = 0, variation: Array | None = None) -> Iterator[Array]:
    """Draw as many groups as there are, with replacement; yield how often each row counts, once per replicate.

    With the variation of the rows, from `variation_of`, only groups with a row that varies are drawn.
    """
    varies = slice(None) if variation is None else np.flatnonzero(variation)
    codes = np.unique(groups[varies], return_inverse=True)[1].astype(np.int32)
    n_groups = int(codes.max()) + 1
    rng = np.random.default_rng(seed)
    for _ in range(replicates):
        counts = np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)[codes]
        if variation is None:
            yield counts
        else:
            drawn = np.ones(len(groups))
            drawn[varies] += variation[varies] * (counts - 1)
            yield drawn


def variation_of(weight: Array | None) -> Array | None:
    """Return the part of its count by which each row varies from draw to draw; None if all rows count alike."""
    return None if weight is None or not (weight > 1).any() else np.sqrt(np.maximum(1 - 1 / weight, 0.0))


def bootstrap_ranking(
    ranking: Ranking,
    groups: Array,
    *,
    alerts: Array | None = None,
    per_fraud: bool = False,
    later: bool = False,
    replicates: int = 200,
    seed: int = 0,
) -> Replicates:
    """Compute the metrics of a ranking for bootstrap draws of its groups.

    Parameters
    ----------
    ranking : Ranking
        The rows, sorted by score.
    groups : ndarray, shape (n_rows,)
        The group of each row, in the order of the rows and not of the ranking.
    alerts : ndarray of float64, shape (n_points,), default=None
        Numbers of alerts at which recall and precision are computed, ascending; None for none.
    per_fraud : bool, default=False
        Whether the numbers of alerts are multiples of the number of frauds, and grow with it from draw to draw.
    later : bool, default=False
        Whether the metrics are those of later records like these, so that also rows vary that were certain to be drawn.
    replicates : int, default=200
        Number of draws.
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    Replicates
        The metrics of the rows, and of every draw.

    Examples
    --------
    >>> p, truth = np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False])
    >>> bootstrap_ranking(Ranking.of(p, truth), np.arange(4), replicates=50).intervals()["roc_auc"]
    (1.0, 1.0)
    """
    points = np.zeros(0) if alerts is None else np.asarray(alerts, np.float64)
    metrics = np.empty((replicates, len(RANKING_METRICS)))
    at_alerts = np.empty((replicates, 3, len(points)))
    variation = None if later else variation_of(ranking.weight)
    draws = draw_weights(groups[ranking.order], replicates, seed, variation)
    drawn, draws = _with_unseen(ranking, draws, replicates, seed)
    fraud, frauds = drawn.weight * drawn.is_fraud, float(ranking.weight @ ranking.is_fraud)
    for row, weights in enumerate(draws):
        growth = float(weights @ fraud) / frauds if per_fraud and frauds else 1.0
        metrics[row] = drawn.metrics(weights)
        at_alerts[row] = drawn.at_alerts(growth * points, weights)
    return Replicates(ranking.metrics(), metrics, at_alerts)


def _with_unseen(
    ranking: Ranking, draws: Iterator[Array], replicates: int, seed: int
) -> tuple[Ranking, Iterator[Array]]:
    """Add the frauds that a sample has not seen to a ranking, and to the draws of its rows."""
    ranks = np.argsort(ranking.order)
    unseen = UnseenFrauds.of(ranking.weight[ranks], ranking.is_fraud[ranks] > 0)
    if unseen is None:
        return ranking, draws
    places = ranks[unseen.places]
    ascending = np.sort(places)
    # A place moves by one for each fraud before it, and its own fraud is behind it.
    behind = places + 1 + np.searchsorted(ascending, places)

    def added() -> Iterator[Array]:
        for counts, place, frauds in zip(draws, *unseen.draw(replicates, seed), strict=True):
            weights = np.insert(counts.astype(np.float64), ascending + 1, 0.0)
            weights[behind[place]] = frauds
            yield weights

    return ranking.with_frauds(ascending), added()


def bootstrap_f1(
    truth: Array,
    predicted: Array,
    groups: Array,
    *,
    weight: Array | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> Array:
    """Compute the F1 of every class for draws of the groups; NaN where a class is neither drawn nor predicted."""
    n = int(max(truth.max(), predicted.max())) + 1
    cells = truth * n + predicted
    f1 = np.empty((replicates, n))
    for row, counts in enumerate(draw_weights(groups, replicates, seed, variation_of(weight))):
        weights = counts if weight is None else counts * weight
        table = np.bincount(cells, weights=weights, minlength=n * n).reshape(n, n)
        with np.errstate(invalid="ignore"):
            f1[row] = 2 * table.diagonal() / (table.sum(axis=0) + table.sum(axis=1))
    return f1


def percentile_interval(values: Array, level: float = LEVEL) -> Interval | None:
    """Return the interval that the middle of the replicates spans (the percentile method of Efron, 1979).

    Parameters
    ----------
    values : ndarray, shape (n_replicates,)
        The metric of every replicate; NaN where it could not be computed.
    level : float, default=0.95
        Share of the replicates inside the interval.

    Returns
    -------
    tuple of (float, float), or None
        None when fewer than half of the replicates have the metric.

    Examples
    --------
    >>> percentile_interval(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    >>> percentile_interval(np.array([1.0, np.nan, np.nan])) is None
    True
    """
    finite = values[~np.isnan(values)]
    if not len(finite) or 2 * len(finite) < len(values):
        return None
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def share_intervals(
    parts: Array,
    wholes: Array,
    groups: Array,
    *,
    weight: Array | None = None,
    hidden: Hidden | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> list[Interval | None]:
    """Return the intervals of shares of rows, such as recall and precision at a threshold.

    From draws of the groups. If fewer than `MIN_GROUPS` groups are in a whole, or no draw differs from another, it is
    `wilson_interval` instead, with as many observations as there are groups: of weighted rows, their effective number.
    A share that unseen frauds can change is always from draws.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    n_groups, n_shares = int(codes.max()) + 1, wholes.shape[1]
    weights, variation = np.ones(len(groups)) if weight is None else weight, variation_of(weight)
    counted = np.column_stack([parts & wholes, wholes]) * weights[:, None]
    # A draw is a sum over groups, which are often far fewer than rows.
    sums = _sums_of(counted, codes, n_groups)
    varying = sums if variation is None else _sums_of(counted * variation[:, None], codes, n_groups)
    taking_part = None if variation is None else np.bincount(codes, variation, n_groups) > 0
    draws = draw_weights(np.arange(n_groups), replicates, seed, taking_part)
    drawn = sums.sum(axis=0) + np.array([(counts - 1) @ varying for counts in draws])
    if hidden is not None:
        drawn += hidden.drawn(replicates, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = drawn[:, :n_shares] / drawn[:, n_shares:]
    intervals: list[Interval | None] = []
    for place, (part, whole) in enumerate(sums.sum(axis=0).reshape(2, n_shares).T):
        interval = percentile_interval(shares[:, place]) if whole else None
        n_inside = _n_observations(sums[:, n_shares + place], is_weighted=weight is not None)
        is_few = n_inside < MIN_GROUPS and (hidden is None or not hidden.wholes[:, place].any())
        if whole and (is_few or interval is None or interval[0] == interval[1]):
            interval = wilson_interval(float(part / whole), n_inside)
        intervals.append(interval)
    return intervals


def _sums_of(columns: Array, codes: Array, n_groups: int) -> Array:
    return np.column_stack([np.bincount(codes, column, n_groups) for column in columns.T])


def effective_size(weights: Array) -> float:
    """Return the number of rows of equal weight that would be as informative (Kish, Survey sampling, 1965).

    It is :math:`(\\sum_i w_i)^2 / \\sum_i w_i^2`.
    """
    square = float(weights @ weights)
    return float(weights.sum()) ** 2 / square if square > 0 else 0.0


def _n_observations(sums: Array, *, is_weighted: bool) -> float:
    return effective_size(sums) if is_weighted else float((sums > 0).sum())


def wilson_interval(share: float, n_observations: float) -> Interval:
    """Return the interval of a share of independent observations (Wilson, 1927), at the level `LEVEL`."""
    z2 = NORMAL_QUANTILE**2 / n_observations
    middle = (share + z2 / 2) / (1 + z2)
    half = float(np.sqrt(share * (1 - share) * z2 + z2 * z2 / 4)) / (1 + z2)
    return max(middle - half, 0.0), min(middle + half, 1.0)
