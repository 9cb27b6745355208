"""A store of registered models, for comparisons and promotions."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest

from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.tracked_run import RunContent, open_run
from tests.shared import mlflow_uri

QUICK = {"evaluate.attack": False, "evaluate.replicates": 100}


@dataclass(frozen=True, eq=False)
class Store:
    """A store in SQLite."""

    uri: str

    def register(self, name: str, folder: Path) -> str:
        """Register a model as training does; return its version."""
        with open_run(self.uri, "tests", name=name) as run:
            logged = run.finish(folder, RunContent(name, ""), register_as=name)
        return logged.model_uri.rpartition("/")[2]

    def recipe(self, name: str, **overrides: Any) -> Recipe:
        return Recipe.read(overrides={"name": name, "track.uri": self.uri, **QUICK, **overrides})

    def registry(self, name: str) -> Registry:
        return Registry(self.uri, name)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Yield a store, and reset the store of MLflow afterwards."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Store(mlflow_uri(folder))
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]
