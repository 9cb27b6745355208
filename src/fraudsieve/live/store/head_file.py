"""The head of an SQLite store in a small file next to it, which is also the lock for appending.

If a bit of its write-ahead log flips, SQLite silently drops commits. The head is synced after each commit and before
the events are acknowledged, so that a store that lost a commit is behind its head. Writes alternate between two slots:
if a power failure interrupts a write, the other slot is intact.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from fraudsieve._io import PRIVATE, sync_data, sync_folder
from fraudsieve.exceptions import StateError

from .chain import RESTORE, Head

_SLOT = struct.Struct("<8sqq16s")
MAGIC = b"fsvhead1"
CHECKSUM = 8
SLOTS = (0, 4096)
"""Offsets of the slots, in different sectors of the disk."""


class HeadFile:
    """The head of a store in a file, and its lock across processes. POSIX only."""

    def __init__(self, path: Path) -> None:
        try:
            import fcntl  # here, so that the package can be imported on Windows
        except ImportError:
            fix = "Use Linux or macOS, a PostgreSQL store, or keep the history in memory."
            raise StateError(str(path), "an SQLite store needs a POSIX system", fix) from None
        self.path, self._flock = path, fcntl.flock
        self._exclusive, self._unlock = fcntl.LOCK_EX, fcntl.LOCK_UN
        is_new = not path.exists()
        self._opened: int | None = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
        if is_new:
            sync_folder(path.parent)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock across processes; the system releases it when the process ends."""
        file = self._file
        try:
            self._flock(file, self._exclusive)
        except OSError as error:
            fix = "Use a disk that supports file locks."
            raise StateError(str(self.path), f"cannot be locked ({error.strerror})", fix) from error
        try:
            yield
        finally:
            self._flock(file, self._unlock)

    def read(self) -> Head | None:
        """Return the head; None for a new file."""
        if os.fstat(self._file).st_size == 0:
            return None
        heads = [head for head in map(self._read_slot, SLOTS) if head is not None]
        if not heads:
            raise StateError(str(self.path), "the head is damaged", RESTORE)
        return max(heads)

    def write(self, head: Head) -> None:
        """Replace the older slot by a head, and sync it. The caller holds the lock."""
        first, second = map(self._read_slot, SLOTS)
        slot = SLOTS[0] if first is None or (second is not None and first < second) else SLOTS[1]
        content = _SLOT.pack(MAGIC, *head)
        os.pwrite(self._file, content + _checksum(content), slot)
        sync_data(self._file)

    def close(self) -> None:
        """Close the file, once: its number can by then belong to another file of the program."""
        file, self._opened = self._opened, None
        if file is not None:
            os.close(file)

    @property
    def _file(self) -> int:
        if self._opened is None:
            raise StateError(str(self.path), "expected an open store, got a closed one", "Open it again.")
        return self._opened

    def _read_slot(self, start: int) -> Head | None:
        content = os.pread(self._file, _SLOT.size + CHECKSUM, start)
        if len(content) < _SLOT.size + CHECKSUM or content[_SLOT.size :] != _checksum(content[: _SLOT.size]):
            return None
        magic, *head = _SLOT.unpack(content[: _SLOT.size])
        return Head(*head) if magic == MAGIC else None


def _checksum(content: bytes) -> bytes:
    return blake2b(content, digest_size=CHECKSUM).digest()
