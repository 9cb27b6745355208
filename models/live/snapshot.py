"""Snapshots of a live state beside its log: written whole or not at all, the newest one counts.

``snapshot-<number>`` holds what is known from all segments before that number: ``state`` is a `HistoryState`, ``ids``
what was delivered.
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
        Where the log is.
    number : int
        The first segment that it does not cover; no other snapshot has it.
    state : tuple
        What `HistoryState.dump` returned.
    ids : dict of str to ndarray
        What `SeenIds.dump` returned.

    Raises
    ------
    StateError
        When it cannot be written; what is there stays.
    """
    try:
        with new_folder(_path(folder, number), mode=0o700) as staged:
            write_state(staged / "state", *state)
            write_state(staged / "ids", {}, [ids])
    except OSError as error:
        fix = "Nothing is lost, the log has it all: make room, and try again."
        raise StateError(str(folder), f"no snapshot can be written ({error.strerror})", fix) from error


def read_snapshot(folder: Path) -> tuple[int, HistoryState, Arrays] | None:
    """Read the newest snapshot.

    Parameters
    ----------
    folder : Path
        Where the log is.

    Returns
    -------
    number : int
        The first segment that it does not cover.
    state : HistoryState
        What was known.
    ids : dict of str to ndarray
        For `SeenIds.fill_from`. None instead of all three where there is no snapshot.

    Raises
    ------
    StateError
        When it is damaged.
    """
    number = max(_numbers(folder), default=None)
    if number is None:
        return None
    path = _path(folder, number)
    try:
        state, (_, (ids,)) = HistoryState.load(path / "state"), read_state(path / "ids")
        if int(np.sum(ids["sizes"])) != len(ids["ids"]) or len(ids["sizes"]) != len(ids["starts"]):
            raise StateError(str(path / "ids"), "the arrays do not fit each other", RESTORE)
    except StateError as error:
        raise StateError(error.origin, error.problem, RESTORE) from None
    except (KeyError, ValueError, TypeError):
        raise StateError(str(path / "ids"), "holds no ids", RESTORE) from None
    return number, state, ids


def drop_snapshots(folder: Path, before: int) -> None:
    """Delete older snapshots, and what is left of those that were never finished.

    Parameters
    ----------
    folder : Path
        Where the log is.
    before : int
        The number of the snapshot that stays.
    """
    old = [_path(folder, number) for number in _numbers(folder) if number < before]
    for path in (*old, *folder.glob(f"{STAGED}*")):
        shutil.rmtree(path, ignore_errors=True)


def _path(folder: Path, number: int) -> Path:
    return folder / f"{NAME}{number:010d}"


def _numbers(folder: Path) -> list[int]:
    tails = (path.name.removeprefix(NAME) for path in folder.glob(f"{NAME}*"))
    return [int(tail) for tail in tails if tail.isdecimal()]
