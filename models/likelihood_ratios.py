"""The strength of a score as evidence: the likelihood ratio, its bounds, and the words of the ENFSI guideline.

A likelihood ratio says how much more probable a score is for a fraudulent record than for a legitimate one. It is not
the probability that the record is fraudulent, which also depends on how frequent fraud is.
"""

from typing import Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.points import RatioSupport

WORDS: Final = (
    (np.log10(2), "no support for either"),
    (1.0, "weak support"),
    (2.0, "moderate support"),
    (3.0, "moderately strong support"),
    (4.0, "strong support"),
    (6.0, "very strong support"),
    (np.inf, "extremely strong support"),
)
"""Upper limit, as log10 of the likelihood ratio, of each expression."""


def log10_likelihood_ratio(probability: Array, share: float, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Array:
    """Return the likelihood ratio of calibrated probabilities: their odds over those of the calibration slice."""
    with np.errstate(divide="ignore"):
        odds = np.log10(probability) - np.log1p(-probability) / np.log(10)
    return np.asarray(np.clip(odds - np.log10(share / (1 - share)), *bounds))


def log10_ratio_bounds(log10_ratio: Array, is_fraud: Array) -> tuple[float, float]:
    """Return the empirical lower and upper bound (ELUB) of likelihood ratios that the number of rows supports.

    Vergeer et al., Numerical likelihood ratios outputted by LR systems are often based on extrapolation: when to stop
    extrapolating?, Science and Justice 56 (2016). One more misleading row of each kind is assumed. Beyond a bound,
    decisions by the ratio would then cost more than decisions without it.
    """
    ratio = np.asarray(log10_ratio, np.float64)
    low = -_upper_bound(-ratio[~is_fraud], -ratio[is_fraud])
    return min(low, 0.0), max(_upper_bound(ratio[is_fraud], ratio[~is_fraud]), 0.0)


def _upper_bound(supported: Array, other: Array) -> float:
    """Return the least threshold, at least 0, from which acting on the ratio costs more than never acting on it.

    Between two ratios the rates of errors are constant, so that the threshold of equal cost is known exactly.
    """
    starts = np.unique(np.concatenate([[0.0], supported, other]))
    starts = starts[starts >= 0]
    missed = (np.searchsorted(np.sort(supported), starts, side="right") + 1) / (len(supported) + 1)
    misled = (len(other) - np.searchsorted(np.sort(other), starts, side="right") + 1) / (len(other) + 1)
    with np.errstate(divide="ignore"):
        equal = np.maximum(np.log10(np.maximum(1 - missed, 0.0)) - np.log10(misled), starts)
    ends = np.append(starts[1:], np.inf)
    return float(equal[equal < ends].min(initial=np.inf))


def support_of(probability: Array, is_fraud: Array, groups: Array) -> RatioSupport | None:
    """Return the bounds of likelihood ratios that a calibration slice supports."""
    is_fraud = np.asarray(is_fraud, np.bool_)
    if is_fraud.all() or not is_fraud.any():
        return None
    share = float(is_fraud.mean())
    low, high = log10_ratio_bounds(log10_likelihood_ratio(probability, share), is_fraud)
    rows, sizes = [], []
    for kind in (is_fraud, ~is_fraud):
        rows.append(int(kind.sum()))
        sizes.append(len(np.unique(groups[kind])))
    return RatioSupport(float(low), float(high), share, *rows, *sizes)


def describe_strength(log10_ratio: float) -> str:
    """Return the verbal equivalent of a likelihood ratio in the ENFSI guideline for evaluative reporting (2015)."""
    size = abs(log10_ratio)
    words = next(words for limit, words in WORDS if size < limit or limit == np.inf)
    if words == WORDS[0][1]:
        return words
    return f"{words} for {'fraud' if log10_ratio > 0 else 'a legitimate record'}"
