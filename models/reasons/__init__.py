"""Reasons: the contributions to a score, by column and by text span."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .reason_codes import explain as explain

__getattr__, __dir__, __all__ = attach(__name__, __file__)
