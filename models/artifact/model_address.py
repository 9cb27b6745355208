"""Addresses of models: a model folder, a saved MLflow model, or an address of MLflow, which alone needs MLflow."""

from pathlib import Path
from typing import Final

from fraudsieve.exceptions import ArtifactError

__all__ = ["MLFLOW_FOLDER", "is_mlflow_address", "model_folder"]

ADDRESSES: Final = ("models:/", "runs:/", "mlflow-artifacts:/")
MLFLOW_FILE: Final = "MLmodel"
"""The file that makes a folder a saved MLflow model."""
MLFLOW_FOLDER: Final = "model"
"""The model folder inside a saved MLflow model."""


def is_mlflow_address(address: str | Path) -> bool:
    """Return whether MLflow must resolve an address; any other is a local path.

    Examples
    --------
    >>> is_mlflow_address("models:/fraudsieve@champion"), is_mlflow_address("models/fraudsieve")
    (True, False)
    """
    return str(address).startswith(ADDRESSES)


def model_folder(address: str | Path, *, into: str | Path | None = None) -> Path:
    """Return the model folder of a path or an MLflow address.


    Raises
    ------
    ArtifactError
        If MLflow is needed and not installed, or does not have the model.
    """
    if is_mlflow_address(address):
        return _download(str(address), into) / MLFLOW_FOLDER
    path = Path(address)
    return path / MLFLOW_FOLDER if (path / MLFLOW_FILE).is_file() else path


def _download(address: str, into: str | Path | None) -> Path:
    try:
        # Imported here: MLflow takes seconds, and a local folder does without it.
        import mlflow
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        fix = "Install it: pip install 'fraudsieve[train]', or give a model folder."
        raise ArtifactError(address, f"{error.name} is not installed", fix) from None
    try:
        return Path(mlflow.artifacts.download_artifacts(address, dst_path=None if into is None else str(into)))
    except MlflowException as error:
        problem = f"is not in the store that MLFLOW_TRACKING_URI names ({error.error_code})"
        raise ArtifactError(address, problem, "Train a model there, or use an address that exists.") from None
