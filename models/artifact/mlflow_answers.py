"""Answers of MLflow's store in a limited time: by itself, MLflow waits and retries for twenty minutes or more."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final, TypeVar

Answer = TypeVar("Answer")

ANSWER_SECONDS: Final = 6.0
"""Time for a server of MLflow to answer the first question of a piece of work."""
DATABASE_SECONDS: Final = 60.0
"""Time for a database on a server: MLflow first imports what it needs, and looks at all tables."""
ONE_TRY: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Settings of MLflow while it is asked: a thread that nobody waits for ends soon."""
TURN: Final = threading.Lock()
"""Settings of the environment belong to the process: watchers of two aliases ask in turn."""


def _is_local(uri: str) -> bool:
    """Return whether a store is in files, or of a kind that MLflow finds without an address."""
    return uri.startswith(("sqlite:", "file:")) or "://" not in uri


def answer_of(uri: str, ask: Callable[[], Answer], *, seconds: float | None = None) -> Answer:
    """Ask a store in another thread, and return its answer.

    Files have all the time: a new database is created first, which takes seconds.
    """
    if _is_local(uri):
        return ask()
    usual = ANSWER_SECONDS if uri.startswith("http") else DATABASE_SECONDS
    limit = usual if seconds is None else seconds
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # raised in the thread of the caller
            answer.set_exception(error)

    with TURN, _environment(ONE_TRY):
        threading.Thread(target=run, name="ask-mlflow", daemon=True).start()
        try:
            return answer.result(limit)
        except TimeoutError:
            raise TimeoutError(f"gave no answer within {limit:g} s") from None


def why_unusable(error: Exception) -> str:
    """Return what is wrong with a store: it gave no answer, or the type of its error, without its text."""
    if isinstance(error, TimeoutError):
        return str(error)
    cause = error.__cause__ or error.__context__ or error  # MLflow wraps the error of the connection
    return f"cannot be used ({type(cause).__name__})"


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables of the environment for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
