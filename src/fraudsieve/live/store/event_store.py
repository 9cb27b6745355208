"""The event store: log entries in one total order, in which every row has an offset.

A live state is a fold over the rows. A process that appends holds a lock across processes: it first reads the rows that
others appended, decides which records it accepts, and appends them. All processes therefore accept the same events in
the same order.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import StateError

from .facts import (
    RESTORE,
    START,
    Head,
    Position,
    Row,
    StoreFacts,
    check_chain,
    extend_chain,
    subject_key,
    tables,
    to_json,
)
from .postgresql import PostgresDatabase, PostgresTransaction
from .sqlite import SqliteDatabase, SqliteTransaction

Database = SqliteDatabase | PostgresDatabase
Transaction = SqliteTransaction | PostgresTransaction

BATCH = 20_000
"""Rows that are read in one transaction."""
ROWS = 'SELECT "offset", time, entry, digest FROM events WHERE "offset" > ? ORDER BY "offset" LIMIT ?'
INSERT = 'INSERT INTO events ("offset", time, entry, digest, subject) VALUES (?, ?, ?, ?, ?)'
FIND = 'SELECT entry FROM events WHERE subject IN ({{keys}}) AND "offset" > {after} ORDER BY "offset"'
LOOKED_UP = 500
"""Keys in one statement."""
ROOM = 65536
"""Characters that are written to find out whether a store has room."""
LAST = 'SELECT "offset", digest FROM events ORDER BY "offset" DESC LIMIT 1'


SCHEMES = ("postgresql://", "postgres://")
URL = re.compile(r"[A-Za-z][\w+.-]*://")


def encode_entry(entry: Mapping[str, Any]) -> tuple[int, bytes]:
    """Return a log entry as a store keeps it: its time, and JSON."""
    ((time, _),) = entry.values()
    return time, to_json(entry).encode("ascii")


class StoreTransaction:
    """A transaction of a store."""

    def __init__(self, transaction: Transaction, origin: str) -> None:
        self.sql, self.origin = transaction, origin
        rows = transaction.execute("SELECT content FROM meta WHERE name = 'store'")
        self.facts = StoreFacts.from_text(rows[0][0] if rows else None, origin)

    @property
    def last(self) -> Position:
        """The position of the newest row."""
        rows = self.sql.execute(LAST)
        return Position(*rows[0]) if rows else self.facts.start

    def read_after(self, position: Position, limit: int = BATCH) -> list[Row]:
        """Read and check the rows after a position.

        They are in order; there are none at the end.
        """
        start = self.facts.start.offset
        if position.offset < start:
            problem = f"expected the row at offset {position.offset + 1}, but rows up to offset {start} were deleted"
            raise StateError(self.origin, problem, "Nothing is damaged: read the rows that are left.")
        rows = self.sql.execute(ROWS, (position.offset, limit))
        if not rows and self.last.offset < position.offset:
            problem = f"the store ends at offset {self.last.offset}, but offset {position.offset} was acknowledged"
            raise StateError(self.origin, problem, RESTORE)
        check_chain(position, rows, self.origin)
        return rows

    def batches(self) -> Iterator[list[Row]]:
        """Iterate over all rows in batches, without rows that the transaction appends during the iteration."""
        position, stop = self.facts.start, self.last.offset
        while left := stop - position.offset:
            rows = self.read_after(position, min(left, BATCH))
            yield rows
            position = Position(rows[-1][0], rows[-1][3])

    def append(self, position: Position, entries: Sequence[Mapping[str, Any]]) -> Position:
        """Append log entries.

        Returns the position of the last entry, which is durable once the transaction is committed.
        """
        rows, position = extend_chain(position, [encode_entry(entry) for entry in entries])
        self.insert(rows, map(subject_key, entries))
        self.sql.set_head(Head(self.facts.generation, *position))
        return position

    def insert(self, rows: Iterable[Row], keys: Iterable[int | None]) -> None:
        """Write rows, with the keys of their subjects."""
        self.sql.execute_many(INSERT, [(*row, key) for row, key in zip(rows, keys, strict=True)])

    def find(self, keys: Iterable[int], after: int) -> Iterator[JsonObject]:
        """Iterate over the log entries after an offset with any of some keys of subjects, in order."""
        return (json.loads(entry) for (entry,) in self.look_up(FIND.format(after=after), keys))

    def look_up(self, statement: str, keys: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        """Iterate over the rows that a statement with ``{keys}`` finds for any number of keys."""
        left = iter(keys)
        while chosen := list(islice(left, LOOKED_UP)):
            yield from self.sql.execute(statement.format(keys=", ".join("?" * len(chosen))), chosen)

    def change_facts(self, facts: StoreFacts) -> None:
        """Replace the facts about the rows of the store."""
        self.facts = facts
        self.sql.execute("UPDATE meta SET content = ? WHERE name = 'store'", (facts.to_text(),))


class EventStore:
    """Log entries in one total order, in a database. Processes can share it; threads must take turns.

    Opening a store compares its newest row with its head, which was synced with every commit. Rows are compared with
    their digests when they are read.

    Parameters
    ----------
    database : Database
        From `fraudsieve.live.store.open_store`.

    Attributes
    ----------
    facts : StoreFacts
        Facts about the rows of the store, as of its last use.
    origin : str
        Its address without a password, for errors and logs.
    kind : {"sqlite", "postgresql"}

    Raises
    ------
    StateError
        If it cannot be opened, or has lost rows.
    """

    def __init__(self, database: Database) -> None:
        self.database, self.origin, self.kind = database, database.origin, database.kind
        self.facts = StoreFacts()
        try:
            self._open()
        except BaseException:
            database.close()
            raise

    @property
    def nbytes(self) -> int:
        """Size of the store on disk in bytes."""
        return self.database.nbytes()

    @property
    def head(self) -> Position:
        """The position of the newest row."""
        with self.reading() as transaction:
            return transaction.last

    @contextmanager
    def reading(self) -> Iterator[StoreTransaction]:
        """Return a transaction with a consistent view of the store.

        Raises
        ------
        StateError
            If it cannot be read.
        """
        with self.database.reading() as sql:
            transaction = StoreTransaction(sql, self.origin)
            yield transaction
        self.facts = transaction.facts

    @contextmanager
    def writing(self) -> Iterator[StoreTransaction]:
        """Return a transaction under the lock across processes, which is committed unless the block raises.

        Raises
        ------
        StateError
            If it cannot be written. Then nothing was written.
        """
        with self.database.writing() as sql:
            transaction = StoreTransaction(sql, self.origin)
            yield transaction
        self.facts = transaction.facts

    def rows(self, after: Position | None = None) -> Iterator[list[Row]]:
        """Iterate over the rows in batches, each read in a separate transaction.

        Parameters
        ----------
        after : Position, default=None
            The row before the first; None for all rows.

        Yields
        ------
        list of Row

        Raises
        ------
        StateError
            If rows are missing or changed, or the store was rewritten during the iteration.
        """
        generation = None
        while True:
            with self.reading() as transaction:
                if generation not in (None, transaction.facts.generation):
                    raise StateError(self.origin, "its rows were rewritten while they were read", "Read them again.")
                generation, position = transaction.facts.generation, after or transaction.facts.start
                rows = transaction.read_after(position)
            if not rows:
                return
            yield rows
            after = Position(rows[-1][0], rows[-1][3])

    def has_changed(self) -> bool:
        """Return whether another connection may have changed the store since the last call."""
        return self.database.has_changed()

    def check_room(self) -> None:
        """Write some thousand characters and remove them; raises StateError if they cannot be stored."""
        for content in (token_hex(ROOM // 2), ""):
            with self.writing() as transaction:
                transaction.sql.execute("DELETE FROM meta WHERE name = 'room'")
                transaction.sql.execute("INSERT INTO meta (name, content) VALUES ('room', ?)", (content,))

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _open(self) -> None:
        with self.database.writing() as sql:
            if not sql.has_tables():
                self._create(sql)
            transaction = StoreTransaction(sql, self.origin)
            self._check_head(transaction, sql.read_head())
            self.facts = transaction.facts
        if self.facts.needs_shrinking:
            self.finish_erasure()

    def finish_erasure(self) -> None:
        """Remove the bytes of erased rows from the files. Opening a store completes an interrupted erasure."""
        self.database.shrink()
        with self.writing() as transaction:
            transaction.change_facts(replace(transaction.facts, needs_shrinking=False))

    def _create(self, sql: Transaction) -> None:
        if sql.read_head() not in (None, Head(0, *START)):
            raise StateError(self.origin, "the database is empty, but events were acknowledged", RESTORE)
        for statement in tables(self.database.types):
            sql.execute(statement)
        sql.execute("INSERT INTO meta (name, content) VALUES ('store', ?)", (StoreFacts().to_text(),))
        sql.set_head(Head(0, *START))

    def _check_head(self, transaction: StoreTransaction, head: Head | None) -> None:
        """Compare the newest rows with the head: a store can be ahead of it after a crash, but never behind."""
        last, facts = transaction.last, transaction.facts
        if head is None and (last, facts.generation) == (START, 0):  # killed while the store was created
            transaction.sql.set_head(Head(0, *START))
            return
        if head is None:
            raise StateError(self.origin, "the head of the store is missing", RESTORE)
        if head.generation < facts.generation:  # killed after the rows were rewritten, before the head was
            transaction.sql.set_head(Head(facts.generation, *last))
            return
        if head.generation > facts.generation or head.offset > last.offset:
            problem = f"the store ends at offset {last.offset}, but offset {head.offset} was acknowledged"
            raise StateError(self.origin, problem, RESTORE)
        at_head = transaction.sql.execute('SELECT digest FROM events WHERE "offset" = ?', (head.offset,))
        if head.offset == facts.start.offset:
            at_head = [(facts.start.digest,)]
        if head.offset >= facts.start.offset and at_head != [(head.digest,)]:
            raise StateError(self.origin, f"the row at offset {head.offset} differs from the head", RESTORE)


def open_store(address: str | Path) -> EventStore:
    """Open an event store, which is created if it does not exist.

    Parameters
    ----------
    address : str or Path
        A file such as ``live.db``, for SQLite; or ``postgresql://user:password@host/database``, which needs
        ``pip install 'fraudsieve[postgres]'``.

    Returns
    -------
    EventStore
        The store; close it after use, or use it in a ``with`` block.

    Raises
    ------
    StateError
        If it cannot be opened, is damaged, or is an address of another scheme. The error never contains the password.

    Examples
    --------
    >>> store = open_store(getfixture("tmp_path") / "live.db")
    >>> store.kind, store.head.offset
    ('sqlite', 0)
    >>> store.close()
    """
    return EventStore(_connect(address))


def existing_store(address: str | Path) -> EventStore:
    """Open a store that exists; opening a file that does not would create it."""
    if not (isinstance(address, str) and URL.match(address)) and not Path(address).exists():
        raise FileNotFoundError(f"{address}: there is no such store. Check the path.")
    return open_store(address)


def _connect(address: str | Path) -> Database:
    if isinstance(address, str) and address.startswith(SCHEMES):
        return PostgresDatabase(address)
    if isinstance(address, str) and URL.match(address):  # it may have a password, so it is not quoted
        problem = "expected a file, or an address that begins with postgresql://, got an address that begins otherwise"
        raise StateError("store", problem, "Write a file such as live.db, or postgresql://user:password@host/database.")
    return SqliteDatabase(address)
