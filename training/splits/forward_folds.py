"""Folds that go forward in time: each trains on what was known before its test window, and tests on the window.

What is on both sides is dropped from training, never from the test. A row of training is dropped when it shares the
value of any group column (its campaign, its account) with a row of the window. Sharing is direct: two rows of training
that share nothing with the window stay, even where a dropped row links them to it, since chains of accounts and of
campaigns would in the end link everything to everything. So no campaign and no account is on both sides of a fold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SplitError
from fraudsieve.features.wording.folds import campaign_folds
from fraudsieve.training.labels.maturity import maturity_gap

from .split import Split, has_times, unusable

__all__ = ["Fold", "forward_folds"]

Groups: TypeAlias = Array | Sequence[Array] | Mapping[str, Array]

NOBODY = np.array([], np.int64)


@dataclass(frozen=True)
class Fold(Split):
    """A fold: a split without rows for calibration.

    Parameters
    ----------
    kind : str
        ``time``, ``random``, or the name of the group column that is dealt.
    train, calibration, test : ndarray of int64
        Positions of rows, in ascending order; those of calibration are none.
    keeps_apart : tuple of str
        What is never on both sides.
    dropped : dict of str to int
        Rows on neither side, by the first reason.
    gap_days : float, default=0.0
        Length of the gap before the test, in days.
    number : int, default=1
        Its place, from 1.
    window : tuple of Timestamp, default=None
        When the test begins, and when it ends: the next one begins there, the last ends with its last row. None where
        the fold is not one of time.

    Examples
    --------
    >>> empty = np.array([], np.int64)
    >>> Fold("random", empty, empty, empty, ()).flatters
    True
    """

    number: int = 1
    window: tuple[pd.Timestamp, pd.Timestamp] | None = None


def forward_folds(
    moments: pd.Series,
    labelled_at: pd.Series,
    groups: Groups,
    is_crime: Array,
    *,
    n_folds: int = 5,
    gap_days: float | None = None,
    min_train_share: float = 0.3,
    apart: Literal["all", "crime"] = "all",
    seed: int = 0,
) -> list[Fold]:
    """Cut rows into test windows, one after the other, each with all that may be trained on before it.

    Where rows have no times (see `has_times`) the folds are dealt by the first group column, and train on the rest;
    without any groups either they are random, and flatter.

    Parameters
    ----------
    moments : Series of datetime64, shape (n_rows,)
        When each row was.
    labelled_at : Series of datetime64, shape (n_rows,)
        When its label became known; missing for a label that was always there.
    groups : ndarray, sequence of ndarray, or mapping of str to ndarray, each of shape (n_rows,)
        What must not be on both sides; the names of a mapping are those that the folds say (``campaign``, ``account``).
        A missing value is in no group.
    is_crime : ndarray of bool, shape (n_rows,)
        Which rows are a crime. Every fold trains on some of both kinds.
    n_folds : int, default=5
        How many windows, of equally many rows as far as equal times allow.
    gap_days : float, default=None
        Gap before each window, in days. None takes the `maturity_gap` of what was known when the window began.
    min_train_share : float, default=0.3
        Share of the rows with a time that comes before the first window.
    apart : {"all", "crime"}, default="all"
        Whether every group of the window is kept out of training, or those of its crimes alone, as `split_by_time`
        does: a customer that goes on paying is on both sides then.
    seed : int, default=0
        Seed of the deal where there are no times.

    Returns
    -------
    list of Fold
        In the order of time. ``dropped`` counts every row that is neither trained on nor tested, by its first reason.

    Raises
    ------
    SplitError
        When a window would be empty, or a fold would train on rows of one kind.
    ValueError
        When a parameter is out of range, or lengths differ.

    Examples
    --------
    >>> sent = pd.Series(pd.date_range("2026-01-01", periods=100, freq="D", tz="UTC"))
    >>> folds = forward_folds(sent, sent + pd.Timedelta(days=2), {"account": np.arange(100) % 40},
    ...                       np.arange(100) % 2 == 0, n_folds=2, min_train_share=0.6)
    >>> [(len(fold.train), len(fold.test)) for fold in folds]
    [(38, 20), (38, 20)]
    >>> folds[1].keeps_apart, folds[1].dropped
    (('time', 'accounts'),
     {'no_time': 0, 'after_test': 0, 'label_not_known': 2, 'in_gap': 0, 'account_of_test': 40})
    """
    columns = _columns(groups)
    lengths = {len(moments), len(labelled_at), len(is_crime), *(len(column) for column in columns.values())}
    if len(lengths) > 1:
        raise ValueError(f"moments, labelled_at, groups and is_crime: one length was expected, {sorted(lengths)} came.")
    if n_folds < 1 or not 0 < min_train_share < 1:
        raise ValueError("n_folds must be at least 1, and min_train_share between 0 and 1. Pass others.")
    is_crime = np.asarray(is_crime, bool)
    asked = is_crime if apart == "crime" else np.ones(len(is_crime), bool)
    what = "crime " if apart == "crime" else ""
    if has_times(moments):
        folds = _by_time(moments, labelled_at, columns, asked, what, n_folds, gap_days, min_train_share)
    else:
        folds = _dealt(columns, is_crime, asked, what, n_folds, seed)
    return [_checked(fold, is_crime) for fold in folds]


def _by_time(
    moments: pd.Series,
    labelled_at: pd.Series,
    columns: dict[str, Array],
    asked: Array,
    what: str,
    n_folds: int,
    gap_days: float | None,
    min_train_share: float,
) -> Iterator[Fold]:
    shares = np.linspace(min_train_share, 1, n_folds + 1)
    edges: list[pd.Timestamp] = list(pd.DatetimeIndex(moments.quantile(shares, interpolation="higher")))
    frame = pd.DataFrame({"as_of": moments, "labelled_at": labelled_at})
    known = moments.notna().to_numpy()
    for number, (begin, end) in enumerate(pairwise(edges), 1):
        gap = maturity_gap(frame, until=begin) if gap_days is None else gap_days
        after = (moments > end if number == n_folds else moments >= end).to_numpy()
        test = (moments >= begin).to_numpy() & ~after
        late, in_gap = unusable(begin, gap, moments, labelled_at)
        dropped = {"no_time": ~known, "after_test": after, "label_not_known": late, "in_gap": in_gap}
        train = (moments < begin).to_numpy() & ~late & ~in_gap
        train, shared = _without_shared(train, test & asked, columns, what)
        counts = {reason: int(rows.sum()) for reason, rows in (dropped | shared).items()}
        kept = ("time", *(f"{what}{name}s" for name in columns))
        yield Fold("time", np.flatnonzero(train), NOBODY, np.flatnonzero(test), kept, counts, gap, number, (begin, end))


def _dealt(
    columns: dict[str, Array], is_crime: Array, asked: Array, what: str, n_folds: int, seed: int
) -> Iterator[Fold]:
    """Deal the first group column to folds; rows of no group are a group each, as is every row without columns."""
    each = np.arange(len(is_crime))
    first = next(iter(columns.values()), np.full(len(is_crime), -1))
    dealt = campaign_folds(is_crime, np.where(first < 0, each + len(each), first), n_folds, seed)
    kind = next(iter(columns), "random")
    for number in range(1, n_folds + 1):
        test = dealt == number - 1
        train, shared = _without_shared(~test, test & asked, columns, what)
        counts = {reason: int(rows.sum()) for reason, rows in shared.items()}
        kept = tuple(f"{'' if name == kind else what}{name}s" for name in columns)  # what is dealt stays whole
        yield Fold(kind, np.flatnonzero(train), NOBODY, np.flatnonzero(test), kept, counts, number=number)


def _without_shared(train: Array, test: Array, columns: dict[str, Array], what: str) -> tuple[Array, dict[str, Array]]:
    """Drop the rows of training that share a group with the test, and say by which column."""
    dropped = {}
    for name, codes in columns.items():
        tested = np.zeros(len(codes) + 1, bool)
        tested[codes[test]] = True
        tested[-1] = False  # the code of rows without a group
        shared = train & tested[codes]
        dropped[f"{what.replace(' ', '_')}{name}_of_test"] = shared
        train = train & ~shared
    return train, dropped


def _columns(groups: Groups) -> dict[str, Array]:
    """Return the codes of every group column by its name; -1 where there is no group."""
    if isinstance(groups, Mapping):
        named = dict(groups)
    elif isinstance(groups, np.ndarray):
        named = {"group": groups}
    else:
        named = {f"group_{place}": column for place, column in enumerate(groups, 1)}
    return {name: pd.factorize(np.asarray(column))[0] for name, column in named.items()}


def _checked(fold: Fold, is_crime: Array) -> Fold:
    kinds = len(np.unique(is_crime[fold.train]))
    if kinds == 2 and len(fold.test):
        return fold
    dropped = ", ".join(f"{count} {reason}" for reason, count in fold.dropped.items() if count) or "none"
    raise SplitError(
        f"fold {fold.number} by {fold.kind}: rows of crimes and of others were expected to train on, and some to test; "
        f"{kinds} kinds and {len(fold.test)} rows came. Left out are: {dropped}. "
        "Take fewer folds, a larger min_train_share, a shorter gap, or apart='crime'."
    )
