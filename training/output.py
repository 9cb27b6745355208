"""The folder that a training run writes: it must be new, or an older model that is to be replaced.

An older model is set aside while the new one is written. It is deleted when the new one is complete, and put back if
writing fails.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fraudsieve._io import check_output_folder
from fraudsieve.models.artifact.matrix import MANIFEST

__all__ = ["check_model_output", "replacing_models"]


def check_model_output(folder: Path, *, overwrite: bool) -> None:
    """Check, before any work, that a model folder can be written.

    Raises
    ------
    FileExistsError
        If it exists, and is not to be replaced or is not a model folder. Also if a run was interrupted while it wrote,
        so that the older model is still set aside.
    PermissionError
        If it cannot be created.
    """
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
