"""The claims of a lead about its scores: how strongly they support fraud, and how often the model errs."""

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.evidence.records import software
from fraudsieve.models.artifact.folder import LIBRARIES, Model
from fraudsieve.models.likelihood_ratios import describe_strength, log10_likelihood_ratio, rate_bounds

CLAIM: Final = (
    "A statistical model flagged these actions. A likelihood ratio says how much more probable such a score is for a "
    "fraudulent record than for a legitimate one. It is not the probability that a record is fraudulent, and says "
    "nothing about the guilt of a person. The ratios of several actions are not independent: do not multiply them. "
    "Only the sender can resolve the pseudonyms."
)
"""The statement that every lead contains."""
CONFIDENCE: Final = 0.95
DIGITS: Final = 10.0
"""Ratios are given in tenths of a power of ten, rounded towards 0: finer ones would claim too much."""


def strength_of_actions(members: pd.DataFrame, model: Model | None) -> list[float] | None:
    """Return log10 of the likelihood ratio of every action, within the bounds that the model's calibration supports.

    Returns None without a model, if the model has no bounds, or if it did not score every action: an action has no
    probability, or is a record of another subject.
    """
    support = model.ratio_support if model is not None and scores_all(model, members) else None
    if support is None or "probability" not in members or members["probability"].isna().any():
        return None
    probability = members["probability"].to_numpy(np.float64)
    bounds = (support.log10_low, support.log10_high)
    ratios: Array = log10_likelihood_ratio(probability, support.fraud_share, bounds)
    return [math.trunc(round(ratio * DIGITS, 9)) / DIGITS + 0.0 for ratio in ratios.tolist()]


def scores_all(model: Model, members: pd.DataFrame) -> bool:
    """Return whether all actions are records of the subject that a model scores."""
    return "subject" not in members or bool(members["subject"].eq(model.subject).all())


def summarise_strength(ratios: list[float] | None, model: Model | None) -> dict[str, Any] | None:
    """Return the range of the ratios in words and numbers, their bounds, and the counts behind the bounds.

    Returns None without ratios.
    """
    if ratios is None or model is None or model.ratio_support is None:
        return None
    support, lowest, highest = model.ratio_support, min(ratios), max(ratios)
    return {
        "scale": "ENFSI guideline for evaluative reporting, 2015",
        "lowest": {"log10_lr": lowest, "words": describe_strength(lowest)},
        "highest": {"log10_lr": highest, "words": describe_strength(highest)},
        "log10_bounds": [_rounded(support.log10_low), _rounded(support.log10_high)],
        "bounded_by": "ELUB, Vergeer et al. 2016",
        "frauds": support.frauds,
        "legitimate": support.legitimate,
    }


def error_rates(members: pd.DataFrame, model: Model | None) -> dict[str, Any] | None:
    """Return the error rates at the operating point that flagged the actions, with intervals.

    The intervals count campaigns or accounts, because the rows of one of them are not independent.

    Returns None without a model or rates, if the model scores another subject than that of an action, or if the
    operating point does not flag all actions.
    """
    if (
        model is None
        or not scores_all(model, members)
        or not model.points
        or model.ratio_support is None
        or "probability" not in members
    ):
        return None
    point, support = model.points[0], model.ratio_support
    flags_all = bool((members["probability"] >= point.threshold).all())
    if not flags_all or point.false_positive_rate is None or point.recall is None:
        return None
    return {
        "operating_point": point.name,
        "confidence": CONFIDENCE,
        "false_positive_rate": _with_interval(point.false_positive_rate, support.legitimate_groups),
        "recall": _with_interval(point.recall, support.fraud_groups),
        "promised_false_positive_rate": point.max_false_positive_rate,
        "of": "calibration slice",
    }


def _with_interval(rate: float, n: int) -> dict[str, Any]:
    low, high = rate_bounds(rate, n, CONFIDENCE)
    return {"rate": _rounded(rate, 6), "low": _rounded(low, 6), "high": _rounded(high, 6), "groups": n}


def _rounded(number: float, digits: int = 3) -> float:
    return round(float(number), digits) + 0.0  # no -0.0


def describe_model(model: Model | None) -> dict[str, str] | None:
    """Return the name and digest of a model, and the version of fraudsieve in use."""
    if model is None:
        return None
    return {"name": model.name, "digest": model.digest, LIBRARIES[0]: software()[LIBRARIES[0]]}
