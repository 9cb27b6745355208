"""MLflow: where a run, its figures and its model are kept."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
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
    "LoggedRun",
    "NestedRun",
    "log_training",
    "quiet",
    "tracking_uri",
    "use_store",
]

DEFAULT_STORE = "sqlite:///mlflow.db"
"""In the working folder, when neither the recipe nor ``MLFLOW_TRACKING_URI`` names another."""
CHALLENGER = "challenger"
"""Alias of the newest model."""
CHAMPION = "champion"
"""Alias of the model in use."""


@dataclass(frozen=True)
class LoggedRun:
    """Where a run went.

    Parameters
    ----------
    uri : str
        Address of the tracking store.
    experiment_id, run_id : str
        The run.
    model_uri : str
        Address of the model: ``models:/name/version`` when it is registered.
    aliases : tuple of str
        Aliases that now point to the model.
    """

    uri: str
    experiment_id: str
    run_id: str
    model_uri: str
    aliases: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where the run can be looked at, or the command that shows it."""
        path = f"#/experiments/{self.experiment_id}/runs/{self.run_id}"
        if self.uri.startswith("http"):
            return f"{self.uri.rstrip('/')}/{path}"
        return f"mlflow ui --backend-store-uri {self.uri}  then open /{path}"


@dataclass(frozen=True)
class NestedRun:
    """A run within another: a trial of a search.

    Parameters
    ----------
    name : str
        Its name.
    params, metrics, tags : dict
        What MLflow shows of it.
    steps : dict of str to sequence of float
        Metrics of several steps.
    status : {"FINISHED", "KILLED", "FAILED"}
        How it ended.
    started, seconds : float
        When it began, in seconds since 1970, and how long it took.
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
        What the recipe says.

    Returns
    -------
    str
        The recipe's, else ``MLFLOW_TRACKING_URI``, else `DEFAULT_STORE`.

    Examples
    --------
    >>> tracking_uri("http://127.0.0.1:5000")
    'http://127.0.0.1:5000'
    """
    return recipe_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE


def use_store(uri: str) -> None:
    """Let MLflow keep runs and models in a store from now on.

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
) -> LoggedRun:
    """Log a finished training run, its model folder included.

    Parameters
    ----------
    folder : str or Path
        The model folder.
    uri : str
        The tracking store.
    experiment : str
        Name of the experiment; it is made when it is not there.
    name : str
        Name under which the model is registered.
    register : bool
        Whether to register the model. A new version becomes `CHALLENGER`, and the first `CHAMPION` too.
    params, metrics, tags : dict
        What MLflow shows of the run.
    documents : dict of str to object
        File name to what is written there: a text as it is, all else as JSON.
    nested : sequence of NestedRun, default=()
        Runs within it.

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
            for one in nested:
                _log_nested(one, experiment_id, run.info.run_id)
            info = log_model(folder, registered_model_name=name if register else None)
        if not register:
            return LoggedRun(uri, experiment_id, run.info.run_id, info.model_uri, ())
        version = str(info.registered_model_version)
        return LoggedRun(uri, experiment_id, run.info.run_id, f"models:/{name}/{version}", _set_aliases(name, version))


def _log_nested(run: NestedRun, experiment_id: str, parent: str) -> None:
    """Log a run that is over, in three calls."""
    client = mlflow.MlflowClient()
    begin, end = (int(1000 * moment) for moment in (run.started, run.started + run.seconds))
    tags = {MLFLOW_PARENT_RUN_ID: parent, **run.tags}
    made = client.create_run(experiment_id, start_time=begin, tags=tags, run_name=run.name).info.run_id
    metrics = [Metric(name, value, end, 0) for name, value in run.metrics.items()]
    metrics += [
        Metric(name, value, end, step) for name, values in run.steps.items() for step, value in enumerate(values)
    ]
    client.log_batch(made, metrics=metrics, params=[Param(name, str(value)) for name, value in run.params.items()])
    client.set_terminated(made, status=run.status, end_time=end)


def _set_aliases(name: str, version: str) -> tuple[str, ...]:
    client = mlflow.MlflowClient()
    new = (CHALLENGER,) if CHAMPION in client.get_registered_model(name).aliases else (CHALLENGER, CHAMPION)
    for alias in new:
        client.set_registered_model_alias(name, alias, version)
    return new


def _git_state() -> dict[str, str]:
    """Return the commit of the working folder, and whether it has changes; nothing outside of git."""
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
    """Keep MLflow and its database migrations from talking; warnings and errors still come through.

    What MLflow prints, such as the address of a run on a server, goes to the error stream: the output is the command's.

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
