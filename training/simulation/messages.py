"""Messages of the simulated world: from fraud rings, businesses and private accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import pandas as pd
from numpy.random import Generator

from fraudsieve.tables.cells import STRING

from .basics import Ints, lookup, utc_times
from .campaigns import CampaignPlan, languages
from .obfuscation import apply_obfuscations
from .people import People
from .templates import CRIMES, FRAUD, NOTICES, PERSONAL, PHRASES
from .text import fill_template

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
