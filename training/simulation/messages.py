"""Messages of the simulated world: from fraud rings, businesses and private accounts.

The campaigns of the fraud rings: which ring sends which text at what time.

Obfuscations that simulated fraudsters use to evade a filter.

The tables are the simulator's own, so that text normalisation is not tested against itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import pandas as pd
from numpy.random import Generator

from fraudsieve._microseconds import DAY
from fraudsieve.tables.cells import STRING

from .basics import Bools, Floats, Ints, lookup, read_rows, utc_times
from .people import People
from .text import CRIMES, FRAUD, NOTICES, PERSONAL, PHRASES, fill_template, slot_values

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


_LANGUAGES: Final = ("en", "zh")
_FIRST_SHARE: Final = 0.4
_NEW_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """Bursts of fraud messages; every field has one entry per campaign."""

    ring: Ints
    chinese: Bools
    language: tuple[str, ...]
    start: Ints
    length: Ints
    size: Ints
    template: tuple[str, ...]
    # Slots with the same value in every message.
    fixed: tuple[Mapping[str, str], ...]
    # Its obfuscations, in order of preference.
    kinds: tuple[Sequence[str], ...]


def languages(chinese: Bools) -> list[str]:
    """Return the language of each flag."""
    return [_LANGUAGES[flag] for flag in chinese.astype(int).tolist()]


def plan_campaigns(rng: Generator, people: People, *, n_messages: int) -> CampaignPlan:
    """Plan two to eight campaigns per ring, in alternating languages; without drift they are spread evenly.

    There must be at least two messages per ring.
    """
    period, rings = people.period, people.rings
    max_size = min(8, n_messages // len(rings.size))
    ring = np.repeat(np.arange(len(rings.size)), rng.integers(max(2, max_size // 2), max_size + 1, len(rings.size)))
    n = len(ring)
    chinese = (np.arange(n) + rng.integers(2)) % 2 == 0
    life = rings.end[ring] - rings.start[ring]
    length = np.minimum(rng.uniform(0.5, 4, n) * DAY, life / 2).astype(np.int64)
    when, shares = rng.random(n), rng.dirichlet(np.full(n, 1.5))
    if not period.drifts:  # the same number of messages every week
        when, shares = (rng.permutation(n) + 0.5) / n, np.full(n, 1 / n)
    start = rings.start[ring] + (when * (life - length)).astype(np.int64)
    language = languages(chinese)
    return CampaignPlan(
        ring=ring,
        chinese=chinese,
        language=tuple(language),
        start=start,
        length=length,
        size=1 + rng.multinomial(n_messages - n, shares),
        template=_templates(rng, rings.crime[ring], language, period.progress(start)),
        fixed=tuple(slot_values(rng=rng, language=code) for code in language),
        kinds=tuple(tuple(rng.permutation(list(KINDS[code])).tolist()) for code in language),
    )


def _templates(rng: Generator, crime: Ints, language: Sequence[str], progress: Floats) -> tuple[str, ...]:
    """Draw a template for each campaign from those in use by then; often one of the latest."""
    pools = {
        (c, code): rng.permutation(templates[code]).tolist()
        for c, templates in enumerate(FRAUD.values())
        for code in _LANGUAGES
    }
    chosen: list[str] = []
    for c, code, part in zip(crime.tolist(), language, progress.tolist(), strict=True):
        n_used = ceil(len(pools[c, code]) * (_FIRST_SHARE + (1 - _FIRST_SHARE) * part))
        back = rng.geometric(0.4) if rng.random() < _NEW_SHARE else rng.integers(1, n_used + 1)
        chosen.append(pools[c, code][max(0, n_used - back)])
    return tuple(chosen)


_CHANNELS: Final = ("sms", "chat", "email")
_FRAUD_CHANNELS: Final = (0.45, 0.35, 0.20)
_NOTICE_CHANNELS: Final = (0.55, 0.10, 0.35)
_PERSONAL_CHANNELS: Final = (0.20, 0.65, 0.15)

_NOTICE_SHARE: Final = 0.45
_STRANGER_SHARE: Final = 0.15
_SLIP_SHARE: Final = 0.03
_QUOTING_SHARE: Final = 0.01
_PHRASE_SHARE: Final = 0.7
_QUOTING: Final = {"en": "Got this, is it real? ", "zh": "我收到这个，是真的吗："}
_SLIPS: Final[dict[str, tuple[str, ...]]] = {"en": ("digits", "spacing"), "zh": ("digits", "traditional")}
_FIRST_OBFUSCATED, _LAST_OBFUSCATED = 0.05, 0.5
_FIRST_TOUCHED, _LAST_TOUCHED = 0.08, 0.35


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages in order of time, with their crime types; every array has one entry per message."""

    # Position in `CRIMES`, or -1 for a legitimate message.
    crime: Ints
    sender: Ints
    recipient: Ints
    sent: Ints
    channel: Ints
    text: tuple[str, ...]

    @property
    def ids(self) -> list[str]:
        """The message ids."""
        return [f"m{i:07d}" for i in range(len(self.sent))]

    def frame(self, account_ids: Sequence[str]) -> pd.DataFrame:
        """Return the messages table."""
        columns = {
            "message_id": pd.Series(self.ids, dtype=STRING),
            "text": pd.Series(self.text, dtype=STRING),
            "account_id": lookup(account_ids, self.sender),
            "recipient_id": lookup(account_ids, self.recipient),
            "sent_at": utc_times(self.sent),
            "channel": lookup(_CHANNELS, self.channel),
        }
        return pd.DataFrame(columns)


