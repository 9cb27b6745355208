"""Set-up of all tests: the profile of Hypothesis, fresh kernels, and a folder for shared objects."""

import gc
import logging
import os
from collections.abc import Generator, Iterator

import coverage
import pytest

from tests import kernels, profiles, shared, tiers
from tests.messages import MESSAGES

pytest_plugins = ["tests.fitted_models", "tests.chromium"]

# One thread for every fit: several workers share the cores, and threads of LightGBM that wait for each other spin.
# Set before LightGBM is loaded, which reads it once. Tests of several threads name their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TRACKING_URI = os.environ.get("MLFLOW_TRACKING_URI")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `tests.messages`."""
    parser.addoption("--write-messages", action="store_true", help="write tests/messages.txt, in one process")


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile of Hypothesis, and delete compiled kernels that call a changed function."""
    gc.disable()  # until all tests are collected: what they import and their objects stay
    profiles.load()
    MESSAGES.writes = config.getoption("--write-messages")
    if not hasattr(config, "workerinput"):  # in a worker, the process that started it has done it
        kernels.delete_stale_kernels()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a release must pass, and begin with the documents.

    Each document takes minutes, and at the end one worker would wait for the other.
    """
    tiers.choose_tests(config, items)
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/documents", "tests/walk")))


def pytest_collection_finish() -> None:
    """Keep what was collected out of every later search for garbage, which would take as long as a test."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Write the messages, if that is asked for."""
    if MESSAGES.writes:
        MESSAGES.write()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure the coverage of the quick tests alone: slow ones would take much longer, and reach lines by accident."""
    measured = coverage.Coverage.current() if item.get_closest_marker("slow") else None
    if measured is None:
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Set the folder of the objects that the workers of this run share."""
    shared.use_base_temp(tmp_path_factory)


@pytest.fixture(autouse=True)
def _restore_tracking_uri() -> Iterator[None]:
    """Restore the address of MLflow's store: ``mlflow.set_tracking_uri`` leaves it in the environment.

    To what it was before any test, because a fixture of a whole module may have set it before this one begins.
    """
    yield
    if TRACKING_URI is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = TRACKING_URI


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Restore the logging of this process: the command ``serve``, if it is called here, sends all of it to its own."""
    root, service = logging.getLogger(), logging.getLogger("fraudsieve.service")
    before = root.level, service.level
    yield
    for name, level in zip((root, service), before, strict=True):
        name.setLevel(level)
    root.handlers = [handler for handler in root.handlers if type(handler.formatter).__name__ != "JsonFormatter"]
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = True
