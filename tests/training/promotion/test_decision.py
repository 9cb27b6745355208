"""Promotion through a real registry: who becomes champion, what is written down, and the way back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest

from fraudsieve.exceptions import ArtifactError, ComparisonError
from fraudsieve.models.flavor import model_folder
from fraudsieve.models.predict import Scorer
from fraudsieve.training.promotion.decision import promote, rollback
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.run import log_training
from tests.shared import mlflow_uri

QUICK = {"evaluate.attack": False, "evaluate.replicates": 100}


@dataclass(frozen=True, eq=False)
class Store:
    """A store in SQLite."""

    uri: str

    def register(self, name: str, folder: Path) -> str:
        """Register a model as training does; return its version."""
        nothing: dict[str, Any] = {"params": {}, "metrics": {}, "documents": {}, "tags": {}}
        logged = log_training(folder, uri=self.uri, experiment="tests", name=name, register=True, **nothing)
        return logged.model_uri.rpartition("/")[2]

    def recipe(self, name: str, **overrides: Any) -> Recipe:
        return Recipe.read(overrides={"name": name, "track.uri": self.uri, **QUICK, **overrides})

    def registry(self, name: str) -> Registry:
        return Registry(self.uri, name)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Afterwards MLflow knows as little of it as before."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Store(mlflow_uri(folder))
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]


def run_of(store: Store, name: str, version: str) -> str:
    return str(mlflow.MlflowClient(store.uri).get_model_version(name, version).run_id)


def decisions_of(store: Store, name: str, version: str) -> list[dict[str, Any]]:
    """What the run of a version holds, the oldest first."""
    client = mlflow.MlflowClient(store.uri)
    run = run_of(store, name, version)
    paths = sorted(file.path for file in client.list_artifacts(run, "promotion"))
    return [json.loads(mlflow.artifacts.load_text(f"runs:/{run}/{path}")) for path in paths]


@pytest.mark.slow
def test_a_better_challenger_is_promoted_and_the_decision_logged(store: Store, rivals: Any) -> None:
    old, new = store.register("better", rivals.weak), store.register("better", rivals.strong)
    done = promote(store.recipe("better", **{"evaluate.attack": True}), messages=rivals.later)
    assert (done.decision, done.promoted, done.before, done.champion) == ("promoted", True, old, new)
    assert [gate.name for gate in done.gates if not gate.passed] == []
    assert "attack" in {gate.name for gate in done.gates}
    registry = store.registry("better")
    assert registry.aliases() == {"champion": new, "challenger": new}
    assert registry.champions() == [old, new]
    assert Scorer.load(model_folder("models:/better@champion")).model.digest == Scorer.load(rivals.strong).model.digest
    tags = registry.client.get_model_version("better", new).tags
    assert (tags["promotion.decision"], tags["promotion.champion_before"]) == ("promoted", old)
    assert tags["promotion.gate.average_precision"] == "passed"
    (kept,) = decisions_of(store, "better", new)
    assert kept == done.to_dict()
    assert kept["comparison"]["figures"]["average_precision"]["interval"][0] > 0.005
    run = mlflow.get_run(run_of(store, "better", new))
    assert run.data.tags["promotion.decision"] == "promoted"
    written = json.dumps([kept, tags, run.data.tags], ensure_ascii=False)
    assert not any(one in written for one in rivals.later["message_id"])
    assert not any(one in written for one in rivals.later["text"] if len(one) > 12)


@pytest.mark.slow
def test_an_equal_one_is_refused_and_the_champion_stays(store: Store, rivals: Any) -> None:
    old, new = store.register("equal", rivals.strong), store.register("equal", rivals.again)
    done = promote(store.recipe("equal"), messages=rivals.later)
    assert (done.decision, done.promoted, done.champion) == ("refused", False, old)
    assert [gate.name for gate in done.gates if not gate.passed] == ["average_precision"]
    assert done.reasons == (done.gates[0].reason,)
    registry = store.registry("equal")
    assert registry.aliases() == {"champion": old, "challenger": new}
    assert registry.champions() == []
    tags = registry.client.get_model_version("equal", new).tags
    assert tags["promotion.decision"] == "refused"
    assert tags["promotion.reasons"] == done.reasons[0]
    assert tags["promotion.gate.average_precision"] == "not passed"
    assert [kept["decision"] for kept in decisions_of(store, "equal", new)] == ["refused"]
    # Asked again, it is decided again, and both decisions are kept.
    promote(store.recipe("equal"), messages=rivals.later)
    assert len(decisions_of(store, "equal", new)) == 2


@pytest.mark.slow
def test_a_worse_one_is_refused(store: Store, rivals: Any) -> None:
    store.register("worse", rivals.strong), store.register("worse", rivals.weak)
    done = promote(store.recipe("worse"), messages=rivals.later)
    assert done.decision == "refused"
    assert done.comparison is not None
    assert done.comparison["figures"]["average_precision"]["interval"][1] < 0


@pytest.mark.slow
def test_the_bounds_are_those_of_the_recipe(store: Store, rivals: Any) -> None:
    store.register("bounds", rivals.weak), store.register("bounds", rivals.strong)
    done = promote(store.recipe("bounds", **{"gates.gain": 0.5}), messages=rivals.later)
    assert (done.decision, done.gates[0].bound) == ("refused", 0.5)


@pytest.mark.slow
def test_a_champion_that_changed_meanwhile_is_not_replaced(store: Store, rivals: Any) -> None:
    store.register("race", rivals.weak)
    third, new = store.register("race", rivals.again), store.register("race", rivals.strong)
    registry = store.registry("race")

    def somebody_else(step: str) -> None:
        if step == "drawing intervals":
            registry.client.set_registered_model_alias("race", "champion", third)

    done = promote(store.recipe("race"), messages=rivals.later, progress=somebody_else)
    assert all(gate.passed for gate in done.gates)
    assert (done.decision, done.before, done.champion) == ("refused", "1", third)
    assert done.reasons == (
        "The champion changed during the comparison: it was version 1, now it is 2. Compare again.",
    )
    assert registry.aliases()["champion"] == third
    assert registry.client.get_model_version("race", new).tags["promotion.decision"] == "refused"


@pytest.mark.slow
def test_a_challenger_that_changed_meanwhile_is_not_the_one_promoted(store: Store, rivals: Any) -> None:
    store.register("pinned", rivals.weak)
    new = store.register("pinned", rivals.strong)

    def retrained(step: str) -> None:
        if step == "reading":
            store.register("pinned", rivals.again)

    done = promote(store.recipe("pinned"), messages=rivals.later, progress=retrained)
    assert (done.champion, store.registry("pinned").aliases()) == (new, {"champion": new, "challenger": "3"})


@pytest.mark.slow
def test_a_first_model_needs_only_the_absolute_gates(store: Store, rivals: Any) -> None:
    first = store.register("first", rivals.strong)
    registry = store.registry("first")
    registry.client.delete_registered_model_alias("first", "champion")
    refused = promote(store.recipe("first", **{"gates.latency_ms": 1e-6}), messages=rivals.later)
    assert (refused.decision, refused.champion, registry.aliases()) == ("refused", None, {"challenger": first})
    assert [gate.name for gate in refused.gates if not gate.passed] == ["latency"]
    done = promote(store.recipe("first"), messages=rivals.later)
    assert (done.decision, done.before, done.champion) == ("promoted", None, first)
    assert registry.champions() == [first]
    assert registry.client.get_model_version("first", first).tags["promotion.champion_before"] == "none"
    with pytest.raises(
        ComparisonError, match="models:/first/1 is the first champion, so there is no version before it"
    ):
        rollback(store.recipe("first"))


def test_the_champion_cannot_be_the_challenger(store: Store, rivals: Any) -> None:
    store.register("alone", rivals.strong)
    with pytest.raises(ComparisonError, match=r"models:/alone/1 is already the champion\. Train a challenger"):
        promote(store.recipe("alone"), messages=rivals.later)


@pytest.mark.slow
def test_a_challenger_can_be_named(store: Store, rivals: Any) -> None:
    store.register("named", rivals.weak), store.register("named", rivals.strong), store.register("named", rivals.weak)
    done = promote(store.recipe("named"), challenger="models:/named/2", messages=rivals.later)
    assert (done.version, done.decision) == ("2", "promoted")
    with pytest.raises(ArtifactError, match="models:/other/1: is not a version of the registered model 'named'"):
        promote(store.recipe("named"), challenger="models:/other/1", messages=rivals.later)
    with pytest.raises(ArtifactError, match="models:/named/9: is not in the store"):
        promote(store.recipe("named"), challenger="models:/named/9", messages=rivals.later)
    with pytest.raises(ArtifactError, match="models:/nobody: is not in the store"):
        promote(store.recipe("nobody"), messages=rivals.later)


def test_rollback_step_by_step(store: Store, rivals: Any) -> None:
    one = store.register("back", rivals.weak)
    registry, recipe = store.registry("back"), store.recipe("back")
    with pytest.raises(ComparisonError, match="the champion of 'back' was not set by a promotion"):
        rollback(recipe)
    two, three = store.register("back", rivals.strong), store.register("back", rivals.again)
    promote(recipe, challenger=f"models:/back/{two}", messages=rivals.later)
    lenient = {"gates.gain": 0.0, "gates.recall_loss": 1.0, "gates.calibration_loss": 1.0}
    registry.make_champion(three, [*registry.champions(), three])  # what a second promotion does
    done = rollback(recipe)
    assert (done.decision, done.version, done.champion) == ("rolled back", three, two)
    assert done.reasons == (f"Rolled back: models:/back/{two} is champion again.",)
    assert registry.aliases()["champion"] == two
    assert registry.client.get_model_version("back", three).tags["promotion.decision"] == "rolled back"
    assert decisions_of(store, "back", three)[-1] == done.to_dict()
    assert rollback(recipe).champion == one
    assert [kept["decision"] for kept in decisions_of(store, "back", two)] == ["promoted", "rolled back"]
    with pytest.raises(ComparisonError, match="is the first champion"):
        rollback(recipe)
    again = promote(store.recipe("back", **lenient), challenger=f"models:/back/{two}", messages=rivals.later)
    assert (again.champion, registry.champions()) == (two, [one, two])


def test_rollback_to_a_deleted_version_is_an_error(store: Store, rivals: Any) -> None:
    one, two = store.register("gone", rivals.weak), store.register("gone", rivals.strong)
    registry = store.registry("gone")
    registry.make_champion(two, [one, two])
    registry.client.delete_model_version("gone", one)
    with pytest.raises(ArtifactError, match="models:/gone/1: is not in the store"):
        rollback(store.recipe("gone"))
    assert registry.aliases()["champion"] == two
    assert registry.champions() == [one, two]
    registry.client.delete_registered_model_alias("gone", "champion")
    with pytest.raises(ComparisonError, match="was not set by a promotion"):
        rollback(store.recipe("gone"))
