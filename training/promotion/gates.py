"""What a challenger is held to before it becomes champion."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fraudsieve.training.recipe.sections import GateRecipe

__all__ = ["Gate", "judge"]

Comparison = Mapping[str, Any]

ROUNDING = 1e-9
"""What is lost in the last digits is not lost."""


@dataclass(frozen=True)
class Gate:
    """One thing that a challenger is held to.

    Parameters
    ----------
    name : str
        What is looked at.
    value : float or None
        What was measured; None where nothing could be, and then the gate is not passed.
    bound : float
        What it is held to.
    passed : bool
        Whether the challenger may pass.
    reason : str
        A sentence that says why, with the figures.
    """

    name: str
    value: float | None
    bound: float
    passed: bool
    reason: str


def judge(comparison: Comparison, gates: GateRecipe | None = None) -> tuple[Gate, ...]:
    """Hold a challenger to the gates.

    Parameters
    ----------
    comparison : mapping
        As from `compare_models`.
    gates : GateRecipe, default=None
        The bounds; None for the defaults.

    Returns
    -------
    tuple of Gate
        ``average_precision``, ``calibration_error``, ``observed_over_expected`` and ``latency``; beside a champion also
        ``recall_at_capacity``, ``calibration_loss``, ``latency_ratio`` and, where there was an attack, ``attack``.
        Without a champion the average precision is held against chance.

    Examples
    --------
    >>> pair = {"champion": 0.5, "challenger": 0.6, "difference": 0.1, "interval": [-0.1, 0.2]}
    >>> time = {"challenger": {"p99_ms": 1.0}, "champion": None}
    >>> figures = dict.fromkeys(("average_precision", "ece", "observed_over_expected"), pair)
    >>> found = judge({"champion": None, "figures": figures, "latency": time, "attack": None})
    >>> found[0].name, found[0].passed, found[-1].reason
    ('average_precision', False, 'One record takes 1.0 ms (p99); at most 25.0 ms is allowed.')
    """
    bounds = GateRecipe() if gates is None else gates
    figures, first = comparison["figures"], comparison["champion"] is None
    found = [_average_precision(figures["average_precision"], bounds, "chance" if first else "the champion")]
    found += [] if first else [_recall_at_capacity(figures["recall_at_capacity"], comparison["frauds"], bounds)]
    found += _calibration(figures, bounds, first)
    found += [] if first or comparison["attack"] is None else [_attack(comparison["attack"], bounds)]
    return (*found, *_latency(comparison["latency"], bounds))


def _average_precision(pair: Mapping[str, Any], bounds: GateRecipe, peer: str) -> Gate:
    name, bound, between = "average_precision", bounds.gain, pair["interval"]
    if between is None:
        reason = "Average precision: no interval can be drawn. Compare on more campaigns or accounts that have fraud."
        return Gate(name, None, bound, False, reason)
    passed = between[0] > bound
    reason = (
        f"Average precision is {pair['challenger']:.3f}, that of {peer} {pair['champion']:.3f}: the difference of "
        f"{pair['difference']:+.3f} is surely between {between[0]:+.3f} and {between[1]:+.3f}, "
        f"{'all' if passed else 'not all'} above {bound:+.3f}."
    )
    return Gate(name, between[0], bound, passed, reason)


def _recall_at_capacity(pair: Mapping[str, Any], frauds: int, bounds: GateRecipe) -> Gate:
    name, bound = "recall_at_capacity", bounds.recall_loss
    if pair["difference"] is None:
        reason = "Recall at the review capacity: alerts a day are given, and the records have no times. Give times."
        return Gate(name, None, bound, False, reason)
    found = pair["champion"] * frauds
    loss = -pair["difference"] / pair["champion"] if found > 0 else 0.0
    bound = max(bound, 1 / found) if found > 0 else bound  # one alert more or less is no loss
    reason = (
        f"Recall at the review capacity is {pair['challenger']:.3f}, the champion's {pair['champion']:.3f}: "
        f"{max(0.0, loss):.1%} is lost, {bound:.1%} may be."
    )
    return Gate(name, loss, bound, loss <= bound + ROUNDING, reason)


def _calibration(figures: Mapping[str, Any], bounds: GateRecipe, first: bool) -> Iterator[Gate]:
    error, bound = figures["ece"], bounds.calibration_error
    reason = f"The calibration error (ECE) is {error['challenger']:.3f}; at most {bound:.3f} is allowed."
    yield Gate("calibration_error", error["challenger"], bound, error["challenger"] <= bound, reason)
    if not first:
        loss, bound = error["difference"], bounds.calibration_loss
        reason = (
            f"The calibration error (ECE) is {error['challenger']:.3f}, the champion's {error['champion']:.3f}: "
            f"{loss:+.3f}, where {bound:+.3f} is allowed."
        )
        yield Gate("calibration_loss", loss, bound, loss <= bound, reason)
    ratio, bound = figures["observed_over_expected"]["challenger"], bounds.observed_over_expected
    passed = ratio is not None and 1 / bound <= ratio <= bound
    said = "nothing" if ratio is None else f"{ratio:.2f} times"
    reason = f"There is {said} as much fraud as the probabilities say; {1 / bound:.2f} to {bound:.2f} times is allowed."
    yield Gate("observed_over_expected", ratio, bound, passed, reason)


def _attack(attack: Mapping[str, Any], bounds: GateRecipe) -> Gate:
    name, bound, was, now = "attack", bounds.attack_loss, attack["champion"], attack["challenger"]
    if was is None or now is None:
        reason = "Under attack: no fraud is found even without an obfuscation, and so none that could be kept."
        return Gate(name, None, bound, False, reason)
    reason = (
        f"Under attack at {attack['strength']} strength {now:.1%} of the recall is kept, by the champion {was:.1%}: "
        f"{max(0.0, was - now):.1%} is lost, {bound:.1%} may be."
    )
    return Gate(name, was - now, bound, was - now <= bound, reason)


def _latency(latency: Mapping[str, Any], bounds: GateRecipe) -> Iterator[Gate]:
    now, bound = latency["challenger"]["p99_ms"], bounds.latency_ms
    reason = f"One record takes {now:.1f} ms (p99); at most {bound:.1f} ms is allowed."
    if latency["champion"] is not None:
        was, most = latency["champion"]["p99_ms"], bounds.latency_ratio
        told = f"One record takes {now:.2f} ms (p99), with the champion {was:.2f} ms: {now / was:.2f} times as long, "
        told += f"where {most:.2f} times is allowed."
        yield Gate("latency_ratio", now / was, most, now / was <= most, told)
    yield Gate("latency", now, bound, now <= bound, reason)
