"""An exclusive lock on a folder, which the system releases when the process ends. POSIX only."""

import os
from pathlib import Path

from fraudsieve.exceptions import StateError

__all__ = ["lock_folder"]

LOCK = "lock"


def lock_folder(folder: Path) -> int:
    """Lock a folder and return the descriptor of the lock file; closing it releases the lock.

    Raises
    ------
    StateError
        If another process holds the lock, or the system or the disk has no file locks.
    OSError
        If the lock file cannot be opened.
    """
    try:
        import fcntl  # here, so that the package can be imported on Windows
    except ImportError:
        fix = "Use Linux or macOS, or keep the history in memory."
        raise StateError(str(folder), "an event store needs a POSIX system", fix) from None
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        fix = "Stop the other process, or use another folder for this one."
        raise StateError(str(folder), "is in use by another process", fix) from None
    except OSError as error:
        os.close(descriptor)
        fix = "Use a folder on a disk that supports file locks."
        raise StateError(str(folder), f"cannot be locked ({error.strerror})", fix) from error
    return descriptor
