"""Account history: point-in-time windows over events, in batches and live."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .batch import history_features
    from .declaration import History
    from .measures import FAMILIES, MEASURES

__all__ = [
    "FAMILIES",
    "MEASURES",
    "History",
    "history_features",
]

# Imported at first use, as in the package above.
_HOMES = {
    "FAMILIES": "measures",
    "History": "declaration",
    "MEASURES": "measures",
    "history_features": "batch",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
