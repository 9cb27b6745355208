"""Card precision: of the accounts that are listed every day, the share that are fraudulent.

As the Fraud Detection Handbook defines it (Le Borgne, Siblini, Lebichot and Bontempi, chapter 4.3): an account that was
found is dealt with, and takes no place on the lists of the following days.
"""

from dataclasses import dataclass
from typing import Any, Self

import numba as nb
import numpy as np
import pandas as pd

from fraudsieve._typing import Array

__all__ = ["DailyLists", "card_precision", "days_since_1970", "naive_utc"]


TOP = 100


def card_precision(accounts: Any, moments: Any, is_fraud: Array, scores: Array, *, top: int = TOP) -> float:
    """Return the share of fraudulent accounts among those listed every day.

    Parameters
    ----------
    accounts : array-like, shape (n_rows,)
        Who the rows are of.
    moments : array-like of datetime64, shape (n_rows,)
        When, UTC.
    is_fraud : ndarray of bool, shape (n_rows,)
        The truth.
    scores : ndarray of float64, shape (n_rows,)
        An account is listed for its highest score of the day.
    top : int, default=100
        Accounts listed a day.

    Returns
    -------
    float
        Fraudulent accounts found a day over `top`, mean over the days that have rows. Of accounts with one score the
        first in the order of their names is listed first.

    Examples
    --------
    >>> days = np.array(["2018-08-08", "2018-08-08", "2018-08-09"], "M8[us]")
    >>> names, fraud = np.array(["ann", "bob", "ann"]), np.array([True, False, True])
    >>> card_precision(names, days, fraud, np.array([0.9, 0.5, 0.9]), top=1)
    0.5
    """
    return DailyLists.of(accounts, moments, is_fraud, scores).precision(top)


@dataclass(frozen=True, eq=False)
class DailyLists:
    """Accounts of every day, the highest score first. `DailyLists.of` makes it.

    Parameters
    ----------
    starts : ndarray of int64, shape (n_days + 1,)
        Where each day begins, and the end.
    account : ndarray of int64, shape (n_listed,)
        Places of the accounts.
    is_fraud : ndarray of bool, shape (n_listed,)
        Whether the account has a fraud that day.
    n_accounts : int
        How many accounts there are.
    """

    starts: Array
    account: Array
    is_fraud: Array
    n_accounts: int

    @classmethod
    def of(cls, accounts: Any, moments: Any, is_fraud: Array, scores: Array) -> Self:
        """List the accounts of every day.

        Parameters
        ----------
        accounts, moments, is_fraud, scores
            As for `card_precision`.

        Returns
        -------
        DailyLists
        """
        code, day = np.unique(np.asarray(accounts), return_inverse=True)[1], days_since_1970(moments)
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
        """Return the card precision.

        Parameters
        ----------
        top : int, default=100
            Accounts listed a day.
        weights : ndarray, shape (n_accounts,), default=None
            How many accounts each stands for; None for one each.

        Returns
        -------
        float
        """
        counts = np.ones(self.n_accounts) if weights is None else weights.astype(np.float64)
        return float(_mean_precision(self.starts, self.account, self.is_fraud, counts, top))

    def bootstrap(self, top: int = TOP, *, replicates: int = 200, seed: int = 0) -> Array:
        """Compute the card precision for drawn accounts.

        Parameters
        ----------
        top : int, default=100
            Accounts listed a day.
        replicates : int, default=200
            How often accounts are drawn, as many as there are.
        seed : int, default=0
            Seed of the draws.

        Returns
        -------
        ndarray of float64, shape (n_replicates,)
        """
        rng, n = np.random.default_rng(seed), self.n_accounts
        drawn = (np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(replicates))
        return np.array([self.precision(top, weights) for weights in drawn])


def days_since_1970(moments: Any) -> Array:
    """Return the day of every moment.

    Parameters
    ----------
    moments : array-like of datetime64, shape (n_rows,)
        UTC; NaT where unknown.

    Returns
    -------
    ndarray of int64, shape (n_rows,)

    Examples
    --------
    >>> days_since_1970(np.array(["1970-01-02T23:00"], "M8[us]")).tolist()
    [1]
    """
    return naive_utc(moments).astype("M8[D]").astype(np.int64)


def naive_utc(moments: Any) -> Array:
    """Return moments without a zone.

    Parameters
    ----------
    moments : array-like of datetime64, shape (n_rows,)
        With a zone, or UTC.

    Returns
    -------
    ndarray of datetime64, shape (n_rows,)

    Examples
    --------
    >>> naive_utc(pd.Series(pd.to_datetime(["2026-05-01T01:00:00+08:00"]))).astype("M8[h]").astype(str).tolist()
    ['2026-04-30T17']
    """
    return np.asarray(pd.DatetimeIndex(pd.to_datetime(pd.Index(moments), utc=True)).tz_localize(None))


@nb.njit(cache=True, nogil=True)
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
