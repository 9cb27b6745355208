"""A simulated world of accounts, messages, events and labels."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .world import World, simulate

__all__ = [
    "World",
    "simulate",
]

# Imported at first use, as in the package above.
_HOMES = {
    "World": "world",
    "simulate": "world",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
