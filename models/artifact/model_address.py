"""Addresses of models: a model folder, a saved MLflow model, or an address of MLflow, which alone needs MLflow."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from fraudsieve._addresses import shown_uri
from fraudsieve.exceptions import ArtifactError

from .mlflow_answers import answer_of, why_unusable

if TYPE_CHECKING:  # MLflow takes seconds, and a local folder does without it
    from mlflow.exceptions import MlflowException

ADDRESSES: Final = ("models:/", "runs:/", "mlflow-artifacts:/")
MLFLOW_FILE: Final = "MLmodel"
"""The file that makes a folder a saved MLflow model."""
MLFLOW_FOLDER: Final = "model"
"""The model folder inside a saved MLflow model."""


def is_mlflow_address(address: str | Path) -> bool:
    """Return whether MLflow must resolve an address; any other is a local path."""
    return str(address).startswith(ADDRESSES)


def model_folder(address: str | Path, *, into: str | Path | None = None) -> Path:
    """Return the model folder of a path or an MLflow address."""
    if is_mlflow_address(address):
        return _download(str(address), into) / MLFLOW_FOLDER
    path = Path(address)
    return path / MLFLOW_FOLDER if (path / MLFLOW_FILE).is_file() else path


def _download(address: str, into: str | Path | None) -> Path:
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        fix = "Install it: pip install 'fraudsieve[train]', or give a model folder."
        raise ArtifactError(address, f"{error.name} is not installed", fix) from None
    store = mlflow.get_registry_uri() if address.startswith("models:/") else mlflow.get_tracking_uri()
    try:
        answer_of(store, lambda: mlflow.MlflowClient(store, store).search_experiments(max_results=1))
        return Path(mlflow.artifacts.download_artifacts(address, dst_path=None if into is None else str(into)))
    except (MlflowException, TimeoutError) as error:
        raise not_in_store(address, store, error) from None


def not_in_store(address: str, store: str, error: "MlflowException | TimeoutError") -> ArtifactError:
    """Return the error of an address that MLflow does not have, or cannot read."""
    code = getattr(error, "error_code", "")
    missing = code == "RESOURCE_DOES_NOT_EXIST"
    problem = f"{'is not in' if missing else 'cannot be read from'} MLflow's store {shown_uri(store)}"
    fix = "Train a model there, use an address that exists, or set MLFLOW_TRACKING_URI to another store."
    return ArtifactError(address, problem if missing else f"{problem} ({code or why_unusable(error)})", fix)
