"""Objects that are created once per test run and read by all workers: models, worlds, an empty MLflow store."""

import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

__all__ = ["mlflow_uri", "shared_folder", "shared_object", "use_base_temp", "use_folder"]

T = TypeVar("T")
_root: Path


def use_base_temp(factory: pytest.TempPathFactory) -> None:
    """Share objects in the temporary folder of the run, which is the parent of the folders of the workers."""
    base = factory.getbasetemp()
    use_folder(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


def use_folder(base: Path) -> None:
    """Share objects in a folder."""
    global _root
    _root = base / "shared"
    _root.mkdir(exist_ok=True)


def shared_folder(name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first worker that needs it fills. It is not changed later."""
    folder = _root / name
    with FileLock(_root / f"{name}.lock"):
        done = _root / f"{name}.done"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # left by a worker that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def shared_object(name: str, make: Callable[[], T]) -> T:
    """Return a copy of an object that the first worker that needs it creates; it must be picklable."""
    folder = shared_folder(name, lambda folder: (folder / "object").write_bytes(pickle.dumps(make())))
    shared: T = pickle.loads((folder / "object").read_bytes())
    return shared


def mlflow_uri(folder: Path) -> str:
    """Return the address of the MLflow store in a folder, a copy of an empty store, which takes seconds to create."""
    database = folder / "mlflow.db"
    if not database.exists():
        shutil.copy(shared_folder("mlflow", _make_store) / "mlflow.db", database)
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE experiments SET artifact_location = ?", (str(folder / "mlruns" / "0"),))
    return f"sqlite:///{database}"


def _make_store(folder: Path) -> None:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    client.search_registered_models()
    client.search_experiments()
