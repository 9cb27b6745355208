"""Where columns are cut, and how many rows lie between the cuts: all columns at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._typing import Array

__all__ = ["N_BINS", "Bins"]


N_BINS = 10
"""Bins of a column without ties: a tenth of the reference each."""
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

    def inside(self, rows: Array) -> Iterator[Array]:
        """Tell bin by bin which rows lie in it.

        Parameters
        ----------
        rows : ndarray of float64, shape (n_rows, n_columns)
            NaN for missing.

        Yields
        ------
        ndarray of bool, shape (n_rows, n_columns)
            For ``n_edges + 2`` bins; the last is that of missing values. Those between equal edges are empty.
        """
        missing = np.isnan(rows)
        above = ~missing
        for edge in self.edges:
            higher = rows > edge
            yield above & ~higher
            above = higher
        yield above
        yield missing

    def counts(self, rows: Array) -> Array:
        """Count rows by bin.

        Parameters
        ----------
        rows : ndarray of float64, shape (n_rows, n_columns)
            NaN for missing.

        Returns
        -------
        ndarray of int64, shape (n_columns, n_edges + 2)
            As `inside` has the bins.
        """
        return np.stack([inside.sum(axis=0) for inside in self.inside(rows)], axis=1)


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
