"""A registered model: aliases, versions and earlier champions. Its promotion is tested in test_decision."""

import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.training.tracking.registry import CHAMPIONS, CLAIM, CLAIM_SECONDS, MAX_CHAMPIONS, Registry
from tests.messages import refused
from tests.shared import mlflow_uri


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Yield a registry of three versions without a run, the second of them challenger."""
    uri = mlflow_uri(tmp_path)
    guard = Registry(uri, "guard")
    guard.client.create_registered_model("guard")
    for _ in range(3):
        guard.client.create_model_version("guard", str(tmp_path))
    guard.client.set_registered_model_alias("guard", "challenger", "2")
    yield guard
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    mlflow.set_registry_uri(None)  # type: ignore[arg-type]


def test_addresses_name_versions(registry: Registry) -> None:
    assert registry.aliases() == {"challenger": "2"}
    assert registry.version_of("models:/guard@challenger") == "2"
    assert registry.version_of("models:/guard/3") == "3"
    with refused(ArtifactError):
        registry.version_of("models:/guard@champion")


@pytest.mark.parametrize("address", ["guard", "models:/guard", "models:/guards/1", "models:/guard/latest", "runs:/a/b"])
def test_invalid_addresses_of_a_version_are_an_error(registry: Registry, address: str) -> None:
    with refused(ArtifactError, "guard"):
        registry.version_of(address)


@pytest.mark.slow
def test_make_champion_sets_the_alias_and_the_tag(registry: Registry) -> None:
    assert registry.champions() == []
    registry.make_champion("3", ["1", "3"])
    assert (registry.aliases()["champion"], registry.champions()) == ("3", ["1", "3"])
    with refused(ArtifactError):
        registry.make_champion("4", ["4"])
    assert (registry.aliases()["champion"], registry.champions()) == ("3", ["1", "3"])


def test_the_number_of_stored_champions_is_bounded(registry: Registry) -> None:
    registry.make_champion("1", ["2"] * 500 + ["1"])
    assert registry.champions() == ["2"] * (MAX_CHAMPIONS - 1) + ["1"]
    assert len(registry.client.get_registered_model("guard").tags[CHAMPIONS]) < 1000


@pytest.mark.slow
def test_a_version_without_a_run_gets_its_tags(registry: Registry) -> None:
    registry.record("1", {"at": "2026-05-01T10:00:00+00:00"}, {"promotion.decision": "refused"})
    assert registry.client.get_model_version("guard", "1").tags == {"promotion.decision": "refused"}


@pytest.mark.slow
def test_an_unreachable_store_is_not_a_missing_model(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise mlflow.exceptions.MlflowException("no answer")

    monkeypatch.setattr(registry.client, "get_registered_model", broken)
    with refused(ArtifactError):
        registry.aliases()


@pytest.mark.slow
def test_one_process_changes_the_champion_at_a_time(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.training.tracking.registry.TURN_SECONDS", 0.0)

    def claims() -> list[str]:
        return [name for name in registry.client.get_registered_model("guard").tags if name.startswith(CLAIM)]

    with registry.sole_change():
        assert len(claims()) == 1
        with refused(ArtifactError):
            registry.sole_change().__enter__()
        assert len(claims()) == 1
    assert claims() == []
    registry.client.set_registered_model_tag("guard", f"{CLAIM}killed", f"{time.time() - CLAIM_SECONDS - 1}")
    with registry.sole_change():
        assert len(claims()) == 1
    assert claims() == []
