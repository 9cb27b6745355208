"""What a text sounds like: every Chinese character as its toneless Mandarin syllable, so that homophones meet.

A syllable is one code point of a private plane, so that n-grams of sounds are hashed as those of characters are; what
is no Chinese character stays as it is, and in its place. The table is made by ``scripts/build_pinyin_table.py``.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from fraudsieve._typing import Array

from .codepoints import CodePoints

__all__ = ["needs_pinyin", "to_pinyin", "to_syllables"]


TABLE = files("fraudsieve.features.text") / "data" / "pinyin.npz"
PRIVATE = 0x100000
"""Syllable ``i`` is the code point ``PRIVATE + i``, of a plane that Unicode leaves to private use."""
CHINESE_SHARE = 0.05
"""Where fewer of the characters of all texts are Chinese, sounds say nothing that the characters do not."""


@cache
def _tables() -> tuple[Array, tuple[str, ...]]:
    """Return the dense look-up table, made once a process, and the syllables."""
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        syllable_codes = np.arange(0x110000, dtype=np.uint32)
        syllable_codes[stored["code"]] = PRIVATE + stored["syllable"].astype(np.uint32)
        return syllable_codes, tuple(stored["syllables"].tolist())


def to_pinyin(texts: CodePoints) -> CodePoints:
    """Replace every Chinese character by its syllable.

    Parameters
    ----------
    texts : CodePoints
        Folded texts.

    Returns
    -------
    CodePoints
        As long as they were.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> one, other = to_pinyin(pack(["加微信 ok", "家薇欣 ok"])).unpack()
    >>> one == other
    True
    """
    return CodePoints(_tables()[0][texts.codes], texts.offsets)


def to_syllables(text: str) -> list[str]:
    """Spell the sounds of a text, for people to read.

    Parameters
    ----------
    text : str
        A folded text.

    Returns
    -------
    list of str
        A syllable a Chinese character, and every other character as it is.

    Examples
    --------
    >>> to_syllables("绿色V")
    ['lv', 'se', 'V']
    """
    table, names = _tables()
    spoken = [int(table[ord(char)]) for char in text]
    return [names[code - PRIVATE] if code >= PRIVATE else char for code, char in zip(spoken, text, strict=True)]


def needs_pinyin(texts: CodePoints) -> bool:
    """Tell whether enough of the characters are Chinese for their sounds to matter.

    Parameters
    ----------
    texts : CodePoints
        Texts.

    Returns
    -------
    bool

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> needs_pinyin(pack(["贷款 now"])), needs_pinyin(pack(["win a prize"]))
    (True, False)
    """
    if not len(texts.codes):
        return False
    return bool((_tables()[0][texts.codes] >= PRIVATE).mean() >= CHINESE_SHARE)
