"""Cues: counts of links, numbers, amounts and words in a message."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .contacts import CONTACT_KINDS, Contacts, find_contacts
    from .matrix import CUES, SHAPES, cues_and_shape

__all__ = [
    "CONTACT_KINDS",
    "CUES",
    "SHAPES",
    "Contacts",
    "cues_and_shape",
    "find_contacts",
]

# Imported at first use, as in the package above.
_HOMES = {
    "CONTACT_KINDS": "contacts",
    "CUES": "matrix",
    "Contacts": "contacts",
    "SHAPES": "matrix",
    "cues_and_shape": "matrix",
    "find_contacts": "contacts",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
