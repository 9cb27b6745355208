"""The event store of a live state: one ordered table of events, in SQLite or in PostgreSQL."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .addresses import open_store
    from .event_store import EventStore

__all__ = ["EventStore", "open_store"]

# Imported at first use, as in the package above.
_HOMES = {"EventStore": "event_store", "open_store": "addresses"}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
