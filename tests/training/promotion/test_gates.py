"""The gates for a challenger: each at its bound, with its reason."""

from typing import Any

import pytest

from fraudsieve.training.promotion.gates import Gate, judge
from fraudsieve.training.recipe.sections import GateRecipe

UNKNOWN = dict.fromkeys(("champion", "challenger", "difference", "interval"))


def pair(old: float | None, new: float, interval: list[float] | None = None) -> dict[str, Any]:
    difference = None if old is None else new - old
    return {"champion": old, "challenger": new, "difference": difference, "interval": interval}


def attack(**challenger: float | None) -> dict[str, Any]:
    """Return the figures of an attack in which the challenger is as good as the champion, except for the given ones."""
    champion = {"kept": 0.95, "kept_alike": 0.9, "flagged": 0.03}
    changed = champion | challenger
    return {"strength": "medium"} | {
        name: {"champion": old, "challenger": changed[name]} for name, old in champion.items()
    }


def comparison(**changes: Any) -> dict[str, Any]:
    """Return a comparison in which the challenger passes all gates, except for the given changes."""
    figures = {
        "average_precision": pair(0.8, 0.9, [0.05, 0.15]),
        "recall_at_capacity": pair(0.5, 0.5),
        "ece": pair(0.02, 0.02),
        "observed_over_expected": pair(1.0, 1.1),
    }
    whole: dict[str, Any] = {"champion": {"name": "old"}, "frauds": 10_000, "figures": figures}
    whole["capacity"] = {"alerts": 10_000.0, "why": "as many as there are frauds"}
    whole["attack"] = attack()
    whole["latency"] = {"champion": {"p99_ms": 1.0}, "challenger": {"p99_ms": 1.2}}
    for name, value in changes.items():
        (figures if name in figures else whole)[name] = value
    return whole


def failed(gates: tuple[Gate, ...]) -> list[str]:
    return [gate.name for gate in gates if not gate.passed]


def test_all_gates_are_there_and_passed() -> None:
    gates = judge(comparison())
    assert failed(gates) == []
    assert {gate.name for gate in gates} == {
        "average_precision",
        "recall_at_capacity",
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


@pytest.mark.parametrize(
    ("name", "value", "gate"),
    [
        ("average_precision", pair(0.8, 0.9, [0.005, 0.15]), "average_precision"),  # not clearly above the margin
        ("average_precision", pair(0.8, 0.7, [-0.2, -0.1]), "average_precision"),
        ("average_precision", pair(0.8, 0.9, None), "average_precision"),
        ("recall_at_capacity", pair(0.5, 0.47), "recall_at_capacity"),
        (
            "recall_at_capacity",
            pair(0.05, 0.047),
            "recall_at_capacity",
        ),  # relative to the champion
        (
            "recall_at_capacity",
            dict.fromkeys(("champion", "challenger", "difference", "interval")),
            "recall_at_capacity",
        ),
        ("ece", pair(0.079, 0.081), "calibration_error"),
        ("ece", pair(0.02, 0.051), "calibration_loss"),
        ("observed_over_expected", pair(1.0, 2.1), "observed_over_expected"),
        ("observed_over_expected", pair(1.0, 0.49), "observed_over_expected"),
        ("observed_over_expected", pair(None, 1.0) | {"challenger": None}, "observed_over_expected"),
        ("attack", attack(kept=0.89), "attack"),
        ("attack", attack(kept=None), "attack"),
        ("attack", attack(kept_alike=0.84), "attack_alike"),
        ("attack", attack(kept_alike=None), "attack_alike"),
        ("attack", attack(flagged=0.051), "attack_flagged"),
        ("latency", {"champion": {"p99_ms": 20.0}, "challenger": {"p99_ms": 26.0}}, "latency"),
        ("latency", {"champion": {"p99_ms": 1.0}, "challenger": {"p99_ms": 2.1}}, "latency_ratio"),
    ],
)
def test_one_failed_gate_stops_a_challenger(name: str, value: Any, gate: str) -> None:
    assert failed(judge(comparison(**{name: value}))) == [gate]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("average_precision", pair(0.8, 0.9, [0.0051, 0.15])),
        ("recall_at_capacity", pair(0.5, 0.476)),
        ("recall_at_capacity", pair(0.0, 0.0)),
        ("ece", pair(0.052, 0.079)),
        ("observed_over_expected", pair(1.0, 0.51)),
        ("attack", attack(kept=0.91, kept_alike=0.86, flagged=0.049)),
        ("attack", None),
        ("latency", {"champion": {"p99_ms": 13.0}, "challenger": {"p99_ms": 24.9}}),
    ],
)
def test_just_within_the_bound_passes(name: str, value: Any) -> None:
    assert failed(judge(comparison(**{name: value}))) == []


@pytest.mark.parametrize(("lost", "passes"), [(0, True), (1, True), (2, False)])
def test_one_alert_less_is_not_a_loss(lost: int, passes: bool) -> None:
    few = comparison(frauds=200, recall_at_capacity=pair(14 / 200, (14 - lost) / 200))
    assert (failed(judge(few)) == []) is passes


def test_a_reason_has_the_values() -> None:
    gates = {gate.name: gate for gate in judge(comparison(recall_at_capacity=pair(0.5, 0.4)))}
    lost = gates["recall_at_capacity"]
    assert lost.value == pytest.approx(0.2)
    assert lost.bound == 0.05
    assert lost.reason == (
        "Recall at the review capacity of 10,000 alerts (as many as there are frauds) is 0.400, the champion's 0.500: "
        "a loss of 20.0%; at most 5.0% is allowed."
    )


def test_a_first_model_has_only_the_absolute_gates() -> None:
    first = comparison(champion=None, latency={"champion": None, "challenger": {"p99_ms": 1.0}})
    gates = judge(first)
    assert [gate.name for gate in gates] == [
        "average_precision",
        "calibration_error",
        "observed_over_expected",
        "latency",
    ]
    assert "that of chance" in gates[0].reason


def test_the_recipe_sets_the_bounds() -> None:
    strict = GateRecipe(gain=0.06, calibration_error=0.01, latency_ms=1.0)
    assert failed(judge(comparison(), strict)) == ["average_precision", "calibration_error", "latency"]
    assert failed(judge(comparison(recall_at_capacity=pair(0.5, 0.4)), GateRecipe(recall_loss=0.2))) == []
