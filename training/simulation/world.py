"""A small simulated world of accounts, messages, events and labels, with rings of fraudsters.

It is for tests, examples and the quickstart. The performance of a model here says nothing about real data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.random import Generator

from fraudsieve._microseconds import DAY, SECOND

from .basics import Bools, Floats, Ints, Period, lookup, utc_times
from .events import make_events
from .messages import Messages, make_messages, plan_campaigns
from .people import People, make_people, make_rings
from .text import CRIMES

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
    rng: Generator,
    *,
    subjects: Sequence[str],
    crime: Ints,
    since: Ints,
    delay_days: float,
    missing: float,
    wrong: float,
) -> pd.DataFrame:
    """Make the labels table, ordered by ``labelled_at``.

    `crime` has positions in `CRIMES` or -1, `since` the times from which the mean delay `delay_days` counts. A share
    `missing` of the subjects has no label. A share `wrong` of the others first has a wrong label, of which four in ten
    are corrected later.
    """
    subject = np.flatnonzero(~_chosen(rng, len(subjects), missing))
    truth = np.where(crime < 0, _LEGITIMATE, crime)[subject]
    mistaken = _chosen(rng, len(subject), wrong)
    label = np.where(mistaken, _another(rng, truth), truth)
    source = rng.choice(len(_SOURCES), size=len(subject), p=_SOURCE_SHARE)
    at = since[subject] + _delay(rng, delay_days * _SLOWNESS[source])
    corrected = np.flatnonzero(mistaken)[: ceil(_REVERSED_SHARE * mistaken.sum())]
    later = at[corrected] + _delay(rng, np.full(len(corrected), delay_days))
    return _frame(
        subjects,
        np.append(subject, subject[corrected]),
        np.append(label, truth[corrected]),
        np.append(at, later),
        np.append(source, np.zeros_like(corrected)),
    )


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


def _frame(subjects: Sequence[str], subject: Ints, label: Ints, at: Ints, source: Ints) -> pd.DataFrame:
    order = np.lexsort((subject, at))
    columns = {
        "subject_id": lookup(subjects, subject[order]),
        "label": lookup(_LABELS, label[order]),
        "labelled_at": utc_times(at[order]),
        "source": lookup(_SOURCES, source[order]),
    }
    return pd.DataFrame(columns)


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
    _check_fraud(n_fraud)
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
    crime, since = account_truth(rng, people, messages)
    labels = make_labels(
        rng,
        subjects=messages.ids + people.ids,
        crime=np.append(messages.crime, crime),
        since=np.append(messages.sent, since),
        delay_days=label_delay_days,
        missing=missing_labels,
        wrong=wrong_labels,
    )
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


def _check_fraud(n_fraud: int) -> None:
    if n_fraud < _MIN_FRAUD:
        raise ValueError(
            f"At least {_MIN_FRAUD} fraud messages are needed, one for each crime type and language, got {n_fraud}. "
            "Raise days, messages_per_day or fraud_share."
        )


def _period(start: str | datetime, days: int) -> Period:
    try:
        first = datetime.fromisoformat(start) if isinstance(start, str) else start
        first = first.replace(tzinfo=first.tzinfo or UTC)
    except (ValueError, AttributeError, TypeError):
        raise ValueError(f"start must be a datetime or a date such as '2026-01-01', got {start!r}.") from None
    begin = round(first.timestamp()) * SECOND
    return Period(begin, begin + days * DAY)
