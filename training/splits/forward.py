"""Folds that go forward in time: each trains on what was known before its test window, and tests on the window.

A training row that shares the value of a group column (its campaign, its account) with a row of the window is dropped.
Rows of the window are never dropped. So no campaign and no account is in both the training and the test rows of a fold.
Only direct sharing counts: otherwise chains of accounts and campaigns would link nearly all rows to each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SplitError
from fraudsieve.features.wording.fit import campaign_folds
from fraudsieve.training.data.groups import GROUP
from fraudsieve.training.labels import maturity_gap

from .split import Split, has_times, unusable

Groups: TypeAlias = Array | Sequence[Array] | Mapping[str, Array]

EMPTY = np.array([], np.int64)


@dataclass(frozen=True)
class Fold(Split):
    """A split without calibration rows.

    Parameters
    ----------
    kind : str
        ``time``, ``random``, or the group column by which rows are dealt to folds.
    train, calibration, test : ndarray of int64
        Positions of rows, in ascending order; ``calibration`` is empty.
    keeps_apart : tuple of str
        What training and test rows never share.
    dropped : dict of str to int
        Numbers of rows in neither slice, by the first reason.
    gap_days : float, default=0.0
        Length of the gap before the test window, in days.
    number : int, default=1
        Number of the fold, from 1.
    window : tuple of Timestamp, default=None
        Begin and end of the test window: the next window begins at the end, and the last one ends with its last row.
        None if the fold is not by time.
    remarks : tuple of str, default=()
        What else to know.

    Examples
    --------
    >>> empty = np.array([], np.int64)
    >>> Fold("random", empty, empty, empty, ()).flatters
    True
    """

    number: int = 1
    window: tuple[pd.Timestamp, pd.Timestamp] | None = None


def forward_folds(
    times: pd.Series,
    labelled_at: pd.Series,
    groups: Groups,
    is_crime: Array,
    *,
    n_folds: int = 5,
    gap_days: float | None = None,
    min_train_share: float = 0.3,
    apart: Literal["all", "crime"] = "all",
    by_time: bool | None = None,
    seed: int = 0,
) -> list[Fold]:
    """Cut rows into successive test windows, each with the rows before it that may be trained on.

    Rows that are not cut by time are dealt to folds by the first group column. Without group columns the folds are
    random, and their metrics optimistic.

    Parameters
    ----------
    times : Series of datetime64, shape (n_rows,)
        The time of each row, missing if unknown.
    labelled_at : Series of datetime64, shape (n_rows,)
        When its label became known; missing for a label that was always known.
    groups : ndarray, sequence of ndarray, or mapping of str to ndarray, each of shape (n_rows,)
        What training and test rows must not share; the folds report the names of a mapping (``campaign``, ``account``).
        A missing value belongs to no group.
    is_crime : ndarray of bool, shape (n_rows,)
        Which rows are fraud. Every fold trains on rows of both kinds.
    n_folds : int, default=5
        Number of windows, with equally many rows as far as equal times allow.
    gap_days : float, default=None
        Gap before each window, in days. None for the `maturity_gap` of the labels known when the window begins.
    min_train_share : float, default=0.3
        Share of the rows with a time that comes before the first window.
    apart : {"all", "crime"}, default="all"
        Whether training excludes all groups of the window, or only those of its fraud, as in `split_by_time`. In the
        second case, regular customers are in both, and of a column ``campaign`` or ``group`` only fraud is excluded.
    by_time : bool, default=None
        Whether the rows are cut by time, however few distinct times they have. None if most have a time and there are
        more than 20 distinct times.
    seed : int, default=0
        Random seed; only used if the rows are not cut by time.

    Returns
    -------
    list of Fold
        In order of time. ``dropped`` counts the rows that are in neither slice, by the first reason.

    Raises
    ------
    SplitError
        If a window would be empty, or a fold would train on rows of one kind.
    ValueError
        If a parameter is out of range, or lengths differ.

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
    lengths = {len(times), len(labelled_at), len(is_crime), *(len(column) for column in columns.values())}
    if len(lengths) > 1:
        raise ValueError(f"times, labelled_at, groups and is_crime must have the same length, got {sorted(lengths)}.")
    if n_folds < 1 or not 0 < min_train_share < 1:
        raise ValueError("n_folds must be at least 1, and min_train_share must be between 0 and 1.")
    is_crime = np.asarray(is_crime, bool)
    apart_rows = is_crime if apart == "crime" else np.ones(len(is_crime), bool)
    prefix = "crime " if apart == "crime" else ""
    if has_times(times) if by_time is None else by_time:
        folds = _by_time(times, labelled_at, columns, apart_rows, prefix, n_folds, gap_days, min_train_share)
    else:
        folds = _dealt(columns, is_crime, apart_rows, prefix, n_folds, seed)
    return [_checked(fold, is_crime) for fold in folds]


