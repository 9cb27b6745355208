"""Reasons: the contributions to a score, by column and by text span."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .reason_codes import explain

__all__ = [
    "explain",
]

# Imported at first use, as in the package above.
_HOMES = {
    "explain": "reason_codes",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
