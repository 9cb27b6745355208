"""Addresses of event stores: a file, or a PostgreSQL database."""

import re
from pathlib import Path

from fraudsieve.exceptions import StateError

from .database import Database
from .event_store import EventStore
from .postgresql import PostgresDatabase
from .sqlite import SqliteDatabase

SCHEMES = ("postgresql://", "postgres://")
URL = re.compile(r"[A-Za-z][\w+.-]*://")


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
    return EventStore(connect(address))


def require_store(address: str | Path) -> None:
    """Raise FileNotFoundError if the address is a file that does not exist: opening it would create it."""
    if not (isinstance(address, str) and URL.match(address)) and not Path(address).exists():
        raise FileNotFoundError(f"{address}: there is no such store. Check the path.")


def connect(address: str | Path) -> Database:
    """Connect to the database of an address, as `open_store` does."""
    if isinstance(address, str) and address.startswith(SCHEMES):
        return PostgresDatabase(address)
    if isinstance(address, str) and URL.match(address):  # it may have a password, so it is not quoted
        problem = "expected a file, or an address that begins with postgresql://, got an address that begins otherwise"
        raise StateError("store", problem, "Write a file such as live.db, or postgresql://user:password@host/database.")
    return SqliteDatabase(address)
