"""How far a distribution has moved, column by column: the population stability index, and the Jensen-Shannon distance.

Both are effect sizes: with more rows they come closer to what they are, and do not grow. (A p-value calls any change
large, once there are enough rows.) Columns are cut into bins at quantiles of the reference; missing values are a bin of
their own. All columns are counted at once.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr
from scipy.stats import f as f_distribution

from fraudsieve._typing import Array

from .bins import N_BINS, Bins
from .clusters import Clusters

__all__ = ["LEVEL", "Drift", "drift", "js_distance", "psi"]


LEVEL = 0.03
"""In so many comparisons without drift chance alone may reach the bar of `Drift.chance`, over all columns together."""


def psi(reference: Array, current: Array) -> Array:
    """Compute the population stability index of binned columns.

    It is the sum of ``(p - q) * log(p / q)`` over the bins: the Kullback-Leibler divergence there and back (Jeffreys,
    1946; Lewis, An Introduction to Credit Scoring, 1992, with the bounds of .1 for some and .25 for a large change).
    Half a row is added to every bin that has a row in either sample, so that an empty bin costs what half a row would.

    Parameters
    ----------
    reference, current : ndarray of int64, each of shape (n_columns, n_bins)
        Rows by bin, at least one each.

    Returns
    -------
    ndarray of float64, shape (n_columns,)
        From 0, alike both ways.

    Examples
    --------
    >>> psi(np.array([[50, 50], [50, 50]]), np.array([[50, 50], [90, 10]])).round(2).tolist()
    [0.0, 0.85]
    """
    filled = ((reference + current) > 0) / 2
    p, q = (_shares(counts + filled) for counts in (reference, current))
    return np.asarray(rel_entr(p, q).sum(axis=1) + rel_entr(q, p).sum(axis=1))


def js_distance(reference: Array, current: Array) -> Array:
    """Compute the Jensen-Shannon distance of binned columns.

    Parameters
    ----------
    reference, current : ndarray of int64, each of shape (n_columns, n_bins)
        Rows by bin, at least one each.

    Returns
    -------
    ndarray of float64, shape (n_columns,)
        The square root of the divergence in bits (Endres and Schindelin, 2003): from 0 for the same shares to 1 for no
        bin in common.

    Examples
    --------
    >>> js_distance(np.array([[5, 5], [10, 0]]), np.array([[9, 9], [0, 3]])).tolist()
    [0.0, 1.0]
    """
    p, q = _shares(reference), _shares(current)
    middle = (p + q) / 2
    twice = rel_entr(p, middle).sum(axis=1) + rel_entr(q, middle).sum(axis=1)
    return np.asarray(np.sqrt(np.clip(twice / (2 * np.log(2)), 0.0, 1.0)))


def _shares(counts: Array) -> Array:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Drift:
    """How far columns have moved; every array has one value a column.

    Parameters
    ----------
    psi : ndarray of float64, shape (n_columns,)
        Population stability index.
    expected : ndarray of float64, shape (n_columns,)
        What it is on average where nothing has moved: ``(bins - 1) * (1 / n_reference + 1 / n_current)``, over the bins
        that have rows (Yurdakul and Naranjo, Statistical properties of the population stability index, 2020), times the
        design effect of the column where rows come in clusters (Rao and Scott, 1981).
    chance : ndarray of float64, shape (n_columns,)
        What it stays below where nothing has moved, in all columns at once, in 97 of 100 comparisons.
    clear : ndarray of bool, shape (n_columns,)
        Whether the column has moved by more than chance explains. Near 0 the index is a chi-square statistic, an F
        statistic where few clusters must say how much they vary, and that is held against `chance`; farther out the
        logarithm of the index takes a bin that chance left empty for much.
    js : ndarray of float64, shape (n_columns,)
        Jensen-Shannon distance.
    """

    psi: Array
    expected: Array
    chance: Array
    clear: Array
    js: Array

    @property
    def excess(self) -> Array:
        """The index less what it is where nothing has moved: few rows alone make no drift."""
        return np.asarray(self.psi - self.expected)

    def passed(self, bound: float) -> Array:
        """Tell which columns have moved by more than a bound, and by more than chance explains.

        Parameters
        ----------
        bound : float
            Of the excess.

        Returns
        -------
        ndarray of bool, shape (n_columns,)
        """
        return np.asarray((self.excess > bound) & self.clear)


def drift(
    reference: Array,
    current: Array,
    *,
    categorical: Array | None = None,
    clusters: tuple[Clusters, Clusters] | None = None,
    n_bins: int = N_BINS,
    n_compared: int | None = None,
) -> Drift:
    """Compare the columns of two samples.

    Parameters
    ----------
    reference : ndarray of float64, shape (n_reference, n_columns)
        What was; NaN for missing.
    current : ndarray of float64, shape (n_current, n_columns)
        What is.
    categorical : ndarray of bool, shape (n_columns,), default=None
        Columns whose numbers are codes of categories; None for none.
    clusters : tuple of two Clusters, default=None
        Rows of each sample that are alike, such as those of one account; None for none.
    n_bins : int, default=10
        Bins of a column without ties.
    n_compared : int, default=None
        How many columns are looked at together, for `Drift.chance`; None for those given.

    Returns
    -------
    Drift

    Raises
    ------
    ValueError
        When the samples have other columns, or one has no row.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> before, after = rng.normal(size=(2000, 2)), rng.normal(size=(500, 2)) + [0, 1]
    >>> drift(before, after).passed(0.25).tolist()
    [False, True]
    """
    if reference.shape[1:] != current.shape[1:] or not len(reference) or not len(current):
        raise ValueError(f"Expected rows of one width in both samples, got {reference.shape} and {current.shape}.")
    bins = Bins.of(reference, categorical, n_bins)
    before, after = bins.counts(reference), bins.counts(current)
    p, q = _shares(before), _shares(after)
    weights = np.divide(2.0, p + q, out=np.zeros(p.shape), where=p + q > 0)
    alone = weights * (p * (1 - p) / len(reference) + q * (1 - q) / len(current))
    both = clusters or (Clusters.singles(len(reference)), Clusters.singles(len(current)))
    parts = [weights * _variance(bins, rows, of) for rows, of in zip((reference, current), both, strict=True)]
    spread = parts[0] + parts[1]
    freedom = ((before + after) > 0).sum(axis=1) - 1
    expected = freedom * (1 / len(reference) + 1 / len(current)) * _ratio(spread.sum(axis=1), alone.sum(axis=1))
    # Satterthwaite: what few bins make has fewer degrees of freedom than there are bins.
    effective = np.maximum(freedom, 1) * _ratio(_evenness(spread), _evenness(alone))
    tail = LEVEL / max(n_compared or reference.shape[1], 1)
    chance = f_distribution.isf(tail, effective, _certainty(parts, both)) * expected
    clear = (weights * (p - q) ** 2).sum(axis=1) > chance
    return Drift(psi(before, after), expected, chance, clear, js_distance(before, after))


def _certainty(parts: list[Array], clusters: tuple[Clusters, Clusters]) -> Array:
    """Return the degrees of freedom of the spread: few clusters do not say how much clusters vary (Welch, 1947)."""
    degrees = [max(of.effective - 1, 1.0) for of in clusters]
    one, two = (part.sum(axis=1) for part in parts)
    # Where nothing varies within either sample, any difference is one.
    found: Array = np.full(len(one), sum(degrees))
    np.divide((one + two) ** 2, one**2 / degrees[0] + two**2 / degrees[1], out=found, where=one + two > 0)
    return found


def _variance(bins: Bins, rows: Array, clusters: Clusters) -> Array:
    """Return the variance of the share of every bin."""
    ordered = rows[clusters.order]
    return np.stack([clusters.variance(inside) for inside in bins.inside(ordered)], axis=1)


def _evenness(spread: Array) -> Array:
    """Return over how many bins the variance is spread."""
    return _ratio(spread.sum(axis=1) ** 2, (spread**2).sum(axis=1))


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.ones(len(above)), where=below > 0)
