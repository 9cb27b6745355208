"""Before any test: the profile of hypothesis, no kernel older than what it calls, and a place for what is shared."""

import os
from collections.abc import Iterator

import pytest

from tests import kernels, profiles, shared

# One thread for every fit: several workers share the cores, and threads of LightGBM that wait for each other spin.
# Set before LightGBM is loaded, which reads it once. Tests of several threads name their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile of hypothesis, and let kernels be compiled anew where a function changed that they call."""
    profiles.load()
    if not hasattr(config, "workerinput"):  # else the process that started this one has done it
        kernels.forget_stale_kernels()


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Know where the workers of this run keep what they share."""
    shared.use_base_temp(tmp_path_factory)


@pytest.fixture(autouse=True)
def _restore_tracking_uri() -> Iterator[None]:
    """Restore the address of MLflow's store: ``mlflow.set_tracking_uri`` leaves it in the environment."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    if before is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = before
