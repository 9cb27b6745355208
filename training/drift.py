"""How far a distribution has moved, column by column: the population stability index, and the Jensen-Shannon distance.

Both are effect sizes: with more rows they come closer to what they are, and do not grow. (A p-value calls any change
large, once there are enough rows.) Columns are cut into bins at quantiles of the reference; missing values are a bin of
their own. All columns are counted at once.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import rel_entr
from scipy.stats import chi2

__all__ = ["LEVEL", "N_BINS", "Bins", "Drift", "drift", "js_distance", "psi"]

Array = npt.NDArray[Any]

N_BINS = 10
"""Bins of a column without ties: a tenth of the reference each."""
LEVEL = 0.05
"""In so many comparisons without drift chance alone may reach the bar of `Drift.chance`, over all columns together."""
RARE = 0.01
"""A category with a smaller share of the reference shares a bin with its neighbours."""


@dataclass(frozen=True, eq=False)
class Bins:
    """Where columns are cut. `Bins.of` makes them.

    Parameters
    ----------
    edges : ndarray of float64, shape (n_edges, n_columns)
        Ascending; a value belongs to the bin above every edge that it exceeds. Columns with fewer edges end in
        infinite ones, which no value exceeds.
    """

    edges: Array

    @classmethod
    def of(cls, reference: Array, categorical: Array | None = None, n_bins: int = N_BINS) -> Self:
        """Cut columns at the quantiles of a reference.

        Edges are values that the reference has, so that a strictly increasing change of a column changes nothing. A
        value with at least ``1 / n_bins`` of the rows is a bin of its own, with what is below and above it apart: most
        cues of a message are 0, all quantiles of such a column are one value, and a constant column is one bin that any
        new value leaves.

        Parameters
        ----------
        reference : ndarray of float64, shape (n_rows, n_columns)
            At least one row; NaN for missing.
        categorical : ndarray of bool, shape (n_columns,), default=None
            Columns whose numbers are codes: every code with 1 % of the rows is a bin of its own. None for no such
            column.
        n_bins : int, default=10
            Bins of a column without ties.

        Returns
        -------
        Bins

        Examples
        --------
        >>> mostly_zero = np.array([[0.0], [0.0], [0.0], [0.0], [7.0], [9.0]])
        >>> Bins.of(mostly_zero, n_bins=2).counts(mostly_zero)[0, [1, 2, -1]].tolist()
        [4, 2, 0]
        """
        coded = np.zeros(reference.shape[1], np.bool_) if categorical is None else categorical
        found = [_edges(column, bool(words), n_bins) for column, words in zip(reference.T, coded, strict=True)]
        edges = np.full((max((len(one) for one in found), default=0), len(found)), np.inf)
        for place, one in enumerate(found):
            edges[: len(one), place] = one
        return cls(edges)

    def counts(self, rows: Array) -> Array:
        """Count rows by bin.

        Parameters
        ----------
        rows : ndarray of float64, shape (n_rows, n_columns)
            NaN for missing.

        Returns
        -------
        ndarray of int64, shape (n_columns, n_edges + 2)
            The last bin is that of missing values. Bins between equal edges are empty.
        """
        missing = np.isnan(rows).sum(axis=0)
        above = [len(rows) - missing, *((rows > edge).sum(axis=0) for edge in self.edges), np.zeros_like(missing)]
        return np.column_stack([-np.diff(np.array(above), axis=0).T, missing])


def _edges(column: Array, categorical: bool, n_bins: int) -> Array:
    ordered = np.sort(column[~np.isnan(column)])
    if not len(ordered):
        return ordered
    if categorical:
        values, counts = np.unique(ordered, return_counts=True)
        cuts, apart = values, counts >= RARE * len(ordered)
    else:
        places = np.ceil(np.arange(1, n_bins) / n_bins * len(ordered)).astype(np.int64) - 1
        cuts = np.unique(ordered[places])
        ties = np.searchsorted(ordered, cuts, "right") - np.searchsorted(ordered, cuts, "left")
        apart = ties >= len(ordered) / n_bins
    # A value is apart from what is below it when there is an edge just before it, too.
    before = np.nextafter(cuts[apart], -np.inf)
    return np.unique(np.concatenate([before, cuts[apart] if categorical else cuts]))


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
        that have rows. Divided by the sum in brackets the index then follows a chi-square distribution with
        ``bins - 1`` degrees of freedom (Yurdakul and Naranjo, Statistical properties of the population stability index,
        2020).
    chance : ndarray of float64, shape (n_columns,)
        What it stays below where nothing has moved, in all columns at once, in 95 of 100 comparisons.
    js : ndarray of float64, shape (n_columns,)
        Jensen-Shannon distance.
    """

    psi: Array
    expected: Array
    chance: Array
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
        return np.asarray((self.excess > bound) & (self.psi > self.chance))


def drift(
    reference: Array,
    current: Array,
    *,
    categorical: Array | None = None,
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
    freedom = ((before + after) > 0).sum(axis=1) - 1
    per_row = 1 / len(reference) + 1 / len(current)
    tail = LEVEL / max(n_compared or reference.shape[1], 1)
    chance = np.where(freedom > 0, chi2.isf(tail, np.maximum(freedom, 1)) * per_row, 0.0)
    return Drift(psi(before, after), freedom * per_row, chance, js_distance(before, after))
