"""The live state of feature views: events are added as they arrive, and features are computed at any cutoff time."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .state import HistoryState

__all__ = ["HistoryState"]

# Imported at first use, as in the package above.
_HOMES = {"HistoryState": "state"}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
