"""The gates for a challenger: each at its bound, with its reason."""

from dataclasses import replace
from typing import Any

import pytest

from fraudsieve._subjects import Subject
from fraudsieve.training.evaluation.label_delays import LabelSelection
from fraudsieve.training.evaluation.report_parts.weighting import RowWeights
from fraudsieve.training.promotion.gates import Gate, apply_gates, overturned_gate
from fraudsieve.training.promotion.model_comparison import (
    AttackedPair,
    Latency,
    ModelComparison,
    ModelFacts,
    Overturned,
    Pair,
    PairedCapacity,
    Sides,
)
from fraudsieve.training.recipe.sections import GateRecipe

RECORDS: dict[str, Any] = {"alerts_a_day": None, "flagged": 0.01, "days": None, "share": 1.0, "recall": ()}


def pair(old: float | None, new: float | None, interval: tuple[float, float] | None = None) -> Pair:
    return Pair(old, new, None if old is None or new is None else new - old, interval)


def attack(**challenger: float | None) -> AttackedPair:
    """Return the figures of an attack in which the challenger is as good as the champion, except for the given ones."""
    champion = {"kept": 0.95, "kept_alike": 0.9, "flagged": 0.03}
    sides: Any = {name: Sides(old, challenger.get(name, old)) for name, old in champion.items()}
    return AttackedPair("medium", **sides)


def latency(old: float | None, new: float) -> Sides[Latency]:
    return Sides(None if old is None else Latency(old, old), Latency(new, new))


def comparison(**changes: Any) -> ModelComparison:
    """Return a comparison in which the challenger passes all gates, except for the given changes."""
    figures = {
        "average_precision": pair(0.8, 0.9, (0.05, 0.15)),
        "recall_at_capacity": pair(0.5, 0.5),
        "ece": pair(0.02, 0.02),
        "observed_over_expected": pair(1.0, 1.1),
    }
    whole = ModelComparison(
        rows=20_000,
        frauds=10_000,
        base_rate=0.5,
        figures=figures | {name: changes.pop(name) for name in figures if name in changes},
        capacity=PairedCapacity(alerts=10_000.0, why="as many as there are frauds", **RECORDS),
        champion=ModelFacts("old", None, None),
        challenger=ModelFacts("new", None, None),
        subject=Subject.MESSAGE,
        bootstrap=None,
        left_out={},
        attack=attack(),
        latency=latency(1.0, 1.2),
    )
    return replace(whole, **changes)


def failed(gates: tuple[Gate, ...]) -> list[str]:
    return [gate.name for gate in gates if not gate.passed]


def test_all_gates_are_there_and_passed() -> None:
    gates = apply_gates(comparison())
    assert failed(gates) == []
    assert {gate.name for gate in gates} == {
        "average_precision",
        "recall_at_capacity",
        "recall_floor",
        "calibration_error",
        "calibration_loss",
        "observed_over_expected",
        "attack",
        "attack_alike",
        "attack_flagged",
        "latency",
        "latency_ratio",
    }
    assert all(gate.reason.endswith(".") for gate in gates)


def selection(ratio: float, p_value: float = 0.0) -> LabelSelection:
    counts = {"labelled": 226, "labelled_flagged": 226, "unlabelled": 5000, "unlabelled_flagged": 31}
    return LabelSelection(**counts, ratio=ratio, p_value=p_value, note="few are known. Label more")


def test_labels_that_the_model_chose_stop_a_challenger() -> None:
    bounds = GateRecipe()
    assert failed(apply_gates(comparison(label_selection=selection(0.5)))) == []
    gates = apply_gates(comparison(label_selection=selection(0.49)))
    assert failed(gates) == ["labelled_ratio"]
    (gate,) = [gate for gate in gates if gate.name == "labelled_ratio"]
    assert (gate.value, gate.bound) == (0.49, bounds.labelled_ratio)
    assert gate.reason == (
        "The labelled shares of flagged and passed records have a ratio of 0.49; at least 0.50 is required. few are "
        "known. Label more. Set gates.labelled_ratio to 0 if labels were chosen without the model."
    )
    by_chance = apply_gates(comparison(label_selection=selection(0.0, p_value=0.001)))
    assert failed(by_chance) == []
    assert any(gate.reason.endswith("Chance explains it.") for gate in by_chance)
    off = apply_gates(comparison(label_selection=selection(0.0)), GateRecipe(labelled_ratio=0.0))
    assert failed(off) == []
    assert failed(apply_gates(comparison(champion=None, label_selection=selection(0.1)))) == ["labelled_ratio"]


