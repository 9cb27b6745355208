"""The MLflow flavor: a thin wrapper of the model folder.

`mlflow.pyfunc.load_model`, ``mlflow models serve`` and Spark UDFs call `Scorer` through it and return scores. A model
that uses history takes it as the parameter ``history``, as JSON text, because parameters in MLflow are scalars. No code
is logged with the model, so the environment that loads it needs fraudsieve.
"""

import json
import os
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
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType
from mlflow.utils.environment import _mlflow_conda_env, _PythonEnv

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.artifact.mlflow_answers import answer_of
from fraudsieve.models.artifact.model_address import MLFLOW_FOLDER, not_in_store

from .fields import columns_of, model_fields
from .predict import Scorer
from .scoring.score_fields import score_columns
from .verification import load_model

FLAVOR = "fraudsieve"
HISTORY = "history"
"""Name of the parameter that holds the history."""
OF_LABELS = ("label", "labelled_at", "source", "campaign")
"""Columns of tables that are not part of a record to score."""
MLMODEL_BYTES = 256 << 10
"""Maximum size of ``MLmodel``; MLflow writes a few kilobytes."""
MLMODEL_DEPTH = 20
MLFLOW = {float: DataType.double, str: DataType.string}


def signature(model: Model) -> ModelSignature:
    """Return the MLflow signature of a model.

    Its inputs are the fields of the records, all optional and of any type, so that MLflow shows them and checks
    nothing: errors of its checks quote rows. `Scorer` checks the input. The outputs are the columns of
    `Scorer.score_columns`. There is a parameter ``history`` if the model uses one.
    """
    anything = AnyType()  # type: ignore[no-untyped-call]
    inputs: list[ColSpec | TensorSpec] = [ColSpec(anything, name, required=False) for name in _input_names(model)]
    columns = score_columns(model.classes, by_source=model.source_points is not None)
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(MLFLOW[kind], name, required=False) for name, kind in columns.items()
    ]
    parts: dict[str, Any] = {"outputs": Schema(outputs)} | ({"inputs": Schema(inputs)} if inputs else {})
    if model.matrix.history_parts:
        parts["params"] = ParamSchema([ParamSpec(HISTORY, DataType.string, None)])
    return ModelSignature(**parts)


def _input_names(model: Model) -> list[str]:
    """Return the fields that the model reads, also under the names of its training, then the others of its table.

    MLflow drops all other fields with a warning. So there are none if the policy of the model is an error for these.
    """
    if model.policy.unknown == "error":
        return []
    read = [*(field.name for field in model.matrix.fields), *model.given[f"{model.subject}s"].names]
    return [*read, *sorted(model_fields(model.matrix).allowed - {*read, *OF_LABELS})]


def save_model(path: str | Path, *, folder: str | Path, mlflow_model: MlflowModel | None = None) -> None:
    """Save a model folder as an MLflow model."""
    path = Path(path)
    model = load_model(folder)
    shutil.copytree(folder, path / MLFLOW_FOLDER)
    mlflow_model = MlflowModel() if mlflow_model is None else mlflow_model
    mlflow_model.signature = signature(model)
    mlflow.pyfunc.add_to_model(
        mlflow_model,
        loader_module="fraudsieve.models.flavor",
        data=MLFLOW_FOLDER,
        conda_env="conda.yaml",
        python_env="python_env.yaml",
        model_config={"column": None, HISTORY: None},
    )
    mlflow_model.add_flavor(FLAVOR, data=MLFLOW_FOLDER, digest=model.digest, version=version("fraudsieve"))
    mlflow_model.save(str(path / MLMODEL_FILE_NAME))
    requirements = [f"fraudsieve[train]=={version('fraudsieve')}"]
    environment = _mlflow_conda_env(  # type: ignore[no-untyped-call]
        additional_pip_deps=requirements
    )
    (path / "conda.yaml").write_text(yaml.safe_dump(environment), "utf-8")
    (path / "requirements.txt").write_text("\n".join(requirements) + "\n", "utf-8")
    _PythonEnv.current().to_yaml(str(path / "python_env.yaml"))  # type: ignore[no-untyped-call]


def log_model(folder: str | Path, *, registered_model_name: str | None = None, name: str = "model") -> ModelInfo:
    """Log a model folder to the active MLflow run."""
    info: ModelInfo = MlflowModel.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[__name__],
        folder=folder,
        registered_model_name=registered_model_name,
    )
    return info


