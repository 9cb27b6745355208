"""Slots of templates, filled with people, shops and numbers that do not exist.

Templates of messages in Chinese and English: the eight crime types, notices from businesses, and private messages.

The texts are in ``data/fraud.tsv``, ``data/phrases.tsv`` and ``data/legitimate.tsv``. Shops, links, numbers and handles
are slots, which `fill_template` fills with names that do not exist.

Times, tables and data files of the simulator.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from fraudsieve._microseconds import DAY, HOUR
from fraudsieve.tables.cells import STRING

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


BY_DAY: Final = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 10, 9, 9, 9, 10, 11, 12, 12, 11, 8, 4)
"""Activity of ordinary people, for each local hour."""
BY_NIGHT: Final = (10, 11, 11, 10, 8, 5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 6, 8)
"""Activity of fraud rings, which work at night, for each local hour."""


class Period(NamedTuple):
    """A period of time in microseconds since 1970, closed on the left and open on the right."""

    start: int
    end: int
    drifts: bool = True

    @property
    def length(self) -> int:
        """Microseconds from start to end."""
        return self.end - self.start

    def progress(self, times: Ints) -> Floats:
        """Return how far into the period each time is, from 0 to 1; always 0.5 if nothing drifts."""
        return (times - self.start) / self.length if self.drifts else np.full(len(times), 0.5)


def move_to_busy_hours(
    rng: Generator, times: Ints, *, begin: Ints, end: int, ahead: Ints, busy: Sequence[int] = BY_DAY
) -> Ints:
    """Move times within their local day, so that busy hours get more of them.

    Times and bounds are in microseconds since 1970, `ahead` in hours ahead of UTC. Times outside [`begin`, `end`) are
    reflected into it first. A time that would leave the bounds is not moved.
    """
    times = begin + abs(times - begin)
    times = np.clip(end - 1 - abs(end - 1 - times), begin, end - 1)
    hour = rng.choice(24, size=len(times), p=np.array(busy) / sum(busy)) + rng.random(len(times))
    shift = ahead * HOUR
    moved = (times + shift) // DAY * DAY + (hour * HOUR).astype(np.int64) - shift
    inside = (moved >= begin) & (moved < end)
    return np.where(inside, moved, times)


def utc_times(times: Ints) -> pd.DatetimeIndex:
    """Convert microseconds since 1970 to UTC times."""
    return pd.DatetimeIndex(times.astype("datetime64[us]")).tz_localize("UTC")


def lookup(words: Sequence[str], codes: ArrayLike) -> pd.Series[str]:
    """Look up words by their position; -1 gives a missing value."""
    by_code = np.array([*words, None], dtype=object)
    return pd.Series(by_code[np.asarray(codes, dtype=np.int64)], dtype=STRING)


def join_in_order(parts: Sequence[tuple[Any, ...]], time: int) -> list[Any]:
    """Join the columns of parts, in order of the column of times."""
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[time], kind="stable")
    return [column[order] for column in columns]


def read_text(name: str) -> str:
    """Read a data file of the simulator."""
    return (files("fraudsieve.training.simulation") / "data" / name).read_text("utf-8")


def read_rows(name: str) -> list[list[str]]:
    """Read a table of tab-separated columns, without its comments."""
    return [line.split("\t") for line in read_text(name).splitlines() if not line.startswith("#")]


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
