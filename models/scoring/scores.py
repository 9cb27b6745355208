"""From log-odds to what a score says: probability, label, decision, status; as columns and as records."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import log_sigmoid, probabilities
from fraudsieve.models.thresholds import OperatingPoint

__all__ = ["fraud_probability", "to_columns", "to_records"]

Score: TypeAlias = dict[str, Any]


def to_columns(model: Model, odds: Array, why: Array, known: Array | None = None) -> dict[str, Array]:
    """Turn log-odds into the columns of a score.

    Parameters
    ----------
    model : Model
        The model.
    odds : ndarray of float64, shape (n_records, n_outputs)
        Calibrated log-odds; NaN where a record is unscorable.
    why : ndarray of object, shape (n_records,)
        What is wrong with a record, None where nothing is.
    known : ndarray of bool, shape (n_records,), default=None
        Whether any event of the account was known; None where that is not told.

    Returns
    -------
    dict of str to ndarray, each of shape (n_records,)
        As from `Scorer.score_columns`.
    """
    scored = why == None  # noqa: E711 - compares every element
    classes = probabilities(odds)
    label = np.full(len(odds), None, object)
    label[scored] = np.array(model.classes, object)[classes[scored].argmax(axis=1)]
    fraud = _fraud(model, odds)
    decision = np.full(len(odds), None, object)
    if model.points:
        decision[scored] = np.where(fraud[scored] >= model.points[0].threshold, "flag", "pass")
    status = np.where(scored, "ok", "unscorable").astype(object)
    if known is not None:
        status[scored & ~known] = "no_history"
    columns = {
        "probability": fraud,
        "label": label,
        "decision": decision,
        "false_positive_rate": _reached(model, fraud),
        "status": status,
        "why": why,
    }
    return columns | {f"probability__{name}": classes[:, k] for k, name in enumerate(model.classes)}


def _reached(model: Model, fraud: Array) -> Array:
    """Return the false-positive rate of the strictest operating point that each score reaches, else NaN."""
    reached = np.full(len(fraud), np.nan)
    for point in sorted(model.points, key=_threshold):
        reached[fraud >= point.threshold] = point.false_positive_rate
    return reached


def to_records(model: Model, odds: Array, why: Array, known: Array | None = None) -> list[Score]:
    """Turn log-odds into one score a record, in values that JSON can hold: what `to_columns` says, row by row.

    For a single record all that NumPy would set up takes longer than to go through the values.

    Parameters
    ----------
    model, odds, why, known
        As for `to_columns`.

    Returns
    -------
    list of dict, length n_records
        As from `Scorer.score`.
    """
    by = {"name": model.name, "digest": model.digest}
    points = sorted(model.points, key=_threshold)
    shares = probabilities(odds).tolist()
    fraud = [None] * len(odds) if model.legitimate is None else _fraud(model, odds).tolist()
    unknown = [False] * len(odds) if known is None else (~known).tolist()
    scores = []
    for row, probability, reason, new in zip(shares, fraud, why.tolist(), unknown, strict=True):
        if reason is not None:
            scores.append(_unscorable(model.classes, reason) | {"model": by})
            continue
        reached = [point for point in points if probability is not None and probability >= point.threshold]
        score = {
            "probability": probability,
            "label": model.classes[row.index(max(row))],
            "decision": _decision(model, probability),
            "false_positive_rate": reached[-1].false_positive_rate if reached else None,
            "status": "no_history" if new else "ok",
            "why": None,
            "probabilities": dict(zip(model.classes, row, strict=True)),
            "model": by,
        }
        scores.append(score)
    return scores


def _decision(model: Model, probability: float | None) -> str | None:
    if not model.points:
        return None
    return "flag" if probability is not None and probability >= model.points[0].threshold else "pass"


def _unscorable(classes: Sequence[str], why: str) -> Score:
    names = ("probability", "label", "decision", "false_positive_rate")
    return dict.fromkeys(names) | {"status": "unscorable", "why": why, "probabilities": dict.fromkeys(classes)}


def _threshold(point: OperatingPoint) -> float:
    return point.threshold


def _fraud(model: Model, odds: Array) -> Array:
    return fraud_probability(odds, model.classes, model.legitimate)


def fraud_probability(log_odds: Array, classes: Sequence[str], legitimate: str | None) -> Array:
    """Return the probability that a record is any crime.

    Parameters
    ----------
    log_odds : ndarray, shape (n_rows, n_outputs)
        One output for two classes, one a class for more.
    classes : sequence of str
        The classes, sorted.
    legitimate : str or None
        The class that is no crime.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN when there is no legitimate class.

    Examples
    --------
    >>> fraud_probability(np.array([[0.0, 0.0, 0.0]]), ["ham", "scam", "spam"], "ham").round(3).tolist()
    [0.667]
    """
    if legitimate is None:
        return np.full(len(log_odds), np.nan)
    clean = list(classes).index(legitimate)
    if len(classes) == 2:
        return np.exp(log_sigmoid(log_odds[:, 0] if clean == 0 else -log_odds[:, 0]))
    crimes = np.delete(probabilities(log_odds), clean, axis=1)
    return np.asarray(np.minimum(crimes.sum(axis=1), 1.0))  # a sum of shares may be one and a last bit
