"""Gates: conditions that a challenger must meet to become champion."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fraudsieve.models.guarantees import upper_rate
from fraudsieve.pages.words import format_number
from fraudsieve.training.evaluation.label_delays import LabelSelection
from fraudsieve.training.recipe.sections import GateRecipe

from .model_comparison import AttackedPair, Latency, ModelComparison, Overturned, Pair, Sides

ROUNDING = 1e-9
"""Differences below this are rounding errors."""
CHANCE = " Chance explains it: the interval of the difference from the champion includes 0."
"""What the reason of a gate that a refresh passes nevertheless adds."""


@dataclass(frozen=True)
class Gate:
    """One condition, and whether the challenger meets it.

    Parameters
    ----------
    name : str
        Name of the condition.
    value : float or None
        The measured value; None if it could not be measured, and then the gate is not passed.
    bound : float
        The bound of the value.
    passed : bool
        Whether the challenger meets the condition.
    reason : str
        A sentence with the value and the bound.
    """

    name: str
    value: float | None
    bound: float
    passed: bool
    reason: str


def apply_gates(comparison: ModelComparison, gates: GateRecipe | None = None) -> tuple[Gate, ...]:
    """Apply the gates to a comparison.

    Without a champion, the average precision is compared with the base rate. A refresh need not gain. It is as good as
    the champion, but would exceed some other limit by chance: so these refuse it only if the interval of the difference
    shows a loss. Metrics under attack have no interval, and wider limits instead. Its time is not compared with the
    champion's.
    """
    bounds = GateRecipe() if gates is None else gates
    figures, first, refresh = comparison.figures, comparison.champion is None, comparison.refresh
    precision = figures["average_precision"]
    results = [
        _precision_of_refresh(precision, bounds)
        if refresh
        else _average_precision(precision, bounds, "chance" if first else "the champion")
    ]
    results += [] if first else [_recall_at_capacity(figures["recall_at_capacity"], comparison, bounds)]
    results += _recall_floor(comparison, bounds)
    results += [] if comparison.overturned is None else [overturned_gate(comparison.overturned, bounds)]
    results += _calibration(figures, bounds, first=first, refresh=refresh)
    times = bounds.refresh_attack if refresh else 1.0
    results += [] if first or comparison.attack is None else [*_attack(comparison.attack, bounds, times)]
    results += [] if comparison.label_selection is None else [_label_selection(comparison.label_selection, bounds)]
    return (*results, *_latency(comparison.latency, bounds, refresh=refresh))


def _average_precision(pair: Pair, bounds: GateRecipe, peer: str) -> Gate:
    name, bound, interval = "average_precision", bounds.gain, pair.interval
    if interval is None:
        reason = "Average precision: no interval can be drawn. Compare on more campaigns or accounts that have fraud."
        return Gate(name, None, bound, False, reason)
    passed = interval[0] > bound
    reason = (
        f"Average precision is {pair.challenger:.3f}, that of {peer} {pair.champion:.3f}: the interval of the "
        f"difference of {pair.difference:+.3f} is {interval[0]:+.3f} to {interval[1]:+.3f}, "
        f"{'all' if passed else 'not all'} above {bound:+.3f}."
    )
    return Gate(name, interval[0], bound, passed, reason)


def _precision_of_refresh(pair: Pair, bounds: GateRecipe) -> Gate:
    name, low, interval = "average_precision", -bounds.refresh_drop, pair.interval
    difference = pair.difference
    assert difference is not None  # there is a champion, and fraud
    lost = interval is not None and interval[1] < -bounds.refresh_loss
    between = "" if interval is None else f", with an interval of {interval[0]:+.3f} to {interval[1]:+.3f}"
    reason = (
        f"Average precision is {pair.challenger:.3f}, that of the champion {pair.champion:.3f}: a difference of "
        f"{difference:+.3f}{between}; a refresh may lose {-low:.3f}, and its interval must reach "
        f"{-bounds.refresh_loss:+.3f}."
    )
    return Gate(name, difference, low, difference >= low - ROUNDING and not lost, reason)


def _by_chance(pair: Pair, *, higher_is_worse: bool) -> bool:
    """Return whether chance explains a loss: the interval of the difference also has values that are no loss."""
    interval = pair.interval
    return interval is not None and (interval[0] <= 0 if higher_is_worse else interval[1] >= 0)


def _recall_at_capacity(pair: Pair, comparison: ModelComparison, bounds: GateRecipe) -> Gate:
    name, bound, capacity = "recall_at_capacity", bounds.recall_loss, comparison.capacity
    old, new = pair.champion, pair.challenger
    if capacity is None or old is None or new is None:
        reason = "Recall at the review capacity: alerts per day are given, but the records have no times. Add times."
        return Gate(name, None, bound, False, reason)
    caught = old * comparison.frauds
    loss = (old - new) / old if caught > 0 else 0.0
    bound = max(bound, 1 / caught) if caught > 0 else bound  # a difference of one alert is not a loss
    reason = (
        f"Recall at the review capacity of {format_number(capacity.alerts)} alerts ({capacity.why}) is "
        f"{new:.3f}, the champion's {old:.3f}: a loss of {max(0.0, loss):.1%}; "
        f"at most {bound:.1%} is allowed."
    )
    passed = loss <= bound + ROUNDING
    return _excused(
        Gate(name, loss, bound, passed, reason), comparison.refresh and _by_chance(pair, higher_is_worse=False)
    )


def _recall_floor(comparison: ModelComparison, bounds: GateRecipe) -> Iterator[Gate]:
    """Yield the gate that the champion has no part in: a model that finds nothing is not as good as another one."""
    recall, capacity = comparison.figures["recall_at_capacity"].challenger, comparison.capacity
    if capacity is None or recall is None:
        return
    stood_for = comparison.frauds if comparison.weights is None else comparison.weights.frauds
    found, findable = round(recall * comparison.frauds), min(capacity.alerts / stood_for, 1.0) * comparison.frauds
    reason = (
        f"{found:,} of {comparison.frauds:,} frauds are found at the review capacity, where {findable:,.0f} can be; "
    )
    reason += f"at least {bounds.recall_floor:.1%} of these are required."
    passed = upper_rate(found, findable) >= bounds.recall_floor
    yield Gate("recall_floor", found / findable, bounds.recall_floor, passed, reason)


def overturned_gate(overturned: Overturned, bounds: GateRecipe) -> Gate:
    """Return the gate for labels that make frauds legitimate which the champion knew: one wrong source is enough."""
    source, n = next(iter(overturned.by_source.items()), ("no source", 0))
    share, bound = n / overturned.known, max(bounds.overturned, 1 / overturned.known)
    reason = (
        f"Labels of the source that overturns most ({source}) make {n:,} of {overturned.known:,} frauds known to the "
        f"champion legitimate: {share:.1%}; at most {bound:.1%} is allowed."
    )
    return Gate("overturned", share, bound, share <= bound, reason)


def _excused(gate: Gate, by_chance: bool) -> Gate:
    """Return a gate as passed if chance explains that it was not."""
    return replace(gate, passed=True, reason=gate.reason + CHANCE) if by_chance and not gate.passed else gate


def _calibration(figures: Mapping[str, Pair], bounds: GateRecipe, *, first: bool, refresh: bool) -> Iterator[Gate]:
    error, bound = figures["ece"], bounds.calibration_error
    old, new = error.champion, error.challenger
    assert old is not None  # it can always be computed
    assert new is not None
    by_chance = refresh and _by_chance(error, higher_is_worse=True)
    reason = f"The calibration error (ECE) is {new:.3f}; at most {bound:.3f} is allowed."
    yield _excused(Gate("calibration_error", new, bound, new <= bound, reason), by_chance)
    if not first:
        loss, bound = new - old, bounds.calibration_loss
        reason = (
            f"The calibration error (ECE) is {new:.3f}, the champion's {old:.3f}: "
            f"a difference of {loss:+.3f}; at most {bound:+.3f} is allowed."
        )
        yield _excused(Gate("calibration_loss", loss, bound, loss <= bound, reason), by_chance)
    pair, bound = figures["observed_over_expected"], bounds.observed_over_expected
    ratio = pair.challenger
    passed = ratio is not None and 1 / bound <= ratio <= bound
    text = "cannot be computed" if ratio is None else f"is {ratio:.2f}"
    reason = f"Observed over expected fraud {text}; {1 / bound:.2f} to {bound:.2f} is allowed."
    by_chance = refresh and ratio is not None and _by_chance(pair, higher_is_worse=ratio > 1)
    yield _excused(Gate("observed_over_expected", ratio, bound, passed, reason), by_chance)


def _attack(attack: AttackedPair, bounds: GateRecipe, times: float) -> Iterator[Gate]:
    when = f"Under attack at {attack.strength} strength"
    alike = f"{when}, with legitimate records obfuscated alike,"
    for name, of, kept in (("attack", when, attack.kept), ("attack_alike", alike, attack.kept_alike)):
        bound, old, new = times * bounds.attack_loss, kept.champion, kept.challenger
        if old is None or new is None:
            reason = "Under attack: no fraud is found even without obfuscation, so there is no recall to keep."
            yield Gate(name, None, bound, False, reason)
            continue
        reason = (
            f"{of} {new:.1%} of the recall is kept, by the champion {old:.1%}: "
            f"a loss of {max(0.0, old - new):.1%}; at most {bound:.1%} is allowed."
        )
        yield Gate(name, old - new, bound, old - new <= bound, reason)
    bound, old, new = bounds.attack_flagged, attack.flagged.champion, attack.flagged.challenger
    assert old is not None  # there is a champion
    reason = (
        f"{when} {new:.1%} of the legitimate records are flagged, by the champion {old:.1%}: "
        f"{max(0.0, new - old):.1%} more; at most {bound:.1%} more are allowed."
    )
    yield Gate("attack_flagged", new - old, bound, new - old <= bound, reason)


def _label_selection(selection: LabelSelection, bounds: GateRecipe) -> Gate:
    bound = bounds.labelled_ratio
    reason = (
        f"The labelled shares of flagged and passed records have a ratio of {selection.ratio:.2f}; at least "
        f"{bound:.2f} is required."
    )
    if not selection.is_below(bound):
        by_chance = " Chance explains it." if selection.ratio < bound else ""
        return Gate("labelled_ratio", selection.ratio, bound, True, reason + by_chance)
    do = "Set gates.labelled_ratio to 0 if labels were chosen without the model."
    found = "" if selection.note is None else f" {selection.note}."
    return Gate("labelled_ratio", selection.ratio, bound, False, f"{reason}{found} {do}")


def _latency(latency: Sides[Latency], bounds: GateRecipe, *, refresh: bool) -> Iterator[Gate]:
    new, bound = latency.challenger.p99_ms, bounds.latency_ms
    # The number of trees is chosen on the data, so a refresh may have several times as many.
    if latency.champion is not None and not refresh:
        old, max_ratio = latency.champion.p99_ms, bounds.latency_ratio
        reason = (
            f"One record takes {new:.2f} ms (p99), with the champion {old:.2f} ms: {new / old:.2f} times as long; "
            f"at most {max_ratio:.2f} times is allowed."
        )
        yield Gate("latency_ratio", new / old, max_ratio, new / old <= max_ratio, reason)
    reason = f"One record takes {new:.1f} ms (p99); at most {bound:.1f} ms are allowed."
    yield Gate("latency", new, bound, new <= bound, reason)
