"""Recipes: all settings of a run, in TOML, with validation."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .recipe import Recipe as Recipe

__getattr__, __dir__, __all__ = attach(__name__, __file__)
