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


def groups_needed(rate: float, confidence: float = CONFIDENCE) -> int:
    """Return the smallest number of legitimate groups with which a rate can be promised."""
    n = int(np.ceil(np.log1p(-confidence) / np.log1p(-rate)))
    # At whole numbers, logarithms can be wrong by one in either direction. For tiny rates the probability is rounded by
    # more than one record changes it, so it may find that none of the three is enough.
    near = range(max(n - 1, 1), n + 2)
    return next((m for m in near if allowed_false_positives(m, rate, confidence) >= 0), n + 1)


def upper_rate(hits: int, n: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound of a rate (Clopper and Pearson, 1934)."""
    from scipy.special import betaincinv

    return 1.0 if hits >= n else float(betaincinv(hits + 1, n - hits, confidence))


def draw_of_groups(groups: Array, seed: int = 0) -> Array:
    """Draw one row of every group."""
    shuffled = np.random.default_rng(seed).permutation(len(groups))
    return np.sort(shuffled[np.unique(groups[shuffled], return_index=True)[1]])
