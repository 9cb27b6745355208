"""Accounts of the simulated world, their contacts, and the fraud rings among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.random import Generator

from fraudsieve._microseconds import DAY
from fraudsieve.tables.cells import STRING

from .basics import BY_DAY, Bools, Floats, Ints, Period, lookup, move_to_busy_hours, utc_times
from .text import CRIMES

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
