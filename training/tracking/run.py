"""Logging of runs, metrics and models in MLflow."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Param
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from fraudsieve.models.flavor import log_model

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "DEFAULT_STORE",
    "SPLIT_MODEL",
    "LoggedRun",
    "NestedRun",
    "log_training",
    "quiet",
    "tracking_uri",
    "use_store",
]

DEFAULT_STORE = "sqlite:///mlflow.db"
"""The store in the working folder, if neither the recipe nor ``MLFLOW_TRACKING_URI`` names another."""
CHALLENGER = "challenger"
"""Alias of the newest model."""
CHAMPION = "champion"
"""Alias of the model in use."""
SPLIT_MODEL = "split_model"
"""Folder of a run with the model of the split, if the logged model was trained again."""


@dataclass(frozen=True)
class LoggedRun:
    """A run that was logged, and its model.

    Parameters
    ----------
    uri : str
        Address of the tracking store.
    experiment_id, run_id : str
        Identifiers of the run.
    model_uri : str
        Address of the model; ``models:/name/version`` if it is registered.
    aliases : tuple of str
        Aliases that were set to the model.
    """

    uri: str
    experiment_id: str
    run_id: str
    model_uri: str
    aliases: tuple[str, ...]

    @property
    def address(self) -> str:
        """The web address of the run, or the command that shows it."""
        path = f"#/experiments/{self.experiment_id}/runs/{self.run_id}"
        if self.uri.startswith("http"):
            return f"{self.uri.rstrip('/')}/{path}"
        return f"mlflow ui --backend-store-uri {self.uri}  then open /{path}"


@dataclass(frozen=True)
class NestedRun:
    """A nested run: a trial of a search.

    Parameters
    ----------
    name : str
        Name of the run.
    params, metrics, tags : dict
        Parameters, metrics and tags of the run.
    steps : dict of str to sequence of float
        Metrics with a value for each step.
    status : {"FINISHED", "KILLED", "FAILED"}
        Final status.
    started, seconds : float
        Start, in seconds since 1970, and duration.
    """

    name: str
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str]
    steps: dict[str, Sequence[float]]
    status: str
    started: float
    seconds: float


def tracking_uri(recipe_uri: str | None = None) -> str:
    """Return the tracking store to use.

    Parameters
    ----------
    recipe_uri : str, default=None
        The store of the recipe.

    Returns
    -------
    str
        The store of the recipe, otherwise ``MLFLOW_TRACKING_URI``, otherwise `DEFAULT_STORE`.

    Examples
    --------
    >>> tracking_uri("http://127.0.0.1:5000")
    'http://127.0.0.1:5000'
    """
    return recipe_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE


def use_store(uri: str) -> None:
    """Set the store of MLflow for runs and models in this process.

    Parameters
    ----------
    uri : str
        The store, as from `tracking_uri`.
    """
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)


def log_training(
    folder: str | Path,
    *,
    uri: str,
    experiment: str,
    name: str,
    register: bool,
    params: dict[str, Any],
    metrics: dict[str, float],
    documents: dict[str, Any],
    tags: dict[str, str],
    nested: Sequence[NestedRun] = (),
    folders: Mapping[str, Path] | None = None,
) -> LoggedRun:
    """Log a finished training run with its model folder.

    Parameters
    ----------
    folder : str or Path
        The model folder.
    uri : str
        The tracking store.
    experiment : str
        Name of the experiment, which is created if it does not exist.
    name : str
        Name under which the model is registered.
    register : bool
        Whether to register the model. A new version becomes `CHALLENGER`, and the first `CHAMPION` too.
    params, metrics, tags : dict
        Parameters, metrics and tags of the run.
    documents : dict of str to object
        Contents by file name: a string is written as text, anything else as JSON.
    nested : sequence of NestedRun, default=()
        Nested runs.
    folders : mapping of str to Path, default=None
        Further folders to log with all files, by name; None for none.

    Returns
    -------
    LoggedRun
        The run and the registered version.
    """
    use_store(uri)
    with quiet():
        experiment_id = mlflow.set_experiment(experiment).experiment_id
        with mlflow.start_run() as run:
            mlflow.log_params(params)
            mlflow.log_metrics(metrics)
            mlflow.set_tags(tags | _git_state())
            for file, content in documents.items():
                log = mlflow.log_text if isinstance(content, str) else mlflow.log_dict
                log(content, file)
            for name_in_run, path in (folders or {}).items():
                mlflow.log_artifacts(str(path), name_in_run)
            for trial in nested:
                _log_nested(trial, experiment_id, run.info.run_id)
            info = log_model(folder, registered_model_name=name if register else None)
        if not register:
            return LoggedRun(uri, experiment_id, run.info.run_id, info.model_uri, ())
        version = str(info.registered_model_version)
        return LoggedRun(uri, experiment_id, run.info.run_id, f"models:/{name}/{version}", _set_aliases(name, version))


def _log_nested(run: NestedRun, experiment_id: str, parent: str) -> None:
    """Log a finished run, in three calls."""
    client = mlflow.MlflowClient()
    begin, end = (int(1000 * seconds) for seconds in (run.started, run.started + run.seconds))
    tags = {MLFLOW_PARENT_RUN_ID: parent, **run.tags}
    run_id = client.create_run(experiment_id, start_time=begin, tags=tags, run_name=run.name).info.run_id
    metrics = [Metric(name, value, end, 0) for name, value in run.metrics.items()]
    metrics += [
        Metric(name, value, end, step) for name, values in run.steps.items() for step, value in enumerate(values)
    ]
    client.log_batch(run_id, metrics=metrics, params=[Param(name, str(value)) for name, value in run.params.items()])
    client.set_terminated(run_id, status=run.status, end_time=end)


def _set_aliases(name: str, version: str) -> tuple[str, ...]:
    client = mlflow.MlflowClient()
    new = (CHALLENGER,) if CHAMPION in client.get_registered_model(name).aliases else (CHALLENGER, CHAMPION)
    for alias in new:
        client.set_registered_model_alias(name, alias, version)
    return new


def _git_state() -> dict[str, str]:
    """Return the commit of the working folder and whether it has changes; empty outside a Git repository."""
    answers = {}
    for tag, command in {"git.commit": ["rev-parse", "HEAD"], "git.dirty": ["status", "--porcelain"]}.items():
        try:
            done = subprocess.run(["git", *command], capture_output=True, text=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            return {}
        answers[tag] = done.stdout.strip()
    return {"git.commit": answers["git.commit"], "git.dirty": str(bool(answers["git.dirty"])).lower()}


@contextmanager
def quiet() -> Iterator[None]:
    """Silence MLflow and its database migrations, except for warnings and errors.

    Output of MLflow, such as the address of a run on a server, goes to the error stream, because the standard output
    belongs to the command.

    Yields
    ------
    None
    """
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
