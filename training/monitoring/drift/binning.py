"""Bins of columns, and the rows in each bin: all columns at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._typing import Array

N_BINS = 10
"""Bins of a column without ties: each has a tenth of the reference."""
RARE = 0.01
"""A category with a smaller share of the reference shares a bin with its neighbours."""


@dataclass(frozen=True, eq=False)
class Binning:
    """Edges of the bins of columns; `Binning.of` chooses them."""

    # Shape (n_edges, n_columns). Ascending; a value belongs to the bin above all edges that it exceeds. Columns with
    # fewer edges are filled up with infinity, which no value exceeds.
    edges: Array

    @classmethod
    def of(cls, reference: Array, categorical: Array | None = None, n_bins: int = N_BINS) -> Self:
        """Cut columns at the quantiles of a reference.

        Edges are values of the reference, so that a strictly increasing transformation of a column changes nothing. A
        value with at least ``1 / n_bins`` of the rows has a bin of its own. That keeps columns that are mostly 0 apart
        from their other values, and any new value leaves the only bin of a constant column.
        """
        coded = np.zeros(reference.shape[1], np.bool_) if categorical is None else categorical
        cuts = [_edges(column, bool(is_code), n_bins) for column, is_code in zip(reference.T, coded, strict=True)]
        edges = np.full((max(map(len, cuts), default=0), len(cuts)), np.inf)
        for place, column_edges in enumerate(cuts):
            edges[: len(column_edges), place] = column_edges
        return cls(edges)

    def inside(self, rows: Array) -> Iterator[Array]:
        """Yield for each bin which rows lie in it, as ndarray of bool, shape (n_rows, n_columns).

        There are ``n_edges + 2`` bins; the last one has the missing values. Bins between equal edges are empty.
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
        """Count rows by bin, as ndarray of int64, shape (n_columns, n_edges + 2); see `inside`."""
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
    # An edge just below a value separates it from smaller values.
    before = np.nextafter(cuts[apart], -np.inf)
    return np.unique(np.concatenate([before, cuts[apart] if categorical else cuts]))
