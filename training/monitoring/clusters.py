"""The variance of a share when rows come in clusters, such as the messages of one sender.

Ten rows of one account are alike, and carry less information than ten rows of ten accounts. A change in few accounts
must not look like a change in all of them. Rows of one account alone say nothing about other accounts.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._typing import Array

MIN_EFFECTIVE = 2.0
"""With a lower effective number of clusters, nearly all rows are of one: how much clusters differ is unknown."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Rows in the order of their clusters; `Clusters.of` sorts them."""

    # Shape (n_rows,). Positions of the rows, cluster by cluster.
    order: Array
    # Shape (n_clusters,). Where each cluster begins.
    starts: Array

    @classmethod
    def of(cls, groups: Array) -> Self:
        """Sort rows by cluster."""
        codes = np.where(groups < 0, -1 - np.arange(len(groups)), groups)
        order = np.argsort(codes, kind="stable")
        return cls(order, np.flatnonzero(np.diff(codes[order], prepend=codes.min() - 1 if len(codes) else 0)))

    @classmethod
    def singles(cls, n_rows: int) -> Self:
        """Return clusters of one row each."""
        return cls(np.arange(n_rows), np.arange(n_rows))

    @property
    def effective(self) -> float:
        """The effective number of clusters: that of clusters of equal size with the same information (Kish, 1965)."""
        sizes = np.diff(np.append(self.starts, len(self.order)))
        return float(sizes.sum() ** 2 / (sizes**2).sum())

    @property
    def has_variance(self) -> bool:
        """Whether the rows show how much clusters differ: their effective number is at least 2."""
        return self.effective >= MIN_EFFECTIVE

    def variance(self, inside: Array) -> Array:
        """Return the variance of shares over draws of clusters (the linearised one of a ratio; Cochran, 1977)."""
        n, n_clusters = len(self.order), len(self.starts)
        share = inside.mean(axis=0)
        of_one_row = np.asarray(share * (1 - share))
        independent = of_one_row / n
        if not self.has_variance:
            return of_one_row
        if n_clusters == n:
            return independent
        sums = np.add.reduceat(inside, self.starts, axis=0, dtype=np.float64)
        sizes = np.diff(np.append(self.starts, n))[:, None]
        variance = ((sums - sizes * share) ** 2).sum(axis=0) / n**2 * n_clusters / (n_clusters - 1)
        return np.asarray(np.maximum(variance, independent))
