"""Drift of the distribution of every column: population stability index and Jensen-Shannon distance.

Both are effect sizes: with more rows they become more precise, and do not grow. (With enough rows, a p-value calls any
change significant.) Columns are cut into bins at quantiles of the reference; missing values have a bin of their own.
All columns are counted at once.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr
from scipy.stats import f as f_distribution

from fraudsieve._typing import Array
from fraudsieve.training.monitoring.clusters import Clusters

from .binning import N_BINS, Binning

LEVEL = 0.03
"""Share of comparisons without drift in which any column may reach `Drift.chance`, over all columns together."""


def psi(reference: Array, current: Array) -> Array:
    """Compute the population stability index of binned columns.

    It is the sum of ``(p - q) * log(p / q)`` over the bins: the Kullback-Leibler divergence there and back (Jeffreys,
    1946; Lewis, An Introduction to Credit Scoring, 1992, with the bounds of 0.1 for some and 0.25 for a large change).
    Half a row is added to every bin that has a row in either sample, so that an empty bin counts as half a row.
    """
    filled = ((reference + current) > 0) / 2
    p, q = (_shares(counts + filled) for counts in (reference, current))
    return np.asarray(rel_entr(p, q).sum(axis=1) + rel_entr(q, p).sum(axis=1))


def js_distance(reference: Array, current: Array) -> Array:
    """Compute the Jensen-Shannon distance of binned columns."""
    p, q = _shares(reference), _shares(current)
    middle = (p + q) / 2
    twice = rel_entr(p, middle).sum(axis=1) + rel_entr(q, middle).sum(axis=1)
    return np.asarray(np.sqrt(np.clip(twice / (2 * np.log(2)), 0.0, 1.0)))


def _shares(counts: Array) -> Array:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Drift:
    """Drift of columns; every array has one value per column."""

    # Shape (n_columns,). Population stability index.
    psi: Array
    # Shape (n_columns,). Its mean without drift: `(bins - 1) * (1 / n_reference + 1 / n_current)`, over the bins that
    # have rows (Yurdakul and Naranjo, Statistical properties of the population stability index, 2020). If rows come in
    # clusters, it is multiplied by the design effect of the column (Rao and Scott, 1981).
    expected: Array
    # Shape (n_columns,). Without drift, the index stays below it in all columns at once, in 97 of 100 comparisons.
    # Infinite if a sample does not show how much clusters differ, see `Clusters.has_variance`.
    chance: Array
    # Shape (n_columns,). Whether the column has moved by more than chance explains. Near 0 the index is a chi-square
    # statistic, or an F statistic where the variance comes from few clusters. That statistic is compared with `chance`:
    # farther from 0, the logarithm in the index exaggerates a bin that is empty by chance.
    clear: Array
    # Shape (n_columns,). Jensen-Shannon distance.
    js: Array

    @property
    def excess(self) -> Array:
        """The index minus its mean without drift, so that few rows alone are not drift."""
        return np.asarray(self.psi - self.expected)

    def exceeds(self, bound: float) -> Array:
        """Return which columns have an excess above the bound that chance does not explain."""
        return np.asarray((self.excess > bound) & self.clear)


def measure_drift(
    reference: Array,
    current: Array,
    *,
    categorical: Array | None = None,
    clusters: tuple[Clusters, Clusters] | None = None,
    n_bins: int = N_BINS,
    n_compared: int | None = None,
) -> Drift:
    """Compare the columns of two samples."""
    if reference.shape[1:] != current.shape[1:] or not len(reference) or not len(current):
        raise ValueError(f"Expected rows of one width in both samples, got {reference.shape} and {current.shape}.")
    bins = Binning.of(reference, categorical, n_bins)
    before, after = bins.counts(reference), bins.counts(current)
    p, q = _shares(before), _shares(after)
    weights = np.divide(2.0, p + q, out=np.zeros(p.shape), where=p + q > 0)
    alone = weights * (p * (1 - p) / len(reference) + q * (1 - q) / len(current))
    both = clusters or (Clusters.singles(len(reference)), Clusters.singles(len(current)))
    parts = [weights * _variance(bins, rows, of) for rows, of in zip((reference, current), both, strict=True)]
    spread = parts[0] + parts[1]
    freedom = ((before + after) > 0).sum(axis=1) - 1
    expected = freedom * (1 / len(reference) + 1 / len(current)) * _ratio(spread.sum(axis=1), alone.sum(axis=1))
    # Satterthwaite: variance in few bins has fewer degrees of freedom than there are bins.
    effective = np.maximum(freedom, 1) * _ratio(_evenness(spread), _evenness(alone))
    tail = LEVEL / max(n_compared or reference.shape[1], 1)
    known = all(of.has_variance for of in both)
    chance = (
        f_distribution.isf(tail, effective, _certainty(parts, both)) * expected
        if known
        else np.full(len(expected), np.inf)
    )
    clear = (weights * (p - q) ** 2).sum(axis=1) > chance
    return Drift(psi(before, after), expected, chance, clear, js_distance(before, after))


def _certainty(parts: list[Array], clusters: tuple[Clusters, Clusters]) -> Array:
    """Return the degrees of freedom of the spread: few clusters estimate their variance badly (Welch, 1947)."""
    degrees = [max(of.effective - 1, 1.0) for of in clusters]
    a, b = (part.sum(axis=1) for part in parts)
    # Where nothing varies within either sample, any difference is real.
    freedom: Array = np.full(len(a), sum(degrees))
    np.divide((a + b) ** 2, a**2 / degrees[0] + b**2 / degrees[1], out=freedom, where=a + b > 0)
    return freedom


def _variance(bins: Binning, rows: Array, clusters: Clusters) -> Array:
    """Return the variance of the share of every bin."""
    ordered = rows[clusters.order]
    return np.stack([clusters.variance(inside) for inside in bins.inside(ordered)], axis=1)


def _evenness(spread: Array) -> Array:
    """Return the effective number of bins with variance."""
    return _ratio(spread.sum(axis=1) ** 2, (spread**2).sum(axis=1))


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.ones(len(above)), where=below > 0)
