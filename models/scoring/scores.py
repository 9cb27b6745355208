"""From log-odds to scores (probability, label, decision, status), as columns and as records."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import log_sigmoid, probabilities
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.policy import Policy

Score: TypeAlias = dict[str, Any]


def to_columns(
    model: Model,
    odds: Array,
    why: Array,
    has_history: Array | None = None,
    unlike: Array | None = None,
    policy: Policy | None = None,
    codes: Array | None = None,
) -> dict[str, Array]:
    """Turn calibrated log-odds into the columns of `Scorer.score_columns`.

    `why` is None where a record can be scored. `has_history` says whether the account has an event, and `unlike` comes
    from `unlike_shares`; both are None if they are not known. Without the `deciding_codes` the first point decides all.
    """
    unlike = np.full(len(odds), np.nan) if unlike is None else unlike
    scored = why == None  # noqa: E711 - compares every element
    classes = probabilities(odds)
    label = np.full(len(odds), None, object)
    label[scored] = np.array(model.classes, object)[classes[scored].argmax(axis=1)]
    fraud = _fraud(model, odds)
    decision = np.full(len(odds), None, object)
    sources = model.source_thresholds
    if model.points:
        limits = model.points[0].threshold if sources is None or codes is None else sources.thresholds[codes]
        decision[scored] = np.where((fraud >= limits)[scored], "flag", "pass")
        decision[unlike >= _flag_limit(model, policy)] = "flag"
    status = np.where(scored, "ok", "unscorable").astype(object)
    if has_history is not None:
        status[scored & ~has_history] = "no_history"
    columns = {
        "probability": fraud,
        "label": label,
        "decision": decision,
        "false_positive_rate": _reached(model, fraud),
        "status": status,
        "why": why,
        "unlike_training": unlike,
    }
    if sources is not None and codes is not None:
        columns["threshold_of"] = sources.values[codes]
        columns["threshold_of"][~scored] = None
    return columns | {f"probability__{name}": classes[:, k] for k, name in enumerate(model.classes)}


def deciding_codes(model: Model, X: Array) -> Array | None:
    """Return which of `Model.source_thresholds` decides each feature row; None if the first point decides all."""
    if model.source_thresholds is None:
        return None
    codes = X[:, model.source_thresholds.column]
    return np.where(codes >= 0, codes, -1).astype(np.int64)


def deciding_thresholds(model: Model, X: Array) -> Array | float:
    """Return the threshold that decides each feature row, or all of them; .5 without an operating point."""
    codes, sources = deciding_codes(model, X), model.source_thresholds
    if sources is None or codes is None:
        return model.points[0].threshold if model.points else 0.5
    return np.asarray(sources.thresholds[codes])


def _reached(model: Model, fraud: Array) -> Array:
    """Return the false positive rate of the strictest operating point that each score reaches, else NaN."""
    reached = np.full(len(fraud), np.nan)
    for point in sorted(model.points, key=_threshold):
        rate = point.false_positive_rate
        reached[fraud >= point.threshold] = np.nan if rate is None else rate
    return reached


def _flag_limit(model: Model, policy: Policy | None) -> float:
    """Return the share from which records are flagged whatever their probability; infinite if none are."""
    policy = model.policy if policy is None else policy
    return policy.unlike_training_limit if policy.unlike_training == "flag" else math.inf


def to_records(
    model: Model,
    odds: Array,
    why: Array,
    has_history: Array | None = None,
    unlike: Array | None = None,
    policy: Policy | None = None,
    codes: Array | None = None,
) -> list[Score]:
    """Turn calibrated log-odds into the records of `Scorer.score`, in plain JSON types.

    They equal the rows of `to_columns`. For a single record, plain Python is faster than NumPy.
    """
    identity = {"name": model.name, "digest": model.digest}
    points = sorted(model.points, key=_threshold)
    shares = probabilities(odds).tolist()
    fraud = [None] * len(odds) if model.legitimate is None else _fraud(model, odds).tolist()
    cold_starts = [False] * len(odds) if has_history is None else (~has_history).tolist()
    unlike_values = [None] * len(odds) if unlike is None or model.unlike is None else unlike.tolist()
    flag_limit = _flag_limit(model, policy)
    scores = []
    limits = [model.points[0].threshold if model.points else math.nan] * len(odds)
    sources, values = model.source_thresholds, [None] * len(odds)
    if sources is not None and codes is not None:
        limits, values = sources.thresholds[codes].tolist(), sources.values[codes].tolist()
    rows = zip(shares, fraud, why.tolist(), cold_starts, unlike_values, limits, values, strict=True)
    for row, probability, reason, is_cold, unfamiliar, limit, value in rows:
        of_source = {} if sources is None else {"threshold_of": value if reason is None else None}
        if reason is not None:
            unfamiliar = None if unfamiliar is None or math.isnan(unfamiliar) else unfamiliar
            scores.append(_unscorable(model.classes, reason, unfamiliar) | {"model": identity, **of_source})
            continue
        reached = [point for point in points if probability is not None and probability >= point.threshold]
        score = {
            "probability": probability,
            "label": model.classes[row.index(max(row))],
            "decision": _decision(model, probability, limit, unfamiliar is not None and unfamiliar >= flag_limit),
            "false_positive_rate": reached[-1].false_positive_rate if reached else None,
            "status": "no_history" if is_cold else "ok",
            "why": None,
            "unlike_training": unfamiliar,
            "probabilities": dict(zip(model.classes, row, strict=True)),
            "model": identity,
            **of_source,
        }
        scores.append(score)
    return scores


def _decision(model: Model, probability: float | None, threshold: float, flagged: bool) -> str | None:
    if not model.points:
        return None
    reached = probability is not None and probability >= threshold
    return "flag" if flagged or reached else "pass"


def _unscorable(classes: Sequence[str], why: str, unlike: float | None) -> Score:
    names = ("probability", "label", "decision", "false_positive_rate")
    known = {"status": "unscorable", "why": why, "unlike_training": unlike}
    return dict.fromkeys(names) | known | {"probabilities": dict.fromkeys(classes)}


def _threshold(point: OperatingPoint) -> float:
    return point.threshold


def _fraud(model: Model, odds: Array) -> Array:
    return fraud_probability(odds, model.classes, model.legitimate)


def fraud_probability(log_odds: Array, classes: Sequence[str], legitimate: str | None) -> Array:
    """Return the probability that a record is fraud of any type.

    Parameters
    ----------
    log_odds : ndarray, shape (n_rows, n_outputs)
        One output for two classes, one per class for more.
    classes : sequence of str
        The classes, sorted.
    legitimate : str or None
        The class that is not a crime.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN if there is no legitimate class.

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
    return np.asarray(np.minimum(crimes.sum(axis=1), 1.0))  # rounding can make the sum larger than one