def make_messages(rng: Generator, people: People, campaigns: CampaignPlan, *, n_legitimate: int) -> Messages:
    """Write the messages of all campaigns, and `n_legitimate` legitimate ones."""
    notices = round(_NOTICE_SHARE * n_legitimate)
    parts = (
        _fraud(rng, people, campaigns),
        _notices(rng, people, notices),
        _personal(rng, people, n_legitimate - notices),
    )
    crime, sender, recipient, sent, channel = (
        np.concatenate([getattr(part, field) for part in parts])
        for field in ("crime", "sender", "recipient", "sent", "channel")
    )
    text = [line for part in parts for line in part.text]
    order = np.argsort(sent, kind="stable")
    lines = tuple(text[i] for i in order)
    return Messages(crime[order], sender[order], recipient[order], sent[order], channel[order], lines)


def _fraud(rng: Generator, people: People, campaigns: CampaignPlan) -> Messages:
    campaign = np.repeat(np.arange(len(campaigns.ring)), campaigns.size)
    ring, n = campaigns.ring[campaign], len(campaign)
    sent = campaigns.start[campaign] + (rng.beta(1, 2, n) * campaigns.length[campaign]).astype(np.int64)
    progress = people.period.progress(sent).tolist()
    crimes = people.rings.crime[ring]
    (phrase_rng,) = rng.spawn(1)  # phrases do not change the other random draws
    texts = (
        _fraud_text(rng, phrase_rng, campaigns, c, CRIMES[crime], part)
        for c, crime, part in zip(campaign.tolist(), crimes.tolist(), progress, strict=True)
    )
    return Messages(
        crime=crimes,
        sender=people.members(rng, ring),
        recipient=people.strangers(rng, sent, chinese=campaigns.chinese[campaign]),
        sent=sent,
        channel=rng.choice(len(_CHANNELS), size=n, p=_FRAUD_CHANNELS),
        text=tuple(texts),
    )


def _fraud_text(
    rng: Generator, phrase_rng: Generator, campaigns: CampaignPlan, c: int, crime: str, progress: float
) -> str:
    """Write one message of campaign `c`; later ones are obfuscated more often and more strongly."""
    language = campaigns.language[c]
    text = fill_template(campaigns.template[c], rng=rng, language=language, fixed=campaigns.fixed[c], extras=0.4)
    phrase = _phrase(phrase_rng, crime, language)
    if rng.random() >= _FIRST_OBFUSCATED + (_LAST_OBFUSCATED - _FIRST_OBFUSCATED) * progress:
        return text + phrase
    rate = _FIRST_TOUCHED + (_LAST_TOUCHED - _FIRST_TOUCHED) * progress
    kinds = campaigns.kinds[c][: 1 + rng.binomial(2, progress)]
    obfuscated = apply_obfuscations(text, rng=rng, language=language, kinds=kinds, rate=rate)
    if obfuscated == text:
        obfuscated = apply_obfuscations(text, rng=rng, language=language, kinds=("zero_width",), rate=rate)
    return obfuscated + apply_obfuscations(phrase, rng=phrase_rng, language=language, kinds=kinds, rate=rate)


def _phrase(rng: Generator, crime: str, language: str) -> str:
    """Draw a stock phrase for most messages: without words that campaigns share, no type could be learnt."""
    phrases = PHRASES[crime][language]
    return phrases[rng.integers(len(phrases))] if rng.random() < _PHRASE_SHARE else ""


def _notices(rng: Generator, people: People, size: int) -> Messages:
    sender, sent = people.active(rng, size, among=people.business)
    recipient = people.others(rng, sender, sent, stranger_share=1.0)
    text = _legitimate(rng, people, sender, sent, pools=NOTICES, quoting=0.0)
    channel = rng.choice(len(_CHANNELS), size=size, p=_NOTICE_CHANNELS)
    return Messages(np.full(size, -1), sender, recipient, sent, channel, text)


def _personal(rng: Generator, people: People, size: int) -> Messages:
    sender, sent = people.active(rng, size, among=~people.business)
    recipient = people.others(rng, sender, sent, stranger_share=_STRANGER_SHARE)
    text = _legitimate(rng, people, sender, sent, pools=PERSONAL, quoting=_QUOTING_SHARE)
    channel = rng.choice(len(_CHANNELS), size=size, p=_PERSONAL_CHANNELS)
    return Messages(np.full(size, -1), sender, recipient, sent, channel, text)


def _legitimate(
    rng: Generator,
    people: People,
    sender: Ints,
    sent: Ints,
    *,
    pools: Mapping[str, Sequence[str]],
    quoting: float,
) -> tuple[str, ...]:
    by_language = {language: rng.permutation(pool).tolist() for language, pool in pools.items()}
    progress = people.period.progress(sent).tolist()
    return tuple(
        _legitimate_text(rng, by_language[language], language, part, quoting)
        for language, part in zip(languages(people.chinese[sender]), progress, strict=True)
    )


def _legitimate_text(rng: Generator, pool: list[str], language: str, progress: float, quoting: float) -> str:
    """Write one message; a few quote fraud, or have typos that look like obfuscation."""
    template = pool[rng.integers(ceil(len(pool) * (0.7 + 0.3 * progress)))]
    if rng.random() < quoting:
        template = _QUOTING[language] + _any_fraud(rng, language)
    text = fill_template(template, rng=rng, language=language, extras=0.12)
    if rng.random() >= _SLIP_SHARE:
        return text
    slips = _SLIPS[language]
    return apply_obfuscations(text, rng=rng, language=language, kinds=(slips[rng.integers(len(slips))],), rate=0.1)


def _any_fraud(rng: Generator, language: str) -> str:
    templates = FRAUD[CRIMES[rng.integers(len(CRIMES))]][language]
    return templates[rng.integers(len(templates))]
