"""The MLflow flavour: a thin skin over the model folder.

`mlflow.pyfunc.load_model`, ``mlflow models serve`` and Spark UDFs call `Scorer` through it and return probabilities. A
model that looks at a history takes it as the parameter ``history``, which is JSON text, since MLflow's parameters are
scalars. No code travels with the model: whatever loads it has fraudsieve installed.
"""

import json
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import yaml
from mlflow.exceptions import MlflowException
from mlflow.models import Model as MlflowModel
from mlflow.models import ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME, ModelInfo
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.utils.environment import _mlflow_conda_env, _PythonEnv

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.artifact.folder import Model, read_model

from .predict import Scorer

__all__ = ["FLAVOR", "log_model", "logged_digest", "model_folder", "save_model", "signature", "version_behind"]

FLAVOR = "fraudsieve"
FOLDER = "model"
HISTORY = "history"
"""The parameter that holds what was before the records."""


def signature(model: Model) -> ModelSignature:
    """Return what the model takes and gives, as MLflow writes it.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    ModelSignature
        The columns of `Scorer.score_columns`, and the parameter ``history`` where the model looks at one. The input is
        left out: MLflow's own checks quote the row in their errors, and `Scorer` checks for itself.
    """
    numbers = ["probability", "false_positive_rate", *(f"probability__{name}" for name in model.classes)]
    strings = ["label", "decision", "status", "why"]
    outputs: list[ColSpec | TensorSpec] = [ColSpec(DataType.double, name, required=False) for name in numbers]
    outputs += [ColSpec(DataType.string, name, required=False) for name in strings]
    if not model.matrix.history_parts:
        return ModelSignature(outputs=Schema(outputs))
    return ModelSignature(outputs=Schema(outputs), params=ParamSchema([ParamSpec(HISTORY, DataType.string, None)]))


def save_model(path: str | Path, *, folder: str | Path, mlflow_model: MlflowModel | None = None) -> None:
    """Save a model folder as an MLflow model.

    Parameters
    ----------
    path : str or Path
        Where the MLflow model goes.
    folder : str or Path
        The model folder.
    mlflow_model : mlflow.models.Model, default=None
        What the flavour is added to; MLflow passes it.

    Raises
    ------
    ArtifactError
        When the folder is not whole.
    """
    path = Path(path)
    model = read_model(folder)
    shutil.copytree(folder, path / FOLDER)
    mlflow_model = MlflowModel() if mlflow_model is None else mlflow_model
    mlflow_model.signature = signature(model)
    mlflow.pyfunc.add_to_model(
        mlflow_model,
        loader_module="fraudsieve.models.flavor",
        data=FOLDER,
        conda_env="conda.yaml",
        python_env="python_env.yaml",
    )
    mlflow_model.add_flavor(FLAVOR, data=FOLDER, digest=model.digest, version=version("fraudsieve"))
    mlflow_model.save(str(path / MLMODEL_FILE_NAME))
    requirements = [f"fraudsieve[train]=={version('fraudsieve')}"]
    environment = _mlflow_conda_env(  # type: ignore[no-untyped-call]
        additional_pip_deps=requirements
    )
    (path / "conda.yaml").write_text(yaml.safe_dump(environment), "utf-8")
    (path / "requirements.txt").write_text("\n".join(requirements) + "\n", "utf-8")
    _PythonEnv.current().to_yaml(str(path / "python_env.yaml"))  # type: ignore[no-untyped-call]


def log_model(folder: str | Path, *, registered_model_name: str | None = None, name: str = "model") -> ModelInfo:
    """Log a model folder to the active MLflow run.

    Parameters
    ----------
    folder : str or Path
        The model folder.
    registered_model_name : str, default=None
        Register a version under this name.
    name : str, default="model"
        Name of the logged model in the run.

    Returns
    -------
    mlflow.models.model.ModelInfo
    """
    info: ModelInfo = MlflowModel.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[__name__],
        folder=folder,
        registered_model_name=registered_model_name,
    )
    return info


def model_folder(address: str | Path, *, into: str | Path | None = None) -> Path:
    """Find the model folder behind a path or an MLflow address.

    Parameters
    ----------
    address : str or Path
        A model folder, a saved MLflow model, or an address such as ``models:/name@champion`` or ``runs:/...``.
    into : str or Path, default=None
        Where a remote model is downloaded to; None for a new temporary folder that stays.

    Returns
    -------
    Path
        A local folder; it is downloaded when the address is remote.

    Raises
    ------
    ArtifactError
        When MLflow has no such model.
    """
    text = str(address)
    if text.startswith(("models:/", "runs:/", "mlflow-artifacts:/")):
        try:
            return (
                Path(mlflow.artifacts.download_artifacts(text, dst_path=None if into is None else str(into))) / FOLDER
            )
        except MlflowException as error:
            problem = f"is not in the store that MLFLOW_TRACKING_URI names ({error.error_code})"
            raise ArtifactError(text, problem, "Train a model there, or name one that is.") from None
    path = Path(text)
    return path / FOLDER if (path / MLMODEL_FILE_NAME).is_file() else path


def version_behind(address: str) -> str:
    """Look up which version of a registered model an address leads to now.

    Parameters
    ----------
    address : str
        ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

    Returns
    -------
    str

    Raises
    ------
    ArtifactError
        When it is no such address.
    mlflow.exceptions.MlflowException
        When it leads nowhere, or the registry does not answer.

    Examples
    --------
    >>> version_behind("models:/fraudsieve/3")
    '3'
    """
    found = re.fullmatch(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))", address)
    if found is None:
        fix = "Name models:/NAME@ALIAS or models:/NAME/VERSION."
        raise ArtifactError(address, "is no address of a registered version", fix)
    if found["version"]:
        return found["version"]
    return str(mlflow.MlflowClient().get_model_version_by_alias(found["name"], found["alias"]).version)


def logged_digest(folder: Path) -> str | None:
    """Return the digest that a model had when it was logged.

    Parameters
    ----------
    folder : Path
        A model folder, from `model_folder`.

    Returns
    -------
    str or None
        None when it is not part of an MLflow model.
    """
    written = folder.parent / MLMODEL_FILE_NAME
    if not written.is_file():
        return None
    return str(yaml.safe_load(written.read_text("utf-8"))["flavors"][FLAVOR]["digest"])


class _ScorerModel:
    """What pyfunc calls: a frame in, a frame of scores out."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Score a frame whose columns are the fields of records; ``history`` is that of `Scorer.score`, as JSON."""
        frame = pd.DataFrame(data)
        columns = {str(name): frame[name].tolist() for name in frame.columns}
        history = _history_of((params or {}).get(HISTORY))
        scores = pd.DataFrame(self.scorer.score_columns(columns, history=history), index=frame.index)
        # MLflow's server writes a NaN as NaN, which is no JSON; None becomes null.
        for name in scores.columns[scores.isna().any()]:
            scores[name] = scores[name].astype(object).where(scores[name].notna(), None)
        return scores


def _history_of(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("history: expected JSON, got other text.") from None


def _load_pyfunc(path: str) -> _ScorerModel:
    """Load the model folder; MLflow calls this by name."""
    return _ScorerModel(Scorer.load(path))
