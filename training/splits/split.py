"""Split rows into training, calibration and test without leaks.

With times the split is by time: training rows come first, then calibration rows, then a gap as long as labels take to
arrive, then test rows. Labels that were not known when the test begins are not used. Fraud that is a near-duplicate of
fraud in the calibration or test slice is removed from the training slice. Legitimate near-duplicates stay: the notices
of a bank look alike for years, and a live model has seen them too. The calibration slice keeps near-duplicates of the
test slice, because without them it would have too little fraud. A live model has seen the past of an account that turns
out fraudulent later, so accounts are kept apart only where the recipe asks for it. Without times the split is by
campaign, and keeps every campaign whole. A random split is possible, but optimistic, and is reported as such.
"""

import math
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.exceptions import SplitError
from fraudsieve.features.wording.fit import campaign_folds
from fraudsieve.training.labels import maturity_gap

N_FOLDS = 20
"""Campaigns are dealt to this many folds; a slice consists of whole folds."""
MIN_TIMES = 20
"""Rows with at most this many distinct times are not split by time."""


LEFT_OUT = {
    "no_time": "have no time",
    "not_mature": "are too young for both kinds of labels to be known equally often",
    "label_not_known": "had no label yet when the test begins",
    "in_gap": "are in the gap before the test, which is as long as labels take to arrive",
    "crime_campaign_of_later_slice": "are near-duplicates of fraud in a later slice",
    "crime_account_of_later_slice": "are of accounts with fraud in a later slice",
    "crime_group_of_later_slice": "are fraud of groups with fraud in a later slice",
}
"""Reasons for which a row is in no slice, in words."""