def _by_time(
    times: pd.Series,
    labelled_at: pd.Series,
    columns: dict[str, Array],
    apart_rows: Array,
    prefix: str,
    n_folds: int,
    gap_days: float | None,
    min_train_share: float,
) -> Iterator[Fold]:
    shares = np.linspace(min_train_share, 1, n_folds + 1)
    edges: list[pd.Timestamp] = list(pd.DatetimeIndex(times.quantile(shares, interpolation="higher")))
    frame = pd.DataFrame({"as_of": times, "labelled_at": labelled_at})
    has_time = times.notna().to_numpy()
    for number, (begin, end) in enumerate(pairwise(edges), 1):
        gap = maturity_gap(frame, until=begin) if gap_days is None else gap_days
        after = (times > end if number == n_folds else times >= end).to_numpy()
        test = (times >= begin).to_numpy() & ~after
        late, in_gap = unusable(begin, gap, times, labelled_at)
        dropped = {"no_time": ~has_time, "after_test": after, "label_not_known": late, "in_gap": in_gap}
        train = (times < begin).to_numpy() & ~late & ~in_gap
        train, shared = _without_shared(train, test, apart_rows, columns, prefix)
        counts = {reason: int(rows.sum()) for reason, rows in (dropped | shared).items()}
        kept = ("time", *(f"{prefix}{name}s" for name in columns))
        yield Fold("time", np.flatnonzero(train), EMPTY, np.flatnonzero(test), kept, counts, gap, number, (begin, end))


def _dealt(
    columns: dict[str, Array], is_crime: Array, apart_rows: Array, prefix: str, n_folds: int, seed: int
) -> Iterator[Fold]:
    """Deal the groups of the first column to folds; a row without a group is a group of its own."""
    each = np.arange(len(is_crime))
    first = next(iter(columns.values()), np.full(len(is_crime), -1))
    dealt = campaign_folds(is_crime, np.where(first < 0, each + len(each), first), n_folds, seed)
    kind = next(iter(columns), "random")
    for number in range(1, n_folds + 1):
        test = dealt == number - 1
        train, shared = _without_shared(~test, test, apart_rows, columns, prefix)
        counts = {reason: int(rows.sum()) for reason, rows in shared.items()}
        kept = tuple(f"{'' if name == kind else prefix}{name}s" for name in columns)  # groups that are dealt stay whole
        yield Fold(kind, np.flatnonzero(train), EMPTY, np.flatnonzero(test), kept, counts, number=number)


def _without_shared(
    train: Array, test: Array, apart_rows: Array, columns: dict[str, Array], prefix: str
) -> tuple[Array, dict[str, Array]]:
    """Drop training rows that share a group with rows of the test, and return them by column."""
    dropped = {}
    for name, codes in columns.items():
        tested = np.zeros(len(codes) + 1, bool)
        tested[codes[test & apart_rows]] = True
        tested[-1] = False  # the code of rows without a group
        shared = train & tested[codes] & (apart_rows | (name not in ("campaign", GROUP)))
        dropped[f"{prefix.replace(' ', '_')}{name}_of_test"] = shared
        train = train & ~shared
    return train, dropped


def _columns(groups: Groups) -> dict[str, Array]:
    """Return the codes of every group column by name; -1 for no group."""
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
        f"fold {fold.number} by {fold.kind} needs fraudulent and other training rows, and test rows; it has {kinds} of "
        f"the 2 kinds and {len(fold.test)} test rows. Rows left out: {dropped}. "
        "Use fewer folds, a larger min_train_share, a shorter gap, or apart='crime'."
    )
