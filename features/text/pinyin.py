"""Pinyin of a text: every Chinese character as its toneless Mandarin syllable, so that homophones are equal.

A syllable is one code point of a private plane, so that n-grams of pinyin are hashed like those of characters.
Other characters do not change, and every character keeps its position. ``scripts/tables/pinyin.py`` builds the
table.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from fraudsieve._typing import Array

from .codepoints import CodePoints

TABLE = files("fraudsieve.features.text") / "data" / "pinyin.npz"
PRIVATE = 0x100000
"""Syllable ``i`` is the code point ``PRIVATE + i``, of a plane that Unicode leaves to private use."""
CHINESE_SHARE = 0.05
"""Below this share of Chinese characters in all texts, pinyin adds nothing to the characters."""


@cache
def _tables() -> tuple[Array, tuple[str, ...]]:
    """Return the dense look-up table, built once per process, and the syllables."""
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        syllable_codes = np.arange(0x110000, dtype=np.uint32)
        syllable_codes[stored["code"]] = PRIVATE + stored["syllable"].astype(np.uint32)
        return syllable_codes, tuple(stored["syllables"].tolist())


def to_pinyin(texts: CodePoints) -> CodePoints:
    """Replace every Chinese character by its syllable."""
    return CodePoints(_tables()[0][texts.codes], texts.offsets)


def is_syllable(word: str) -> bool:
    """Return whether a word is a syllable of pinyin, without its tone."""
    return word in _syllables()


@cache
def _syllables() -> frozenset[str]:
    return frozenset(_tables()[1])


def needs_pinyin(texts: CodePoints) -> bool:
    """Return whether enough of the characters are Chinese for pinyin to be useful."""
    if not len(texts.codes):
        return False
    return bool((_tables()[0][texts.codes] >= PRIVATE).mean() >= CHINESE_SHARE)
