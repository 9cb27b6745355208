"""Rows with a signal: events and frauds in order of time, from which every table of the zoo is made."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import pandas as pd

__all__ = ["choose", "hashes", "make_events", "make_frauds", "uuids"]

START = pd.Timestamp("2025-01-06")
DAY = 86_400


def make_frauds(rng: np.random.Generator, n: int, share: float = 0.12) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which of `n` rows are fraud."""
    return rng.random(n) < share


def make_events(
    seed: int, n: int = 1000, *, days: int = 90, accounts: int = 80, others: int = 40, share: float = 0.12
) -> tuple[np.random.Generator, pd.DataFrame]:
    """Return events in order of time, and the generator for further columns.

    The columns are ``fraud``, ``time``, ``account``, ``other`` and ``amount``. Frauds are larger, at night, and with
    the last quarter of the counterparties; an account has three counterparties of its own otherwise.
    """
    rng = np.random.default_rng(seed)
    fraud = make_frauds(rng, n, share)
    day = np.sort(rng.integers(0, days, n))
    hour = np.where(fraud & (rng.random(n) < 0.5), rng.integers(0, 6, n), rng.integers(7, 23, n))
    seconds = day * DAY + hour * 3600 + rng.integers(0, 3600, n)
    account = rng.integers(0, accounts, n)
    usual = (account * 7 + rng.integers(0, 3, n)) % (others * 3 // 4)
    other = np.where(fraud & (rng.random(n) < 0.5), rng.integers(others * 3 // 4, others, n), usual)
    amount = np.round(rng.lognormal(3.2, 0.7, n) * np.where(fraud, 2.2, 1.0), 2)
    time = START + pd.to_timedelta(seconds, unit="s")
    frame = pd.DataFrame({"fraud": fraud, "time": time, "account": account, "other": other, "amount": amount})
    return rng, frame.sort_values("time", kind="stable", ignore_index=True)


def choose(
    rng: np.random.Generator, fraud: "pd.Series[Any]", usual: Sequence[str], unusual: Sequence[str]
) -> list[str]:
    """Return a word for every row: of fraud, half are from `unusual`."""
    rare = fraud.to_numpy() & (rng.random(len(fraud)) < 0.5)
    return list(np.where(rare, rng.choice(list(unusual), len(fraud)), rng.choice(list(usual), len(fraud))))


def uuids(codes: "pd.Series[Any]", name: str) -> list[str]:
    """Return a UUID for every code."""
    return [str(uuid5(NAMESPACE_OID, f"{name} {code}")) for code in codes]


def hashes(codes: "pd.Series[Any]", name: str) -> list[str]:
    """Return a SHA-256 digest for every code."""
    return [sha256(f"{name} {code}".encode()).hexdigest() for code in codes]
