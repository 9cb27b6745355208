"""Segments of a log: their first line, their last complete frame, and what was cut off behind it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from fraudsieve.exceptions import StateError

from .frames import count_records, frames, is_damaged

__all__ = ["HEADER", "RESTORE", "LogCut", "damaged", "end_of_segment"]

HEADER = b"fraudsieve-log 1\n"
"""First line of a segment; the number is the version of the format."""
RESTORE = "Restore the folder from a backup, or choose a new one and send the events again."


class LogCut(NamedTuple):
    """What was cut off the end of a log when it was opened: an incomplete write.

    Attributes
    ----------
    nbytes : int
        Number of bytes.
    n_records : int
        Number of records of which at least a part was among them. None was acknowledged if the log syncs always.
    at : datetime
        When the log was opened.
    """

    nbytes: int
    n_records: int
    at: datetime


def end_of_segment(data: bytes, number: int, path: Path) -> tuple[int, LogCut | None]:
    """Find the end of the last complete frame of the last segment.

    Parameters
    ----------
    data : bytes
        Its content.
    number : int
        Its number.
    path : Path
        Its file, for errors.

    Returns
    -------
    end : int
        Offset; 0 for a segment without a complete first line.
    cut : LogCut or None
        What follows it; None if nothing does.

    Raises
    ------
    StateError
        If a complete frame follows an incomplete one, or it is not a segment of this version.
    """
    end = 0
    if data.startswith(HEADER):
        end = max((end for end, _ in frames(data, number, len(HEADER))), default=len(HEADER))
        if is_damaged(data, end):
            raise damaged(path, end)
    elif data.strip(b"\0") and not HEADER.startswith(data):
        raise StateError(str(path), "is not a log of this version", RESTORE)
    cut = LogCut(len(data) - end, count_records(data[end:]), datetime.now(UTC)) if len(data) > end else None
    return end, cut


def damaged(path: Path, offset: int) -> StateError:
    """Return the error for a damaged frame."""
    return StateError(str(path), f"the record at byte {offset} is damaged", RESTORE)
