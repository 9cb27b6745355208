"""Snapshots of a live state, next to its log: written completely or not at all; the newest one counts.

``snapshot-<number>`` covers all segments before that number. It is a saved `HistoryState`.
"""

import shutil
from pathlib import Path
from typing import Any, TypeAlias

from fraudsieve._io import new_folder
from fraudsieve._typing import Array
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.store import write_state
from fraudsieve.features.live_state import HistoryState

from .segments import RESTORE

__all__ = ["Dump", "drop_snapshots", "has_snapshot", "read_snapshot", "write_snapshot"]

Dump: TypeAlias = tuple[dict[str, Any], list[dict[str, Array]]]

NAME, STAGED = "snapshot-", ".snapshot-"


def write_snapshot(folder: Path, number: int, state: Dump) -> None:
    """Write a snapshot, durable once it returns.

    Parameters
    ----------
    folder : Path
        Folder of the log.
    number : int
        First segment that it does not cover; unique among the snapshots.
    state : tuple
        From `HistoryState.dump`.

    Raises
    ------
    StateError
        If it cannot be written; older snapshots stay.
    """
    try:
        with new_folder(_path(folder, number), mode=0o700) as staged:
            write_state(staged, *state)
    except OSError as error:
        fix = "Nothing is lost, the log is complete: free disk space and try again."
        raise StateError(str(folder), f"a snapshot cannot be written ({error.strerror})", fix) from error


def has_snapshot(folder: Path, number: int) -> bool:
    """Return whether a folder has the snapshot with a number.

    Parameters
    ----------
    folder : Path
        Folder of the log.
    number : int
        First segment that it does not cover.

    Returns
    -------
    bool
    """
    return _path(folder, number).exists()


def read_snapshot(folder: Path) -> tuple[int, HistoryState] | None:
    """Read the newest snapshot.

    Parameters
    ----------
    folder : Path
        Folder of the log.

    Returns
    -------
    number : int
        First segment that it does not cover.
    state : HistoryState
        Its state. None instead of the tuple if there is no snapshot.

    Raises
    ------
    StateError
        If it is damaged.
    """
    number = max(_numbers(folder), default=None)
    if number is None:
        return None
    try:
        return number, HistoryState.load(_path(folder, number))
    except StateError as error:
        raise StateError(error.origin, error.problem, RESTORE) from None


def drop_snapshots(folder: Path, before: int) -> None:
    """Delete older snapshots and the remains of unfinished ones.

    Parameters
    ----------
    folder : Path
        Folder of the log.
    before : int
        Number of the snapshot that stays.
    """
    old = [_path(folder, number) for number in _numbers(folder) if number < before]
    for path in (*old, *folder.glob(f"{STAGED}*")):
        shutil.rmtree(path, ignore_errors=True)


def _path(folder: Path, number: int) -> Path:
    return folder / f"{NAME}{number:010d}"


def _numbers(folder: Path) -> list[int]:
    tails = (path.name.removeprefix(NAME) for path in folder.glob(f"{NAME}*"))
    return [int(tail) for tail in tails if tail.isdecimal()]
