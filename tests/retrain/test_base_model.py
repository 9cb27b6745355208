"""The recipe of a model for the tables of today, and the first champion of a name."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.retrain import retraining_plan
from fraudsieve.retrain.retraining_plan import load_base
from fraudsieve.training.tracking.registry import Registry
from tests.messages import refused


@pytest.mark.slow
def test_the_recipe_is_that_of_the_model_as_of_now(base: Path, uri: str) -> None:
    before = datetime.now(UTC)
    loaded = load_base(base, {"language": "zh", "data.columns": {"account_id": "card"}, "data.encoding": None})
    recipe = loaded.recipe
    assert (recipe.name, recipe.model.n_rounds, recipe.language, recipe.track.enabled) == ("cards", 20, "zh", True)
    assert recipe.data.subject == "event"
    assert recipe.data.columns == {"occurred_at": "paid_at", "account_id": "card"}
    assert recipe.data.as_of is not None
    assert before <= recipe.data.as_of <= datetime.now(UTC)
    assert (loaded.champion, loaded.challenger, loaded.in_use) == (None, None, loaded.model)
    assert load_base(base, {"name": "others"}).recipe.name == "others"


@pytest.mark.slow
def test_a_store_that_does_not_exist_is_not_created(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///new.db")
    assert load_base(base, {}).champion is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_model_becomes_the_first_champion(base: Path, registry: Registry) -> None:
    loaded = load_base(base, {"track.experiment": "payments"})
    assert loaded.register(base) == "1"
    again = load_base(base, {})
    assert again.champion is not None
    assert (again.champion.number, again.champion.model.digest) == ("1", loaded.model.digest)
    assert again.recipe.track.experiment == "payments"  # that of the champion
    registry.client.delete_registered_model_alias("cards", "champion")
    of_version = load_base("models:/cards/1", {})
    assert (of_version.champion, of_version.recipe.name) == (None, "cards")
    assert of_version.register(base) == "1"  # the version exists
    assert registry.aliases()["champion"] == "1"


def test_a_model_without_a_recipe_cannot_be_trained_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SimpleNamespace(training={}, matrix=SimpleNamespace(lists=None))
    loaded: Any = SimpleNamespace(model=model)
    monkeypatch.setattr(retraining_plan, "Scorer", SimpleNamespace(load=lambda address: loaded))
    with refused(ArtifactError):
        load_base("model", {})
