"""Addresses of event stores: a file, or a PostgreSQL database."""

from pathlib import Path

from .database import Database
from .event_store import EventStore
from .postgresql import PostgresDatabase
from .sqlite import SqliteDatabase

__all__ = ["connect", "open_store"]

SCHEMES = ("postgresql://", "postgres://")


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
        If it cannot be opened, or is damaged. The error never contains the password.

    Examples
    --------
    >>> store = open_store(getfixture("tmp_path") / "live.db")
    >>> store.kind, store.head.offset
    ('sqlite', 0)
    >>> store.close()
    """
    return EventStore(connect(address))


def connect(address: str | Path) -> Database:
    """Connect to the database of an address, as `open_store` does."""
    if isinstance(address, str) and address.startswith(SCHEMES):
        return PostgresDatabase(address)
    return SqliteDatabase(address)