@pytest.mark.parametrize(
    ("name", "value", "gate"),
    [
        ("average_precision", pair(0.8, 0.9, (0.005, 0.15)), "average_precision"),  # not clearly above the margin
        ("average_precision", pair(0.8, 0.7, (-0.2, -0.1)), "average_precision"),
        ("average_precision", pair(0.8, 0.9, None), "average_precision"),
        ("average_precision", pair(0.8, 0.9, (0.0051, 0.15)), None),
        ("recall_at_capacity", pair(0.5, 0.47), "recall_at_capacity"),
        ("recall_at_capacity", pair(0.5, 0.476), None),
        ("recall_at_capacity", pair(0.05, 0.047), "recall_at_capacity"),  # relative to the champion
        ("recall_at_capacity", pair(0.05, 0.05), None),
        ("recall_at_capacity", Pair(), "recall_at_capacity"),
        ("ece", pair(0.079, 0.081), "calibration_error"),
        ("ece", pair(0.02, 0.051), "calibration_loss"),
        ("ece", pair(0.052, 0.079), None),
        ("observed_over_expected", pair(1.0, 2.1), "observed_over_expected"),
        ("observed_over_expected", pair(1.0, 0.49), "observed_over_expected"),
        ("observed_over_expected", pair(None, None), "observed_over_expected"),
        ("observed_over_expected", pair(1.0, 0.51), None),
        ("attack", attack(kept=0.89), "attack"),
        ("attack", attack(kept=None), "attack"),
        ("attack", attack(kept_alike=0.84), "attack_alike"),
        ("attack", attack(kept_alike=None), "attack_alike"),
        ("attack", attack(flagged=0.091), "attack_flagged"),
        ("attack", attack(kept=0.91, kept_alike=0.86, flagged=0.049), None),
        ("attack", None, None),
        ("latency", latency(20.0, 26.0), "latency"),
        ("latency", latency(1.0, 2.1), "latency_ratio"),
        ("latency", latency(13.0, 24.9), None),
    ],
)
def test_one_failed_gate_stops_a_challenger_and_just_within_the_bound_passes(
    name: str, value: Any, gate: str | None
) -> None:
    assert failed(apply_gates(comparison(**{name: value}))) == ([] if gate is None else [gate])


@pytest.mark.parametrize(("lost", "passes"), [(0, True), (1, True), (2, False)])
def test_one_alert_less_is_not_a_loss(lost: int, passes: bool) -> None:
    few = comparison(frauds=200, recall_at_capacity=pair(14 / 200, (14 - lost) / 200))
    assert (failed(apply_gates(few)) == []) is passes


@pytest.mark.parametrize(
    ("frauds", "found", "alerts", "passes"),
    [
        (76, 0, 76, False),
        (76, 4, 76, True),
        (40, 0, 40, True),  # chance explains it
        (4000, 100, 4000, False),
        (4000, 100, 400, True),  # 400 can be found
    ],
)
@pytest.mark.parametrize("refresh", [False, True])
def test_a_model_that_finds_hardly_any_fraud_is_refused_even_if_the_champion_finds_none(
    frauds: int, found: int, alerts: float, passes: bool, refresh: bool
) -> None:
    capacity = PairedCapacity(alerts=alerts, why="as given", **RECORDS)
    recall = pair(found / frauds, found / frauds)
    compared = comparison(frauds=frauds, capacity=capacity, recall_at_capacity=recall, refresh=refresh)
    gates = {gate.name: gate for gate in apply_gates(compared)}
    assert gates["recall_floor"].passed is passes
    assert gates["recall_floor"].reason.startswith(f"{found} of {frauds:,} frauds are found at the review capacity")
    assert apply_gates(compared, GateRecipe(recall_floor=0.0))[2].passed


