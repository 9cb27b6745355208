"""A registry with two versions of a model, for services that follow an alias."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import pytest

from fraudsieve.models import Scorer, write_model
from fraudsieve.models.calibration import Calibration
from fraudsieve.models.flavor import log_model
from tests.shared import mlflow_uri


@dataclass(frozen=True)
class Registry:
    """A registry in SQLite with versions of a model."""

    name: str
    environment: dict[str, str]
    folders: dict[str, Path]
    client: mlflow.MlflowClient

    def champion(self, version: str) -> None:
        self.client.set_registered_model_alias(self.name, "champion", version)


@contextmanager
def registry_with(folder: Path, name: str, models: Sequence[Path]) -> Iterator[Registry]:
    """Yield a registry in a folder with models as the versions 1, 2 and so on of a name."""
    uri = mlflow_uri(folder)
    environment = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_REGISTRY_URI": uri}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for variable, value in environment.items():
            patch.setenv(variable, value)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        experiment = mlflow.create_experiment("versions", artifact_location=str(folder / "artifacts"))
        with mlflow.start_run(experiment_id=experiment):
            for model in models:
                log_model(model, registered_model_name=name)
        versions = {str(number): model for number, model in enumerate(models, 1)}
        yield Registry(name, environment, versions, mlflow.MlflowClient())
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def registry(accounts_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with two good versions, whose scores differ."""
    folder = tmp_path_factory.mktemp("registry")
    write_model(replace(Scorer.load(accounts_folder).model, calibration=Calibration(shift=1.0)), folder / "other")
    with registry_with(folder, "accounts", [accounts_folder, folder / "other"]) as registry:
        yield registry
