"""The event store of a live state: one ordered table of events, in SQLite or in PostgreSQL."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .event_store import EventStore as EventStore
    from .event_store import open_store as open_store

__getattr__, __dir__, __all__ = attach(__name__, __file__)
