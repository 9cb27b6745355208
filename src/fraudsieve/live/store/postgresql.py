"""A store in PostgreSQL, through psycopg 3: many processes, on several machines."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from fraudsieve._addresses import bare_address
from fraudsieve.exceptions import StateError

from .facts import RESTORE, SCORE_TABLES, Head

LOCK = 0x66726175
"""First half of the advisory lock; the second is the schema."""
OPTIONS: dict[str, Any] = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
HEAD = "SELECT content FROM meta WHERE name = 'head'"
AGAIN = "Check that the server runs, and send it again: events with an event_id count once."


class PostgresTransaction:
    """A transaction, as `SqliteTransaction`."""

    def __init__(self, connection: Any) -> None:
        self._cursor = connection.cursor(binary=True)

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement and return its rows."""
        self._cursor.execute(statement.replace("?", "%s"), parameters)
        return self._cursor.fetchall() if self._cursor.description is not None else []

    def execute_many(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once per element."""
        self._cursor.executemany(statement.replace("?", "%s"), parameters)

    def has_tables(self) -> bool:
        """Return whether the store was created."""
        return self.execute("SELECT to_regclass('meta')") != [(None,)]

    def read_head(self) -> Head | None:
        """Return the head; None in a new store."""
        rows = self.execute(HEAD) if self.has_tables() else []
        if not rows:
            return None
        try:
            generation, offset, digest = rows[0][0].split()
            return Head(int(generation), int(offset), bytes.fromhex(digest))
        except ValueError:
            raise StateError("postgresql", "the head of the store is damaged", RESTORE) from None

    def set_head(self, head: Head) -> None:
        """Replace the head, with the transaction."""
        content = f"{head.generation} {head.offset} {head.digest.hex()}"
        changed = self.execute("UPDATE meta SET content = ? WHERE name = 'head' RETURNING 1", (content,))
        if not changed:
            self.execute("INSERT INTO meta (name, content) VALUES ('head', ?)", (content,))


class PostgresDatabase:
    """A connection to a store in PostgreSQL, as `SqliteDatabase`; opened again after a failure."""

    kind = "postgresql"
    types: ClassVar[dict[str, str]] = {
        "integer": "BIGINT",
        "real": "DOUBLE PRECISION",
        "text": "TEXT",
        "bytes": "BYTEA",
    }

    def __init__(self, address: str) -> None:
        self.origin = bare_address(address)
        self._address = address
        self._connection: Any = None
        self._seen: Any = None
        try:
            import psycopg  # an extra
        except ImportError:
            fix = "Run: pip install 'fraudsieve[postgres]'."
            raise StateError(self.origin, "PostgreSQL needs psycopg, which is not installed", fix) from None
        self._psycopg = psycopg
        with self._errors():
            self._connect()

    @contextmanager
    def reading(self) -> Iterator[PostgresTransaction]:
        """Return a transaction with a consistent view of the store."""
        with self._errors(), self._connect().transaction():
            transaction = PostgresTransaction(self._connect())
            transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield transaction

    @contextmanager
    def writing(self) -> Iterator[PostgresTransaction]:
        """Return a transaction that holds the lock across processes; it is committed unless the block raises."""
        with self._errors(), self._connect().transaction():
            transaction = PostgresTransaction(self._connect())
            # A separate statement: the next one sees what was committed before the lock was acquired.
            transaction.execute("SELECT pg_advisory_xact_lock(?, hashtext(current_schema()))", (LOCK,))
            yield transaction

    def has_changed(self) -> bool:
        """Return whether the store changed since the last call."""
        with self._errors():
            head = PostgresTransaction(self._connect()).execute(HEAD)
        is_new, self._seen = head != self._seen, head
        return bool(is_new)

    def shrink(self) -> None:
        """Remove deleted rows from the files of the tables, so that they cannot be read."""
        with self._errors():
            for table in ("events", "snapshots", "chunks", "meta", *SCORE_TABLES):
                self._connect().execute(f"VACUUM FULL {table}")

    def nbytes(self) -> int:
        """Return the size of the tables."""
        tables = ("events", "snapshots", "chunks", *SCORE_TABLES)
        sizes = ", ".join(f"pg_total_relation_size('{table}')" for table in tables)
        with self._errors():
            (row,) = PostgresTransaction(self._connect()).execute(f"SELECT {sizes}")
        return sum(row)

    def another(self) -> "PostgresDatabase":
        """Return another connection to the same database."""
        return PostgresDatabase(self._address)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(self._psycopg.Error):
                self._connection.close()

    def _connect(self) -> Any:
        """Return the connection, opened again if it broke."""
        if self._connection is None or self._connection.closed:
            self._connection = self._psycopg.connect(self._address, autocommit=True, **OPTIONS)
            # Acknowledged is durable, whatever the server's default is.
            self._connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
            )
            self._connection.execute("SET lock_timeout = '60s'")
        return self._connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn errors into StateError; their text is left out, since it can quote the address or a row."""
        try:
            yield
        except self._psycopg.Error as error:
            if isinstance(error, self._psycopg.OperationalError | self._psycopg.InterfaceError):
                self.close()
            code = f" ({type(error).__name__}{f', {error.sqlstate}' if error.sqlstate else ''})"
            raise StateError(self.origin, f"the database cannot be used{code}", AGAIN) from None
