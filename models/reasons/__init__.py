"""Reasons: what a score was made of, by column and by span of text."""

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
