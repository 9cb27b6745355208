"""Strings that are blank, that cannot be encoded as UTF-8, or that are labels. Needs only the standard library."""

import re
import unicodedata
from typing import Final

_FILLERS: Final = frozenset(map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0))) | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""Invisible letters and marks."""
_INVISIBLE: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def is_blank(text: str) -> bool:
    r"""Return whether a string has no visible character, only white space, control, format and filler characters."""
    return not (text and "!" <= text[0] <= "~") and all(map(_is_invisible, text))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE or character in _FILLERS


def has_surrogate(text: str) -> bool:
    r"""Return whether a string has a lone surrogate, so that it cannot be encoded as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def without_surrogates(text: str) -> str:
    r"""Return a text in which U+FFFD replaces lone surrogates; a pair of surrogates becomes its character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def normalise_label(label: str) -> str:
    """Return a label in lower case, its words separated by a space, and without the ``.0`` of a whole number."""
    folded = unicodedata.normalize("NFKC", label).casefold().strip()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", re.sub(r"(?<=[^\W_])[\s_-]+(?=\w)", " ", folded))
