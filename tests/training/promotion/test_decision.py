"""Promotion through a real registry: the new champion, the logged decision, and rollback."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest

from fraudsieve.exceptions import ArtifactError, ComparisonError
from fraudsieve.features.account_matrix import account_matrix_of
from fraudsieve.models import write_model
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.predict import Scorer
from fraudsieve.training.promotion.decision import NEEDS_RESTART, promote, rollback
from tests.messages import refused

from .conftest import Store


def run_of(store: Store, name: str, version: str) -> str:
    return str(mlflow.MlflowClient(store.uri).get_model_version(name, version).run_id)


def decisions_of(store: Store, name: str, version: str) -> list[dict[str, Any]]:
    """Return the decisions in the run of a version, the oldest first."""
    client = mlflow.MlflowClient(store.uri)
    run = run_of(store, name, version)
    paths = sorted(file.path for file in client.list_artifacts(run, "promotion"))
    return [json.loads(mlflow.artifacts.load_text(f"runs:/{run}/{path}")) for path in paths]


@pytest.mark.slow
def test_a_better_challenger_is_promoted_and_the_decision_logged(store: Store, rivals: Any) -> None:
    old, new = store.register("better", rivals.weak), store.register("better", rivals.strong)
    # On this small world the better one flags more of the obfuscated legitimate messages than the default allows.
    attack = {"evaluate.attack": True, "gates.attack_flagged": 0.1}
    decision = promote(store.recipe("better", **attack), messages=rivals.later)
    assert (decision.decision, decision.promoted, decision.before, decision.champion) == ("promoted", True, old, new)
    assert [gate.name for gate in decision.gates if not gate.passed] == []
    assert "attack" in {gate.name for gate in decision.gates}
    registry = store.registry("better")
    assert registry.aliases() == {"champion": new, "challenger": new}
    assert registry.champions() == [old, new]
    assert Scorer.load(model_folder("models:/better@champion")).model.digest == Scorer.load(rivals.strong).model.digest
    tags = registry.client.get_model_version("better", new).tags
    assert (tags["promotion.decision"], tags["promotion.champion_before"]) == ("promoted", old)
    assert tags["promotion.gate.average_precision"] == "passed"
    (logged,) = decisions_of(store, "better", new)
    assert logged == decision.to_dict()
    assert logged["comparison"]["figures"]["average_precision"]["interval"][0] > 0.005
    run = mlflow.get_run(run_of(store, "better", new))
    assert run.data.tags["promotion.decision"] == "promoted"
    written = json.dumps([logged, tags, run.data.tags], ensure_ascii=False)
    assert not any(name in written for name in rivals.later["message_id"])
    assert not any(text in written for text in rivals.later["text"] if len(text) > 12)


@pytest.mark.slow
def test_an_equal_one_is_refused_and_the_champion_stays(store: Store, rivals: Any) -> None:
    old, new = store.register("equal", rivals.strong), store.register("equal", rivals.reseeded)
    decision = promote(store.recipe("equal"), messages=rivals.later)
    assert (decision.decision, decision.promoted, decision.champion) == ("refused", False, old)
    assert [gate.name for gate in decision.gates if not gate.passed] == ["average_precision"]
    assert decision.reasons == (decision.gates[0].reason,)
    registry = store.registry("equal")
    assert registry.aliases() == {"champion": old, "challenger": new}
    assert registry.champions() == []
    tags = registry.client.get_model_version("equal", new).tags
    assert tags["promotion.decision"] == "refused"
    assert tags["promotion.reasons"] == decision.reasons[0]
    assert tags["promotion.gate.average_precision"] == "not passed"
    assert [logged["decision"] for logged in decisions_of(store, "equal", new)] == ["refused"]
    # A second call decides again, and both decisions are logged.
    promote(store.recipe("equal"), messages=rivals.later)
    assert len(decisions_of(store, "equal", new)) == 2


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_decided_and_changes_nothing(store: Store, rivals: Any) -> None:
    old, new = store.register("dry", rivals.weak), store.register("dry", rivals.strong)
    tags = store.registry("dry").client.get_model_version("dry", new).tags
    for gain, outcome in ((0.005, "would be promoted"), (0.5, "would be refused")):
        recipe = store.recipe("dry", **{"gates.gain": gain})
        tried = promote(recipe, messages=rivals.later, dry_run=True)
        assert (tried.decision, tried.promoted, tried.before, tried.champion) == (outcome, False, old, old)
        assert store.registry("dry").aliases() == {"champion": old, "challenger": new}
        assert store.registry("dry").champions() == []
        assert store.registry("dry").client.get_model_version("dry", new).tags == tags
        assert decisions_of(store, "dry", new) == []
    decision = promote(recipe, messages=rivals.later)  # the same gates decide
    assert decision.decision == "refused"
    assert decision.comparison is not None
    assert tried.comparison is not None
    assert decision.comparison.figures == tried.comparison.figures
    assert [gate.passed for gate in decision.gates] == [gate.passed for gate in tried.gates]


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_promotion_by_hand_needs_a_reason(store: Store, reason: str | None) -> None:
    with refused(ComparisonError, "--force"):
        promote(store.recipe("nobody"), force=True, reason=reason)


def test_a_reason_is_for_a_promotion_by_hand_and_short(store: Store) -> None:
    with pytest.raises(ComparisonError, match="--reason: expected it with --force only"):
        promote(store.recipe("nobody"), reason="a new channel")
    with pytest.raises(ComparisonError, match="--force: expected it without --dry-run"):
        promote(store.recipe("nobody"), force=True, reason="an outage", dry_run=True)
    with refused(ComparisonError):
        promote(store.recipe("nobody"), force=True, reason="x" * 1001)


@pytest.mark.slow
def test_a_promotion_by_hand_is_recorded_and_can_be_rolled_back(
    store: Store, rivals: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    old, new = store.register("hand", rivals.strong), store.register("hand", rivals.weak)
    decision = promote(store.recipe("hand"), messages=rivals.later, force=True, reason=" The old one is too slow. ")
    assert (decision.decision, decision.promoted, decision.champion) == ("promoted by hand", True, new)
    assert (decision.by, decision.reason) == ("ann", "The old one is too slow")
    failed = [gate for gate in decision.gates if not gate.passed]
    assert "average_precision" in [gate.name for gate in failed]
    assert decision.reasons == (
        "Promoted by hand by ann: The old one is too slow.",
        *(gate.reason for gate in failed),
    )
    registry = store.registry("hand")
    assert registry.aliases()["champion"] == new
    assert registry.champions() == [old, new]
    version = registry.client.get_model_version("hand", new)
    assert version.tags["promotion.decision"] == "promoted by hand"
    assert version.tags["promotion.gate.average_precision"] == "not passed"
    names = ", ".join(gate.name for gate in failed)
    expected = f"{decision.at} by ann: The old one is too slow. Gates that were not passed: {names}."
    assert version.tags["promotion.by_hand"] == expected
    assert str(version.description).startswith(f"Promoted by hand, {expected}")
    assert mlflow.get_run(run_of(store, "hand", new)).data.tags["promotion.by_hand"] == expected
    assert decisions_of(store, "hand", new) == [decision.to_dict()]
    assert rollback(store.recipe("hand")).champion == old
    tags = registry.client.get_model_version("hand", new).tags
    assert (tags["promotion.decision"], tags["promotion.by_hand"]) == ("rolled back", expected)


@pytest.mark.slow
def test_a_promotion_by_hand_needs_no_tables(store: Store, rivals: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    old, new = store.register("bare", rivals.strong), store.register("bare", rivals.weak)
    decision = promote(store.recipe("bare"), force=True, reason="an outage")
    assert (decision.decision, decision.before, decision.champion) == ("promoted by hand", old, new)
    assert (decision.gates, decision.comparison, decision.by) == ((), None, "an unknown user")
    tags = store.registry("bare").client.get_model_version("bare", new).tags
    assert tags["promotion.by_hand"] == f"{decision.at} by an unknown user: an outage. No gates were applied."
    with pytest.raises(ComparisonError, match="is already the champion"):
        promote(store.recipe("bare"), force=True, reason="again")


@pytest.mark.slow
def test_a_champion_with_another_history_needs_a_restart(store: Store, accounts_folder: Path, tmp_path: Path) -> None:
    model = Scorer.load(accounts_folder).model
    matrix = account_matrix_of(model.matrix)
    view, *others = matrix.histories
    matrix = replace(matrix, histories=(replace(view, night=(1, 2)), *others))
    write_model(replace(model, matrix=matrix), tmp_path / "other")
    recipe = store.recipe("windows")
    for folder in (accounts_folder, tmp_path / "other"):
        store.register("windows", folder)
    decision = promote(recipe, challenger="models:/windows/2", force=True, reason="a test")
    assert (decision.needs_restart, decision.reasons[-1]) == (True, NEEDS_RESTART)
    back = rollback(recipe)
    assert (back.needs_restart, back.reasons[1:]) == (True, (NEEDS_RESTART,))


@pytest.mark.slow
def test_a_champion_that_changed_meanwhile_is_not_replaced(store: Store, rivals: Any) -> None:
    store.register("race", rivals.weak)
    third, new = store.register("race", rivals.reseeded), store.register("race", rivals.strong)
    registry = store.registry("race")

    def change_champion(step: str) -> None:
        if step == "drawing intervals":
            registry.client.set_registered_model_alias("race", "champion", third)

    decision = promote(store.recipe("race"), messages=rivals.later, progress=change_champion)
    assert all(gate.passed for gate in decision.gates)
    assert (decision.decision, decision.before, decision.champion) == ("refused", "1", third)
    assert decision.reasons == (
        "The champion changed during the comparison: it was version 1, now it is 2. Try again.",
    )
    assert registry.aliases()["champion"] == third
    assert registry.client.get_model_version("race", new).tags["promotion.decision"] == "refused"


@pytest.mark.slow
def test_a_challenger_that_changed_meanwhile_is_not_the_one_promoted(store: Store, rivals: Any) -> None:
    store.register("pinned", rivals.weak)
    new = store.register("pinned", rivals.strong)

    def register_another(step: str) -> None:
        if step == "reading":
            store.register("pinned", rivals.reseeded)

    decision = promote(store.recipe("pinned"), messages=rivals.later, progress=register_another)
    assert (decision.champion, store.registry("pinned").aliases()) == (new, {"champion": new, "challenger": "3"})


@pytest.mark.slow
def test_a_first_model_needs_only_the_absolute_gates(store: Store, rivals: Any) -> None:
    first = store.register("first", rivals.strong)
    registry = store.registry("first")
    registry.client.delete_registered_model_alias("first", "champion")
    stopped = promote(store.recipe("first", **{"gates.latency_ms": 1e-6}), messages=rivals.later)
    assert (stopped.decision, stopped.champion, registry.aliases()) == ("refused", None, {"challenger": first})
    assert [gate.name for gate in stopped.gates if not gate.passed] == ["latency"]
    decision = promote(store.recipe("first"), messages=rivals.later)
    assert (decision.decision, decision.before, decision.champion) == ("promoted", None, first)
    assert registry.champions() == [first]
    assert registry.client.get_model_version("first", first).tags["promotion.champion_before"] == "none"
    with refused(ComparisonError):
        rollback(store.recipe("first"))


@pytest.mark.slow
def test_the_champion_cannot_be_the_challenger(store: Store, rivals: Any) -> None:
    store.register("alone", rivals.strong)
    with refused(ComparisonError):
        promote(store.recipe("alone"), messages=rivals.later)


@pytest.mark.slow
def test_a_challenger_can_be_named(store: Store, rivals: Any) -> None:
    store.register("named", rivals.weak), store.register("named", rivals.strong), store.register("named", rivals.weak)
    decision = promote(store.recipe("named"), challenger="models:/named/2", messages=rivals.later)
    assert (decision.version, decision.decision) == ("2", "promoted")
    with refused(ArtifactError, "named"):
        promote(store.recipe("named"), challenger="models:/other/1", messages=rivals.later)
    with pytest.raises(ArtifactError, match="models:/named/9: is not in MLflow's store"):
        promote(store.recipe("named"), challenger="models:/named/9", messages=rivals.later)
    with pytest.raises(ArtifactError, match="models:/nobody: is not in MLflow's store"):
        promote(store.recipe("nobody"), messages=rivals.later)


@pytest.mark.slow
def test_rollback_step_by_step(store: Store, rivals: Any) -> None:
    one = store.register("back", rivals.weak)
    registry, recipe = store.registry("back"), store.recipe("back")
    with refused(ComparisonError, "back"):
        rollback(recipe)
    two, three = store.register("back", rivals.strong), store.register("back", rivals.reseeded)
    promote(recipe, challenger=f"models:/back/{two}", messages=rivals.later)
    lenient = {"gates.gain": 0.0, "gates.recall_loss": 1.0, "gates.calibration_loss": 1.0}
    registry.make_champion(three, [*registry.champions(), three])  # as a second promotion does
    decision = rollback(recipe)
    assert (decision.decision, decision.version, decision.champion) == ("rolled back", three, two)
    assert decision.reasons == (f"Rolled back: models:/back/{two} is champion again.",)
    assert registry.aliases()["champion"] == two
    assert registry.client.get_model_version("back", three).tags["promotion.decision"] == "rolled back"
    assert decisions_of(store, "back", three)[-1] == decision.to_dict()
    assert rollback(recipe).champion == one
    assert [logged["decision"] for logged in decisions_of(store, "back", two)] == ["promoted", "rolled back"]
    with pytest.raises(ComparisonError, match="is the first champion"):
        rollback(recipe)
    promoted_again = promote(store.recipe("back", **lenient), challenger=f"models:/back/{two}", messages=rivals.later)
    assert (promoted_again.champion, registry.champions()) == (two, [one, two])


@pytest.mark.slow
def test_rollback_to_a_deleted_version_is_an_error(store: Store, rivals: Any) -> None:
    one, two = store.register("gone", rivals.weak), store.register("gone", rivals.strong)
    registry = store.registry("gone")
    registry.make_champion(two, [one, two])
    registry.client.delete_model_version("gone", one)
    with pytest.raises(ArtifactError, match="models:/gone/1: is not in MLflow's store"):
        rollback(store.recipe("gone"))
    assert registry.aliases()["champion"] == two
    assert registry.champions() == [one, two]
    registry.client.delete_registered_model_alias("gone", "champion")
    with refused(ComparisonError, "gone"):
        rollback(store.recipe("gone"))
