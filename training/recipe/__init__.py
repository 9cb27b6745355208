"""Recipes: all settings of a run, in TOML, with validation."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .recipe import Recipe

__all__ = [
    "Recipe",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Recipe": "recipe",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
