"""What people can review: alerts a day, and what is found among them."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._typing import Array

from .card_precision import days_since_1970

__all__ = ["POINTS", "SHARE", "Capacity", "n_days"]


SHARE = 0.01
"""The share of the rows that is reviewed where nobody says how many alerts a day."""
POINTS = 20
"""Recall and precision are read at so many points, evenly up to twice the capacity."""


def n_days(moments: Array | None) -> int | None:
    """Count the days from the first moment to the last, both included.

    Parameters
    ----------
    moments : array-like of datetime64, shape (n_rows,), or None
        UTC; NaT where unknown.

    Returns
    -------
    int or None
        None where no moment is known.

    Examples
    --------
    >>> n_days(np.array(["2026-05-01T23:00", "2026-05-03T01:00", "NaT"], "M8[us]"))
    3
    """
    if moments is None:
        return None
    days = days_since_1970(moments)
    known = days[days != np.iinfo(np.int64).min]
    return int(known.max() - known.min() + 1) if len(known) else None


@dataclass(frozen=True)
class Capacity:
    """How many of some rows can be reviewed. `Capacity.of` makes it.

    Parameters
    ----------
    alerts : float
        In all.
    days : int or None
        Over so many days; None where the rows have no times.
    given : bool
        Whether somebody said so; else it is `SHARE` of the rows.
    share : float, default=1.0
        Of the records of those days, the share that the rows are. Alerts come of all of them: a fifth of the records,
        such as a slice of campaigns, gets a fifth of the alerts.
    """

    alerts: float
    days: int | None
    given: bool
    share: float = 1.0

    @classmethod
    def of(cls, n_rows: int, days: int | None, alerts_a_day: float | None = None, *, share: float = 1.0) -> Self | None:
        """Tell how many of some rows can be reviewed.

        Parameters
        ----------
        n_rows : int
            Rows.
        days : int or None
            As from `n_days`.
        alerts_a_day : float, default=None
            What people can review; None for 1 % of the rows.
        share : float, default=1.0
            Of the records of those days, the share that the rows are.

        Returns
        -------
        Capacity or None
            None where alerts a day are given and the rows have no times, for then nothing can be said.

        Examples
        --------
        >>> Capacity.of(3000, 10).alerts, Capacity.of(3000, 10, 5.0).alerts, Capacity.of(3000, None, 5.0)
        (30.0, 50.0, None)
        """
        if alerts_a_day is None:
            return cls(max(1.0, SHARE * n_rows), days, False, share)
        return None if days is None else cls(min(alerts_a_day * days * share, float(n_rows)), days, True, share)

    @property
    def points(self) -> Array:
        """Numbers of alerts, `POINTS` of them up to twice the capacity."""
        return np.asarray(np.linspace(0, 2 * self.alerts, POINTS + 1)[1:])

    @property
    def place(self) -> int:
        """The place of the capacity itself among the points."""
        return POINTS // 2 - 1

    def a_day(self, alerts: float) -> float | None:
        """Return alerts a day, of all records that come.

        Parameters
        ----------
        alerts : float
            Of the rows.

        Returns
        -------
        float or None
            None where the rows have no times.
        """
        return alerts / (self.days * self.share) if self.days else None