def test_a_source_that_overturns_known_frauds_stops_a_challenger() -> None:
    passed = [
        "overturned" not in failed(apply_gates(comparison(overturned=Overturned(known, by_source))))
        for known, by_source in ((500, {"api": 80, "review": 4}), (500, {"review": 50}), (3, {"review": 1}), (9, {}))
    ]
    assert passed == [False, True, True, True]
    (gate,) = (gate for gate in apply_gates(comparison(overturned=Overturned(500, {"api": 80}))) if not gate.passed)
    assert "(api) make 80 of 500 frauds known to the champion legitimate: 16.0%; at most 10.0% is" in gate.reason
    assert overturned_gate(Overturned(500, {"api": 80}), GateRecipe(overturned=0.2)).passed


def test_a_reason_has_the_values() -> None:
    gates = {gate.name: gate for gate in apply_gates(comparison(recall_at_capacity=pair(0.5, 0.4)))}
    lost = gates["recall_at_capacity"]
    assert lost.value == pytest.approx(0.2)
    assert lost.bound == 0.05
    assert lost.reason == (
        "Recall at the review capacity of 10,000 alerts (as many as there are frauds) is 0.400, the champion's 0.500: "
        "a loss of 20.0%; at most 5.0% is allowed."
    )


def test_a_first_model_has_only_the_absolute_gates() -> None:
    first = comparison(champion=None, latency=latency(None, 1.0))
    gates = apply_gates(first)
    assert [gate.name for gate in gates] == [
        "average_precision",
        "recall_floor",
        "calibration_error",
        "observed_over_expected",
        "latency",
    ]
    assert "that of chance" in gates[0].reason


def test_the_recipe_sets_the_bounds() -> None:
    strict = GateRecipe(gain=0.06, calibration_error=0.01, latency_ms=1.0)
    assert failed(apply_gates(comparison(), strict)) == ["average_precision", "calibration_error", "latency"]
    assert failed(apply_gates(comparison(recall_at_capacity=pair(0.5, 0.4)), GateRecipe(recall_loss=0.2))) == []


def refresh(**changes: Any) -> ModelComparison:
    """Return a comparison of a refresh that is as good as the champion, except for the given changes."""
    equal: dict[str, Any] = {"average_precision": pair(0.8, 0.8, (-0.02, 0.02))}
    return comparison(refresh=True, **(equal | changes))


def test_the_time_of_a_refresh_is_not_compared_with_the_champions() -> None:
    assert failed(apply_gates(refresh(latency=latency(1.0, 5.0)))) == []
    assert failed(apply_gates(refresh(latency=latency(1.0, 26.0)))) == ["latency"]


def test_a_refresh_need_not_gain() -> None:
    assert failed(apply_gates(refresh())) == []
    assert failed(apply_gates(comparison(average_precision=pair(0.8, 0.8, (-0.02, 0.02))))) == ["average_precision"]


@pytest.mark.parametrize(
    ("change", "passed"),
    [
        (pair(0.8, 0.77, (-0.06, 0.0)), True),  # a drop of .03, and the interval reaches -.01
        (pair(0.8, 0.769, (-0.06, 0.0)), False),  # a larger drop
        (pair(0.8, 0.78, (-0.03, -0.01)), True),
        (pair(0.8, 0.78, (-0.03, -0.011)), False),  # the whole interval is below -.01
        (pair(0.8, 0.78), True),  # without an interval the drop alone counts
        (pair(0.8, 0.76), False),
        (pair(0.8, 0.95, (0.1, 0.2)), True),
    ],
)
def test_a_refresh_that_loses_average_precision_is_refused(change: Pair, passed: bool) -> None:
    gate = apply_gates(refresh(average_precision=change))[0]
    assert (gate.name, gate.passed) == ("average_precision", passed)
    assert f"a difference of {change.difference:+.3f}" in gate.reason


