"""The measure of how unlike the training records a record is, computed from its feature row alone."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .unlike_training import UnlikeTraining

__all__ = [
    "UnlikeTraining",
]

# Imported at first use, as in the package above.
_HOMES = {
    "UnlikeTraining": "unlike_training",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
