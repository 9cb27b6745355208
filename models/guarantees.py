"""False positive rates with a finite-sample guarantee.

The number of false positives among `n` independent legitimate records is binomial. A threshold that lets at most `c`
of them pass keeps a rate with confidence ``1 - d`` if ``P(Binomial(n, rate) <= c) <= d``: the order statistic of the
umbrella algorithm (Tong, Feng and Li, 2018, "Neyman-Pearson classification algorithms and NP receiver operating
characteristics", Science Advances 4, proposition 1), and the upper bound of Clopper and Pearson (1934). It holds for
any distribution of the probabilities.

Near-duplicates and records of one account are not independent, but groups are. One record of each group is therefore
drawn, so that a campaign counts once, whatever its size.
"""

import numpy as np

from fraudsieve._typing import Array

CONFIDENCE = 0.95
"""Default probability, over calibration slices, that the true rate is at most the promised one."""


def allowed_false_positives(n: int, rate: float, confidence: float = CONFIDENCE) -> int:
    """Return how many of `n` independent legitimate records may be flagged if a rate is to be kept."""
    from scipy.special import bdtr  # not imported by the scoring path

    # More than the expected number is never allowed, as confidence is above one half.
    counts = np.arange(int(n * rate) + 2)
    return int(np.searchsorted(bdtr(counts.astype(np.float64), n, rate), 1 - confidence, side="right")) - 1


def upper_rate(hits: float, n: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound of a rate (Clopper and Pearson, 1934)."""
    from scipy.special import betaincinv

    return 1.0 if hits >= n else float(betaincinv(hits + 1, n - hits, confidence))


def rate_bounds(rate: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval of a rate (Clopper and Pearson, 1934)."""
    hits, one_sided = round(rate * n, 9), (1 + confidence) / 2  # 7 / 100 * 100 is slightly more than 7
    low = 1 - upper_rate(int(np.ceil(n - hits)), n, one_sided)
    return low, upper_rate(int(np.ceil(hits)), n, one_sided)


def draw_of_groups(groups: Array, seed: int = 0) -> Array:
    """Draw one row of every group."""
    shuffled = np.random.default_rng(seed).permutation(len(groups))
    return np.sort(shuffled[np.unique(groups[shuffled], return_index=True)[1]])
