"""The tracking store of MLflow: which one, whether it answers, and how to silence MLflow."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import mlflow
import sqlalchemy

from fraudsieve._addresses import bare_address, shown_uri
from fraudsieve.exceptions import TrackingError
from fraudsieve.models.artifact.mlflow_answers import ANSWER_SECONDS, answer_of, why_unusable

DEFAULT_STORE = "sqlite:///mlflow.db"
"""The store in the working folder, if neither the recipe nor ``MLFLOW_TRACKING_URI`` names another."""


def tracking_uri(recipe_uri: str | None = None) -> str:
    """Return the tracking store to use."""
    return recipe_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE


def is_new_store(uri: str) -> bool:
    """Return whether a store is a file that does not exist: MLflow would create it to look into it."""
    return uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists()


def use_store(uri: str) -> None:
    """Set the store of MLflow for runs and models in this process."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)


def run_page(uri: str, experiment_id: str, run_id: str) -> str | None:
    """Return the web address of a run, without the login; None if the store has no web pages."""
    if not uri.lower().startswith(("http://", "https://")):
        return None
    return f"{bare_address(uri).rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


def check_store(uri: str, *, seconds: float | None = None) -> None:
    """Check that a store answers, so that no work is lost because it cannot be logged."""
    with quiet(logging.CRITICAL):
        try:
            if _is_database(uri):
                answer_of(uri, lambda: _connect(uri), seconds=seconds or ANSWER_SECONDS)
            else:
                answer_of(uri, lambda: _search(uri), seconds=seconds)
        except Exception as error:
            fix = "Start it, or give another with MLFLOW_TRACKING_URI. train works without it: --no-track."
            raise TrackingError(f"MLflow's store {shown_uri(uri)}", why_unusable(error), fix) from None


def _is_database(uri: str) -> bool:
    """Return whether the store is a database on a server, to which MLflow would try to connect for an hour."""
    return uri.partition(":")[0].partition("+")[0] in ("postgresql", "mysql", "mssql")


def _connect(uri: str) -> None:
    engine = sqlalchemy.create_engine(uri)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _search(uri: str) -> None:
    mlflow.MlflowClient(uri, uri).search_experiments(max_results=1)


@contextmanager
def quiet(level: int = logging.WARNING) -> Iterator[None]:
    """Silence MLflow and its database migrations, except for warnings and errors.

    Output of MLflow, such as the address of a run on a server, goes to the error stream, because the standard output
    belongs to the command.
    """
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "urllib3")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        for logger, previous in zip(loggers, levels, strict=True):
            logger.setLevel(previous)
