"""Events of the simulated accounts, with their devices, addresses and cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.random import Generator

from fraudsieve._microseconds import DAY, HOUR
from fraudsieve.tables.cells import STRING

from .basics import BY_NIGHT, Floats, Ints, Period, lookup, utc_times
from .messages import CampaignPlan, Messages
from .people import People

_KINDS: Final = ("login", "payment", "transfer", "message", "profile_change")
_LOGIN, _PAYMENT, _TRANSFER, _MESSAGE, _PROFILE = range(len(_KINDS))
_EVERYDAY: Final = (0.50, 0.31, 0.16, 0.0, 0.03)
_BURST: Final = (0.35, 0.12, 0.41, 0.0, 0.12)

_NIGHT_SHARE: Final = 0.6
_STRANGER_SHARE: Final = 0.15
_VICTIM_SHARE: Final = 0.04
_RING_SHARE: Final = 0.75
_CARELESS_SHARE: Final = 0.85
_GUEST_SHARE: Final = 0.08
_IN_CAFE_SHARE: Final = 0.4
_MATE_SHARE: Final = 0.2
_CARRIERS: Final = 20


@dataclass(frozen=True, slots=True)
class _Events:
    """Events in any order; every array has one entry per event."""

    accounts: Ints
    at: Ints
    kind: Ints
    counterparty: Ints
    amount: Floats


def make_events(
    rng: Generator, people: People, campaigns: CampaignPlan, messages: Messages, *, n_events: int
) -> pd.DataFrame:
    """Make the events table: one event per message, and bursts of the rings around their campaigns.

    `n_events` must be at least twice the number of messages.
    """
    sent, losses = _sent(messages), _losses(rng, people.period, messages)
    rest = n_events - len(sent.accounts) - len(losses.accounts)
    in_bursts = round(rest * min(0.3, (people.ring >= 0).mean()))
    parts = (
        sent,
        losses,
        _bursts(rng, people, campaigns, in_bursts),
        _everyday(rng, people, rest - in_bursts),
    )
    accounts, at, kind, counterparty, amount = (
        np.concatenate([getattr(part, field) for part in parts])
        for field in ("accounts", "at", "kind", "counterparty", "amount")
    )
    order = np.argsort(at, kind="stable")
    return _frame(rng, people, _Events(accounts[order], at[order], kind[order], counterparty[order], amount[order]))


def _sent(messages: Messages) -> _Events:
    n = len(messages.sent)
    return _Events(messages.sender, messages.sent, np.full(n, _MESSAGE), messages.recipient, np.full(n, np.nan))


def _losses(rng: Generator, period: Period, messages: Messages) -> _Events:
    """Make some recipients of a fraud message send money to its sender within hours."""
    hit = np.flatnonzero((messages.crime >= 0) & (rng.random(len(messages.crime)) < _VICTIM_SHARE))
    at = messages.sent[hit] + rng.exponential(6 * HOUR, len(hit)).astype(np.int64) + 1
    hit, at = hit[at < period.end], at[at < period.end]
    return _Events(
        accounts=messages.recipient[hit],
        at=at,
        kind=np.full(len(hit), _TRANSFER),
        counterparty=messages.sender[hit],
        amount=rng.lognormal(6.2, 0.9, len(hit)).round(2),
    )


def _everyday(rng: Generator, people: People, size: int) -> _Events:
    accounts, at = people.active(rng, size)
    kind = rng.choice(len(_KINDS), size=size, p=_EVERYDAY)
    shop = rng.choice(np.flatnonzero(people.business), size=size)
    other = people.others(rng, accounts, at, stranger_share=_STRANGER_SHARE)
    payee = np.where((kind == _PAYMENT) & (shop != accounts), shop, other)
    amount = _amounts(kind, rng.lognormal(np.where(kind == _PAYMENT, 3.4, 4.6), 1.1))
    return _Events(accounts, at, kind, np.where(np.isnan(amount), -1, payee), amount)


def _bursts(rng: Generator, people: People, campaigns: CampaignPlan, size: int) -> _Events:
    """Make events of ring accounts around their campaigns: at night, with strangers, in round amounts."""
    campaign = rng.choice(len(campaigns.ring), size=size, p=campaigns.size / campaigns.size.sum())
    accounts, mates = (people.members(rng, campaigns.ring[campaign]) for _ in range(2))
    spread = np.maximum(campaigns.length[campaign], DAY)
    at = campaigns.start[campaign] + (rng.uniform(-0.3, 1.5, size) * spread).astype(np.int64)
    by_day, by_night = people.busy_times(rng, accounts, at), people.busy_times(rng, accounts, at, busy=BY_NIGHT)
    at = np.where(rng.random(size) < _NIGHT_SHARE, by_night, by_day)
    kind = rng.choice(len(_KINDS), size=size, p=_BURST)
    inside = (rng.random(size) < _MATE_SHARE) & (mates != accounts) & (people.created[mates] <= at)
    other = np.where(inside, mates, people.others(rng, accounts, at, stranger_share=1.0))
    value = rng.lognormal(5.6, 1.0, size)
    value = np.where(rng.random(size) < 0.4, np.ceil(value / 100) * 100, value)
    amount = _amounts(kind, value)
    return _Events(accounts, at, kind, np.where(np.isnan(amount), -1, other), amount)


def _amounts(kind: Ints, value: Floats) -> Floats:
    return np.where((kind == _PAYMENT) | (kind == _TRANSFER), np.maximum(value, 0.01).round(2), np.nan)


def _frame(rng: Generator, people: People, events: _Events) -> pd.DataFrame:
    devices, addresses, cards = _identifiers(rng, people, events)
    columns = {
        "event_id": pd.Series([f"e{i:07d}" for i in range(len(events.accounts))], dtype=STRING),
        "account_id": lookup(people.ids, events.accounts),
        "occurred_at": utc_times(events.at),
        "kind": lookup(_KINDS, events.kind),
        "counterparty_id": lookup(people.ids, events.counterparty),
        "amount": events.amount,
        "device_id": devices,
        "ip": addresses,
        "card_id": cards,
    }
    return pd.DataFrame(columns)


def _identifiers(
    rng: Generator, people: People, events: _Events
) -> tuple[pd.Series[str], pd.Series[str], pd.Series[str]]:
    """Give every event a device, an address and, if money moves, a card.

    Codes below n are homes, those below 2 n second devices; then come rings, cafes and carriers.
    """
    accounts, n, draws = events.accounts, len(people.ring), rng.random((2, len(events.accounts)))
    home, ring, cafe = people.home[accounts], _ring_things(rng, people, accounts), _cafes(rng, accounts, n)
    top = 2 * n + 2 * len(people.rings.size)
    carrier = top + n + rng.integers(_CARRIERS, size=len(accounts))
    elsewhere, shared = [ring >= 0, cafe >= 0], [2 * n + ring, top + cafe]
    device = np.select(elsewhere, shared, np.where(draws[0] < 0.8, home, n + accounts))
    address = np.select(elsewhere, shared, np.where(draws[1] < 0.75, home, carrier))
    card = np.where(np.isnan(events.amount), -1, np.where(ring >= 0, 2 * n + ring, home))
    n_things = top + n + _CARRIERS
    return (
        lookup(_labels(rng, "d{:06d}", n_things), device),
        lookup(_addresses(rng, n_things), address),
        lookup(_labels(rng, "c{:06d}", n_things), card),
    )


def _ring_things(rng: Generator, people: People, accounts: Ints) -> Ints:
    """Draw one of the two things that a ring shares, or -1; the second may be that of its parent ring."""
    ring, draws = people.ring[accounts], rng.random((2, len(accounts)))
    careless = (people.ring >= 0) & (rng.random(len(people.ring)) < _CARELESS_SHARE)
    thing = np.where(draws[0] < 0.6, 2 * ring, 2 * people.rings.parent[ring] + 1)
    return np.where(careless[accounts] & (draws[1] < _RING_SHARE), thing, -1)


def _cafes(rng: Generator, accounts: Ints, n_accounts: int) -> Ints:
    """Draw the cafe of a guest, or -1; each guest has one cafe."""
    cafe = rng.integers(max(1, n_accounts // 100), size=n_accounts)
    guest = rng.random(n_accounts) < _GUEST_SHARE
    return np.where(guest[accounts] & (rng.random(len(accounts)) < _IN_CAFE_SHARE), cafe[accounts], -1)


def _labels(rng: Generator, pattern: str, n: int) -> list[str]:
    """Number things in random order, so that a number carries no information."""
    return [pattern.format(number) for number in rng.permutation(n).tolist()]


def _addresses(rng: Generator, n: int) -> list[str]:
    return [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in rng.permutation(n).tolist()]
