"""A registry with two versions of a model, for services that follow an alias."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import pytest

from fraudsieve.models import Scorer, write_model
from fraudsieve.models.calibration import Calibration
from fraudsieve.models.flavor import log_model
from tests.shared import mlflow_uri

NAME = "accounts"


@dataclass(frozen=True)
class Registry:
    """A registry in SQLite with two good versions, whose scores differ."""

    environment: dict[str, str]
    folders: dict[str, Path]
    client: mlflow.MlflowClient

    def champion(self, version: str) -> None:
        self.client.set_registered_model_alias(NAME, "champion", version)


@pytest.fixture(scope="module")
def registry(accounts_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    uri = mlflow_uri(folder)
    other = replace(Scorer.load(accounts_folder).model, calibration=Calibration(shift=1.0))
    write_model(other, folder / "other")
    folders = {"1": accounts_folder, "2": folder / "other"}
    environment = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_REGISTRY_URI": uri}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in environment.items():
            patch.setenv(name, value)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        experiment = mlflow.create_experiment("faults", artifact_location=str(folder / "artifacts"))
        with mlflow.start_run(experiment_id=experiment):
            for model in folders.values():
                log_model(model, registered_model_name=NAME)
        yield Registry(environment, folders, mlflow.MlflowClient())
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]
