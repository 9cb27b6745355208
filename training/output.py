"""The folder that a training run writes: it must be new, or an older model that is to be replaced.

An older model is set aside when the new one is about to be written, and deleted when that is complete.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from fraudsieve._io import check_output_folder
from fraudsieve.models.artifact.matrix import MANIFEST

__all__ = ["check_model_output", "remove_aside", "set_aside"]


def check_model_output(folder: Path, *, overwrite: bool) -> None:
    """Check, before any work, that a model folder can be written.

    Parameters
    ----------
    folder : Path
        The folder.
    overwrite : bool
        Whether it may replace an older model.

    Raises
    ------
    FileExistsError
        If it exists, and is not to be replaced or is not a model folder.
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
    check_output_folder(_aside(folder))


def set_aside(folders: Sequence[Path]) -> None:
    """Move older models away, if there are any."""
    for folder in folders:
        if folder.exists():
            folder.rename(_aside(folder))


def remove_aside(folders: Sequence[Path]) -> None:
    """Delete the older models that were moved away."""
    for folder in folders:
        shutil.rmtree(_aside(folder), ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.previous")
