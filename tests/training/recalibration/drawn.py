"""Records that are drawn from each stratum of a score, and their inclusion probabilities."""

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.training.recalibration.outcomes import TOP_SHARES


def draw(score: Array, n: int, *, seed: int = 0) -> tuple[Array, Array]:
    """Return the rows of about `n` records, equally many of each stratum, and the probability of each."""
    rng, order = np.random.default_rng(seed), np.argsort(-score, kind="stable")
    strata = np.split(order, np.ceil(np.array(TOP_SHARES[:-1]) * len(score)).astype(int))
    counts = [min(len(part), round(n / len(strata))) for part in strata]
    counts[-1] = min(len(strata[-1]), n - sum(counts[:-1]))
    rows = [rng.choice(part, count, replace=False) for part, count in zip(strata, counts, strict=True)]
    inclusion = [np.full(count, count / len(part)) for part, count in zip(strata, counts, strict=True)]
    return np.concatenate(rows), np.concatenate(inclusion)
