"""An append-only log of records on disk, durable once acknowledged and readable after a crash.

A folder holds segments, ``<number>.log``, and ``lock``. Records that several threads append at the same time are
written as one frame (see `frames`) and synced once. An incomplete frame at the end of the last segment was never
acknowledged: it is cut off when the log is opened. Anywhere else it is damage, which is an error.
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
from .frames import frame, frames, previous_size
from .segments import HEADER, RESTORE, LogCut, damaged, end_of_segment

__all__ = ["EventLog", "Fsync"]

Record: TypeAlias = Mapping[str, Any]
Fsync: TypeAlias = Literal["always", "interval", "never"]

SEGMENT_BYTES = 64 << 20


class _Group:
    """Contents that are written together, and callbacks for when they are durable."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.callbacks: list[Callable[[], None]] = []
        self.done = False
        self.error: BaseException | None = None


class EventLog:
    """An append-only log of JSON records in a folder. Threads can share it, processes cannot.

    Parameters
    ----------
    folder : str or Path
        The folder; it is created if it does not exist.
    fsync : {"always", "interval", "never"}, default="always"
        When records are synced to the disk: before `append` returns, every `interval` seconds, or when the system
        decides. A killed process never loses appended records. A power cut loses none with ``"always"``. With the
        others it loses the last records; if the disk kept a later record but not an earlier one, the log counts as
        damaged.
    interval : float, default=0.1
        Seconds.
    segment_bytes : int, default=67108864
        Size in bytes at which a new segment is started.

    Attributes
    ----------
    cut : LogCut or None
        What was cut off when the log was opened; None for a log that ends with a complete frame.
    first, last : int
        Numbers of the oldest and of the current segment.

    Raises
    ------
    StateError
        If the folder cannot be written, is in use by another process, or holds a damaged segment, or if the system is
        not POSIX.
    ValueError
        If a parameter is invalid.

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
        self.cut: LogCut | None = None
        self._sizes: dict[int, int] = {}
        self._file = self._locked = -1
        self._is_torn = self._unsynced = False
        self._lost: OSError | None = None
        self._gathering, self._writing, self._closing = threading.Lock(), threading.Lock(), threading.Event()
        self._waiting = _Group()
        self._open()
        if fsync == "interval":
            self._syncing = threading.Thread(target=self._sync_periodically, name="event-log-sync", daemon=True)
            self._syncing.start()

    @property
    def first(self) -> int:
        """Number of the oldest segment."""
        return min(self._sizes)

    @property
    def last(self) -> int:
        """Number of the current segment."""
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
        """Append all records or none, and return once they are durable.

        Parameters
        ----------
        records : iterable of dict
            Of plain JSON types.
        then : callable, default=None
            Called once they are durable, in the order of the log and before later records are appended, so that state
            derived from the log keeps its order. It must not use the log.

        Raises
        ------
        StateError
            If they cannot be written or synced, because the disk is full or failing. None of them is in the log, and
            later calls work once there is space.
        TypeError, ValueError
            If a record is not plain JSON; nothing is written.
        """
        lines = [json.dumps(record, allow_nan=False, separators=(",", ":")) for record in records]
        if not lines:
            return
        with self._gathering:
            group = self._waiting
            group.contents.append("\n".join(lines).encode("ascii"))
            if then is not None:
                group.callbacks.append(then)
        with self._writing:  # the first waiting thread writes for all of them
            if not group.done:
                with self._gathering:
                    self._waiting = _Group()
                self._write(group)
        if group.error is not None:
            raise group.error

    def rotate(self, *, then: Callable[[], None] | None = None, unless_empty: bool = False) -> int:
        """Start a new segment.

        Parameters
        ----------
        then : callable, default=None
            Called before anything is appended to it. It must not use the log.
        unless_empty : bool, default=False
            Whether the current segment is used further if it is empty.

        Returns
        -------
        int
            Number of the current segment.

        Raises
        ------
        StateError
            If it cannot be written; the log continues in the old segment.
        """
        with self._writing:
            self._check_open()
            if not unless_empty or self._sizes[self.last] > len(HEADER):
                self._next_segment()
            if then is not None:
                then()
            return self.last

    def drop_before(self, number: int) -> None:
        """Delete the segments before one; the current segment stays.

        Parameters
        ----------
        number : int
            From `rotate`.

        Raises
        ------
        StateError
            If a segment cannot be deleted.
        """
        with self._writing, self._os_errors("cannot be deleted", "Make the folder writable."):
            for old in sorted(segment for segment in self._sizes if segment < min(number, self.last)):
                self._path(old).unlink(missing_ok=True)
                del self._sizes[old]

    def replay(self) -> Iterator[dict[str, Any]]:
        """Iterate over all records, the oldest first, without those that are appended meanwhile.

        Yields
        ------
        dict
            A record.

        Raises
        ------
        StateError
            If a segment is missing or damaged; the error has file and offset.
        """
        with self._writing:
            sizes, previous = sorted(self._sizes.items()), None
        for number, size in sizes:
            data, complete = self._read(number)[:size], len(HEADER)
            for end, content in frames(data, number, len(HEADER)):
                yield from self._decode(content, number, complete)
                complete = end
            if complete != size:
                raise damaged(self._path(number), complete)
            if previous is not None and previous_size(data, len(HEADER)) not in (None, previous):
                raise damaged(self._path(number - 1), previous)
            previous = size

    def close(self) -> None:
        """Sync and close the log, and release the folder."""
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
        with self._os_errors("cannot be opened for writing", "Choose a writable folder."):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._locked = lock_folder(self.folder)
        try:
            with self._os_errors("cannot be opened for writing", "Choose a writable folder."):
                self._open_segments()
        except BaseException:
            if self._file >= 0:
                os.close(self._file)
            os.close(self._locked)
            raise

    def _open_segments(self) -> None:
        numbers = sorted(int(path.stem) for path in self.folder.glob("*.log") if path.stem.isdecimal())
        for previous, number in pairwise(numbers):
            if number != previous + 1:
                raise StateError(str(self._path(previous + 1)), "is missing, but later segments exist", RESTORE)
        if not numbers:
            self._start_segment(1)
            return
        self._sizes = {number: self._path(number).stat().st_size for number in numbers}
        data = self._read(self.last)
        end, self.cut = end_of_segment(data, self.last, self._path(self.last))
        self._file = os.open(self._path(self.last), os.O_WRONLY | os.O_APPEND)
        os.ftruncate(self._file, end)
        if end == 0:
            self._write_bytes(HEADER)
        sync_descriptor(self._file)
        self._sizes[self.last] = max(end, len(HEADER))

    def _write(self, group: _Group) -> None:
        try:
            self._append(b"\n".join(group.contents))
            for callback in group.callbacks:
                callback()
        except BaseException as error:
            group.error = error
        group.done = True

    def _append(self, content: bytes) -> None:
        self._check_open()
        if self._sizes[self.last] >= self.segment_bytes:
            self._next_segment()
        data = frame(content, self.last, self._sizes[self.last], self._sizes.get(self.last - 1, 0))
        with self._os_errors("cannot be written", "Nothing was stored: free disk space and send it again."):
            self._truncate()
            self._is_torn = True
            try:
                self._write_bytes(data)
                self._unsynced = True
                if self.fsync == "always":
                    self._sync()
            except BaseException:
                self._truncate()
                raise
            self._is_torn = False
        self._sizes[self.last] += len(data)

    def _truncate(self) -> None:
        """Truncate the remains of a failed write; if that fails too, the next call tries again."""
        if self._is_torn:
            os.ftruncate(self._file, self._sizes[self.last])
            self._is_torn = False

    def _check_open(self) -> None:
        if self._file < 0:
            raise StateError(str(self.folder), "the log is closed", "Open it again.")
        if self._lost is not None:
            error, self._lost = self._lost, None
            problem = f"records of the last {self.interval:g} s could not be synced ({error.strerror})"
            raise StateError(str(self.folder), problem, "Check the disk; use fsync='always' if no record may be lost.")

    def _write_bytes(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def _sync(self) -> None:
        if self._unsynced and self.fsync != "never":
            sync_descriptor(self._file)
        self._unsynced = False

    def _sync_periodically(self) -> None:
        while not self._closing.wait(self.interval):
            with self._writing:
                try:
                    self._sync()
                except OSError as error:  # raised by the next append
                    self._lost, self._unsynced = error, False

    def _next_segment(self) -> None:
        with self._os_errors("a new segment cannot be started", "Free disk space and send the events again."):
            self._truncate()
            self._sync()
            self._start_segment(self.last + 1)

    def _start_segment(self, number: int) -> None:
        path, previous = self._path(number), self._file
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._write_bytes(HEADER)
            sync_descriptor(self._file)
            sync_folder(self.folder)
        except BaseException:
            os.close(self._file)
            self._file = previous
            path.unlink(missing_ok=True)
            raise
        self._sizes[number] = len(HEADER)
        if previous >= 0:
            os.close(previous)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:010d}.log"

    def _decode(self, content: bytes, number: int, offset: int) -> list[Any]:
        try:
            return [json.loads(line) for line in content.split(b"\n")]
        except (ValueError, RecursionError):
            raise damaged(self._path(number), offset) from None

    def _read(self, number: int) -> bytes:
        with self._os_errors("cannot be read", RESTORE, self._path(number)):
            return self._path(number).read_bytes()

    @contextmanager
    def _os_errors(self, problem: str, fix: str, path: Path | None = None) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StateError(str(path or self.folder), f"{problem} ({error.strerror})", fix) from error
