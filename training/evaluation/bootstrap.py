"""Intervals from a bootstrap over groups: accounts or campaigns are drawn, and their rows come along.

Rows of one account, or of one campaign, are alike; drawing rows one by one would take them for as many independent
ones, and the intervals would be too narrow (Field and Welsh, Bootstrapping clustered data, 2007).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fraudsieve._typing import Array

from .ranking import FIGURES, Ranking

__all__ = ["LEVEL", "Replicates", "bootstrap", "bootstrap_f1", "draws", "interval"]


LEVEL = 0.95
"""How often an interval should hold the true value."""


@dataclass(frozen=True, eq=False)
class Replicates:
    """The figures of every replicate.

    Parameters
    ----------
    values : ndarray of float64, shape (n_figures,)
        The figures of the rows as they are.
    figures : ndarray of float64, shape (n_replicates, n_figures)
        In the order of `FIGURES`; NaN where a replicate has only one kind of rows.
    at_alerts : ndarray of float64, shape (n_replicates, 3, n_points)
        As from `Ranking.at_alerts`.
    """

    values: Array
    figures: Array
    at_alerts: Array

    def intervals(self) -> dict[str, list[float] | None]:
        """Return the interval of every figure.

        Returns
        -------
        dict of str to list of two floats, or None
            As from `interval`. The replicates of ECE are moved to where its value is, and not below 0: drawing rows
            again adds to the gap of every bin, so that nearly all of them lie above.
        """
        found = {name: interval(self.figures[:, place]) for place, name in enumerate(FIGURES)}
        place = FIGURES.index("ece")
        moved = self.figures[:, place] - self.figures[:, place].mean() + self.values[place]
        return found | {"ece": interval(np.maximum(moved, 0.0))}


def draws(groups: Array, replicates: int, seed: int = 0) -> Iterator[Array]:
    """Draw as many groups as there are, with replacement, again and again.

    Parameters
    ----------
    groups : ndarray, shape (n_rows,)
        The group of each row.
    replicates : int
        How often.
    seed : int, default=0
        Seed of the draws.

    Yields
    ------
    ndarray of int64, shape (n_rows,)
        How often each row counts.

    Examples
    --------
    >>> drawn = next(draws(np.array(["a", "b", "a"]), 1))
    >>> bool(drawn[0] == drawn[2]), int(drawn[0] + drawn[1])
    (True, 2)
    """
    codes = np.unique(groups, return_inverse=True)[1].astype(np.int32)
    n_groups = int(codes.max()) + 1
    rng = np.random.default_rng(seed)
    for _ in range(replicates):
        yield np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)[codes]


def bootstrap(
    ranking: Ranking, groups: Array, *, alerts: Array | None = None, replicates: int = 200, seed: int = 0
) -> Replicates:
    """Compute the figures of a ranking for drawn groups.

    Parameters
    ----------
    ranking : Ranking
        The rows.
    groups : ndarray, shape (n_rows,)
        The group of each row, in the order of the rows and not of the ranking.
    alerts : ndarray of float64, shape (n_points,), default=None
        Where recall and precision are read, ascending; None for nowhere.
    replicates : int, default=200
        How often groups are drawn.
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    Replicates

    Examples
    --------
    >>> p, truth = np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False])
    >>> bootstrap(Ranking.of(p, truth), np.arange(4), replicates=50).intervals()["roc_auc"]
    [1.0, 1.0]
    """
    points = np.zeros(0) if alerts is None else np.asarray(alerts, np.float64)
    figures = np.empty((replicates, len(FIGURES)))
    at_alerts = np.empty((replicates, 3, len(points)))
    for row, drawn in enumerate(draws(groups[ranking.order], replicates, seed)):
        weights = drawn.astype(np.float64)
        figures[row] = ranking.figures(weights)
        at_alerts[row] = ranking.at_alerts(points, weights)
    return Replicates(ranking.figures(), figures, at_alerts)


def bootstrap_f1(truth: Array, predicted: Array, groups: Array, *, replicates: int = 200, seed: int = 0) -> Array:
    """Compute the F1 of every class for drawn groups.

    Parameters
    ----------
    truth, predicted : ndarray of int64, each of shape (n_rows,)
        Places of the classes, from 0.
    groups : ndarray, shape (n_rows,)
        The group of each row.
    replicates : int, default=200
        How often groups are drawn.
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    ndarray of float64, shape (n_replicates, n_classes)
        NaN where a class is neither drawn nor predicted.

    Examples
    --------
    >>> bootstrap_f1(np.array([0, 1]), np.array([0, 1]), np.array([5, 5]), replicates=1).tolist()
    [[1.0, 1.0]]
    """
    n = int(max(truth.max(), predicted.max())) + 1
    cells = truth * n + predicted
    found = np.empty((replicates, n))
    for row, drawn in enumerate(draws(groups, replicates, seed)):
        table = np.bincount(cells, weights=drawn, minlength=n * n).reshape(n, n)
        with np.errstate(invalid="ignore"):
            found[row] = 2 * table.diagonal() / (table.sum(axis=0) + table.sum(axis=1))
    return found


def interval(values: Array, level: float = LEVEL) -> list[float] | None:
    """Return the interval that the middle of some replicates spans (the percentile method of Efron, 1979).

    Parameters
    ----------
    values : ndarray, shape (n_replicates,)
        A figure of every replicate; NaN where it could not be computed.
    level : float, default=0.95
        The share in the middle.

    Returns
    -------
    list of two floats, or None
        None when fewer than half of the replicates have the figure: then there is too little to draw from.

    Examples
    --------
    >>> interval(np.arange(101.0), level=0.5)
    [25.0, 75.0]
    >>> interval(np.array([1.0, np.nan, np.nan])) is None
    True
    """
    known = values[~np.isnan(values)]
    if not len(known) or 2 * len(known) < len(values):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return [float(low), float(high)]
