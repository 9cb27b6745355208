"""Labels mature: how long they take, and how many are still to come.

A subject without a label is one that waits for it, never a legitimate one. How long labels take is read off those that
have one and those that still wait: the young ones say that nothing came so far, not that nothing will. Whose label
counts, of several, is said by `label_trust`.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError

__all__ = ["MATURE", "DelayCurve", "delay_curve", "maturity_gap", "maturity_gaps", "seen_until"]


MATURE: Final = 0.95
"""Labels are mature when this share of those that will come is there."""
MOMENTS: Final = ("as_of", "sent_at", "occurred_at")
"""Columns that say from when on a label could come; the first that is there counts."""
DAY: Final = 86_400.0
"""In seconds."""


@dataclass(frozen=True, eq=False)
class DelayCurve:
    """The share of subjects that have a label, by their age.

    Parameters
    ----------
    ages : ndarray of float64, shape (n_steps,), in days
        The ages at which labels came, ascending.
    known : ndarray of float64, shape (n_steps,)
        Share of all subjects that have the label by that age.
    n_labelled, n_waiting : int
        Subjects with the label, and subjects without any.

    Examples
    --------
    >>> curve = DelayCurve(np.array([1.0, 4.0]), np.array([0.3, 0.6]), n_labelled=6, n_waiting=4)
    >>> curve.known_by(2.0), curve.share_to_come(2.0), curve.age_at(0.95)
    (0.3, 0.5, 4.0)
    """

    ages: Array
    known: Array
    n_labelled: int
    n_waiting: int

    def known_by(self, age: Any) -> Any:
        """Return the share of subjects that have the label by an age, or by each of several, in days."""
        found = np.append(0.0, self.known)[np.searchsorted(self.ages, age, "right")]
        return float(found) if np.ndim(age) == 0 else found

    def share_to_come(self, age: Any) -> Any:
        """Return the share of the labels that are still to come at an age, or at each of several, in days.

        Of those that come within the longest delay seen: what takes longer than the data last cannot be seen. NaN when
        none ever came.
        """
        if not len(self.known):
            return np.full(np.shape(age), np.nan) if np.ndim(age) else float("nan")
        return 1 - self.known_by(age) / float(self.known[-1])

    def chance_to_come(self, age: Any, any_label: "DelayCurve | None" = None) -> Any:
        """Return how likely those that wait at an age, or at each of several, are to get the label later, in days.

        Within the longest delay seen, as in `share_to_come`; 0 when none ever came.

        Parameters
        ----------
        age : float or array-like
            Ages, in days.
        any_label : DelayCurve, default=None
            The curve of any label, where this one is of one class: those that wait have none of any class. None where
            this is that curve.

        Returns
        -------
        float or ndarray

        Examples
        --------
        Of ten subjects three had the label after a day, and three more after four; of the seven in between:

        >>> curve = DelayCurve(np.array([1.0, 4.0]), np.array([0.3, 0.6]), n_labelled=6, n_waiting=4)
        >>> round(curve.chance_to_come(2.0), 3)
        0.429
        """
        waiting = np.asarray(1 - (any_label or self).known_by(age))
        later = (self.known[-1] if len(self.known) else 0.0) - np.asarray(self.known_by(age))
        # Where all had one nobody waits; sums of shares miss 1, or 0, by a hair.
        found = np.where(waiting > 1e-9, np.maximum(later, 0.0) / np.maximum(waiting, 1e-9), 0.0)
        return float(found) if np.ndim(age) == 0 else found

    def age_at(self, share: float) -> float:
        """Return the age, in days, by which a share of the labels that come is there; 0 when none ever came."""
        if not len(self.known):
            return 0.0
        # A hair less: sums of shares do not reach a round number.
        return float(self.ages[np.searchsorted(self.known, share * self.known[-1] * (1 - 1e-9))])


def delay_curve(subjects: pd.DataFrame, *, label: str | None = None, until: Any = None) -> DelayCurve:
    """Estimate what share of subjects has a label, by age.

    The estimate of Kaplan and Meier (1958): a subject that waits counts as long as it is known to wait. The curve of
    one class is the cumulative incidence of Aalen and Johansen (1978), in which the labels of other classes compete;
    the curves of all classes add up to that of any label.

    Parameters
    ----------
    subjects : DataFrame, shape (n_subjects, any)
        ``as_of``, ``sent_at`` or ``occurred_at``, ``labelled_at``, and ``label``, missing where there is none yet. A
        label without ``labelled_at`` was always there: it says nothing of delays, nor does a subject without a moment.
        Without a column ``label`` nobody waits.
    label : str, default=None
        The class; None for any.
    until : datetime, default=None
        What became known at that moment or later is not looked at; None looks at all.

    Returns
    -------
    DelayCurve
        A step for every age at which a label came.

    Raises
    ------
    SchemaError
        When there is no column of moments, or no ``labelled_at``.

    Examples
    --------
    Labels came after one day and after three; of the two subjects that wait, one is younger than that:

    >>> sent = pd.to_datetime(pd.Series(["2026-05-01"] * 3 + ["2026-05-03"]))
    >>> labelled = pd.to_datetime(pd.Series(["2026-05-02", "2026-05-04", None, None]))
    >>> frame = pd.DataFrame({"sent_at": sent, "labelled_at": labelled, "label": ["spam", "spam", None, None]})
    >>> curve = delay_curve(frame)
    >>> curve.ages.tolist(), curve.known.round(3).tolist()
    ([1.0, 3.0], [0.25, 0.625])
    """
    moments, labelled = _moments(subjects), _times(subjects, "labelled_at")
    waits = subjects["label"].isna().to_numpy() if "label" in subjects else np.zeros(len(subjects), bool)
    asked = moments.notna().to_numpy() & (waits | labelled.notna().to_numpy())
    end = seen_until(subjects)
    if until is not None:
        end = pd.to_datetime(until, utc=True)
        asked &= (moments < end).to_numpy()
        waits = waits | ~(labelled < end).to_numpy()
    of_class = asked & ~waits
    if label is not None:
        of_class &= (subjects["label"] == label).to_numpy()
    days = (labelled.where(~waits, end) - moments).dt.total_seconds().to_numpy() / DAY
    ages, known = _incidence(np.maximum(days[asked], 0.0), ~waits[asked], of_class[asked])
    return DelayCurve(ages, known, int(of_class.sum()), int((asked & waits).sum()))


def _incidence(days: Array, came: Array, of_class: Array) -> tuple[Array, Array]:
    """Return the steps of the cumulative incidence: who leaves at an age was there up to it."""
    ages, place = np.unique(days, return_inverse=True)
    at_risk = len(days) - np.append(0, np.cumsum(np.bincount(place)))[:-1]
    waiting = np.cumprod(1 - np.bincount(place, came, len(ages)) / at_risk)
    counts = np.bincount(place, of_class, len(ages))
    known = np.cumsum(np.append(1.0, waiting)[:-1] * counts / at_risk)
    return ages[counts > 0], known[counts > 0]


def maturity_gap(
    subjects: pd.DataFrame, *, label: str | None = None, share: float = MATURE, until: Any = None
) -> float:
    """Return how long it takes until labels are mature.

    Parameters
    ----------
    subjects : DataFrame, shape (n_subjects, any)
        As for `delay_curve`.
    label : str, default=None
        The class; None for any.
    share : float, default=0.95
        Share of the labels that come: the percentile of the delays.
    until : datetime, default=None
        As for `delay_curve`.

    Returns
    -------
    float
        In days; 0 when no label has a time.

    Examples
    --------
    >>> sent = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True))
    >>> maturity_gap(pd.DataFrame({"sent_at": sent, "labelled_at": sent + pd.Timedelta(days=3)}))
    3.0
    """
    return delay_curve(subjects, label=label, until=until).age_at(share)


def maturity_gaps(subjects: pd.DataFrame, *, share: float = MATURE, until: Any = None) -> dict[str, float]:
    """Return how long it takes until the labels of each class are mature: those of fraud often come later.

    Parameters
    ----------
    subjects : DataFrame, shape (n_subjects, any)
        As for `delay_curve`, with ``label``.
    share : float, default=0.95
        Share of the labels that come.
    until : datetime, default=None
        As for `delay_curve`.

    Returns
    -------
    dict of str to float
        In days, by class; the classes sorted.

    Examples
    --------
    >>> sent = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-01"], utc=True))
    >>> labelled = sent + pd.to_timedelta([30, 2], unit="D")
    >>> maturity_gaps(pd.DataFrame({"sent_at": sent, "labelled_at": labelled, "label": ["fraud", "legitimate"]}))
    {'fraud': 30.0, 'legitimate': 2.0}
    """
    classes = sorted(subjects["label"].dropna().unique().tolist())
    return {str(name): maturity_gap(subjects, label=name, share=share, until=until) for name in classes}


def seen_until(subjects: pd.DataFrame) -> pd.Timestamp:
    """Return until when subjects and their labels were looked at: a subject that waits has waited until then.

    Parameters
    ----------
    subjects : DataFrame, shape (n_subjects, any)
        As for `delay_curve`.

    Returns
    -------
    Timestamp
        The latest moment of a subject or of a label, UTC; NaT where there is none.

    Examples
    --------
    >>> sent, labelled = pd.to_datetime(["2026-05-01"], utc=True), pd.to_datetime(["2026-05-03"], utc=True)
    >>> str(seen_until(pd.DataFrame({"sent_at": sent, "labelled_at": labelled})).date())
    '2026-05-03'
    """
    return cast(pd.Timestamp, pd.concat([_moments(subjects), _times(subjects, "labelled_at")]).max())


def _moments(subjects: pd.DataFrame) -> pd.Series:
    name = next((name for name in MOMENTS if name in subjects), None)
    if name is None:
        raise SchemaError("subjects", f"one of the columns {', '.join(MOMENTS)} was expected, none came", "Give one.")
    return _times(subjects, name)


def _times(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        raise SchemaError("subjects", f"column {name!r} is missing", "Give it, empty where nothing is known.")
    return pd.to_datetime(frame[name], utc=True)
