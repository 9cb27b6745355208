"""Figures of one contestant and paired differences between two, over repeated folds."""

import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.runner import Bar

__all__ = ["CLEARLY_AHEAD", "NOT_BEHIND", "paired_figures", "scheme_bars", "summary_figures"]

CLEARLY_AHEAD = 0.01
NOT_BEHIND = 0.005

Scores: TypeAlias = NDArray[np.float64]


def summary_figures(scheme: str, scores: Scores, seconds: Scores, cpu_seconds: Scores) -> dict[str, float]:
    """Summarise one contestant under one scheme.

    Parameters
    ----------
    scheme : str
        First part of the figures' names.
    scores : ndarray of shape (n_folds,)
        Macro-F1 of every fold of every repeat.
    seconds, cpu_seconds : ndarray of shape (n_folds,)
        Elapsed time, and CPU time over all cores, to choose settings, fit and label the test rows.

    Returns
    -------
    dict of str to float
        Mean, standard deviation (with more than one fold) and mean times.
    """
    figures = {
        f"{scheme}.macro_f1": float(scores.mean()),
        f"{scheme}.seconds_per_fold": float(seconds.mean()),
        f"{scheme}.cpu_seconds_per_fold": float(cpu_seconds.mean()),
    }
    if len(scores) > 1:
        figures[f"{scheme}.macro_f1.std"] = float(scores.std(ddof=1))
    return figures


def paired_figures(scheme: str, peer: str, ours: Scores, theirs: Scores, *, folds: int) -> dict[str, float]:
    """Compare with a peer, fold by fold.

    Parameters
    ----------
    scheme, peer : str
        Parts of the figures' names.
    ours, theirs : ndarray of shape (n_folds,)
        Macro-F1 on the same folds, in the same order.
    folds : int
        Folds of a repeat; the test part is ``1 / (folds - 1)`` of the training part.

    Returns
    -------
    dict of str to float
        ``.mean`` of the differences, ``.se`` as if folds were independent, and ``.se_corrected`` after Nadeau and
        Bengio (2003), which allows for training rows that folds share.

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


def scheme_bars(scheme: str, ours: float, theirs: Mapping[str, float], *, ahead: bool) -> list[Bar]:
    """Check fraudsieve's macro-F1 against the better peer's.

    Parameters
    ----------
    scheme : str
        First part of the bars' names.
    ours : float
        Mean macro-F1.
    theirs : mapping of str to float
        Mean macro-F1 of every peer; without peers there are no bars.
    ahead : bool
        Whether to require a lead of .01, in addition to not being behind by more than .005.

    Returns
    -------
    list of Bar
        ``<scheme>.macro_f1`` (only if `ahead`) and ``<scheme>.not_behind``.
    """
    if not theirs:
        return []
    best = max(theirs.values())
    bars = [Bar.at_least(f"{scheme}.macro_f1", ours, best + CLEARLY_AHEAD)] if ahead else []
    return [*bars, Bar.at_least(f"{scheme}.not_behind", ours, best - NOT_BEHIND)]
