"""The live state behind a service: history in memory, event log and snapshots."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .log import EventLog
    from .segments import LogCut
    from .state import LiveSize, LiveState

__all__ = [
    "EventLog",
    "LiveSize",
    "LiveState",
    "LogCut",
]

# Imported at first use, as in the package above.
_HOMES = {
    "EventLog": "log",
    "LiveSize": "state",
    "LiveState": "state",
    "LogCut": "segments",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
