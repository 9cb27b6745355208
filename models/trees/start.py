"""The log-odds that trees are added to."""

from collections.abc import Sequence

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array


@compile_kernel()
def _add_kernel(base: Array, scores: Array) -> None:
    for i in range(scores.shape[0]):
        for k in range(scores.shape[1]):
            scores[i, k] = base[k] + (0.0 if np.isnan(scores[i, k]) else scores[i, k])


def initial_log_odds(X: Array, wording: Sequence[int] | Array, base: Array) -> Array:
    """Return the log-odds that boosting starts from."""
    if not len(wording):
        return np.tile(base, (len(X), 1))
    scores = X.take(wording, axis=1)
    _add_kernel(base, scores)
    return scores
