"""The interface of a database to a store, in plain SQL that SQLite and PostgreSQL share.

About ten statements do not justify a dependency on SQLAlchemy. The two databases differ in the lock, the head, and the
detection of changes by other processes, which SQLAlchemy does not abstract.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

from .chain import Head

SCORE_TABLES = ("scores", "scored_records")
"""The score log, and the scored records under the numbers of their scores."""
SCHEMA = (
    'CREATE TABLE events ("offset" {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, '
    "digest {bytes} NOT NULL, subject {integer})",
    "CREATE INDEX events_subject ON events (subject)",
    "CREATE TABLE meta (name {text} PRIMARY KEY, content {text} NOT NULL)",
    'CREATE TABLE snapshots (id {text} PRIMARY KEY, "offset" {integer} NOT NULL, started {real} NOT NULL, '
    "facts {text} NOT NULL)",
    "CREATE TABLE chunks (snapshot {text} NOT NULL, number {integer} NOT NULL, content {bytes} NOT NULL, "
    "PRIMARY KEY (snapshot, number))",
    "CREATE TABLE erasures (number {integer} PRIMARY KEY, facts {text} NOT NULL)",
    "CREATE TABLE scores (number {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, "
    "digest {bytes} NOT NULL, recorded {integer})",
    "CREATE INDEX scores_recorded ON scores (recorded) WHERE recorded IS NOT NULL",
    "CREATE TABLE scored_records (number {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, "
    "digest {bytes} NOT NULL)",
    *(f"CREATE INDEX {table}_by_time ON {table} (time, number)" for table in SCORE_TABLES),
)


def tables(types: dict[str, str]) -> list[str]:
    """Return the statements that create the tables of a store."""
    return [statement.format(**types) for statement in SCHEMA]


class Transaction(Protocol):
    """A transaction. Parameters are marked by ``?``."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement and return its rows."""

    def execute_many(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once per element."""

    def read_head(self) -> Head | None:
        """Return the head; None in a new store."""

    def set_head(self, head: Head) -> None:
        """Replace the head: durable once the transaction is committed, and before the lock is released."""


class Database(Protocol):
    """A connection to the database of a store. Threads must take turns."""

    origin: str
    """Its name for errors and logs, without a password."""
    kind: str
    """"sqlite" or "postgresql"."""
    types: ClassVar[dict[str, str]]
    """For `tables`."""

    def reading(self) -> AbstractContextManager[Transaction]:
        """Return a transaction with a consistent view of the store. Raises StateError."""

    def writing(self) -> AbstractContextManager[Transaction]:
        """Return a transaction that holds the lock; it is committed unless the block raises. Raises StateError."""

    def has_tables(self, transaction: Transaction) -> bool:
        """Return whether the store was created."""

    def has_changed(self) -> bool:
        """Return whether another connection may have changed the store since the last call. Raises StateError."""

    def shrink(self) -> None:
        """Return free space to the system, so that deleted rows can no longer be read from the files."""

    def nbytes(self) -> int:
        """Return the size of the store on disk."""

    def another(self) -> "Database":
        """Return another connection to the same database."""

    def close(self) -> None:
        """Close the connection."""
