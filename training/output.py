"""The folder that a training run writes: it must be new, or an older model that is to be replaced.

An older model is set aside while the new one is written. It is deleted when the new one is complete, and put back if
writing fails. A run claims the folder for as long as it works: two that replaced one model would both lose theirs.
"""

import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from fraudsieve._io import check_output_folder, check_parent, lock_file
from fraudsieve.models.artifact.matrix import MANIFEST

_CLAIMED: ContextVar[frozenset[Path]] = ContextVar("_CLAIMED", default=frozenset())


@contextmanager
def claiming(output: str | Path) -> Iterator[None]:
    """Keep other runs from a model folder while this one works. A training claims the folder of its retraining again.

    The lock is that of an open file beside the folder and ends with the process: a file that is left blocks nobody.
    """
    folder = Path(output).resolve()
    if folder in _CLAIMED.get():
        yield
        return
    path = folder.with_name(f".{folder.name}.lock")
    check_parent(Path(output))
    descriptor = _locked(path, output)
    outside = _CLAIMED.set(_CLAIMED.get() | {folder})
    try:
        os.truncate(descriptor, 0)
        began = f"since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}, {began}".encode())
        yield
    finally:
        _CLAIMED.reset(outside)
        with suppress(OSError):  # Windows keeps an open file
            path.unlink()
        os.close(descriptor)


def _locked(path: Path, output: str | Path) -> int:
    """Open and lock a file. Another run may delete it after it was opened here: then it is opened again."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        if not lock_file(descriptor):
            with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
                problem = f"{output}: expected no other run that writes it, got {file.read(200) or 'one'}"
            raise FileExistsError(f"{problem}. Wait until it ends, or name another folder.")
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def check_model_output(folder: Path, *, overwrite: bool) -> None:
    """Check, before any work, that a model folder can be written."""
    if not folder.exists():
        check_output_folder(folder)
    elif not overwrite:
        raise FileExistsError(
            f"{folder}: expected a new folder, got an existing one. Name another one, or replace it with --overwrite."
        )
    elif not (folder / MANIFEST).is_file():
        raise FileExistsError(f"{folder}: expected a model folder to overwrite, got something else. Name another one.")
    aside = _aside(folder)
    if os.path.lexists(aside):
        raise FileExistsError(
            f"{aside}: expected nothing there, got the older model that an interrupted run set aside. Delete it if "
            f"{folder.name} is there and complete; otherwise rename it to {folder.name}."
        )
    check_output_folder(aside)


@contextmanager
def replacing_models(folders: Sequence[Path]) -> Iterator[None]:
    """Set older models aside while new ones are written; delete them then, or put them back after an error."""
    older = [folder for folder in folders if folder.exists()]
    moved = []
    try:
        for folder in older:
            folder.rename(_aside(folder))
            moved.append(folder)
        yield
    except BaseException:
        for folder in folders:
            if folder in moved or folder not in older:  # so that only new files are there
                shutil.rmtree(folder, ignore_errors=True)
        for folder in moved:
            _aside(folder).rename(folder)
        raise
    for folder in moved:
        shutil.rmtree(_aside(folder), ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.previous")
