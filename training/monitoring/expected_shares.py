"""Fit of the shares that a model expects: how much they vary between campaigns or accounts, and over time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.points import WHERE
from fraudsieve.models.scoring.traffic import share_rows
from fraudsieve.models.unlike_training.expected_shares import FLAGGED, MIN_RECORDS, UNLIKE, ExpectedShare

from .bounds import Clusters

MIN_BLOCKS = 4
LEAST_DRIFT = {UNLIKE: 0.4, FLAGGED: 0.3}
"""Standard deviations of the log-odds over time that every model expects: base rates move, and what is new comes."""


def expected_shares(
    model: Model, scores: Mapping[str, Array], groups: Array, times: pd.Series
) -> tuple[ExpectedShare, ...]:
    """Return the shares that a model with its points expects, from the known scores of rows that it has not seen.

    Groups are campaigns or accounts, and the time of a row may be missing.
    """
    return tuple(
        expected_share(name, hits[rows], groups[rows], times[rows])
        for name, rows, hits in share_rows(model, scores)
        if rows.any()
    )


def expected_share(name: str, hits: Array, groups: Array, times: pd.Series) -> ExpectedShare:
    """Return an expected share from the rows that count for it.

    New records come from other campaigns or accounts, which have the same part in the traffic: their variance counts
    twice, for the rows and for the new records.
    """
    n, clusters = len(hits), Clusters.of(groups)
    share = (float(hits.sum()) + 0.5) / (n + 1)  # a share of 0 would have no variance
    row = share * (1 - share)
    if clusters.has_variance:
        of_clusters = max(float(clusters.variance(hits[clusters.order, None])[0]) / row - 1 / n, 0.0)
    else:
        of_clusters = 1.0
    over_time = max(_drift(hits, times), LEAST_DRIFT[name.partition(WHERE)[0]] ** 2 * row)
    return ExpectedShare(name, share, 1 / n + 2 * of_clusters + over_time)


def _drift(hits: Array, times: pd.Series) -> float:
    """Return the variance between blocks of consecutive rows that chance does not explain, over that of a row.

    Long blocks show trends, and short ones bursts: the largest variance counts.
    """
    known = times.notna().to_numpy()
    ordered = hits[known][times[known].argsort(kind="stable")].astype(np.float64)
    share = float(ordered.mean()) if len(ordered) else 0.0
    if times.nunique() < MIN_BLOCKS or not 0 < share < 1:
        return 0.0
    n_blocks, drift = MIN_BLOCKS, 0.0
    while n_blocks == MIN_BLOCKS or len(ordered) >= n_blocks * MIN_RECORDS:
        means = [block.mean() for block in np.array_split(ordered, n_blocks)]
        drift = max(drift, float(np.var(means, ddof=1)) / (share * (1 - share)) - n_blocks / len(ordered))
        n_blocks *= 2
    return drift
