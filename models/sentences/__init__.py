"""Sentences of reasons, in English and in Chinese: the value of a column in words and units."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .values import LANGUAGES

__all__ = [
    "LANGUAGES",
]

# Imported at first use, as in the package above.
_HOMES = {
    "LANGUAGES": "values",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
