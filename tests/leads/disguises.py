"""Identifiers of persons in disguise: spelled, in words, in pinyin, in full width, or joined by signs."""

import random
from collections.abc import Callable
from typing import Final

__all__ = ["PATTERNS", "planted_pattern"]

ENGLISH: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GERMAN: Final = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
PINYIN: Final = ("ling", "yao", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu")
CHINESE: Final = ("零", "幺", "二", "三", "四", "五", "陆", "七", "捌", "九")
NATO: Final = {
    "a": "alfa", "d": "delta", "e": "echo", "i": "india", "k": "kilo", "l": "lima", "m": "mike", "n": "november",
    "o": "oscar", "r": "romeo", "s": "sierra", "t": "tango", "u": "uniform", "w": "whiskey", "x": "xray", "z": "zulu",
}  # fmt: skip
NAMES: Final = ("karte", "mustermann", "wuxian", "sandner", "oxmilk", "tanker", "wanmei", "edelzart")
SYLLABLES: Final = ("wang xiao ming", "zhang wei", "li xue mei", "chen da long", "liu ting ting")

Chance = random.Random


def _digits(chance: Chance, n: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(n))


def _in(words: tuple[str, ...]) -> Callable[[str], str]:
    return lambda digits: " ".join(words[int(digit)] for digit in digits)


def _fullwidth(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


DIGITS: Final[tuple[Callable[[str], str], ...]] = (
    _in(ENGLISH),
    _in(GERMAN),
    _in(PINYIN),
    "".join,
    _fullwidth,
    " ".join,
    "-".join,
    lambda digits: "".join(CHINESE[int(digit)] for digit in digits),
    lambda digits: " ".join(CHINESE[int(digit)] for digit in digits),
    lambda digits: "".join(ENGLISH[int(digit)] for digit in digits),
    lambda digits: ", ".join(ENGLISH[int(digit)].upper() for digit in digits),
    lambda digits: "double " + _in(ENGLISH)(digits),
    lambda digits: "".join(chr(0x245F + int(digit)) if digit != "0" else "⓪" for digit in digits),
)
"""Disguises of digits."""
LETTERS: Final[tuple[Callable[[str], str], ...]] = (
    *(sign.join for sign in (" ", "-", ".", "_", "*", "\u200b", " . ", "，", "  ", "/")),
    _fullwidth,
    lambda name: " ".join(NATO.get(letter, letter) for letter in name),
    lambda name: "".join(chr(0x1D5BA + ord(letter) - 97) for letter in name),  # sans-serif
    lambda name: " ".join(name[at : at + 2] for at in range(0, len(name), 2)),
    lambda name: name.translate(str.maketrans("aeo", "\u0430\u0435\u043e")),  # Cyrillic
    lambda name: name.translate(str.maketrans("aeilot", "4317 7")).replace(" ", "0"),
    lambda name: "\u0336".join(name),
)
"""Disguises of names."""


def _phone(chance: Chance) -> str:
    return chance.choice(DIGITS)("01" + _digits(chance, 9))


def _card(chance: Chance) -> str:
    return chance.choice(DIGITS)("4" + _digits(chance, 15))


def _account(chance: Chance) -> str:
    if chance.random() < 0.3:
        return chance.choice(SYLLABLES)
    return chance.choice(LETTERS)(chance.choice(NAMES))


def _email(chance: Chance) -> str:
    name, host = chance.sample(NAMES, 2)
    forms = (
        f"{name}@{host}.com", f"{name} at {host} dot com", f"{name} (at) {host} (dot) de", f"{name} @ {host} . com",
        _fullwidth(f"{name}@{host}.com"),
    )  # fmt: skip
    return chance.choice(forms)


def _host(chance: Chance) -> str:
    name = chance.choice(NAMES)
    forms = (
        f"w-w-w {name} c-o-m", f"{name} dot com", f"www {name} info", f"hxxp://{name}.com/a", f"{name}[.]com",
        f"{name} dian com", f"{name} . com", f"{name}。com", f".{name}. net", f"w w w {name} n e t",
    )  # fmt: skip
    return chance.choice(forms)


def _wechat(chance: Chance) -> str:
    return f"wx_{chance.choice(LETTERS)(chance.choice(NAMES))}_{chance.choice(DIGITS)(_digits(chance, 3))}"


PATTERNS: Final = (_phone, _card, _account, _email, _host, _wechat)
"""Kinds of identifiers: telephone and card numbers, names, e-mail addresses, hosts and WeChat ids."""


def planted_pattern(chance: Chance, number: int) -> str:
    """Return an identifier in disguise."""
    return PATTERNS[number % len(PATTERNS)](chance)
