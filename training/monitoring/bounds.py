"""Bounds on drift: which measures of a monitor report exceed which bound of the recipe.

A difference that chance explains does not exceed a bound. For indices, `Drift.chance` is the part that chance explains.
Shares must differ by three standard errors. How often bounds are exceeded without drift is measured: ``python -m
benchmarks.evaluation quiet_weeks``. Labels break promises instead (`fraudsieve.live.promises`).
If what chance explains is unknown, because all rows are of one account, no difference exceeds a bound.

The variance of a share when rows come in clusters, such as the messages of one sender.

Ten rows of one account are alike, and carry less information than ten rows of ten accounts. A change in few accounts
must not look like a change in all of them. Rows of one account alone say nothing about other accounts.

Fit of the shares that a model expects: how much they vary between campaigns or accounts, and over time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.points import WHERE
from fraudsieve.models.scoring.traffic import share_rows
from fraudsieve.models.unlike_training.expected_shares import FLAGGED, MIN_RECORDS, UNLIKE, ExpectedShare
from fraudsieve.training.json_types import finite_or_none
from fraudsieve.training.recipe.sections import MonitorRecipe

from .report import DriftIndex, ExceededBound, MonitorMeasures, RatioChange, ShareChange

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


ERRORS = 3.0
"""Shares that differ by fewer standard errors may be the same."""


@dataclass(frozen=True)
class Share:
    """A share of rows: how many hits among how many rows, and the variance of the share; infinite if unknown."""

    hits: int
    rows: int
    variance: float

    @classmethod
    def of(cls, hits: Array, clusters: Clusters | None = None) -> Self:
        """Count hits; rows of one cluster are alike, None for independent rows."""
        clusters = Clusters.singles(len(hits)) if clusters is None else clusters
        variance = float(clusters.variance(hits[clusters.order, None])[0]) if clusters.has_variance else np.inf
        return cls(int(hits.sum()), len(hits), variance)

    @property
    def share(self) -> float:
        """The share."""
        return self.hits / self.rows


def compare_shares(reference: Share, current: Share) -> ShareChange:
    """Return both shares, their rise, and the rise that chance explains: three standard errors."""
    chance = finite_or_none(ERRORS * float(np.sqrt(reference.variance + current.variance)))
    return ShareChange(reference.share, current.share, current.share - reference.share, chance)


def compare_ratio(reference: Share, current: Share) -> RatioChange:
    """Return both shares, how many times the reference the current one is, and the factor that chance explains.

    Half a row is added to both counts. The factor is three standard errors of the logarithm of ``times``.
    """
    added = [(share.hits + 0.5) / (share.rows + 1) for share in (reference, current)]
    # Where nothing is flagged, the variance is that of the half row.
    spread = [max(share.variance, p / share.rows) / p**2 for share, p in zip((reference, current), added, strict=True)]
    chance = finite_or_none(float(np.exp(ERRORS * np.sqrt(sum(spread)))))
    return RatioChange(reference.share, current.share, added[1] / added[0], chance)


def bounds_exceeded(measures: MonitorMeasures, settings: MonitorRecipe) -> Iterator[ExceededBound]:
    """Yield the bounds that are exceeded."""
    yield from _exceeded_by_indices(measures, settings)
    yield from _exceeded_by_shares(measures, settings)


def _exceeded_by_indices(measures: MonitorMeasures, settings: MonitorRecipe) -> Iterator[ExceededBound]:
    indices: list[tuple[str, str, str, DriftIndex]] = [
        ("family_psi", family.family, tr("column {name}", name=family.worst.column), family.worst)
        for family in measures.families
    ]
    indices += [
        ("score_psi", name, tr("scores: {name}", name=tr(name)), drift) for name, drift in measures.scores.items()
    ]
    for bound, name, where, drift in indices:
        limit = getattr(settings, bound)
        if limit is not None and drift.excess > limit and drift.clear:
            text = tr(
                "{where}: PSI {psi:.2f}, where {expected:.2f} is expected without drift; "
                "the bound is {limit:g} above it",
                where=where,
                psi=drift.psi,
                expected=drift.expected,
                limit=limit,
            )
            yield ExceededBound(bound, name, drift.excess, limit, text)


def _exceeded_by_shares(measures: MonitorMeasures, settings: MonitorRecipe) -> Iterator[ExceededBound]:
    shares = measures.shares
    named: list[tuple[str, str, str, ShareChange | None]] = [
        ("rejected_rise", "rejected", tr("rejected rows"), shares.rejected),
        ("cold_start_rise", "cold_start", tr("rows without a history"), shares.cold_start),
        ("unlike_rise", "unlike_training", tr("rows that look like nothing in training"), shares.unlike_training),
        *(
            ("unseen_rise", name, tr("unseen categories of {name}", name=name), share)
            for name, share in shares.unseen.items()
        ),
    ]
    for bound, name, words, share in named:
        limit = getattr(settings, bound)
        if share is None or limit is None or share.chance is None or share.rise <= max(limit, share.chance):
            continue
        both = tr(
            "{current} of the current rows, {reference} of the reference",
            current=_percent(share.current),
            reference=_percent(share.reference),
        )
        text = tr("{words}: {both}; the bound is a rise of {limit}", words=words, both=both, limit=_percent(limit))
        yield ExceededBound(bound, name, share.rise, limit, text)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


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
