"""Obfuscations that simulated fraudsters use to evade a filter.

The tables are the simulator's own, so that text normalisation is not tested against itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from numpy.random import Generator

from .basics import read_rows

_Edit = Callable[[str, Generator, float], str]

_LINK: Final = re.compile(r"((?:https?://)?[A-Za-z0-9.-]+\.example(?:/[A-Za-z0-9/]*)?)")
_ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\ufeff"
_SYMBOLS: Final = "*.·_|-"
_DIGITS: Final = ("０１２３４５６７８９", "⓪①②③④⑤⑥⑦⑧⑨")
_SPELLED: Final = ("零一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")
_LOOKALIKES: Final = {row[0]: row[1] for row in read_rows("lookalikes.tsv")}
_TRADITIONAL: Final = {row[0]: row[1] for row in read_rows("traditional.tsv")}
_HOMOPHONES: Final = {word: tuple(spellings.split(" ")) for word, spellings in read_rows("homophones.tsv")}


def _insert(text: str, rng: Generator, rate: float, marks: str) -> str:
    """Insert a mark between two letters or digits, at each place with probability `rate`."""
    draws = rng.random(len(text))
    picks = rng.integers(len(marks), size=len(text))
    chars = [
        char + marks[picks[i]] if draws[i] < rate and char.isalnum() and text[i + 1 : i + 2].isalnum() else char
        for i, char in enumerate(text)
    ]
    return "".join(chars)


def _replace(text: str, rng: Generator, rate: float, table: dict[str, str]) -> str:
    """Replace each character that is in `table`, with probability `rate`, by one of its variants."""
    draws = rng.random(len(text))
    chars = [
        table[char][rng.integers(len(table[char]))] if char in table and draws[i] < rate else char
        for i, char in enumerate(text)
    ]
    return "".join(chars)


def _digits(text: str, rng: Generator, rate: float, *, alphabets: tuple[str, ...]) -> str:
    """Write most digits in one of the alphabets."""
    alphabet = alphabets[rng.integers(len(alphabets))]
    return _replace(text, rng, min(1.0, 0.5 + rate), dict(zip("0123456789", alphabet, strict=True)))


def _homophones(text: str, rng: Generator, rate: float) -> str:
    """Replace words by spellings that sound alike."""
    for word, variants in _HOMOPHONES.items():
        if word in text and rng.random() < 0.4 + rate:
            text = text.replace(word, variants[rng.integers(len(variants))])
    return text


KINDS: Final[dict[str, dict[str, _Edit]]] = {
    "en": {
        "zero_width": lambda text, rng, rate: _insert(text, rng, rate, _ZERO_WIDTH),
        "symbols": lambda text, rng, rate: _insert(text, rng, rate, _SYMBOLS[rng.integers(len(_SYMBOLS))]),
        "spacing": lambda text, rng, rate: _insert(text, rng, rate, " "),
        "digits": lambda text, rng, rate: _digits(text, rng, rate, alphabets=_DIGITS),
        "lookalikes": lambda text, rng, rate: _replace(text, rng, rate, _LOOKALIKES),
    }
}
"""Obfuscations by language and name."""
KINDS["zh"] = KINDS["en"] | {
    "spelled": lambda text, rng, rate: _digits(text, rng, rate, alphabets=_SPELLED),
    "traditional": lambda text, rng, rate: _replace(text, rng, 2 * rate, _TRADITIONAL),
    "homophones": _homophones,
}


def apply_obfuscations(text: str, *, rng: Generator, language: str, kinds: Sequence[str], rate: float) -> str:
    """Obfuscate a text, except for its links, which must still work.

    The obfuscations `kinds`, names from ``KINDS[language]``, are applied in order. A character is changed with
    probability `rate`.
    """
    parts = _LINK.split(text)
    for kind in kinds:
        edit = KINDS[language][kind]
        parts[::2] = [edit(part, rng, rate) for part in parts[::2]]
    return "".join(parts)
