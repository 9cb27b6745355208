"""Card precision: the share of fraudulent accounts among those listed every day.

The definition is that of the Fraud Detection Handbook (Le Borgne, Siblini, Lebichot and Bontempi, chapter 4.3): an
account whose fraud was found is not listed on the following days.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

TOP = 100


def card_precision(accounts: Any, cutoff_times: Any, is_fraud: Array, scores: Array, *, top: int = TOP) -> float:
    """Return the share of fraudulent accounts among those listed every day."""
    return DailyLists.of(accounts, cutoff_times, is_fraud, scores).precision(top)


@dataclass(frozen=True, eq=False)
class DailyLists:
    """Accounts of every day, ordered by their highest score. Create it with `DailyLists.of`."""

    # Shape (n_days + 1,). Start of each day in the list, and the end.
    starts: Array
    # Shape (n_listed,). Codes of the accounts.
    account: Array
    # Shape (n_listed,). Whether the account has a fraud that day.
    is_fraud: Array
    n_accounts: int

    @classmethod
    def of(cls, accounts: Any, cutoff_times: Any, is_fraud: Array, scores: Array) -> Self:
        """List the accounts of every day; the parameters are those of `card_precision`."""
        code, day = np.unique(np.asarray(accounts), return_inverse=True)[1], days_since_1970(cutoff_times)
        order = np.lexsort((code, day))
        code, day = code[order], day[order]
        first = np.flatnonzero(np.r_[True, (np.diff(code) != 0) | (np.diff(day) != 0)])
        best = np.maximum.reduceat(np.asarray(scores, np.float64)[order], first)
        fraud = np.logical_or.reduceat(np.asarray(is_fraud, bool)[order], first)
        code, day, n_accounts = code[first], day[first], int(code.max()) + 1
        ranked = np.lexsort((code, -best, day))
        starts = np.r_[0, np.flatnonzero(np.diff(day[ranked])) + 1, len(ranked)].astype(np.int64)
        return cls(starts, code[ranked], fraud[ranked], n_accounts)

    def precision(self, top: int = TOP, weights: Array | None = None) -> float:
        """Return the card precision; with `weights`, each account counts that many times."""
        counts = np.ones(self.n_accounts) if weights is None else weights.astype(np.float64)
        return float(_mean_precision(self.starts, self.account, self.is_fraud, counts, top))

    def bootstrap(self, top: int = TOP, *, replicates: int = 200, seed: int = 0) -> Array:
        """Return the card precision of every draw of as many accounts as there are."""
        rng, n = np.random.default_rng(seed), self.n_accounts
        drawn = (np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(replicates))
        return np.array([self.precision(top, weights) for weights in drawn])


def days_since_1970(times: Any) -> Array:
    """Return the day of each time, as days since 1970 (UTC)."""
    return naive_utc(times).astype("M8[D]").astype(np.int64)


def naive_utc(times: Any) -> Array:
    """Convert times, in any zone or in UTC, to naive times in UTC."""
    return np.asarray(pd.DatetimeIndex(pd.to_datetime(pd.Index(times), utc=True)).tz_localize(None))


@compile_kernel()
def _mean_precision(starts: Array, account: Array, is_fraud: Array, left: Array, top: int) -> float:
    total = 0.0
    for day in range(starts.size - 1):
        room = float(top)
        for i in range(starts[day], starts[day + 1]):
            listed = min(left[account[i]], room)
            room -= listed
            if is_fraud[i]:
                total += listed
                left[account[i]] -= listed
            if room <= 0:
                break
    return total / top / (starts.size - 1)
