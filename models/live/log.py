"""A log of records on disk: appended, durable once acknowledged, read again after a kill. The standard library alone.

A folder holds segments, ``<number>.log``, and ``lock``. What several threads append at a time is written as one frame
(`event_frames`) and synced once. A frame that is not whole at the end of the last segment was never acknowledged: it is
cut off when the log is opened. Anywhere else it is damage, and an error.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from fraudsieve._io import sync_descriptor, sync_folder
from fraudsieve.exceptions import StateError

from .folder_lock import lock_folder
from .frames import damaged_at, frame, frames

__all__ = ["EventLog", "Fsync"]

Record: TypeAlias = Mapping[str, Any]
Fsync: TypeAlias = Literal["always", "interval", "never"]

HEADER = b"fraudsieve-log 1\n"
"""What a segment begins with; the number is the version of the format."""
SEGMENT_BYTES = 64 << 20
RESTORE = "Restore the folder from a copy, or name a new one and send the events again."


class _Group:
    """What is written together: contents, and what to do once they are durable."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.thens: list[Callable[[], None]] = []
        self.done = False
        self.error: BaseException | None = None


class EventLog:
    """An append-only log of JSON records in a folder. Threads may share it; processes may not.

    Parameters
    ----------
    folder : str or Path
        The folder; it is made when it is not there.
    fsync : {"always", "interval", "never"}, default="always"
        When what was appended is synced to the disk: before `append` returns, every `interval` seconds, or when the
        system likes. A killed process loses nothing of what was appended in any case. A machine that loses its power
        loses nothing with ``"always"``; with the other two it loses the last records, and it can happen that the disk
        kept a later record and not an earlier one: then the log is not opened, as for any damage.
    interval : float, default=0.1
        Seconds.
    segment_bytes : int, default=67108864
        A segment that is as long is followed by a new one.

    Attributes
    ----------
    cut : int
        Bytes of a torn tail that were cut off when the log was opened.
    first, last : int
        Numbers of the oldest segment and of the one that is written to.

    Raises
    ------
    StateError
        When the folder cannot be written, is in use by another process, or holds a damaged segment.
    ValueError
        When a parameter is wrong.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> with EventLog(folder) as log:
    ...     log.append([{"kind": "pay"}, {"kind": "login"}])
    >>> with EventLog(folder) as log:
    ...     [record["kind"] for record in log.replay()]
    ['pay', 'login']
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        fsync: Fsync = "always",
        interval: float = 0.1,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        if fsync not in ("always", "interval", "never"):
            raise ValueError(f"fsync: expected always, interval or never, got {fsync!r}.")
        if not interval > 0 or segment_bytes < 1:
            raise ValueError(f"interval, segment_bytes: expected more than 0, got {interval} and {segment_bytes}.")
        self.folder, self.fsync, self.interval, self.segment_bytes = Path(folder), fsync, interval, segment_bytes
        self.cut = 0
        self._sizes: dict[int, int] = {}
        self._file = self._locked = -1
        self._torn = self._unsynced = False
        self._lost: OSError | None = None
        self._gathering, self._writing, self._closing = threading.Lock(), threading.Lock(), threading.Event()
        self._waiting = _Group()
        self._open()
        if fsync == "interval":
            self._syncing = threading.Thread(target=self._sync_often, name="event-log-sync", daemon=True)
            self._syncing.start()

    @property
    def first(self) -> int:
        """The number of the oldest segment."""
        return min(self._sizes)

    @property
    def last(self) -> int:
        """The number of the segment that is written to."""
        return max(self._sizes)

    @property
    def nbytes(self) -> int:
        """Bytes of the segments."""
        return sum(list(self._sizes.values()))

    @property
    def is_empty(self) -> bool:
        """Whether no segment holds a record."""
        return self.nbytes == len(HEADER) * len(self._sizes)

    def append(self, records: Iterable[Record], *, then: Callable[[], None] | None = None) -> None:
        """Append records, all or none, and return once they are durable.

        Parameters
        ----------
        records : iterable of dict
            In plain JSON types.
        then : callable, default=None
            Called once they are durable, in the order of the log and before anything later is appended, so that what is
            derived from the log keeps its order. It may not use the log.

        Raises
        ------
        StateError
            When they could not be written or synced: the disk is full or failing. None of them is in the log, and
            later calls work once there is room.
        TypeError, ValueError
            When a record is not plain JSON; nothing was written.
        """
        lines = [json.dumps(record, allow_nan=False, separators=(",", ":")) for record in records]
        if not lines:
            return
        with self._gathering:
            group = self._waiting
            group.contents.append("\n".join(lines).encode("ascii"))
            if then is not None:
                group.thens.append(then)
        with self._writing:  # whoever comes first writes for all that wait
            if not group.done:
                with self._gathering:
                    self._waiting = _Group()
                self._write(group)
        if group.error is not None:
            raise group.error

    def rotate(self, *, then: Callable[[], None] | None = None) -> int:
        """Begin a new segment.

        Parameters
        ----------
        then : callable, default=None
            Called before anything is appended to it. It may not use the log.

        Returns
        -------
        int
            The number of the segment that later records go to.

        Raises
        ------
        StateError
            When it could not be written; the log goes on in the old segment.
        """
        with self._writing:
            self._check_open()
            self._next_segment()
            if then is not None:
                then()
            return self.last

    def drop_before(self, number: int) -> None:
        """Delete the segments before one; the one that is written to stays.

        Parameters
        ----------
        number : int
            As `rotate` returned it.

        Raises
        ------
        StateError
            When a segment could not be deleted.
        """
        with self._writing, self._failures("cannot be deleted", "Make the folder writable."):
            for old in sorted(one for one in self._sizes if one < min(number, self.last)):
                self._path(old).unlink(missing_ok=True)
                del self._sizes[old]

    def replay(self) -> Iterator[dict[str, Any]]:
        """Go through all records, the oldest first; those that are appended meanwhile are not among them.

        Yields
        ------
        dict
            A record.

        Raises
        ------
        StateError
            When a segment is missing or damaged: file and offset are named.
        """
        with self._writing:
            sizes = sorted(self._sizes.items())
        for number, size in sizes:
            data, whole = self._read(number)[:size], len(HEADER)
            for end, content in frames(data, whole):
                whole = end
                yield from map(json.loads, content.split(b"\n"))
            if whole != size:
                raise self._damaged(number, whole)

    def close(self) -> None:
        """Sync and close the log, and let others open the folder."""
        self._closing.set()
        if self.fsync == "interval":
            self._syncing.join()
        with self._writing:
            if self._file >= 0:
                try:
                    self._sync()
                finally:
                    os.close(self._file)
                    os.close(self._locked)
                    self._file = self._locked = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _open(self) -> None:
        with self._failures("cannot be opened for writing", "Name a folder that can be written."):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._locked = lock_folder(self.folder)
        try:
            with self._failures("cannot be opened for writing", "Name a folder that can be written."):
                self._open_segments()
        except BaseException:
            if self._file >= 0:
                os.close(self._file)
            os.close(self._locked)
            raise

    def _open_segments(self) -> None:
        numbers = sorted(int(path.stem) for path in self.folder.glob("*.log") if path.stem.isdecimal())
        for before, number in pairwise(numbers):
            if number != before + 1:
                raise StateError(str(self._path(before + 1)), "is missing, and later segments are there", RESTORE)
        if not numbers:
            self._start_segment(1)
            return
        self._sizes = {number: self._path(number).stat().st_size for number in numbers}
        end = self._end_of_last(self._read(self.last))
        self.cut = self._sizes[self.last] - end
        self._file = os.open(self._path(self.last), os.O_WRONLY | os.O_APPEND)
        os.ftruncate(self._file, end)
        if end == 0:
            self._write_all(HEADER)
        sync_descriptor(self._file)
        self._sizes[self.last] = max(end, len(HEADER))

    def _end_of_last(self, data: bytes) -> int:
        """Return where the last whole frame ends; 0 for a segment that was begun and no more."""
        if not data.startswith(HEADER):
            if data.strip(b"\0") and not HEADER.startswith(data):
                raise StateError(str(self._path(self.last)), "is no log of this version", RESTORE)
            return 0
        end = max((end for end, _ in frames(data, len(HEADER))), default=len(HEADER))
        if damaged_at(data, end):
            raise self._damaged(self.last, end)
        return end

    def _write(self, group: _Group) -> None:
        try:
            self._append(frame(b"\n".join(group.contents)))
            for then in group.thens:
                then()
        except BaseException as error:
            group.error = error
        group.done = True

    def _append(self, data: bytes) -> None:
        self._check_open()
        if self._sizes[self.last] >= self.segment_bytes:
            self._next_segment()
        with self._failures("cannot be written", "Nothing of this call was kept: make room, and send it again."):
            self._mend()
            self._torn = True
            try:
                self._write_all(data)
                self._unsynced = True
                if self.fsync == "always":
                    self._sync()
            except BaseException:
                self._mend()
                raise
            self._torn = False
        self._sizes[self.last] += len(data)

    def _mend(self) -> None:
        """Cut off what a call that failed has left; where that fails too, the next call tries again."""
        if self._torn:
            os.ftruncate(self._file, self._sizes[self.last])
            self._torn = False

    def _check_open(self) -> None:
        if self._file < 0:
            raise StateError(str(self.folder), "the log is closed", "Open it again.")
        if self._lost is not None:
            error, self._lost = self._lost, None
            problem = f"records of the last {self.interval:g} s could not be synced ({error.strerror})"
            raise StateError(str(self.folder), problem, "Check the disk; sync with 'always' where none may be lost.")

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def _sync(self) -> None:
        if self._unsynced and self.fsync != "never":
            sync_descriptor(self._file)
        self._unsynced = False

    def _sync_often(self) -> None:
        while not self._closing.wait(self.interval):
            with self._writing:
                try:
                    self._sync()
                except OSError as error:  # told by the next append
                    self._lost, self._unsynced = error, False

    def _next_segment(self) -> None:
        with self._failures("no new segment can be begun", "Make room, and send the events again."):
            self._mend()
            self._sync()
            self._start_segment(self.last + 1)

    def _start_segment(self, number: int) -> None:
        path, before = self._path(number), self._file
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._write_all(HEADER)
            sync_descriptor(self._file)
            sync_folder(self.folder)
        except BaseException:
            os.close(self._file)
            self._file = before
            path.unlink(missing_ok=True)
            raise
        self._sizes[number] = len(HEADER)
        if before >= 0:
            os.close(before)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:010d}.log"

    def _read(self, number: int) -> bytes:
        with self._failures("cannot be read", RESTORE, self._path(number)):
            return self._path(number).read_bytes()

    def _damaged(self, number: int, offset: int) -> StateError:
        return StateError(str(self._path(number)), f"the record at byte {offset} is damaged", RESTORE)

    @contextmanager
    def _failures(self, problem: str, fix: str, path: Path | None = None) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StateError(str(path or self.folder), f"{problem} ({error.strerror})", fix) from error
