"""Slots of templates, filled with people, shops and numbers that do not exist.

Templates of messages in Chinese and English: the eight crime types, notices from businesses, and private messages.

The texts are in ``data/fraud.tsv``, ``data/phrases.tsv`` and ``data/legitimate.tsv``. Shops, links, numbers and handles
are slots, which `fill_template` fills with names that do not exist.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import Final

from numpy.random import Generator

from .basics import read_rows, read_text

STICKY: Final = ("link", "handle", "phone", "shop", "bank", "carrier", "parcel_firm")
"""Slots with the same value in all messages of a campaign."""

_Maker = Callable[[Generator], str]


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


_SYLLABLES: Final = _words("ka lo mi ru te vo na shi bo len dar pim sol wex qui zan")
_SITES: Final = _words("xinglan hemu feisuo yunxiu maplewren quillmart tidelark parcelwren")
_BAIT: Final = _words("secure verify bonus help vip gift login center win pay")
_PATHS: Final = _words("help app member news my service")
_MONTHS: Final = _words("January February March April May June July August September October November December")
_OPENINGS: Final = {
    "zh": ("您好，", "亲，", "{name}，", "通知：", "{name}您好，"),
    "en": ("Hi, ", "Hello {name}, ", "Hi {name}, ", "Dear {name}, ", "Notice: "),
}
_CLOSINGS: Final = {
    "zh": ("，谢谢", "！", "，请尽快", "，今天有效", "，收到请回复"),
    "en": (" Thanks!", "!!", " ASAP please", " Today only", " Please reply"),
}
_WORDS: Final[dict[str, dict[str, list[str]]]] = tomllib.loads(read_text("words.toml"))
"""Values of slots, by language and slot."""


def _pick(rng: Generator, words: tuple[str, ...] | list[str]) -> str:
    return words[rng.integers(len(words))]


def _digits(rng: Generator, length: int) -> str:
    return f"{rng.integers(10**length):0{length}d}"


def _short_link(rng: Generator) -> str:
    return f"https://s.example/{_pick(rng, _SYLLABLES)}{_digits(rng, 3)}"


def _link(rng: Generator) -> str:
    if rng.random() < 0.3:
        return _short_link(rng)
    scheme = "https://" if rng.random() < 0.5 else ""
    return f"{scheme}{_pick(rng, _SITES)}-{_pick(rng, _BAIT)}.example/{_digits(rng, 3)}"


def _url(rng: Generator) -> str:
    if rng.random() < 0.3:
        return _short_link(rng)
    return f"https://www.{_pick(rng, _SITES)}.example/{_pick(rng, _PATHS)}"


def _handle(rng: Generator) -> str:
    return f"demo_{_pick(rng, _SYLLABLES)}{_pick(rng, _SYLLABLES)}{_digits(rng, 2)}"


def _amount(rng: Generator) -> str:
    value = 10 ** rng.uniform(1, 3)
    return f"{value:.2f}" if rng.random() < 0.4 else f"{value:.0f}"


def _sum(rng: Generator) -> int:
    return (1, 2, 3, 5, 8)[rng.integers(5)] * (1_000, 10_000)[rng.integers(2)]


def _sum_zh(rng: Generator) -> str:
    value = _sum(rng)
    return f"{value // 10_000}万元" if value >= 10_000 and rng.random() < 0.7 else f"{value}元"


def _name(rng: Generator, language: str) -> str:
    words = _WORDS[language]
    if language == "zh":
        title = _pick(rng, ("先生", "女士", "", "", ""))
        return _pick(rng, words["surname"]) + (title or _pick(rng, words["given"]))
    return _pick(rng, words["given"])


_COMMON: Final[dict[str, _Maker]] = {
    "link": _link,
    "url": _url,
    "handle": _handle,
    "code": lambda rng: _digits(rng, 6),
    "tail": lambda rng: _digits(rng, 4),
    "parcel": lambda rng: f"XX{_digits(rng, 9)}",
    "percent": lambda rng: str(5 * rng.integers(2, 19)),
    "discount": lambda rng: str(rng.integers(1, 10)),
    "count": lambda rng: str(rng.integers(3, 60)),
    "time": lambda rng: f"{rng.integers(8, 22)}:{5 * rng.integers(12):02d}",
}
_MAKERS: Final[dict[str, dict[str, _Maker]]] = {
    "zh": _COMMON
    | {
        "name": lambda rng: _name(rng, "zh"),
        "amount": lambda rng: f"{_amount(rng)}元",
        "sum": _sum_zh,
        "phone": lambda rng: f"1000000{_digits(rng, 4)}",
        "date": lambda rng: f"{rng.integers(1, 13)}月{rng.integers(1, 29)}日",
    },
    "en": _COMMON
    | {
        "name": lambda rng: _name(rng, "en"),
        "amount": lambda rng: f"${_amount(rng)}",
        "sum": lambda rng: f"${_sum(rng):,}",
        "phone": lambda rng: f"555-01{_digits(rng, 2)}",
        "date": lambda rng: f"{rng.integers(1, 29)} {_pick(rng, _MONTHS)}",
    },
}


def _make(slot: str, rng: Generator, language: str) -> str:
    if slot in _WORDS[language]:
        return _pick(rng, _WORDS[language][slot])
    return _MAKERS[language][slot](rng)


class _Values(dict[str, str]):
    """Slot values, drawn at first use."""

    def __init__(self, fixed: Mapping[str, str], rng: Generator, language: str) -> None:
        super().__init__(fixed)
        self._rng, self._language = rng, language

    def __missing__(self, slot: str) -> str:
        return self.setdefault(slot, _make(slot, self._rng, self._language))


def slot_values(*, rng: Generator, language: str) -> dict[str, str]:
    """Draw the values that all messages of a campaign share, one for each slot of `STICKY`."""
    return {slot: _make(slot, rng, language) for slot in STICKY}


def fill_template(
    template: str,
    *,
    rng: Generator,
    language: str,
    fixed: Mapping[str, str] | None = None,
    extras: float = 0.0,
) -> str:
    """Fill the slots of a template, such as ``{amount}``.

    Slots in `fixed` have the given value; the others are drawn. `extras` is the probability of a salutation, and of a
    closing phrase.
    """
    values = _Values(fixed or {}, rng, language)
    if rng.random() < extras:
        template = _pick(rng, _OPENINGS[language]) + template
    if rng.random() < extras:
        template += _pick(rng, _CLOSINGS[language])
    return template.format_map(values)


def _by_language(table: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Read a table of templates: kind to language to texts, in the order of the file."""
    templates: dict[str, dict[str, tuple[str, ...]]] = {}
    for kind, language, text in read_rows(table):
        texts = templates.setdefault(kind, {})
        texts[language] = (*texts.get(language, ()), text)
    return templates


FRAUD: Final = _by_language("fraud.tsv")
"""Templates of fraud messages, by crime type and language."""
CRIMES: Final = tuple(FRAUD)
"""The crime types."""
PHRASES: Final = _by_language("phrases.tsv")
"""Stock phrases that messages of a type share across campaigns, by crime type and language."""
NOTICES, PERSONAL = _by_language("legitimate.tsv").values()
"""Templates of legitimate messages by language: notices from businesses, and private messages."""
