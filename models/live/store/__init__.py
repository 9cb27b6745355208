"""The event store of a live state: one ordered table of events, in SQLite or in PostgreSQL."""

from .addresses import open_store
from .event_store import EventStore

__all__ = ["EventStore", "open_store"]
