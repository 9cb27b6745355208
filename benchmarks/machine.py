"""What a benchmark runs on: the machine, the commit of the code, and the restriction to one core."""

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["code_commit", "describe_machine", "one_core"]

_LIBRARIES = (
    "fraudsieve",
    "numpy",
    "numba",
    "lightgbm",
    "scikit-learn",
    "pandas",
    "pyarrow",
    "fasttext-numpy2-wheel",
    "duckdb",
    "polars",
    "pyspark",
)


def describe_machine() -> dict[str, object]:
    """Describe what timings depend on: available cores, processor family, Python, libraries.

    Returns
    -------
    dict
        ``cores`` (int), ``processor``, ``python`` (str) and ``libraries`` (versions of the installed ones by name).
    """
    return {
        "cores": _cores(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "libraries": {name: installed for name in _LIBRARIES if (installed := _version(name))},
    }


def code_commit() -> str:
    """Return the short hash of the checkout, with ``+`` if its code differs from that commit; empty without Git.

    Results that benchmarks have written are no difference.
    """
    git = ["git", "-C", str(Path(__file__).parents[1])]
    changed = [*git, "diff", "--quiet", "HEAD", "--", ":/", ":(top,exclude)benchmarks/results", ":(top,exclude)docs"]
    try:
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
        return head.strip() + ("+" if subprocess.run(changed, check=False).returncode else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and threads that it starts meanwhile, on one core, if the system supports it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
