"""A small simulated world of accounts, messages, events and labels, with rings of fraudsters.

It is for tests, examples and the quickstart. The performance of a model here says nothing about real data.

Events of the simulated accounts, with their devices, addresses and cards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from os import PathLike
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator

from fraudsieve._microseconds import DAY, HOUR, SECOND
from fraudsieve.tables.cells import STRING

from .messages import CampaignPlan, Messages, People, make_messages, make_people, make_rings, plan_campaigns
from .text import BY_NIGHT, CRIMES, Bools, Floats, Ints, Period, join_in_order, lookup, utc_times

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


class _Events(NamedTuple):
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
    parts = sent, losses, _bursts(rng, people, campaigns, in_bursts), _everyday(rng, people, rest - in_bursts)
    return _event_frame(rng, people, _Events(*join_in_order(parts, _Events._fields.index("at"))))


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


def _event_frame(rng: Generator, people: People, events: _Events) -> pd.DataFrame:
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


_MESSAGES_PER_GENERATION: Final = 320
_ACCOUNTS_PER_GENERATION: Final = 100
_MIN_FRAUD: Final = 2 * len(CRIMES)


_LABELS: Final = (*CRIMES, "legitimate")
_LEGITIMATE: Final = len(CRIMES)
_SOURCES: Final = ("review", "user_report", "automatic")
_SOURCE_SHARE: Final = (0.45, 0.30, 0.25)
_SLOWNESS: Final = np.array([1.2, 1.0, 0.64])
_REVERSED_SHARE: Final = 0.4


def account_truth(rng: Generator, people: People, messages: Messages) -> tuple[Ints, Ints]:
    """Return the crime of each account, a position in `CRIMES` or -1, and the time of its first evidence.

    The evidence is the first fraud message; for accounts without one the time is drawn from their lifetime.
    """
    fraud, in_ring, end = messages.crime >= 0, people.ring >= 0, people.period.end
    first = np.full(len(people.ring), end)
    np.minimum.at(first, messages.sender[fraud], messages.sent[fraud])
    begin = np.where(in_ring, np.maximum(people.begin, people.rings.start[people.ring]), people.begin)
    since = np.where(first < end, first, rng.integers(begin, end))
    return np.where(in_ring, people.rings.crime[people.ring], -1), since


def make_labels(
    rng: Generator, people: People, messages: Messages, delay_days: float, missing: float, wrong: float
) -> pd.DataFrame:
    """Make the labels of messages and accounts, ordered by ``labelled_at``.

    The mean delay counts from when a message was sent, or from the first evidence against an account. A share `missing`
    has no label. A share `wrong` of the others first has a wrong label, of which four in ten are corrected later.
    """
    crime, since = account_truth(rng, people, messages)
    crime, since = np.append(messages.crime, crime), np.append(messages.sent, since)
    subject = np.flatnonzero(~_chosen(rng, len(crime), missing))
    truth = np.where(crime < 0, _LEGITIMATE, crime)[subject]
    mistaken = _chosen(rng, len(subject), wrong)
    label = np.where(mistaken, _another(rng, truth), truth)
    source = rng.choice(len(_SOURCES), size=len(subject), p=_SOURCE_SHARE)
    at = since[subject] + _delay(rng, delay_days * _SLOWNESS[source])
    corrected = np.flatnonzero(mistaken)[: ceil(_REVERSED_SHARE * mistaken.sum())]
    later = at[corrected] + _delay(rng, np.full(len(corrected), delay_days))
    subject, at = np.append(subject, subject[corrected]), np.append(at, later)
    order = np.lexsort((subject, at))
    columns = {
        "subject_id": lookup(messages.ids + people.ids, subject[order]),
        "label": lookup(_LABELS, np.append(label, truth[corrected])[order]),
        "labelled_at": utc_times(at[order]),
        "source": lookup(_SOURCES, np.append(source, np.zeros_like(corrected))[order]),
    }
    return pd.DataFrame(columns)


def _chosen(rng: Generator, n: int, share: float) -> Bools:
    """Choose a share of n things."""
    return rng.permutation(n) < round(share * n)


def _another(rng: Generator, truth: Ints) -> Ints:
    """Draw a wrong label; fraud is mostly mistaken for legitimate."""
    other = (truth + rng.integers(1, len(_LABELS), size=len(truth))) % len(_LABELS)
    missed = (truth != _LEGITIMATE) & (rng.random(len(truth)) < 0.6)
    return np.where(missed, _LEGITIMATE, other)


def _delay(rng: Generator, mean_days: Floats) -> Ints:
    return SECOND + (rng.exponential(mean_days) * DAY).astype(np.int64)


@dataclass(frozen=True, slots=True)
class World:
    """The four tables of a simulated world.

    Parameters
    ----------
    messages : pandas.DataFrame
        ``message_id``, ``text``, ``account_id`` (the sender), ``recipient_id``, ``sent_at``, ``channel``.
    accounts : pandas.DataFrame
        ``account_id``, ``created_at``, ``country``, ``plan``, ``age_verified``, ``signup_channel`` (text) and
        ``invited`` (a number, sometimes missing).
    events : pandas.DataFrame
        ``event_id``, ``account_id``, ``occurred_at``, ``kind``, ``counterparty_id``, ``amount``,
        ``device_id``, ``ip``, ``card_id``. Every message is an event too, of the kind ``message``.
    labels : pandas.DataFrame
        ``subject_id`` (a message or an account), ``label``, ``labelled_at``, ``source``. A later label of the same
        subject replaces an earlier one. Some labels come after the end of the period.

    Examples
    --------
    >>> world = simulate(days=30, n_accounts=200)
    >>> world.messages.columns.tolist()
    ['message_id', 'text', 'account_id', 'recipient_id', 'sent_at', 'channel']
    """

    messages: pd.DataFrame
    accounts: pd.DataFrame
    events: pd.DataFrame
    labels: pd.DataFrame

    def write(self, folder: str | PathLike[str]) -> dict[str, Path]:
        """Write the tables as Parquet files into a folder.

        Parameters
        ----------
        folder : str or path
            The folder, which is created if it does not exist; files of the same names are replaced.

        Returns
        -------
        dict of str to pathlib.Path
            The file of each table.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     paths = simulate(days=30, n_accounts=200).write(folder)
        >>> [path.name for path in paths.values()]
        ['messages.parquet', 'accounts.parquet', 'events.parquet', 'labels.parquet']
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        paths = {name: Path(folder, f"{name}.parquet") for name in self.__slots__}
        for name, path in paths.items():
            getattr(self, name).to_parquet(path, index=False)
        return paths


