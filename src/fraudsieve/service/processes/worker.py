"""A worker: one of several processes that serve the same model on one socket, and the application that it serves."""

import logging
import os
import shutil
import socket
import sys
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from fraudsieve.exceptions import FraudsieveError, LocatedError, ServiceError
from fraudsieve.models.artifact.model_address import is_mlflow_address, model_folder
from fraudsieve.service.json_log import configure_json_logging, error_location, log_event
from fraudsieve.service.loaded_model import FoundModel, SharedModel
from fraudsieve.service.settings import Settings

from .messages import WorkerChannel

if TYPE_CHECKING:
    from starlette.applications import Starlette

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus_client shares metrics between processes."""
PACKAGES = ("starlette", "uvicorn", "httptools", "uvloop", "prometheus_client", "pydantic")


def check_installed() -> None:
    """Raise ServiceError if a package of the extra ``serve`` is missing; imports none of them."""
    for package in PACKAGES:
        if find_spec(package) is None:
            fix = "Install it: pip install 'fraudsieve[serve]'."
            raise ServiceError("fraudsieve serve", f"{package} is not installed", fix)


def load_app(settings: Settings) -> "Starlette":
    """Load the model that the settings name, or that the other workers use, and create its application."""
    # Imported here: a worker first says where its metrics are, and the supervisor imports none of this.
    from fraudsieve.models.predict import Scorer
    from fraudsieve.models.rules.files import read_rules
    from fraudsieve.service.app import create_app

    rules = None if settings.rules is None else read_rules(settings.rules)
    shared = SharedModel(settings.folder)
    with shared.locked():  # the first worker finds the model, and the others wait
        found = shared.read() or shared.write(find_model(settings.address or ""))
    scorer = Scorer.load(found.folder, digest=found.digest, rules=rules)
    return create_app(scorer, replace(settings, version=found.version))


def find_model(address: str) -> FoundModel:
    """Find a model; one of MLflow is downloaded."""
    if not is_mlflow_address(address) and (folder := model_folder(address)) == Path(address):
        return FoundModel(folder)  # MLflow is not needed
    # Standard error holds JSON lines only: neither MLflow's own log format nor its progress bars.
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        from fraudsieve.models.flavor import logged_digest, resolve_version
    except ModuleNotFoundError as error:
        fix = "Install it: pip install 'fraudsieve[train,serve]', or pass a model folder."
        raise ServiceError(address, f"{error.name} is not installed", fix) from None
    version = None
    if address.startswith("models:/"):
        # The alias is resolved once, so that the version shown is the one that is loaded.
        version = resolve_version(address)
        address = f"{address.partition('@')[0]}/{version}" if "@" in address else address
    folder = model_folder(address)
    return FoundModel(folder, logged_digest(folder), version)


def run_worker(
    number: int, settings: Settings, is_replacement: bool, listener: socket.socket, pipe: Connection
) -> None:
    """Serve until the supervisor asks to stop, or dies; the main function of a worker, the first of which is 0.

    The settings are as for `create_app`, with the address of the model and the folder that the workers share.
    """
    os.setpgrp()  # Ctrl-C reaches the supervisor alone, which stops all workers in order
    configure_json_logging(pid=os.getpid())
    # prometheus_client reads it when it is imported, which is not before the application is: so this module is not that
    # of the supervisor, which imports prometheus_client.
    os.environ[METRICS_VARIABLE] = str(settings.folder)
    channel = WorkerChannel(pipe, takes_snapshots=number == 0)
    try:
        app = load_app(_own_settings(settings, number))
        from fraudsieve.service.server import run

        app.state.channel = channel
        if is_replacement:
            app.state.handler.metrics.worker_restarts.inc()
            # Until it is ready the others answer, while requests to a cold worker would be answered 503.
            app.state.handler.warm_up()
    except Exception as error:
        problem = error.problem if isinstance(error, LocatedError) else error_location(error)
        log_event("worker cannot start", level=logging.ERROR, why=problem)
        channel.send(_presentable(error))
        sys.exit(1)
    run(app, settings, listener)
    if channel.is_orphan:
        shutil.rmtree(str(settings.folder), ignore_errors=True)


def _own_settings(settings: Settings, number: int) -> Settings:
    """Return the settings of a worker, which has its own evidence log."""
    return settings if settings.evidence is None else replace(settings, evidence=settings.evidence.of_worker(number))


def _presentable(error: Exception) -> Exception:
    """Return an error that the supervisor can show: the text of other libraries' errors may quote anything."""
    if isinstance(error, FraudsieveError | FileNotFoundError | PermissionError | IsADirectoryError):
        return error
    return ServiceError("worker", f"cannot start ({error_location(error)})", "See the log.")
