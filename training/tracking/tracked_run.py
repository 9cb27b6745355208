"""Logging of runs, metrics and models in MLflow.

A run is opened before the work, so that one that fails or is stopped is known as well. MLflow would show a run whose
process was killed as running forever: the next run ends it.
"""

import io
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import mlflow
import pandas as pd
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.sources import LocalArtifactDatasetSource  # type: ignore[attr-defined]  # made at import
from mlflow.entities import LifecycleStage, Metric, Param
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME, MLFLOW_RUN_NOTE
from mlflow.utils.validation import MAX_DATASET_DIGEST_SIZE

from fraudsieve._addresses import shown_uri
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import TrackingError
from fraudsieve.models.flavor import log_model

from .store import check_store, quiet, run_page, use_store

HOST, PROCESS = "fraudsieve.host", "fraudsieve.pid"
IN_PROGRESS: Final = "In progress."
KILLED: Final = "Stopped before it was finished."
ABANDONED: Final = "Its process is gone: it was killed, or the machine stopped."

CHALLENGER = "challenger"
"""Alias of the newest model."""
CHAMPION = "champion"
"""Alias of the model in use."""
REPORT = "report.json"
"""File of a run with the evaluation report."""
SPLIT_MODEL = "split_model"
"""Folder of a run with the evaluated model, if the logged model was trained again."""
ARTIFACTS = "mlruns"
"""Folder of the files of runs, beside a SQLite store."""


class RunInput(NamedTuple):
    """A table that a run reads."""

    # `messages`, `accounts`, `events` or `labels`.
    name: str
    path: str | None
    # SHA-256 of the table. MLflow keeps the first 36 characters.
    digest: str


