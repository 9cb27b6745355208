"""Thresholds by alert volume: records need no labels."""

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.points import MAX_THRESHOLD, OperatingPoint
from fraudsieve.models.scoring.decision import reached

LEVEL = 0.95
"""Level of intervals."""


def volume_point(name: str, probability: Array, share: float, days: float | None = None) -> OperatingPoint:
    """Choose the lowest threshold that flags at most a share of the records."""
    ranked, n = np.sort(probability)[::-1], len(probability)
    at = min(int(share * n * (1 + 1e-12)), n)
    threshold = float(np.nextafter(ranked[at], 2.0)) if at < n else 0.0
    flagged = float(reached(probability, threshold).mean())
    return OperatingPoint(
        name,
        min(threshold, MAX_THRESHOLD),
        None,
        None,
        flagged,
        alerts_a_day=None if days is None else flagged * n / days,
    )


def volume_interval(flagged: Array, groups: Array) -> tuple[float, float]:
    """Return the share that will be flagged of the same number of future records, if the traffic does not change.

    How many of the next records exceed an order statistic does not depend on their distribution (Gumbel and von
    Schelling, 1950, "The distribution of the number of exceedances"): it is beta-binomial. Records of one campaign or
    account count for fewer, by the design effect (Kish, 1965).
    """
    from scipy.stats import betabinom

    n, share = len(flagged), float(flagged.mean())
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=flagged - share)
    independent = n * share * (1 - share)
    effect = max(float((sums**2).sum()) / independent, 1.0) if independent else 1.0
    size = max(round(n / effect), 1)
    chances = betabinom.pmf(np.arange(size + 1), size, max(share * size, 0.5), (1 - share) * size + 1)
    low, high = np.searchsorted(np.cumsum(chances), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low) / size, float(min(high, size)) / size
