"""A store in an SQLite file, through the standard library, with a write-ahead log that every commit syncs."""

import logging
import os
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

from fraudsieve._io import PRIVATE, sync_data, sync_folder
from fraudsieve.exceptions import StateError

from .facts import RESTORE, Head

# The head of an SQLite store in a small file next to it, which is also the lock for appending.
#
# If a bit of its write-ahead log flips, SQLite silently drops commits. The head is synced after each commit and before
# the events are acknowledged, so that a store that lost a commit is behind its head. Writes alternate between two
# slots: if a power failure interrupts a write, the other slot is intact.


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


logger = logging.getLogger("fraudsieve.live")

WAIT = 30.0
"""Seconds to wait for a lock of SQLite's own, which readers hold for milliseconds only."""
SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",  # what is erased must not stay in free pages
    "PRAGMA cell_size_check = ON",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA trusted_schema = OFF",
)
DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class SqliteTransaction:
    """A transaction. Parameters are marked by ``?``."""

    def __init__(self, connection: sqlite3.Connection, head: HeadFile, origin: str) -> None:
        self._connection, self._head, self._origin = connection, head, origin
        self.new_head: Head | None = None

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement and return its rows."""
        return self._connection.execute(statement, parameters).fetchall()

    def execute_many(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once per element."""
        self._connection.executemany(statement, parameters)

    def has_tables(self) -> bool:
        """Return whether the store was created."""
        names = {name for (name,) in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if names and "meta" not in names:
            raise StateError(self._origin, "expected an event store, got another database", "Name a new file.")
        return bool(names)

    def read_head(self) -> Head | None:
        """Return the head; None in a new store."""
        return self.new_head or self._head.read()

    def set_head(self, head: Head) -> None:
        """Replace the head: durable once the transaction is committed, and before the lock is released."""
        self.new_head = head


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
    try:
        for setting in SETTINGS:
            connection.execute(setting).fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteDatabase:
    """A connection to a store in an SQLite file, and its head in ``<file>.head``. Threads must take turns."""

    kind = "sqlite"
    types: ClassVar[dict[str, str]] = {"integer": "INTEGER", "real": "REAL", "text": "TEXT", "bytes": "BLOB"}

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.origin = str(path)
        self._version = -1
        with self._errors("cannot be opened for writing"):
            self._head = HeadFile(self._check_files())
        try:
            with self._errors("cannot be opened for writing"), self._head.locked():
                self._connection = _connect(self.path)
                self._files = self._find_files()
        except BaseException:
            self._head.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[SqliteTransaction]:
        """Return a transaction with a consistent view of the store."""
        with self._errors("cannot be read"), self._transaction("BEGIN") as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Iterator[SqliteTransaction]:
        """Return a transaction that holds the lock across processes; it is committed unless the block raises."""
        with self._errors("cannot be written"), self._head.locked():
            self._check_is_there()
            with self._transaction("BEGIN IMMEDIATE") as transaction:
                yield transaction
            if transaction.new_head is not None:
                self._sync_head(transaction.new_head)

    def has_changed(self) -> bool:
        """Return whether another connection may have changed the store since the last call."""
        with self._errors("cannot be read"):
            self._check_is_there()
            ((version,),) = self._connection.execute("PRAGMA data_version").fetchall()
        is_new, self._version = version != self._version, version
        return bool(is_new)

    def shrink(self) -> None:
        """Rewrite the file without free space, so that deleted rows cannot be read, and empty the write-ahead log."""
        with self._errors("cannot be rewritten without its free space"), self._head.locked():
            head = self._head.read()
            if head is not None:
                self._head.write(head)  # to the other slot, which has a digest of the rows before
            self._connection.execute("VACUUM").fetchall()
            ((is_busy, *_),) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if is_busy:
            fix = "Nothing is lost. Stop the process that is reading it, and open it again."
            raise StateError(self.origin, "the write-ahead file cannot be emptied, because it is being read", fix)

    def nbytes(self) -> int:
        """Return the size of the file and of its write-ahead log."""
        paths = self.path, self.path.with_name(f"{self.path.name}-wal")
        return sum(path.stat().st_size for path in paths if path.exists())

    def another(self) -> "SqliteDatabase":
        """Return another connection to the same file."""
        return SqliteDatabase(self.path)

    def close(self) -> None:
        """Close the connection; the last one moves the write-ahead log into the database."""
        self._connection.close()
        self._head.close()

    def _check_files(self) -> Path:
        """Create the file if there is none, and return the path of the head."""
        head = self.path.with_name(f"{self.path.name}.head")
        if self.path.is_dir():
            raise StateError(self.origin, "expected a file, got a folder", "Name a file, such as live.db.")
        if not self.path.exists():
            if head.exists() and head.stat().st_size:
                raise StateError(self.origin, f"the database is missing, but {head.name} exists", RESTORE)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE))
            sync_folder(self.path.parent)
        if not os.access(self.path, os.W_OK):
            raise PermissionError(13, "Permission denied")
        return head

    def _find_files(self) -> list[tuple[int, int]]:
        """Return what identifies the database and its head on the disk."""
        found = [path.stat() for path in (self.path, self._head.path)]
        return [(status.st_dev, status.st_ino) for status in found]

    def _check_is_there(self) -> None:
        """Raise StateError if the files are others than those that were opened.

        SQLite would go on writing to a file that was deleted, and whatever was acknowledged would be lost with it.
        """
        try:
            is_there = self._find_files() == self._files
        except FileNotFoundError:
            is_there = False
        if not is_there:
            fix = "Put it back, or stop all processes and restore a backup. Nothing was stored: send it again then."
            raise StateError(self.origin, "was moved, deleted or replaced while it was in use", fix)

    def _sync_head(self, head: Head) -> None:
        """Write the head after a commit. The commit is durable, so an error here must not fail it."""
        try:
            self._head.write(head)
        except OSError as error:
            logger.error("the head of the store cannot be written: %s", error.strerror)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[SqliteTransaction]:
        self._connection.execute(begin)
        try:
            yield SqliteTransaction(self._connection, self._head, self.origin)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self, problem: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            if name.startswith(DAMAGE) or isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
                raise StateError(
                    self.origin, f"{problem}: the database is damaged or closed ({name})", RESTORE
                ) from error
            fix = "Nothing was stored: free disk space, make the file and its folder writable, and send it again."
            raise StateError(self.origin, f"{problem} ({name})", fix) from error
        except UnicodeDecodeError as error:  # SQLite quotes the damaged part of its schema
            raise StateError(self.origin, f"{problem}: the database is damaged (not UTF-8)", RESTORE) from error
        except OSError as error:
            fix = "Make the file and its folder writable."
            raise StateError(self.origin, f"{problem} ({error.strerror})", fix) from error
