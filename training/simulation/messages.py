"""Messages of the simulated world: from fraud rings, businesses and private accounts.

The campaigns of the fraud rings: which ring sends which text at what time.

Obfuscations that simulated fraudsters use to evade a filter.

The tables are the simulator's own, so that text normalisation is not tested against itself.

Accounts of the simulated world, their contacts, and the fraud rings among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator

from fraudsieve._microseconds import DAY
from fraudsieve.tables.cells import STRING

from .text import (
    BY_DAY,
    CRIMES,
    FRAUD,
    NOTICES,
    PERSONAL,
    PHRASES,
    Bools,
    Floats,
    Ints,
    Period,
    fill_template,
    join_in_order,
    lookup,
    move_to_busy_hours,
    read_rows,
    slot_values,
    utc_times,
)

_COUNTRIES: Final = ("CN", "HK", "SG", "MY", "GB", "US", "AU")
_AHEAD: Final[Ints] = np.array([8, 8, 8, 8, 0, -5, 10])
_COUNTRY_SHARE: Final = (0.48, 0.08, 0.08, 0.08, 0.10, 0.12, 0.06)
_CHINESE_SHARE: Final[Floats] = np.array([0.97, 0.80, 0.40, 0.40, 0.05, 0.05, 0.05])


@dataclass(frozen=True, slots=True)
class Rings:
    """Groups of fraud accounts with one crime type each; every array has one entry per ring."""

    crime: Ints
    start: Ints
    end: Ints
    size: Ints
    # The ring of the previous generation whose second device it uses, or the ring itself.
    parent: Ints


@dataclass(frozen=True, slots=True)
class People:
    """All accounts, oldest first; every array except the circles has one entry per account."""

    period: Period
    rings: Rings
    created: Ints
    ring: Ints
    business: Bools
    country: Ints
    # Whether the account writes Chinese; the others write English.
    chinese: Bools
    activity: Floats
    # The account whose device and address it uses: itself, or another one of the same household.
    home: Ints
    # The position of the account in the circle of its language.
    seat: Ints
    # Private accounts older than the period: those that write English, and those that write Chinese. Neighbours are
    # contacts.
    circles: tuple[Ints, Ints]

    @property
    def ids(self) -> list[str]:
        """The account ids."""
        return [f"a{i:06d}" for i in range(len(self.created))]

    @property
    def ahead(self) -> Ints:
        """Hours ahead of UTC."""
        hours: Ints = _AHEAD[self.country]
        return hours

    @property
    def begin(self) -> Ints:
        """The time of the period at which each account begins to exist."""
        return np.maximum(self.created, self.period.start)

    def members(self, rng: Generator, ring: Ints) -> Ints:
        """Draw an account of each of the given rings."""
        by_ring = np.argsort(self.ring, kind="stable")
        first = np.searchsorted(self.ring[by_ring], ring)
        members: Ints = by_ring[first + rng.integers(self.rings.size[ring])]
        return members

    def contacts(self, rng: Generator, accounts: Ints) -> Ints:
        """Draw a contact of each account of `accounts`."""
        seats = self.seat[accounts] + rng.choice((-3, -2, -1, 1, 2, 3), size=len(accounts))
        english, chinese = (circle.take(seats, mode="wrap") for circle in self.circles)
        contacts: Ints = np.where(self.chinese[accounts], chinese, english)
        return contacts

    def strangers(self, rng: Generator, times: Ints, *, chinese: Bools) -> Ints:
        """Draw an account of the given language, outside all rings, that exists at each of `times`."""
        strangers = np.empty(len(times), dtype=np.int64)
        for language in (False, True):
            rows = chinese == language
            pool = np.flatnonzero((self.chinese == language) & (self.ring < 0))
            exist = np.searchsorted(self.created[pool], times[rows], side="right")
            strangers[rows] = pool[rng.integers(exist)]
        return strangers

    def others(self, rng: Generator, accounts: Ints, times: Ints, *, stranger_share: float) -> Ints:
        """Draw a contact of each account of `accounts` or, with probability `stranger_share`, another account."""
        contacts = self.contacts(rng, accounts)
        strangers = self.strangers(rng, times, chinese=self.chinese[accounts])
        return np.where((rng.random(len(accounts)) < stranger_share) & (strangers != accounts), strangers, contacts)

    def active(self, rng: Generator, size: int, *, among: Bools | bool = True) -> tuple[Ints, Ints]:
        """Draw accounts by activity and lifetime, and a time in the lifetime of each."""
        weight = self.activity * (self.period.end - self.begin) * among
        accounts = rng.choice(len(weight), size=size, p=weight / weight.sum())
        return accounts, self.busy_times(rng, accounts, rng.integers(self.begin[accounts], self.period.end))

    def busy_times(self, rng: Generator, accounts: Ints, times: Ints, *, busy: Sequence[int] = BY_DAY) -> Ints:
        """Move times to the busy hours of each account of `accounts`, within its lifetime."""
        return move_to_busy_hours(
            rng, times, begin=self.begin[accounts], end=self.period.end, ahead=self.ahead[accounts], busy=busy
        )

    def frame(self, rng: Generator) -> pd.DataFrame:
        """Return the accounts table."""
        fraud, n = self.ring >= 0, len(self.ring)
        draws = rng.random((5, n))
        plan = np.where(self.business, 2, draws[0] < np.where(fraud, 0.12, 0.22))
        web, partner = np.where(fraud, 0.45, 0.60), np.where(fraud, 0.85, 0.92)
        invited = rng.poisson(np.where(fraud, 1.5, 3.0))
        columns = {
            "account_id": pd.Series(self.ids, dtype=STRING),
            "created_at": utc_times(self.created),
            "country": lookup(_COUNTRIES, np.where(draws[1] < 0.02, -1, self.country)),
            "plan": lookup(("free", "plus", "business"), plan),
            "age_verified": lookup(("false", "true"), draws[2] < np.where(fraud, 0.5, 0.75)),
            "signup_channel": lookup(("app", "web", "partner"), 1 * (draws[3] > web) + (draws[3] > partner)),
            "invited": np.where(draws[4] < 0.1, np.nan, invited),
        }
        return pd.DataFrame(columns)


def make_rings(rng: Generator, *, period: Period, generations: int) -> Rings:
    """Make rings, one of each crime type in every generation; without drift they last the whole period."""
    n = generations * len(CRIMES)
    ring = np.arange(n)
    span = period.length / generations
    start = period.start + (ring // len(CRIMES) + rng.uniform(0, 0.5, n)) * span
    end = np.minimum(start + rng.uniform(0.5, 1.2, n) * span, period.end)
    reborn = (ring >= len(CRIMES)) & (rng.random(n) < 0.3)
    if not period.drifts:  # all are active all the time
        start, end, reborn = np.full(n, period.start), np.full(n, period.end), np.zeros(n, np.bool_)
    return Rings(
        crime=np.tile(rng.permutation(len(CRIMES)), generations),
        start=start.astype(np.int64),
        end=end.astype(np.int64),
        size=rng.integers(3, 7, n),
        parent=np.where(reborn, ring - len(CRIMES), ring),
    )


def make_people(rng: Generator, *, period: Period, rings: Rings, n_accounts: int) -> People:
    """Make all accounts, including those of the rings; `n_accounts` must exceed the number of these."""
    created, ring = _births(rng, period, rings, n_accounts)
    settled = np.flatnonzero((ring < 0) & (created < period.start))
    business = np.zeros(n_accounts, dtype=np.bool_)
    business[rng.permutation(settled)[: max(3, len(settled) // 33)]] = True
    country = rng.choice(len(_COUNTRIES), size=n_accounts, p=_COUNTRY_SHARE)
    chinese = rng.random(n_accounts) < _CHINESE_SHARE[country]
    private = rng.permutation(settled[~business[settled]])
    circles = private[~chinese[private]], private[chinese[private]]
    pace = np.where(business, 4.0, np.where(ring >= 0, 0.6, 1.0))
    home, seat = _homes_and_seats(rng, circles, n_accounts)
    return People(
        period=period,
        rings=rings,
        created=created,
        ring=ring,
        business=business,
        country=country,
        chinese=chinese,
        activity=pace * rng.lognormal(0, 0.8, n_accounts),
        home=home,
        seat=seat,
        circles=circles,
    )


def _births(rng: Generator, period: Period, rings: Rings, n_accounts: int) -> tuple[Ints, Ints]:
    """Return the creation time and the ring of every account, oldest first."""
    ring = np.full(n_accounts, -1)
    ring[: rings.size.sum()] = np.repeat(np.arange(len(rings.size)), rings.size)
    fraud, draws = ring >= 0, rng.random(n_accounts)
    old = period.start - rng.exponential(500 * DAY, n_accounts)
    late = period.start + rng.uniform(0, 0.95, n_accounts) * period.length
    fresh = rings.start[ring] - rng.exponential(9 * DAY, n_accounts)
    created = np.where(fraud, np.where(draws < 0.8, fresh, old), np.where(draws < 0.12, late, old))
    order = np.argsort(created, kind="stable")
    return created.astype(np.int64)[order], ring[order]


def _homes_and_seats(rng: Generator, circles: tuple[Ints, Ints], n_accounts: int) -> tuple[Ints, Ints]:
    """Give every account a seat in a circle; every fifth pair of neighbours shares a home."""
    home, seat = np.arange(n_accounts), rng.integers(n_accounts, size=n_accounts)
    for circle in circles:
        seat[circle] = np.arange(len(circle))
        home[circle[1::10]] = circle[:-1:10][: len(circle[1::10])]
    return home, seat


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


class Messages(NamedTuple):
    """Messages in order of time, with their crime types; every array has one entry per message."""

    # Position in `CRIMES`, or -1 for a legitimate message.
    crime: Ints
    sender: Ints
    recipient: Ints
    sent: Ints
    channel: Ints
    text: Sequence[str]

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
        _legitimate(rng, people, notices, people.business, 1.0, NOTICES, 0.0, _NOTICE_CHANNELS),
        _legitimate(
            rng,
            people,
            n_legitimate - notices,
            ~people.business,
            _STRANGER_SHARE,
            PERSONAL,
            _QUOTING_SHARE,
            _PERSONAL_CHANNELS,
        ),
    )
    return Messages(*join_in_order(parts, Messages._fields.index("sent")))


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
        text=tuple(texts),  # drawn after all others
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


def _legitimate(
    rng: Generator,
    people: People,
    size: int,
    among: Bools,
    stranger_share: float,
    pools: Mapping[str, Sequence[str]],
    quoting: float,
    channels: Sequence[float],
) -> Messages:
    sender, sent = people.active(rng, size, among=among)
    recipient = people.others(rng, sender, sent, stranger_share=stranger_share)
    by_language = {language: rng.permutation(pool).tolist() for language, pool in pools.items()}
    progress = people.period.progress(sent).tolist()
    text = [
        _legitimate_text(rng, by_language[language], language, part, quoting)
        for language, part in zip(languages(people.chinese[sender]), progress, strict=True)
    ]
    channel = rng.choice(len(_CHANNELS), size=size, p=channels)
    return Messages(np.full(size, -1), sender, recipient, sent, channel, text)


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
