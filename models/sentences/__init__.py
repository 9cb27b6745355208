"""Sentences of reasons, in English and in Chinese: the value of a column in words and units."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .entities import LANGUAGES as LANGUAGES

__getattr__, __dir__, __all__ = attach(__name__, __file__)
