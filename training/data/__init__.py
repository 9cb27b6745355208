"""Labelled records, read from tables and turned into feature matrices."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .labelled import LabelledData, load_labelled

__all__ = [
    "LabelledData",
    "load_labelled",
]

# Imported at first use, as in the package above.
_HOMES = {
    "LabelledData": "labelled",
    "load_labelled": "labelled",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
