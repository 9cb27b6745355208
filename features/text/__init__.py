"""Text: code points, normalisation (folding), scripts, pinyin, and automata over words."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .fold import KINDS, OBFUSCATIONS, fold_text

__all__ = [
    "KINDS",
    "OBFUSCATIONS",
    "fold_text",
]

# Imported at first use, as in the package above.
_HOMES = {
    "OBFUSCATIONS": "fold",
    "KINDS": "fold",
    "fold_text": "fold",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
