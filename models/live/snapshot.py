"""Snapshots of a live state, next to its log: written completely or not at all; the newest one counts.

``snapshot-<number>`` covers all segments before that number: ``state`` is a `HistoryState`, ``ids`` are the delivered
ids.
"""

import shutil
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fraudsieve._io import new_folder
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.store import read_state, write_state
from fraudsieve.features.live_state import HistoryState

from .log import RESTORE

__all__ = ["Arrays", "drop_snapshots", "read_snapshot", "write_snapshot"]

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

NAME, STAGED = "snapshot-", ".snapshot-"


def write_snapshot(folder: Path, number: int, state: tuple[dict[str, Any], list[Arrays]], ids: Arrays) -> None:
    """Write a snapshot, durable once it returns.

    Parameters
    ----------
    folder : Path
        Folder of the log.
    number : int
        First segment that it does not cover; unique among the snapshots.
    state : tuple
        From `HistoryState.dump`.
    ids : dict of str to ndarray
        From `SeenIds.dump`.

    Raises
    ------
    StateError
        If it cannot be written; older snapshots stay.
    """
    try:
        with new_folder(_path(folder, number), mode=0o700) as staged:
            write_state(staged / "state", *state)
            write_state(staged / "ids", {}, [ids])
    except OSError as error:
        fix = "Nothing is lost, the log is complete: free disk space and try again."
        raise StateError(str(folder), f"a snapshot cannot be written ({error.strerror})", fix) from error


def read_snapshot(folder: Path) -> tuple[int, HistoryState, Arrays] | None:
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
        Its state.
    ids : dict of str to ndarray
        For `SeenIds.load`. None instead of the tuple if there is no snapshot.

    Raises
    ------
    StateError
        If it is damaged.
    """
    number = max(_numbers(folder), default=None)
    if number is None:
        return None
    path = _path(folder, number)
    try:
        state, (_, (ids,)) = HistoryState.load(path / "state"), read_state(path / "ids")
        if int(np.sum(ids["sizes"])) != len(ids["ids"]) or len(ids["sizes"]) != len(ids["starts"]):
            raise StateError(str(path / "ids"), "the arrays do not match", RESTORE)
    except StateError as error:
        raise StateError(error.origin, error.problem, RESTORE) from None
    except (KeyError, ValueError, TypeError):
        raise StateError(str(path / "ids"), "does not hold ids", RESTORE) from None
    return number, state, ids


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