def test_the_bounds_of_a_refresh_are_those_of_the_recipe() -> None:
    change = pair(0.8, 0.78, (-0.03, -0.011))
    assert failed(apply_gates(refresh(average_precision=change), GateRecipe(refresh_loss=0.02))) == []
    strict = GateRecipe(refresh_drop=0.01, refresh_loss=0.02)
    assert failed(apply_gates(refresh(average_precision=change), strict)) == ["average_precision"]


@pytest.mark.parametrize(
    ("figure", "by_chance", "a_loss", "gates"),
    [
        ("recall_at_capacity", pair(0.5, 0.4, (-0.2, 0.0)), pair(0.5, 0.4, (-0.2, -0.01)), {"recall_at_capacity"}),
        (
            "ece",
            pair(0.05, 0.1, (0.0, 0.1)),
            pair(0.05, 0.1, (0.01, 0.1)),
            {"calibration_error", "calibration_loss"},
        ),
        (
            "observed_over_expected",
            pair(1.9, 2.1, (-0.1, 0.5)),
            pair(1.9, 2.1, (0.1, 0.5)),
            {"observed_over_expected"},
        ),
        (
            "observed_over_expected",
            pair(0.52, 0.48, (-0.1, 0.1)),
            pair(0.52, 0.48, (-0.1, -0.01)),
            {"observed_over_expected"},
        ),
    ],
)
def test_other_limits_refuse_a_refresh_only_for_a_loss_that_chance_does_not_explain(
    figure: str, by_chance: Pair, a_loss: Pair, gates: set[str]
) -> None:
    excused = apply_gates(refresh(**{figure: by_chance}))
    assert failed(excused) == []
    assert {gate.name for gate in excused if "Chance explains it" in gate.reason} == gates
    assert {*failed(apply_gates(refresh(**{figure: a_loss})))} == gates
    without = replace(a_loss, interval=None)
    assert {*failed(apply_gates(refresh(**{figure: without})))} == gates
    better = {"average_precision": pair(0.8, 0.9, (0.05, 0.15))}
    assert {*failed(apply_gates(comparison(**better, **{figure: by_chance})))} == gates


def test_limits_under_attack_are_wider_for_a_refresh() -> None:
    names = {"kept": "attack", "kept_alike": "attack_alike"}
    for figure, just, beyond in (("kept", 0.81, 0.79), ("kept_alike", 0.76, 0.74)):
        assert failed(apply_gates(refresh(attack=attack(**{figure: just})))) == []
        assert failed(apply_gates(refresh(attack=attack(**{figure: beyond})))) == [names[figure]]
        assert failed(apply_gates(comparison(attack=attack(**{figure: just})))) == [names[figure]]
    same = GateRecipe(refresh_attack=1.0)
    assert failed(apply_gates(refresh(attack=attack(kept=0.89)), same)) == ["attack"]


def test_as_many_obfuscated_legitimate_messages_may_be_flagged_by_a_refresh_as_by_a_new_recipe() -> None:
    for compared in (refresh, comparison):
        assert failed(apply_gates(compared(attack=attack(flagged=0.089)))) == []
        assert failed(apply_gates(compared(attack=attack(flagged=0.091)))) == ["attack_flagged"]


def test_a_comparison_of_drawn_labels_counts_the_frauds_that_they_stand_for() -> None:
    weights = RowWeights(drawn=90, records=50_000.0, frauds=20_000.4, effective_rows=700.0, effective_frauds=31.0)
    first, second, *others = comparison(weights=weights).sentences
    assert first == "10,000 of 20,000 frauds are found with 10,000 reviews, and 10,000 by the champion."
    assert second.startswith("The average precision of the challenger is 0.900")
    assert others == [weights.sentence]
    assert len(comparison().sentences) == 2
