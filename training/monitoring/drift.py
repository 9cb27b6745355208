"""Distributions in a monitor report: drift of features, by column and by family, and drift of scores.

Population stability index and Jensen-Shannon distance are effect sizes: with more rows they become more precise, and do
not grow. (With enough rows, a p-value calls any change significant.) Columns are cut into bins at quantiles of the
reference; missing values have a bin of their own. All columns are counted at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy.special import rel_entr
from scipy.stats import f as f_distribution

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.features.profile.custom_columns import UNSEEN
from fraudsieve.models.artifact.folder import Model
from fraudsieve.pages.words import format_number
from fraudsieve.training.json_types import finite_or_none
from fraudsieve.training.monitoring.bounds import Clusters
from fraudsieve.training.monitoring.report import (
    BinShare,
    Both,
    ColumnDrift,
    FamilyDrift,
    MeanDrift,
    ProbabilityDrift,
    ScoreDrift,
    TypeDrift,
)
from fraudsieve.training.monitoring.scored_table import ScoredTable, categories_of

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


SCORES = 2
"""The probability and the types are compared together with the columns."""
CURVE = np.concatenate([np.linspace(0, 0.2, 81)[1:], np.linspace(0.2, 1, 41)[1:]])
"""Shares of the reference at which the curve of alerts is computed."""


MAX_DISTRIBUTIONS = 6
"""Columns whose distributions are kept: those that moved most."""
MAX_BINS = 10
"""Categories of a column that are counted separately; all others are counted together."""


def category_names(model: Model) -> list[tuple[str, ...]]:
    """Return the names of the categories of every column of categories; none where digests stand for them."""
    own = model.matrix.custom
    return [() if own.digest_key else tuple(names) for names in own.categories.values()]


def distribution(reference: Array, current: Array, names: tuple[str, ...] | None = None) -> tuple[BinShare, ...]:
    """Return the shares of both tables in each bin of a column, in the order of the values."""
    both = np.concatenate([reference, current])
    bins = Binning.of(reference[:, None], np.array([names is not None]))
    inside = [mask[:, 0] for mask in bins.inside(both[:, None])]
    shown = [
        BinShare(
            _words(both[mask], names),
            float(mask[: len(reference)].mean()),
            float(mask[len(reference) :].mean()),
        )
        for mask in inside
        if mask.any()
    ]
    if names is None or len(shown) <= MAX_BINS:
        return tuple(shown)
    shown.sort(key=lambda part: -max(part.reference, part.current))
    rest = shown[MAX_BINS:]
    others = BinShare(
        tr("all others", sense="bin"), sum(part.reference for part in rest), sum(part.current for part in rest)
    )
    return (*shown[:MAX_BINS], others)


def _words(values: Array, names: tuple[str, ...] | None) -> str:
    if np.isnan(values).all():
        return tr("missing", sense="bin")
    low, high = float(values.min()), float(values.max())
    if names is not None:
        return _name(low, names) if low == high else tr("rare categories", sense="bin")
    if low == high:
        return format_number(low)
    return tr("{low} to {high}", low=format_number(low), high=format_number(high))


def _name(code: float, names: tuple[str, ...]) -> str:
    if code == UNSEEN:
        return tr("not seen in training", sense="bin")
    return names[int(code)] if 0 <= code < len(names) else tr("category {code:g}", sense="bin", code=code)


def column_drift(
    model: Model, before: ScoredTable, after: ScoredTable, compared: Array
) -> tuple[tuple[FamilyDrift, ...], tuple[ColumnDrift, ...]]:
    """Compare the features, by family and by column; those that moved most come first.

    `compared` is an ndarray of bool, shape (n_columns,).
    """
    places = np.flatnonzero(compared)
    if not len(places):
        return (), ()
    is_category = categories_of(model)[places]
    reference, current = before.rows[:, places], after.rows[:, places]
    drift = measure_drift(
        reference,
        current,
        categorical=is_category,
        clusters=(before.clusters, after.clusters),
        n_compared=len(places) + SCORES,
    )
    means = [_means(rows, is_category) for rows in (reference, current)]
    of_places = {
        i: ColumnDrift(
            column=model.matrix.columns[place],
            family=model.cues[place][0],
            **_drift_of(drift, i),
            mean=Both(means[0][i], means[1][i]),
            missing=Both(_share_nan(reference[:, i]), _share_nan(current[:, i])),
        )
        for i, place in enumerate(places)
    }
    names = category_names(model)
    ranked = sorted(of_places, key=lambda i: (of_places[i].clear, of_places[i].excess), reverse=True)
    for i in ranked[:MAX_DISTRIBUTIONS]:
        of_codes = names[int(categories_of(model)[: places[i]].sum())] if is_category[i] else None
        bins = distribution(reference[:, i], current[:, i], of_codes)
        of_places[i] = replace(of_places[i], distribution=bins)
    columns = tuple(of_places[i] for i in ranked)
    families = dict.fromkeys(column.family for column in columns)
    return tuple(_family(name, columns) for name in families), columns


def _family(name: str, columns: Sequence[ColumnDrift]) -> FamilyDrift:
    members = [column for column in columns if column.family == name]
    means = {
        index: float(np.mean([getattr(column, index) for column in members])) for index in ("psi", "expected", "js")
    }
    return FamilyDrift(name, len(members), members[0], MeanDrift(**means))


def _drift_of(drift: Drift, place: int) -> dict[str, Any]:
    """Return the fields of a `DriftIndex`."""
    indices = {name: float(getattr(drift, name)[place]) for name in ("psi", "expected", "excess", "js")}
    return indices | {"chance": finite_or_none(float(drift.chance[place])), "clear": bool(drift.clear[place])}


def _means(rows: Array, is_category: Array) -> list[float | None]:
    """Return the mean of every column of numbers that has any."""
    counts = (~np.isnan(rows)).sum(axis=0)
    means = np.nansum(rows, axis=0) / np.maximum(counts, 1)
    return [
        float(mean) if count and not category else None
        for mean, count, category in zip(means, counts, is_category, strict=True)
    ]


def _share_nan(values: Array) -> float:
    return float(np.isnan(values).mean())


def score_drift(model: Model, before: ScoredTable, after: ScoredTable, *, n_columns: int) -> ScoreDrift:
    """Compare the probability of fraud, and the most probable types, which are compared together with `n_columns`
    columns.

    The probability is compared if the model has a legitimate class.
    """
    clusters, n_compared = (before.clusters, after.clusters), n_columns + SCORES
    codes = {name: code for code, name in enumerate(model.classes)}
    types = [np.array([[codes[name]] for name in table.scores["label"]], np.float64) for table in (before, after)]
    drift = measure_drift(*types, categorical=np.array([True]), clusters=clusters, n_compared=n_compared)
    counts = [np.bincount(rows[:, 0].astype(np.int64), minlength=len(codes)) / len(rows) for rows in types]
    shares = {name: Both(float(counts[0][code]), float(counts[1][code])) for name, code in codes.items()}
    of_types = TypeDrift(**_drift_of(drift, 0), shares=shares)
    if model.legitimate is None:
        return ScoreDrift(of_types)
    reference, current = (table.scores["probability"] for table in (before, after))
    drift = measure_drift(reference[:, None], current[:, None], clusters=clusters, n_compared=n_compared)
    mean = Both(float(reference.mean()), float(current.mean()))
    return ScoreDrift(of_types, ProbabilityDrift(**_drift_of(drift, 0), mean=mean, curve=_curve(reference, current)))


def _curve(reference: Array, current: Array) -> tuple[tuple[float, float], ...]:
    """Return, for thresholds that flag some share of the reference, the share of the current records they flag."""
    thresholds = np.unique(np.quantile(reference, 1 - CURVE, method="inverted_cdf"))[::-1]
    shares = [1 - np.searchsorted(np.sort(scores), thresholds) / len(scores) for scores in (reference, current)]
    first = (0.0, float((current > reference.max()).mean()))
    return (first, *zip(*(values.tolist() for values in shares), strict=True))
