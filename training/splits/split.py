"""Honest splits: what a model is trained, calibrated and tested on, and what is kept apart.

By time when the messages have times: training comes first, then calibration, then a gap as long as labels take to
arrive, then the test; labels that were not known when the test begins do not exist. Near-duplicates of a crime in the
calibration or the test are never trained on. (Those of a legitimate message are: a bank's notices read alike for years,
a live model has seen them too, and without them little is left to learn from.) The calibration keeps near-duplicates
of the test: a model that goes live knows of them, and without them crimes would be rarer in it than they are. Without
times the split is by campaign, all of them kept whole. A random split is possible; it flatters, and says so.
"""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SplitError
from fraudsieve.features.wording.folds import campaign_folds
from fraudsieve.training.labels.maturity import maturity_gap

__all__ = ["Split", "has_times", "split_by_campaign", "split_by_time", "split_randomly", "unusable"]


SLICES = 20
"""Campaigns are dealt to this many folds, and slices are whole folds."""
FEW_MOMENTS = 20
"""Rows of no more moments than these are not split by time."""


@dataclass(frozen=True)
class Split:
    """Positions of the rows of each slice.

    Parameters
    ----------
    kind : str
        ``time``, ``campaign`` or ``random``.
    train, calibration, test : ndarray of int64
        Positions of rows. No row is in two of them; some rows may be in none.
    keeps_apart : tuple of str
        What is never on both sides.
    dropped : dict of str to int
        Rows in no slice, by reason.
    gap_days : float, default=0.0
        Length of the gap before the test, in days.
    """

    kind: str
    train: Array
    calibration: Array
    test: Array
    keeps_apart: tuple[str, ...]
    dropped: dict[str, int] = field(default_factory=dict)
    gap_days: float = 0.0

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each slice has."""
        return {"train": len(self.train), "calibration": len(self.calibration), "test": len(self.test)}

    @property
    def flatters(self) -> bool:
        """Whether figures on the test slice promise more than a live model will keep."""
        return self.kind == "random"


def split_by_campaign(
    y: Array, groups: Array, *, test_share: float, calibration_share: float, seed: int, what: str = "campaign"
) -> Split:
    """Split so that no campaign, or no account, is on both sides.

    Parameters
    ----------
    y : ndarray, shape (n_rows,)
        Classes, spread evenly.
    groups : ndarray, shape (n_rows,)
        Campaigns.
    test_share, calibration_share : float
        Share of the campaigns, rounded to a twentieth.
    seed : int
        Seed of the deal.
    what : str, default="campaign"
        What a group is: the kind of the split.

    Returns
    -------
    Split
        Positions of the rows of each slice.

    Raises
    ------
    SplitError
        When a slice would be empty.

    Examples
    --------
    >>> y = np.tile([0, 1], 100)
    >>> split = split_by_campaign(y, np.arange(200), test_share=0.2, calibration_share=0.1, seed=0)
    >>> len(split.train), len(split.calibration), len(split.test)
    (140, 20, 40)
    """
    folds = campaign_folds(y, groups, SLICES, seed)
    n_test = max(1, round(test_share * SLICES))
    n_calibration = max(1, round(calibration_share * SLICES))
    test, rest = folds < n_test, folds >= n_test
    calibration = rest & (folds < n_test + n_calibration)
    return _checked(what, rest & ~calibration, calibration, test, (f"{what}s",), {})


def split_randomly(n_rows: int, *, test_share: float, calibration_share: float, seed: int) -> Split:
    """Split row by row. Near-duplicates land on both sides: figures flatter.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    test_share, calibration_share : float
        Share of the rows.
    seed : int
        Seed.

    Returns
    -------
    Split
        Positions of the rows of each slice.

    Raises
    ------
    SplitError
        When a slice would be empty.

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
    what: str = "campaign",
) -> Split:
    """Split by time, with a gap as long as labels take to arrive.

    Parameters
    ----------
    sent_at : Series of datetime64, shape (n_rows,)
        When each message was sent; rows without a time are left out.
    labelled_at : Series of datetime64, shape (n_rows,)
        When its label became known; missing for a label that was always there.
    groups : ndarray, shape (n_rows,)
        Near-duplicates.
    is_crime : ndarray of bool, shape (n_rows,)
        Rows whose near-duplicates must not be trained on when they are of a later slice.
    test_share, calibration_share : float
        Share of the rows with a time.
    gap_days : float or None
        Length of the gap before the test, in days; None reads it off the rows: their `maturity_gap`.
    what : str, default="campaign"
        What a group is.

    Returns
    -------
    Split
        Positions of the rows of each slice.

    Raises
    ------
    SplitError
        When a slice would be empty.

    Examples
    --------
    >>> sent = pd.Series(pd.date_range("2026-01-01", periods=100, freq="D", tz="UTC"))
    >>> labelled = sent + pd.Timedelta(days=2)
    >>> split = split_by_time(sent, labelled, np.arange(100), np.ones(100, bool), test_share=0.2,
    ...                       calibration_share=0.1, gap_days=None)
    >>> len(split.test), int(split.train.max()), int(split.calibration.max()), split.dropped["label_not_known"]
    (20, 67, 77, 2)
    """
    known = sent_at.notna().to_numpy()
    test_start = _quantile(sent_at, 1 - test_share)
    if gap_days is None:
        gap_days = maturity_gap(pd.DataFrame({"sent_at": sent_at, "labelled_at": labelled_at}))
    test = known & (sent_at >= test_start).to_numpy()
    before = known & ~test
    late, in_gap = unusable(test_start, gap_days, sent_at, labelled_at)
    usable = before & ~late & ~in_gap
    # A share of what is left before the gap: a long gap would otherwise swallow the slice.
    calibration_share = min(calibration_share / (1 - test_share), 1.0)
    calibration_start = _quantile(sent_at[usable], 1 - calibration_share)
    calibration = usable & (sent_at >= calibration_start).to_numpy()
    train = usable & ~calibration
    shared = train & np.isin(groups, groups[(calibration | test) & is_crime])
    dropped = {"no_time": ~known, "label_not_known": late, "in_gap": in_gap, f"crime_{what}_of_later_slice": shared}
    counts = {reason: int(rows.sum()) for reason, rows in dropped.items()}
    apart = ("time", f"crime {what}s of training")
    return _checked("time", train & ~shared, calibration, test, apart, counts, gap_days)


