"""HTML pages: their templates and style sheet, charts as SVG, and words for names in the code."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .origin import PageOrigin as PageOrigin
    from .svg import Figure as Figure

__getattr__, __dir__, __all__ = attach(__name__, __file__)
