"""Before any test: the profile of hypothesis, and no kernel older than a function of another file that it calls."""

from pathlib import Path

import pytest

from tests import profiles, shared

ROOT = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Forget compiled kernels that are older than the newest source: Numba looks at the file of a kernel alone."""
    profiles.load()
    if hasattr(config, "workerinput"):  # the process that starts the others has done it
        return
    sources = [path for path in ROOT.glob("[fm]*/**/*.py") if "nb.njit" in path.read_text(encoding="utf-8")]
    newest = max(path.stat().st_mtime for path in sources)
    for kernel in ROOT.glob("[fm]*/**/__pycache__/*.nb[ic]"):
        if kernel.stat().st_mtime < newest:
            kernel.unlink(missing_ok=True)


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Know where the workers of this run keep what they share."""
    shared.use_base_temp(tmp_path_factory)
