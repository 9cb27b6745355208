"""Places of a text that can be obfuscated, with their replacements."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias

Site: TypeAlias = tuple[int, int, Sequence[str]]
"""Start and end in the text, and the possible replacements."""

TABLES: Final = files("fraudsieve.training.attack") / "tables"
N_HOMOPHONES: Final = 6
"""Number of homophones that are used, the most frequent ones, which readers recognise by their sound."""
LEETSPEAK: Final = {
    "a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1|", "o": "0", "s": "5$", "t": "7+", "z": "2",
}  # fmt: skip
DIGITS: Final = "0123456789"
SPELLED_HAN: Final = ("零一二三四五六七八九", "〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")
SPELLED_LATIN: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
KEYCAP: Final = "\ufe0f\u20e3"
CIRCLED_DIGITS: Final = ("⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "０⑴⑵⑶⑷⑸⑹⑺⑻⑼")


def insertion_sites(text: str, marks: Sequence[str]) -> list[Site]:
    """Find the places between two letters or digits, where a mark can be inserted."""
    return [(i, i, marks) for i in range(1, len(text)) if text[i - 1].isalnum() and text[i].isalnum()]


def homoglyph_sites(text: str) -> list[Site]:
    """Find characters that have look-alikes."""
    return _replacements(text, _homoglyphs())


def full_width_sites(text: str) -> list[Site]:
    """Find Latin letters and digits, which can be full width, circled, negative circled, or parenthesised."""
    return _replacements(text, _full_width())


def leetspeak_sites(text: str) -> list[Site]:
    """Find Latin letters that resemble a digit or a sign."""
    return [(i, i + 1, LEETSPEAK[char.lower()]) for i, char in enumerate(text) if char.lower() in LEETSPEAK]


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


def homophone_sites(text: str) -> list[Site]:
    """Find Chinese characters that have homophones of the same tone or, if there are none, of any tone."""
    return _replacements(text, _homophones())


def variant_sites(text: str) -> list[Site]:
    """Find Chinese characters with a traditional or a rare form."""
    return _replacements(text, _split_options("variants"))


def radical_sites(text: str) -> list[Site]:
    """Find Chinese characters that consist of a left and a right part."""
    return _replacements(text, _table("radicals"))


def initial_sites(text: str) -> list[Site]:
    """Find Chinese characters, which can be replaced by the first letter of their pinyin, small or capital."""
    return _replacements(text, _initials())


def synonym_sites(text: str) -> list[Site]:
    """Find words that have a synonym in the table; an English synonym keeps the capitals."""
    table = _table("synonyms")
    return [(m.start(), m.end(), [_like(m[0], table[m[0].lower()][0])]) for m in _words().finditer(text)]


def is_chinese(char: str) -> bool:
    """Return whether a character is Chinese."""
    return "㐀" <= char <= "鿿"


def _replacements(text: str, table: Mapping[str, Sequence[str]]) -> list[Site]:
    return [(i, i + 1, table[char]) for i, char in enumerate(text) if char in table]


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