def resolve_version(address: str) -> str:
    """Return the version of a registered model that an address points to now."""
    match = re.fullmatch(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))", address)
    if match is None:
        fix = "Use models:/NAME@ALIAS or models:/NAME/VERSION."
        raise ArtifactError(address, "is not the address of a registered version", fix)
    if match["version"]:
        return match["version"]
    name, alias, store = match["name"], match["alias"], mlflow.get_registry_uri()
    try:
        version = answer_of(store, lambda: mlflow.MlflowClient().get_model_version_by_alias(name, alias)).version
    except (MlflowException, TimeoutError) as error:
        raise not_in_store(address, store, error) from None
    return str(version)


def logged_digest(folder: Path) -> str | None:
    """Return the digest that was logged with a model.

    Returns None if it is not part of an MLflow model.
    """
    mlmodel = folder.parent / MLMODEL_FILE_NAME
    if not mlmodel.is_file():
        return None
    problem, digest = "its fraudsieve flavor has no SHA-256 as digest", None
    try:
        digest = _read_yaml(mlmodel)["flavors"][FLAVOR]["digest"]
    except (ValueError, yaml.YAMLError) as error:
        problem = f"cannot be read ({type(error).__name__})"
    except (KeyError, TypeError):
        pass
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise ArtifactError(str(mlmodel), problem, "Log the model again.")
    return digest


def _read_yaml(path: Path) -> Any:
    """Read a YAML file of limited size and depth, without aliases.

    A few hundred bytes of aliases can stand for gigabytes, and PyYAML takes minutes for thousands of open brackets.
    """
    with path.open("rb") as stream:
        content = stream.read(MLMODEL_BYTES + 1)
    if len(content) > MLMODEL_BYTES:
        raise ValueError(f"expected at most {MLMODEL_BYTES} bytes, got more")
    text, depth = content.decode(), 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):  # reads on only as events are taken
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > MLMODEL_DEPTH:
            raise ValueError(f"expected YAML without aliases, of at most {MLMODEL_DEPTH} levels")
    return yaml.safe_load(text)


class _WrongInput(MlflowException, ValueError):
    """A wrong input, in one line: the answer of MLflow's server would hold a traceback, or quote the rows."""

    # The server sets the message, to put the rows in front of it.
    message = property(lambda self: self.args[0], lambda self, message: None)


class _ScorerModel:
    """The pyfunc model: from a DataFrame of records to a DataFrame of scores, or to their ``column`` of its config."""

    def __init__(self, scorer: Scorer, config: dict[str, Any]) -> None:
        self.scorer, self.config = scorer, config

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Score a DataFrame of records; ``history`` is that of `Scorer.score`, as JSON.

        A label or a decision that is missing is the status instead: MLflow compares them with the targets.
        """
        frame = _one_record_per_row(pd.DataFrame(data))
        columns = columns_of(frame.rename(columns=str))
        history = (params or {}).get(HISTORY) or self.config.get(HISTORY)
        try:
            found = self.scorer.score_columns(columns, history=_history_of(history))
        except (KeyError, TypeError, ValueError) as error:
            hint = " MLflow leaves out the columns that the model does not read." * isinstance(error, KeyError)
            raise _WrongInput(f"{error.args[0]}{hint}", BAD_REQUEST) from error
        scores = pd.DataFrame(found, index=frame.index)
        # MLflow's server writes NaN, which is not valid JSON; None becomes null.
        for name in scores.columns[scores.isna().any()]:
            scores[name] = scores[name].astype(object).where(scores[name].notna(), None)
        if (column := self.config.get("column")) not in (None, *found):
            raise _WrongInput(f"column: expected one of {', '.join(found)}, got another one.", BAD_REQUEST)
        if column in ("label", "decision"):
            return scores[column].fillna(scores["status"])
        return scores if column is None else scores[column]


def _one_record_per_row(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the records of columns that came as a dict of lists: MLflow makes one row of lists of strings."""
    cells = {} if len(frame) != 1 else {name: frame[name].iloc[0] for name in frame}
    return pd.DataFrame(cells) if any(isinstance(cell, list) for cell in cells.values()) else frame


def _history_of(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("history: expected JSON, got other text.") from None


def _load_pyfunc(path: str, config: dict[str, Any] | None = None) -> _ScorerModel:
    """Load the model folder; MLflow calls this by name, with the ``model_config``.

    Its errors about an input that is not a table would quote it.
    """
    os.environ.setdefault("MLFLOW_DISABLE_SCHEMA_DETAILS", "true")
    return _ScorerModel(Scorer.load(path), config or {})