def simulate(
    *,
    seed: int = 0,
    days: int = 120,
    n_accounts: int = 1500,
    messages_per_day: float = 67.0,
    events_per_message: float = 5.0,
    fraud_share: float = 0.12,
    label_delay_days: float = 5.0,
    missing_labels: float = 0.15,
    wrong_labels: float = 0.01,
    start: str | datetime = "2026-01-01",
    drift: bool = True,
) -> World:
    """Simulate a small world: the same arguments give the same tables.

    Fraud comes in bursts, from rings of accounts that share devices, cards and addresses. Each campaign has a text of
    its own. The share of obfuscated fraud grows from 5 % to 50 %, and the obfuscation grows stronger.

    Parameters
    ----------
    seed : int, default 0
        Seed of every random draw.
    days : int, default 120
        Length of the period, at least 7.
    n_accounts : int, default 1500
        Number of accounts, at least 100.
    messages_per_day : float, default 67.0
        Messages per day, from 1 to 1,000,000.
    events_per_message : float, default 5.0
        Events per message, including the message itself; at least 2.
    fraud_share : float, default 0.12
        Share of messages that are fraud, above 0 and at most 0.5.
    label_delay_days : float, default 5.0, in days
        Mean time from a message to its label.
    missing_labels : float, default 0.15
        Share of messages and accounts without a label.
    wrong_labels : float, default 0.01
        Share of labelled messages and accounts whose first label is wrong; four in ten are corrected later.
    start : str or datetime, default "2026-01-01"
        First day, in UTC unless it has another time zone.
    drift : bool, default True
        Whether rings come and go, texts change and obfuscation grows. Without drift all of that stays as in the middle
        of the period, and campaigns are spread evenly.

    Returns
    -------
    World
        The tables of the simulated world.

    Examples
    --------
    >>> world = simulate(days=30, n_accounts=200)
    >>> len(world.messages), len(world.events), len(world.accounts)
    (2010, 10050, 200)
    >>> sorted(world.labels["label"].unique())[:4]
    ['drug_trade', 'extortion', 'illegal_gambling', 'legitimate']
    """
    _check_whole("seed", seed, minimum=0)
    _check_whole("days", days, minimum=7)
    _check_whole("n_accounts", n_accounts, minimum=100)
    _check_between("messages_per_day", messages_per_day, 1, 1_000_000)
    _check_between("events_per_message", events_per_message, 2, 1_000)
    _check_between("fraud_share", fraud_share, 0, 0.5)
    _check_between("label_delay_days", label_delay_days, 0, 365)
    _check_between("missing_labels", missing_labels, 0, 1)
    _check_between("wrong_labels", wrong_labels, 0, 1)
    n_messages = round(days * messages_per_day)
    n_fraud = round(fraud_share * n_messages)
    if n_fraud < _MIN_FRAUD:
        raise ValueError(
            f"At least {_MIN_FRAUD} fraud messages are needed, one for each crime type and language, got {n_fraud}. "
            "Raise days, messages_per_day or fraud_share."
        )
    period = _period(start, days)._replace(drifts=drift)

    rng = np.random.default_rng(seed)
    generations = max(1, min(n_fraud // _MESSAGES_PER_GENERATION, n_accounts // _ACCOUNTS_PER_GENERATION))
    rings = make_rings(rng, period=period, generations=generations)
    people = make_people(rng, period=period, rings=rings, n_accounts=n_accounts)
    accounts = people.frame(rng)
    campaigns = plan_campaigns(rng, people, n_messages=n_fraud)
    messages = make_messages(rng, people, campaigns, n_legitimate=n_messages - n_fraud)
    n_events = round(n_messages * events_per_message)
    events = make_events(rng, people, campaigns, messages, n_events=n_events)
    labels = make_labels(rng, people, messages, label_delay_days, missing_labels, wrong_labels)
    return World(messages.frame(people.ids), accounts, events, labels)


def _check_whole(name: str, value: object, *, minimum: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}.")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}.")


def _check_between(name: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}.")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {value}.")


def _period(start: str | datetime, days: int) -> Period:
    try:
        first = datetime.fromisoformat(start) if isinstance(start, str) else start
        first = first.replace(tzinfo=first.tzinfo or UTC)
    except (ValueError, AttributeError, TypeError):
        raise ValueError(f"start must be a datetime or a date such as '2026-01-01', got {start!r}.") from None
    begin = round(first.timestamp()) * SECOND
    return Period(begin, begin + days * DAY)
