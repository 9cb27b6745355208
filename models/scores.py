"""From log-odds to what a score says: probability, label, decision, status; as columns and as records."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from .artifact import Model
from .calibration import log_sigmoid, probabilities

__all__ = ["described", "fraud_probability", "split_records"]

Array = npt.NDArray[Any]


def described(model: Model, odds: Array, why: Array, known: Array | None = None) -> dict[str, Array]:
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
    fraud = fraud_probability(odds, model.classes, model.legitimate)
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
    for point in sorted(model.points, key=lambda point: point.threshold):
        reached[fraud >= point.threshold] = point.false_positive_rate
    return reached


def split_records(model: Model, columns: dict[str, Array]) -> list[dict[str, Any]]:
    """Turn the columns of a score into one score a record, in values that JSON can hold.

    Parameters
    ----------
    model : Model
        The model.
    columns : dict of str to ndarray, each of shape (n_records,)
        From `described`.

    Returns
    -------
    list of dict, length n_records
        As from `Scorer.score`.
    """
    by = {"name": model.name, "digest": model.digest}
    by_class = {f"probability__{name}": name for name in model.classes}
    classes = [(name, columns[column]) for column, name in by_class.items()]
    others = [(name, values) for name, values in columns.items() if name not in by_class]
    scores = []
    for i in range(len(columns["why"])):
        score = {name: _plain(values[i]) for name, values in others}
        score["probabilities"] = {name: _plain(values[i]) for name, values in classes}
        scores.append(score | {"model": by})
    return scores


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


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: None for NaN."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if cast(bool, value != value) else value
