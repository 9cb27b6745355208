"""Text: code points, normalisation (folding), scripts, pinyin, and automata over words."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .fold import KINDS as KINDS
    from .fold import OBFUSCATIONS as OBFUSCATIONS
    from .fold import fold_text as fold_text

__getattr__, __dir__, __all__ = attach(__name__, __file__)