@dataclass(frozen=True)
class Split:
    """Positions of the rows of each slice.

    Parameters
    ----------
    kind : str
        ``time``, ``campaign`` or ``random``.
    train, calibration, test : ndarray of int64
        Positions of rows. No row is in two slices; some rows may be in none.
    keeps_apart : tuple of str
        What training never shares with the other slices.
    dropped : dict of str to int
        Numbers of rows in no slice, by reason.
    gap_days : float, default=0.0
        Length of the gap before the test, in days.
    remarks : tuple of str, default=()
        What else to know: of a split of little fraud, or of groups that last.
    """

    kind: str
    train: Array
    calibration: Array
    test: Array
    keeps_apart: tuple[str, ...]
    dropped: dict[str, int] = field(default_factory=dict)
    gap_days: float = 0.0
    remarks: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def rows(self) -> dict[str, int]:
        """The number of rows of each slice."""
        return {"train": len(self.train), "calibration": len(self.calibration), "test": len(self.test)}

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user: where little fraud is, how many labelled rows are in no slice, and why."""
        n_out, parts = sum(self.dropped.values()), [(n, LEFT_OUT.get(why, why)) for why, n in self.dropped.items() if n]
        note = tr("{n:,} of {rows:,} labelled rows are in no slice", n=n_out, rows=sum(self.rows.values()) + n_out)
        for n, why in parts:
            note = tr("{note}; {n:,} {why}", note=note, n=n, why=tr(why))
        return (*self.remarks, note) if parts else self.remarks

    @property
    def flatters(self) -> bool:
        """Whether metrics on the test slice are optimistic for a live model."""
        return self.kind == "random"


def describe_split(kind: str, keeps_apart: tuple[str, ...]) -> str:
    """Describe a split by its kind and by what training never shares with the other slices."""
    how = tr(f"by {kind}")
    apart = tr(" and ").join(tr(name, sense="kept apart") for name in keeps_apart if name != kind)
    return tr("{how}; training and test share no {apart}", how=how, apart=apart) if apart else how


def split_by_campaign(
    y: Array, groups: Array, *, test_share: float, calibration_share: float, seed: int, group_kind: str = "campaign"
) -> Split:
    """Split so that no campaign, or no account, is in two slices.

    Parameters
    ----------
    y : ndarray, shape (n_rows,)
        Classes; the split is stratified by them.
    groups : ndarray, shape (n_rows,)
        Campaigns.
    test_share, calibration_share : float
        Share of the campaigns, rounded to a multiple of 1/20.
    seed : int
        Random seed.
    group_kind : str, default="campaign"
        The kind of group; the kind of the split.

    Returns
    -------
    Split
        Positions of the rows of each slice.

    Raises
    ------
    SplitError
        If a slice would be empty.

    Examples
    --------
    >>> y = np.tile([0, 1], 100)
    >>> split = split_by_campaign(y, np.arange(200), test_share=0.2, calibration_share=0.1, seed=0)
    >>> len(split.train), len(split.calibration), len(split.test)
    (140, 20, 40)
    """
    n_folds = min(N_FOLDS, len(np.unique(groups)))  # of few groups, each is a fold
    folds = campaign_folds(y, groups, n_folds, seed)
    n_test = max(1, round(test_share * n_folds))
    n_calibration = max(1, round(calibration_share * n_folds))
    test, rest = folds < n_test, folds >= n_test
    calibration = rest & (folds < n_test + n_calibration)
    return _checked(group_kind, rest & ~calibration, calibration, test, (f"{group_kind}s",), {})


def split_randomly(n_rows: int, *, test_share: float, calibration_share: float, seed: int) -> Split:
    """Split row by row. Slices share near-duplicates, so metrics are optimistic.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    test_share, calibration_share : float
        Share of the rows.
    seed : int
        Random seed.

    Returns
    -------
    Split
        Positions of the rows of each slice.

    Raises
    ------
    SplitError
        If a slice would be empty.

    Examples
    --------
    >>> split_randomly(10, test_share=0.2, calibration_share=0.1, seed=0).flatters
    True
    """
    place = np.random.default_rng(seed).permutation(n_rows) / n_rows
    test = place < test_share
    calibration = ~test & (place < test_share + calibration_share)
    return _checked("random", ~test & ~calibration, calibration, test, (), {})


def split_by_time(
    sent_at: pd.Series,
    labelled_at: pd.Series,
    groups: Array,
    is_crime: Array,
    *,
    test_share: float,
    calibration_share: float,
    gap_days: float | None,
    group_kind: str = "campaign",
    apart: bool = True,
    calibration_start: pd.Timestamp | None = None,
    n_left_out: int = 0,
    until: pd.Timestamp | None = None,
) -> Split:
    """Split by time, with a gap as long as labels take to arrive.

    Parameters
    ----------
    sent_at : Series of datetime64, shape (n_rows,)
        When each message was sent; rows without a time are dropped.
    labelled_at : Series of datetime64, shape (n_rows,)
        When its label became known; missing for a label that was always known.
    groups : ndarray, shape (n_rows,)
        Near-duplicates.
    is_crime : ndarray of bool, shape (n_rows,)
        Rows that are fraud: earlier ones of the campaign of a later one, or any of its account, are not trained on.
    test_share, calibration_share : float
        Share of the rows with a time.
    gap_days : float or None
        Length of the gap before the test, in days; None for the `maturity_gap` of the rows.
    group_kind : str, default="campaign"
    apart : bool, default=True
        Whether rows of a group with fraud in a later slice are left out of the training slice: all rows of an account,
        the fraud of a campaign.
    calibration_start : Timestamp, default=None
        When the calibration slice begins, if the rows before it are a sample; None to derive it from the shares.
    n_left_out : int, default=0
        Number of rows before `calibration_start` that are not in the sample; they count towards the share of the test.
    until : Timestamp, default=None
        Later rows are in no slice; None for no such time.

    Returns
    -------
    Split
        Positions of the rows of each slice.

    Raises
    ------
    SplitError
        If a slice would be empty.

    Examples
    --------
    >>> sent = pd.Series(pd.date_range("2026-01-01", periods=100, freq="D", tz="UTC"))
    >>> labelled = sent + pd.Timedelta(days=2)
    >>> split = split_by_time(sent, labelled, np.arange(100), np.ones(100, bool), test_share=0.2,
    ...                       calibration_share=0.1, gap_days=None)
    >>> len(split.test), int(split.train.max()), int(split.calibration.max()), split.dropped["label_not_known"]
    (20, 67, 77, 2)
    """
    has_time = sent_at.notna().to_numpy()
    young = np.zeros(len(sent_at), bool) if until is None else (sent_at > until).to_numpy()
    test_start = _quantile(sent_at[~young], 1 - test_share, n_left_out)
    if calibration_start is not None and not test_start > calibration_start:
        raise SplitError(
            f"the test slice would begin before {calibration_start.isoformat()}, up to which rows were sampled. "
            "Use a smaller split.test_share, or sample up to an earlier time."
        )
    if gap_days is None:
        gap_days = maturity_gap(pd.DataFrame({"sent_at": sent_at, "labelled_at": labelled_at}))
    from_start = has_time & (sent_at >= test_start).to_numpy()
    test, before = from_start & ~young, has_time & ~from_start
    late, in_gap = unusable(test_start, gap_days, sent_at, labelled_at)
    usable = before & ~late & ~in_gap
    # A share of the rows before the gap, because a long gap could otherwise cover the whole slice.
    calibration_share = min(calibration_share / (1 - test_share), 1.0)
    if calibration_start is None:
        calibration_start = _quantile(sent_at[usable], 1 - calibration_share)
    calibration = usable & (sent_at >= calibration_start).to_numpy()
    train = usable & ~calibration
    # Legitimate near-duplicates stay: otherwise one wrong label removes all notices of a bank. They cannot flatter the
    # metrics, because they speak against fraud of their campaign or host. Accounts go as a whole.
    of_kind = is_crime | (group_kind == "account")
    shared = train & np.isin(groups, groups[(calibration | test) & is_crime]) & of_kind & apart
    dropped = {
        "no_time": ~has_time,
        "not_mature": young,
        "label_not_known": late,
        "in_gap": in_gap,
        f"crime_{group_kind}_of_later_slice": shared,
    }
    counts = {reason: int(rows.sum()) for reason, rows in dropped.items()}
    keeps_apart = ("time", f"fraud {group_kind}s") if apart else ("time",)
    return _checked("time", train & ~shared, calibration, test, keeps_apart, counts, gap_days)


def _quantile(times: pd.Series, share: float, n_earlier: int = 0) -> pd.Timestamp:
    """Return the smallest time that is not before a share of the times; NaT if there are no times.

    Some earlier times may count that are not among them.
    """
    if n_earlier:
        known = times.dropna().sort_values()
        rank = math.ceil(share * (len(known) + n_earlier - 1)) - n_earlier
        return cast(pd.Timestamp, known.iloc[rank] if rank >= 0 else pd.NaT)
    return pd.Timestamp(cast(Any, times.quantile(share, interpolation="higher")))


def unusable(
    test_start: pd.Timestamp, gap_days: float, times: pd.Series, labelled_at: pd.Series
) -> tuple[Array, Array]:
    """Return which rows before a test slice cannot be used for training."""
    before = (times < test_start).to_numpy()
    late = before & (labelled_at >= test_start).to_numpy()
    return late, before & ~late & (times > test_start - pd.Timedelta(days=gap_days)).to_numpy()


def has_times(times: pd.Series) -> bool:
    """Return whether rows can be split by time: most have a time, and there are enough distinct times."""
    # Accounts that all have the same cutoff time cannot be split by it.
    return bool(times.notna().mean() > 0.5 and times.nunique() > MIN_TIMES)


def _checked(
    kind: str,
    train: Array,
    calibration: Array,
    test: Array,
    apart: tuple[str, ...],
    dropped: dict[str, int],
    gap_days: float = 0.0,
) -> Split:
    slices = {"training": train, "calibration": calibration, "test": test}
    for name, rows in slices.items():
        if not rows.any():
            left_out = "; ".join(f"{n:,} {LEFT_OUT.get(reason, reason)}" for reason, n in dropped.items() if n)
            raise SplitError(
                f"a split by {kind} leaves no {name} rows of {len(rows)} labelled rows"
                f"{f': {left_out}' if left_out else ''}. Add data, or change the shares or the kind in [split]."
            )
    train_rows, calibration_rows, test_rows = (np.flatnonzero(rows) for rows in slices.values())
    return Split(kind, train_rows, calibration_rows, test_rows, apart, dropped, gap_days)