@dataclass(frozen=True)
class LoggedRun:
    """A logged run and its model.

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
        page = run_page(self.uri, self.experiment_id, self.run_id)
        place = f"/#/experiments/{self.experiment_id}/runs/{self.run_id}"
        return page or f"mlflow ui --backend-store-uri {self.shown_uri}  then open {place}"

    @property
    def shown_uri(self) -> str:
        """The address of the store without its password."""
        return shown_uri(self.uri)


@dataclass(frozen=True)
class NestedRun:
    """A nested run: a trial of a search."""

    name: str
    params: JsonObject
    metrics: dict[str, float]
    tags: dict[str, str]
    # Metrics with a value for each step.
    steps: dict[str, Sequence[float]]
    status: str
    # Start, in seconds since 1970, and duration.
    started: float
    seconds: float


@dataclass(frozen=True)
class RunContent:
    """The content of a finished run, except its model."""

    name: str
    # Text in Markdown, of the run and of the version of the model.
    description: str
    params: JsonObject = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    # Contents by file name: a string is written as text, anything else as JSON.
    documents: JsonObject = field(default_factory=dict)
    # Tables by file name, which MLflow shows as tables.
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    nested: Sequence[NestedRun] = ()
    # Further folders to log with all files, by name.
    folders: Mapping[str, Path] = field(default_factory=dict)


class OpenRun:
    """A run in progress; `open_run` makes it."""

    def __init__(self, uri: str, experiment_id: str, run_id: str) -> None:
        self.uri, self.experiment_id, self.run_id = uri, experiment_id, run_id
        self._client = mlflow.MlflowClient(uri, uri)

    @property
    def page(self) -> str:
        """The web address of the run where the store has one, otherwise its identifier."""
        return run_page(self.uri, self.experiment_id, self.run_id) or self.run_id

    def log_metric(self, name: str, value: float, step: int) -> None:
        """Log a metric while the work goes on."""
        self._client.log_metric(self.run_id, name, value, step=step)  # the client needs no active run of this thread

    def log_round(self, n_rounds: int, loss: float) -> None:
        """Log the loss of a training after some rounds."""
        self.log_metric("boosting.log_loss_of_training", loss, n_rounds)

    def log_inputs(self, inputs: Sequence[RunInput]) -> None:
        """Log which tables the work reads, without any of their rows."""
        with quiet():
            for name, path, digest in inputs:
                source = CodeDatasetSource({}) if path is None else LocalArtifactDatasetSource(path)
                dataset = MetaDataset(source, name, digest[:MAX_DATASET_DIGEST_SIZE])  # type: ignore[abstract]  # it is not
                mlflow.log_input(dataset, context="training")

    def finish(self, folder: str | Path, content: RunContent, *, register_as: str | None) -> LoggedRun:
        """Log the result of the work.

        Returns the run and the registered version.
        """
        try:
            with quiet():
                return self._finish(Path(folder), content, register_as)
        except Exception as error:
            problem = f"the run could not be logged ({type(error).__name__})"
            fix = f"The model is complete in {folder}. Check the store, and train again to log and register it."
            raise TrackingError(f"MLflow's store {shown_uri(self.uri)}", problem, fix) from error

    def _finish(self, folder: Path, content: RunContent, register_as: str | None) -> LoggedRun:
        mlflow.log_params(content.params)
        mlflow.log_metrics(content.metrics)
        mlflow.set_tags(content.tags | {MLFLOW_RUN_NAME: content.name, MLFLOW_RUN_NOTE: content.description})
        for file, document in content.documents.items():
            log = mlflow.log_text if isinstance(document, str) else mlflow.log_dict
            log(document, file)
        for file, table in content.tables.items():
            mlflow.log_table(table, file)
        for name, path in content.folders.items():
            mlflow.log_artifacts(str(path), name)
        for trial in content.nested:
            _log_nested(self._client, trial, self.experiment_id, self.run_id)
        with redirect_stderr(io.StringIO()):  # "Successfully registered model": the caller says it
            info = log_model(folder, registered_model_name=register_as)
        if register_as is None:
            return LoggedRun(self.uri, self.experiment_id, self.run_id, info.model_uri, ())
        version = str(info.registered_model_version)
        self._client.update_model_version(register_as, version, content.description)
        describe_once(self._client, register_as)
        aliases = _set_aliases(self._client, register_as, version)
        return LoggedRun(self.uri, self.experiment_id, self.run_id, f"models:/{register_as}/{version}", aliases)


@contextmanager
def open_run(uri: str, experiment: str, *, name: str) -> Iterator[OpenRun]:
    """Open a run, and end it with the correct status.

    Returns the run. It ends as ``FINISHED``; ``KILLED`` after an interrupt, and ``FAILED`` after any other error, with
    the type of the error as the tag ``error``. Runs of this machine whose process is gone are ended as ``KILLED``.
    """
    check_store(uri)
    use_store(uri)
    with quiet():
        experiment_id = _experiment(uri, experiment)
        _end_abandoned_runs(mlflow.MlflowClient(uri, uri), experiment_id)
        # With the process, so that a later run finds out whether it is still alive.
        tags = {HOST: socket.gethostname(), PROCESS: str(os.getpid()), **_git_state(), MLFLOW_RUN_NOTE: IN_PROGRESS}
        nested = mlflow.active_run() is not None
        run_id = mlflow.start_run(experiment_id=experiment_id, run_name=name, tags=tags, nested=nested).info.run_id
    status, failed = "FAILED", dict[str, str]()
    try:
        yield OpenRun(uri, experiment_id, run_id)
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status, failed = "KILLED", {MLFLOW_RUN_NOTE: KILLED}
        raise
    except Exception as error:
        failed = {"error": type(error).__name__, MLFLOW_RUN_NOTE: _describe_failure(error)}
        raise
    finally:
        with quiet():
            with suppress(Exception):  # the store may be unavailable: the error of the work, if any, is raised instead
                for tag, text in failed.items():
                    mlflow.MlflowClient().set_tag(run_id, tag, text)
            with suppress(Exception):
                mlflow.end_run(status)


def _experiment(uri: str, name: str) -> str:
    """Return an experiment; a new one in a SQLite store keeps its files beside the store, not in the working folder."""
    client = mlflow.MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        store = Path(uri.removeprefix("sqlite:///"))
        beside = (store.parent / ARTIFACTS).resolve().as_uri() if uri.startswith("sqlite:///") else None
        return str(client.create_experiment(name, artifact_location=beside))
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        fix = "Restore it in MLflow, or name another with --experiment."
        raise TrackingError(f"MLflow's store {shown_uri(uri)}", "expected an experiment, got a deleted one", fix)
    return str(experiment.experiment_id)


def _log_nested(client: mlflow.MlflowClient, run: NestedRun, experiment_id: str, parent: str) -> None:
    """Log a finished run, in three calls."""
    begin, end = (int(1000 * seconds) for seconds in (run.started, run.started + run.seconds))
    tags = {MLFLOW_PARENT_RUN_ID: parent, **run.tags}
    run_id = client.create_run(experiment_id, start_time=begin, tags=tags, run_name=run.name).info.run_id
    metrics = [Metric(name, value, end, 0) for name, value in run.metrics.items()]
    metrics += [
        Metric(name, value, end, step) for name, values in run.steps.items() for step, value in enumerate(values)
    ]
    client.log_batch(run_id, metrics=metrics, params=[Param(name, str(value)) for name, value in run.params.items()])
    client.set_terminated(run_id, status=run.status, end_time=end)


def _set_aliases(client: mlflow.MlflowClient, name: str, version: str) -> tuple[str, ...]:
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


def _end_abandoned_runs(client: mlflow.MlflowClient, experiment_id: str) -> None:
    """End, as ``KILLED``, the runs of this machine that are shown as running and whose process is gone."""
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        tags = run.data.tags
        if tags.get(HOST) == socket.gethostname() and not _is_alive(tags.get(PROCESS, "")):
            client.set_tag(run.info.run_id, MLFLOW_RUN_NOTE, ABANDONED)
            client.set_terminated(run.info.run_id, status="KILLED")


def _is_alive(pid: str) -> bool:
    """Return whether a process exists; a number that another process got since then counts as alive."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except OSError:  # it is another user's
        pass
    return True


def _describe_failure(error: Exception) -> str:
    """Return the description of a failed run. It has the type of the error, not its text, which may quote a record."""
    return f"Failed with `{type(error).__name__}`. The output of the command says why, and what to do."


def describe_once(client: mlflow.MlflowClient, name: str) -> None:
    """Describe a registered model, unless it has a description: what its aliases are, and the commands for them."""
    if client.get_registered_model(name).description:
        return
    lines = (
        "Models that fraudsieve trained. `champion` is the version in use, `challenger` the newest one.",
        "",
        f"- compare them on later records: `fraudsieve promote --dry-run --name {name}`",
        f"- make the challenger champion if it is better: `fraudsieve promote --name {name}`",
        f"- undo that: `fraudsieve rollback --name {name}`",
        f"- score records: `fraudsieve predict --model models:/{name}@champion`",
    )
    client.update_registered_model(name, "\n".join(lines))
