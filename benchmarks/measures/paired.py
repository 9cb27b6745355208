"""Paired differences between two contestants over repeated folds."""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["paired_figures"]


def paired_figures(
    scheme: str, peer: str, ours: NDArray[np.float64], theirs: NDArray[np.float64], *, folds: int
) -> dict[str, float]:
    """Compare the scores of ours with those of a peer on the same folds, in the same order.

    The test part of a repeat of `folds` folds is ``1 / (folds - 1)`` of its training part. The result has ``.mean`` of
    the differences, ``.se`` as if folds were independent, and ``.se_corrected`` after Nadeau and Bengio (2003), which
    allows for training rows that folds share.

    Examples
    --------
    >>> figures = paired_figures("s", "p", np.array([0.9, 0.8]), np.array([0.7, 0.8]), folds=2)
    >>> {name: round(value, 3) for name, value in figures.items()}
    {'s.vs_p.mean': 0.1, 's.vs_p.se': 0.1, 's.vs_p.se_corrected': 0.173}
    """
    differences = ours - theirs
    name = f"{scheme}.vs_{peer}"
    figures = {f"{name}.mean": float(differences.mean())}
    if len(differences) > 1:
        variance = float(differences.var(ddof=1))
        figures[f"{name}.se"] = math.sqrt(variance / len(differences))
        figures[f"{name}.se_corrected"] = math.sqrt(variance * (1 / len(differences) + 1 / (folds - 1)))
    return figures
