"""The part of a monitor's sheet on distributions: of features, column by column and by family, and of scores."""

from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model

from .drift import Drift, drift
from .scored_table import Stream, categories_of

__all__ = ["moved_columns", "moved_scores"]


SCORES = 2
"""The probability and the types are compared too, beside the columns."""
CURVE = np.concatenate([np.linspace(0, 0.2, 81)[1:], np.linspace(0.2, 1, 41)[1:]])
"""Shares of the reference at which the curve of alerts is read."""


def moved_columns(model: Model, before: Stream, after: Stream, compared: Array) -> dict[str, Any]:
    """Compare the features, column by column and by family.

    Parameters
    ----------
    model : Model
        The model.
    before, after : Stream
        The reference and the current records.
    compared : ndarray of bool, shape (n_columns,)
        Which columns.

    Returns
    -------
    dict
        ``families``: ``family``, ``columns`` (how many), ``worst`` (of ``columns``) and ``mean``; ``columns``:
        ``column``, ``family``, the figures of `Drift`, and the ``mean`` and share of ``missing`` values of both. Those
        that moved most come first.
    """
    places = np.flatnonzero(compared)
    if not len(places):
        return {"families": [], "columns": []}
    coded = categories_of(model)[places]
    reference, current = before.rows[:, places], after.rows[:, places]
    together = before.clusters, after.clusters
    found = drift(reference, current, categorical=coded, clusters=together, n_compared=len(places) + SCORES)
    means = [_means(rows, coded) for rows in (reference, current)]
    columns: list[dict[str, Any]] = [
        {"column": model.matrix.columns[place], "family": model.cues[place][0]}
        | _figures(found, i)
        | {"mean": {"reference": means[0][i], "current": means[1][i]}}
        | {"missing": {"reference": _share_nan(reference[:, i]), "current": _share_nan(current[:, i])}}
        for i, place in enumerate(places)
    ]
    columns.sort(key=_rank, reverse=True)
    families = dict.fromkeys(column["family"] for column in columns)
    return {"families": [_family(name, columns) for name in families], "columns": columns}


def _rank(column: dict[str, Any]) -> tuple[bool, float]:
    """Order columns: first those that moved more than chance explains."""
    return column["clear"], column["excess"]


def _family(name: str, columns: list[dict[str, Any]]) -> dict[str, Any]:
    members = [column for column in columns if column["family"] == name]
    means = {figure: float(np.mean([one[figure] for one in members])) for figure in ("psi", "expected", "js")}
    return {"family": name, "columns": len(members), "worst": members[0], "mean": means}


def _figures(found: Drift, place: int) -> dict[str, Any]:
    names = ("psi", "expected", "excess", "chance", "js")
    return {name: float(getattr(found, name)[place]) for name in names} | {"clear": bool(found.clear[place])}


def _means(rows: Array, coded: Array) -> list[float | None]:
    """Return the mean of every column of numbers, where it has any."""
    known = (~np.isnan(rows)).sum(axis=0)
    means = np.nansum(rows, axis=0) / np.maximum(known, 1)
    return [float(mean) if n and not words else None for mean, n, words in zip(means, known, coded, strict=True)]


def _share_nan(values: Array) -> float:
    return float(np.isnan(values).mean())


def moved_scores(model: Model, before: Stream, after: Stream, *, n_columns: int) -> dict[str, Any]:
    """Compare the probability of fraud, and the likeliest types.

    Parameters
    ----------
    model : Model
        The model.
    before, after : Stream
        The reference and the current records.
    n_columns : int
        How many columns are compared beside.

    Returns
    -------
    dict
        ``types``: the figures of `Drift` and the ``shares`` of every class; where there is a legitimate class also
        ``probability``: the figures, the ``mean`` of both, and the ``curve`` (pairs of shares that a threshold flags).
    """
    settings: dict[str, Any] = {"clusters": (before.clusters, after.clusters), "n_compared": n_columns + SCORES}
    codes = {name: code for code, name in enumerate(model.classes)}
    types = [np.array([[codes[name]] for name in one.scores["label"]], np.float64) for one in (before, after)]
    moved = drift(*types, categorical=np.array([True]), **settings)
    shares = [np.bincount(one[:, 0].astype(np.int64), minlength=len(codes)) / len(one) for one in types]
    named = {
        name: {"reference": float(shares[0][code]), "current": float(shares[1][code])} for name, code in codes.items()
    }
    found: dict[str, Any] = {"types": _figures(moved, 0) | {"shares": named}}
    if model.legitimate is not None:
        both = [one.scores["probability"][:, None] for one in (before, after)]
        moved = drift(*both, **settings)
        means = {"reference": float(both[0].mean()), "current": float(both[1].mean())}
        found["probability"] = _figures(moved, 0) | {"mean": means, "curve": _curve(*(one[:, 0] for one in both))}
    return found


def _curve(reference: Array, current: Array) -> list[list[float]]:
    """Return which share of the current records a threshold flags that flags some share of the reference."""
    thresholds = np.unique(np.quantile(reference, 1 - CURVE, method="inverted_cdf"))[::-1]
    shares = [1 - np.searchsorted(np.sort(one), thresholds) / len(one) for one in (reference, current)]
    return [[0.0, float((current > reference.max()).mean())], *np.column_stack(shares).tolist()]
