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
    """Return the log-odds that boosting starts from.

    Parameters
    ----------
    X : ndarray of float64, shape (n_rows, n_columns)
        Feature rows.
    wording : sequence of int
        Positions of the wording columns, one per output; empty without wording. A missing score adds nothing.
    base : ndarray of float64, shape (n_outputs,)
        Added to every row.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_outputs)

    Examples
    --------
    >>> initial_log_odds(np.array([[5.0, 2.0]]), (1,), np.array([0.5])).tolist()
    [[2.5]]
    """
    if not len(wording):
        return np.tile(base, (len(X), 1))
    scores = X.take(wording, axis=1)
    _add_kernel(base, scores)
    return scores
