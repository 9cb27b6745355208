"""The live state of a service: history in memory, backed by an event store that processes share."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .calls import Accepted
    from .removal import erase, rewind
    from .state import LiveSize, LiveState, Scored
    from .store.addresses import open_store
    from .store.event_store import EventStore

__all__ = ["Accepted", "EventStore", "LiveSize", "LiveState", "Scored", "erase", "open_store", "rewind"]

# Imported at first use, as in the package above.
_HOMES = {
    "Accepted": "calls",
    "EventStore": "store.event_store",
    "LiveSize": "state",
    "LiveState": "state",
    "Scored": "state",
    "erase": "removal",
    "open_store": "store.addresses",
    "rewind": "removal",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
