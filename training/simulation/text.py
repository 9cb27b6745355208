"""Slots: from a template to a message about people, shops and numbers that do not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from numpy.random import Generator

__all__ = ["STICKY", "fill", "slot_values"]

STICKY: Final = ("link", "handle", "phone", "shop", "bank", "carrier", "parcel_firm")
"""Slots that keep their value for a whole campaign."""

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
_WORDS: Final = {
    "zh": {
        "surname": tuple("王李张刘陈杨赵黄周吴徐孙马朱胡林郭何高罗"),
        "given": _words("小雨 建国 梓涵 晓明 丽 伟 思远 秀英 浩然 雪 佳怡 志强"),
        "bank": _words("星岚银行 云杉合作银行 北屿银行 橙湾信用社"),
        "shop": _words("禾木商城 橙湾超市 小岚优选 青瓦书店 云朵生活馆"),
        "carrier": _words("云岫通信 远帆移动"),
        "parcel_firm": _words("飞梭速运 晨帆快递"),
        "city": _words("云溪市 南屿市 北岚市 青岚市 东屿市 月湾市"),
        "dish": _words("火锅 烤鱼 饺子 米线 麻辣烫 烧烤"),
        "place": _words("东门 地铁口 三号楼前台 快递柜旁 中心广场 公司楼下 小区南门"),
    },
    "en": {
        "surname": _words("Wren Calloway Osei Lindqvist Marsh Tanaka Okoro Bellamy Ferro Novak"),
        "given": _words("Anna Ben Chloe Dev Ella Femi Grace Hugo Ines Jack Kofi Lena"),
        "bank": ("Maplewren Bank", "Northfen Bank", "Tidelark Savings", "Old Quay Bank"),
        "shop": ("Quillmart", "Bramble & Co", "Littlefinch", "Oakhamper", "Nine Kettles"),
        "carrier": ("Tidelark Mobile", "Skyfen"),
        "parcel_firm": ("Parcelwren", "Swiftcart"),
        "city": _words("Eastmere Brackton Northhaven Wexley Alderport"),
        "dish": _words("noodles pizza curry dumplings tacos barbecue"),
        "place": ("the front desk", "the station", "locker 12", "the corner shop", "gate B", "the office"),
    },
}


def _pick(rng: Generator, words: tuple[str, ...]) -> str:
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
    """Slot values, made when first asked for."""

    def __init__(self, fixed: Mapping[str, str], rng: Generator, language: str) -> None:
        super().__init__(fixed)
        self._rng, self._language = rng, language

    def __missing__(self, slot: str) -> str:
        return self.setdefault(slot, _make(slot, self._rng, self._language))


def slot_values(*, rng: Generator, language: str) -> dict[str, str]:
    """Draw the values that all messages of a campaign share.

    Parameters
    ----------
    rng : numpy.random.Generator
    language : {"zh", "en"}

    Returns
    -------
    dict of str to str
        One value for each slot of `STICKY`.

    Examples
    --------
    >>> import numpy as np
    >>> values = slot_values(rng=np.random.default_rng(0), language="en")
    >>> values["handle"].startswith("demo_"), ".example" in values["link"]
    (True, True)
    """
    return {slot: _make(slot, rng, language) for slot in STICKY}


def fill(
    template: str,
    *,
    rng: Generator,
    language: str,
    fixed: Mapping[str, str] | None = None,
    extras: float = 0.0,
) -> str:
    """Fill the slots of a template.

    Parameters
    ----------
    template : str
        Text with slots such as ``{amount}``.
    rng : numpy.random.Generator
    language : {"zh", "en"}
    fixed : mapping of str to str, default None
        Slots whose value is given; the others are drawn.
    extras : float, default 0.0
        Chance of a salutation in front, and of a closing behind, from 0 to 1.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> fill("Rent paid, {amount}, call {phone}", rng=rng, language="en", fixed={"phone": "555-0100"})
    'Rent paid, $12.08, call 555-0100'
    """
    values = _Values(fixed or {}, rng, language)
    if rng.random() < extras:
        template = _pick(rng, _OPENINGS[language]) + template
    if rng.random() < extras:
        template += _pick(rng, _CLOSINGS[language])
    return template.format_map(values)
