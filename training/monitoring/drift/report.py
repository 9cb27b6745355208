"""Distributions in a monitor report: drift of features, by column and by family, and drift of scores."""

from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.monitoring.scored_table import ScoredTable, categories_of

from .distributions import MAX_DISTRIBUTIONS, category_names, distribution
from .divergence import Drift, measure_drift

__all__ = ["column_drift", "score_drift"]


SCORES = 2
"""The probability and the types are compared together with the columns."""
CURVE = np.concatenate([np.linspace(0, 0.2, 81)[1:], np.linspace(0.2, 1, 41)[1:]])
"""Shares of the reference at which the curve of alerts is computed."""


def column_drift(model: Model, before: ScoredTable, after: ScoredTable, compared: Array) -> dict[str, Any]:
    """Compare the features; see `MonitorReport` for ``families`` and ``columns``.

    `compared` is an ndarray of bool, shape (n_columns,). Columns and families that moved most come first.
    """
    places = np.flatnonzero(compared)
    if not len(places):
        return {"families": [], "columns": []}
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
    columns: list[dict[str, Any]] = [
        {"column": model.matrix.columns[place], "family": model.cues[place][0], "place": i}
        | _drift_of(drift, i)
        | {"mean": {"reference": means[0][i], "current": means[1][i]}}
        | {"missing": {"reference": _share_nan(reference[:, i]), "current": _share_nan(current[:, i])}}
        for i, place in enumerate(places)
    ]
    columns.sort(key=_rank, reverse=True)
    names = category_names(model)
    for rank, column in enumerate(columns):
        i = column.pop("place")
        if rank < MAX_DISTRIBUTIONS:
            of_codes = names[int(categories_of(model)[: places[i]].sum())] if is_category[i] else None
            column["distribution"] = distribution(reference[:, i], current[:, i], of_codes)
    families = dict.fromkeys(column["family"] for column in columns)
    return {"families": [_family(name, columns) for name in families], "columns": columns}


def _rank(column: dict[str, Any]) -> tuple[bool, float]:
    """Order columns: first those that moved more than chance explains."""
    return column["clear"], column["excess"]


def _family(name: str, columns: list[dict[str, Any]]) -> dict[str, Any]:
    members = [column for column in columns if column["family"] == name]
    means = {index: float(np.mean([column[index] for column in members])) for index in ("psi", "expected", "js")}
    return {"family": name, "columns": len(members), "worst": members[0], "mean": means}


def _drift_of(drift: Drift, place: int) -> dict[str, Any]:
    names = ("psi", "expected", "excess", "chance", "js")
    return {name: float(getattr(drift, name)[place]) for name in names} | {"clear": bool(drift.clear[place])}


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


def score_drift(model: Model, before: ScoredTable, after: ScoredTable, *, n_columns: int) -> dict[str, Any]:
    """Compare the probability of fraud, and the likeliest types, which are compared together with `n_columns` columns.

    ``types`` has the ``shares`` of every class. With a legitimate class, ``probability`` has the ``mean`` of both
    tables and the ``curve``: pairs of the shares that a threshold flags.
    """
    settings: dict[str, Any] = {"clusters": (before.clusters, after.clusters), "n_compared": n_columns + SCORES}
    codes = {name: code for code, name in enumerate(model.classes)}
    types = [np.array([[codes[name]] for name in table.scores["label"]], np.float64) for table in (before, after)]
    drift = measure_drift(*types, categorical=np.array([True]), **settings)
    counts = [np.bincount(rows[:, 0].astype(np.int64), minlength=len(codes)) / len(rows) for rows in types]
    shares = {
        name: {"reference": float(counts[0][code]), "current": float(counts[1][code])} for name, code in codes.items()
    }
    scores: dict[str, Any] = {"types": _drift_of(drift, 0) | {"shares": shares}}
    if model.legitimate is not None:
        reference, current = (table.scores["probability"] for table in (before, after))
        drift = measure_drift(reference[:, None], current[:, None], **settings)
        means = {"reference": float(reference.mean()), "current": float(current.mean())}
        scores["probability"] = _drift_of(drift, 0) | {"mean": means, "curve": _curve(reference, current)}
    return scores


def _curve(reference: Array, current: Array) -> list[list[float]]:
    """Return, for thresholds that flag some share of the reference, the share of the current records they flag."""
    thresholds = np.unique(np.quantile(reference, 1 - CURVE, method="inverted_cdf"))[::-1]
    shares = [1 - np.searchsorted(np.sort(scores), thresholds) / len(scores) for scores in (reference, current)]
    return [[0.0, float((current > reference.max()).mean())], *np.column_stack(shares).tolist()]
