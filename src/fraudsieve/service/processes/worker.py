"""A worker: one of several processes that serve the same model on the same socket."""

import logging
import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from fraudsieve.exceptions import FraudsieveError, LocatedError, ServiceError
from fraudsieve.service.json_log import configure_json_logging, error_location, log_event
from fraudsieve.service.settings import Settings

from .loading import load_app
from .messages import WorkerChannel

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus_client shares metrics between processes."""


class WorkerTask(NamedTuple):
    """The arguments with which a worker is started."""

    # Its number among the workers; the first leaves snapshots.
    number: int
    # As for `create_app`, with the address of the model and the folder that the workers share.
    settings: Settings
    is_replacement: bool


def run_worker(task: WorkerTask, listener: socket.socket, pipe: Connection) -> None:
    """Serve until the supervisor asks to stop, or dies; the main function of a worker."""
    os.setpgrp()  # Ctrl-C reaches the supervisor alone, which stops all workers in order
    configure_json_logging(pid=os.getpid())
    # prometheus_client reads it when it is imported, which is not before the application is: so this module is not that
    # of the supervisor, which imports prometheus_client.
    os.environ[METRICS_VARIABLE] = str(task.settings.folder)
    channel = WorkerChannel(pipe, takes_snapshots=task.number == 0)
    try:
        serve = _prepare(task, listener, channel)
    except Exception as error:
        problem = error.problem if isinstance(error, LocatedError) else error_location(error)
        log_event("worker cannot start", level=logging.ERROR, why=problem)
        channel.send(_presentable(error))
        sys.exit(1)
    serve()
    if channel.is_orphan:
        shutil.rmtree(str(task.settings.folder), ignore_errors=True)


def _prepare(task: WorkerTask, listener: socket.socket, channel: WorkerChannel) -> Callable[[], None]:
    app = load_app(_settings_of(task))
    from fraudsieve.service.server import run

    app.state.channel = channel
    if task.is_replacement:
        app.state.handler.metrics.worker_restarts.inc()
        # Until it is ready the others answer, while requests to a cold worker would be answered 503.
        app.state.handler.warm_up()
    return lambda: run(app, task.settings, listener)


def _settings_of(task: WorkerTask) -> Settings:
    """Return the settings of a worker, which has its own evidence log and its own sample of the shadow."""
    settings = task.settings
    if settings.evidence is not None:
        settings = replace(settings, evidence=settings.evidence.of_worker(task.number))
    if settings.shadow_file is not None:
        file = Path(settings.shadow_file)
        settings = replace(settings, shadow_file=str(file.with_stem(f"{file.stem}.{task.number}")))
    return settings


def _presentable(error: Exception) -> Exception:
    """Return an error that the supervisor can show: the text of other libraries' errors may quote anything."""
    if isinstance(error, FraudsieveError | FileNotFoundError | PermissionError | IsADirectoryError):
        return error
    return ServiceError("worker", f"cannot start ({error_location(error)})", "See the log.")
