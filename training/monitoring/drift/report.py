"""Distributions in a monitor report: drift of features, by column and by family, and drift of scores."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.features.profile.custom_columns import UNSEEN
from fraudsieve.models.artifact.folder import Model
from fraudsieve.pages.words import format_number
from fraudsieve.training.json_types import finite_or_none
from fraudsieve.training.monitoring.measures import (
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

from .binning import Binning
from .divergence import Drift, measure_drift

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
    settings: dict[str, Any] = {"clusters": (before.clusters, after.clusters), "n_compared": n_columns + SCORES}
    codes = {name: code for code, name in enumerate(model.classes)}
    types = [np.array([[codes[name]] for name in table.scores["label"]], np.float64) for table in (before, after)]
    drift = measure_drift(*types, categorical=np.array([True]), **settings)
    counts = [np.bincount(rows[:, 0].astype(np.int64), minlength=len(codes)) / len(rows) for rows in types]
    shares = {name: Both(float(counts[0][code]), float(counts[1][code])) for name, code in codes.items()}
    of_types = TypeDrift(**_drift_of(drift, 0), shares=shares)
    if model.legitimate is None:
        return ScoreDrift(of_types)
    reference, current = (table.scores["probability"] for table in (before, after))
    drift = measure_drift(reference[:, None], current[:, None], **settings)
    mean = Both(float(reference.mean()), float(current.mean()))
    return ScoreDrift(of_types, ProbabilityDrift(**_drift_of(drift, 0), mean=mean, curve=_curve(reference, current)))


def _curve(reference: Array, current: Array) -> tuple[tuple[float, float], ...]:
    """Return, for thresholds that flag some share of the reference, the share of the current records they flag."""
    thresholds = np.unique(np.quantile(reference, 1 - CURVE, method="inverted_cdf"))[::-1]
    shares = [1 - np.searchsorted(np.sort(scores), thresholds) / len(scores) for scores in (reference, current)]
    first = (0.0, float((current > reference.max()).mean()))
    return (first, *zip(*(values.tolist() for values in shares), strict=True))