def _quantile(times: pd.Series, share: float) -> pd.Timestamp:
    """Return the first time that at least `share` of the times are not after; NaT of none."""
    return pd.Timestamp(cast(Any, times.quantile(share, interpolation="higher")))


def unusable(
    test_start: pd.Timestamp, gap_days: float, moments: pd.Series, labelled_at: pd.Series
) -> tuple[Array, Array]:
    """Tell which of the rows before a test cannot be used to train for it.

    Parameters
    ----------
    test_start : Timestamp
        When the test begins.
    gap_days : float
        How long labels take to mature, in days.
    moments, labelled_at : Series of datetime64, shape (n_rows,)
        As for `split_by_time`.

    Returns
    -------
    late : ndarray of bool, shape (n_rows,)
        Rows whose label nobody knew when the test began.
    in_gap : ndarray of bool, shape (n_rows,)
        The others that are too young: too few of their like were labelled by then.

    Examples
    --------
    >>> sent = pd.Series(pd.to_datetime(["2026-05-01", "2026-05-01", "2026-05-08"]))
    >>> labelled = pd.Series(pd.to_datetime(["2026-05-02", "2026-05-12", None]))
    >>> late, in_gap = unusable(pd.Timestamp("2026-05-10"), 5.0, sent, labelled)
    >>> late.tolist(), in_gap.tolist()
    ([False, True, False], [False, False, True])
    """
    before = (moments < test_start).to_numpy()
    late = before & (labelled_at >= test_start).to_numpy()
    return late, before & ~late & (moments > test_start - pd.Timedelta(days=gap_days)).to_numpy()


def has_times(moments: pd.Series) -> bool:
    """Tell whether rows can be split by time: most have one, and not all the same few.

    Parameters
    ----------
    moments : Series of datetime64, shape (n_rows,)
        When each row was.

    Returns
    -------
    bool

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2026-01-01", periods=100))
    >>> has_times(days), has_times(days.where(days.dt.day == 1))
    (True, False)
    """
    # Accounts that are all looked at as of one moment are not split by it.
    return bool(moments.notna().mean() > 0.5 and moments.nunique() > FEW_MOMENTS)


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
            raise SplitError(
                f"a split by {kind} leaves no row for {name} of {len(rows)} labelled rows. "
                "Give more data, or other shares or another kind in [split]."
            )
    one, two, three = (np.flatnonzero(rows) for rows in slices.values())
    return Split(kind, one, two, three, apart, dropped, gap_days)
