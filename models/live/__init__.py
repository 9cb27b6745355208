"""The live state behind a service: history in memory, event log and snapshots."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .log import EventLog
    from .state import LiveSize, LiveState

__all__ = [
    "EventLog",
    "LiveSize",
    "LiveState",
]

# Imported at first use, as in the package above.
_HOMES = {
    "EventLog": "log",
    "LiveSize": "state",
    "LiveState": "state",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
