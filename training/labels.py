"""Labels: how long they take to mature, how far they can be trusted, and what was known at a time.

A subject without a label is waiting for one; it is never treated as legitimate. Delays are estimated from the subjects
that have a label and those that are still waiting, which are right-censored. If a subject has several labels, see
`label_as_of` for the one that counts.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import Trust, labels_that_counted


def reversals(
    labels: pd.DataFrame, cutoff: Any = None, *, trust: Trust | None = None, by_source: bool = False
) -> pd.DataFrame:
    """Count how often the label that counts was replaced by a different one.

    Parameters
    ----------
    labels : DataFrame, shape (n_labels, any)
    cutoff : datetime, default=None
        Only labels known strictly before it are used; None uses all labels.
    trust : Trust, default=None
        Weights of sources; None gives all the same weight.
    by_source : bool, default=False
        Whether to count separately by the source of the label that was replaced.

    Returns
    -------
    DataFrame, shape (n_pairs, 3 or 4)
        ``from``, ``to``, ``source`` if `by_source` is true, and ``count``, in descending order of the count.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": ["a", "a", "b"], "label": ["spam", "legitimate", "spam"],
    ...     "labelled_at": ["2026-05-01", "2026-05-09", "2026-05-01"]})
    >>> reversals(labels).to_dict("records")
    [{'from': 'spam', 'to': 'legitimate', 'count': 1}]
    """
    counting = labels_that_counted(labels, cutoff, trust=trust)
    before = counting.groupby("subject_id", sort=False)[["label", "source"]].shift()
    changed = before["label"].notna() & (before["label"] != counting["label"])
    pairs = pd.DataFrame({"from": before["label"], "to": counting["label"], "source": before["source"]})[changed]
    names = ["from", "to", "source"] if by_source else ["from", "to"]
    counts = pairs.groupby(names, observed=True, dropna=False).size().reset_index(name="count")
    return counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)


MATURE: Final = 0.95
"""Labels are mature when this share of those that will arrive has arrived."""
CUTOFF_COLUMNS: Final = ("as_of", "sent_at", "occurred_at")
"""Columns with the time from which a label can arrive; the first that a table has is used."""
RATE: Final = "sampling_rate"
"""The column of the share of the rows like this one that were drawn, if a table is a sample: it stands for 1 / rate."""
FRAUD: Final = "fraud"
"""What `kind_curves` calls all labels but that of legitimate subjects."""
DAY: Final = 86_400.0
"""Seconds per day."""


@dataclass(frozen=True, eq=False)
class DelayCurve:
    """The share of subjects that have a label, by age.

    Parameters
    ----------
    ages : ndarray of float64, shape (n_steps,), in days
        The ages at which labels arrived, ascending.
    shares : ndarray of float64, shape (n_steps,)
        Share of all subjects that have the label by each age.
    n_labelled, n_waiting : int
        Subjects with the label, and subjects without any.

    Examples
    --------
    >>> curve = DelayCurve(np.array([1.0, 4.0]), np.array([0.3, 0.6]), n_labelled=6, n_waiting=4)
    >>> curve.known_by(2.0), curve.share_to_come(2.0), curve.age_at(0.95)
    (0.3, 0.5, 4.0)
    """

    ages: Array
    shares: Array
    n_labelled: int
    n_waiting: int

    def known_by(self, age: Any) -> Any:
        """Return the share of subjects that have the label by an age, or by each of several, in days."""
        known = np.append(0.0, self.shares)[np.searchsorted(self.ages, age, "right")]
        return float(known) if np.ndim(age) == 0 else known

    def share_to_come(self, age: Any) -> Any:
        """Return the share of the labels that are still to come at an age, or at each of several, in days.

        Only labels that arrive within the longest observed delay count. NaN if no label has arrived.
        """
        if not len(self.shares):
            return np.full(np.shape(age), np.nan) if np.ndim(age) else float("nan")
        return 1 - self.known_by(age) / float(self.shares[-1])

    def chance_to_come(self, age: Any, any_label: "DelayCurve | None" = None) -> Any:
        """Return the probability that a subject waiting at an age, or at each of several, gets the label later.

        Only labels within the longest observed delay count, as in `share_to_come`. 0 if no label has arrived.

        Parameters
        ----------
        age : float or array-like
            Ages, in days.
        any_label : DelayCurve, default=None
            The curve of any label, if this curve is of one class: a waiting subject has no label of any class. None if
            this curve is of any label.

        Returns
        -------
        float or ndarray

        Examples
        --------
        Three of ten subjects have the label after one day, and three more after four days:

        >>> curve = DelayCurve(np.array([1.0, 4.0]), np.array([0.3, 0.6]), n_labelled=6, n_waiting=4)
        >>> round(curve.chance_to_come(2.0), 3)
        0.429
        """
        waiting = np.asarray(1 - (any_label or self).known_by(age))
        later = (self.shares[-1] if len(self.shares) else 0.0) - np.asarray(self.known_by(age))
        # If all have a label none is waiting; sums of shares differ from 1 and 0 by rounding.
        chances = np.where(waiting > 1e-9, np.maximum(later, 0.0) / np.maximum(waiting, 1e-9), 0.0)
        return float(chances) if np.ndim(age) == 0 else chances

    def age_at(self, share: float) -> float:
        """Return the age, in days, by which a share of the labels has arrived; 0 if none has."""
        if not len(self.shares):
            return 0.0
        # Slightly less, because sums of shares do not reach a round number exactly.
        return float(self.ages[np.searchsorted(self.shares, share * self.shares[-1] * (1 - 1e-9))])


def delay_curve(subjects: pd.DataFrame, *, label: str | None = None, until: Any = None) -> DelayCurve:
    """Estimate what share of subjects has a label, by age.

    This is the estimator of Kaplan and Meier (1958), in which a waiting subject is right-censored. The curve of one
    class is the cumulative incidence of Aalen and Johansen (1978), where labels of other classes are competing events.
    The curves of all classes add up to the curve of any label.

    Parameters
    ----------
    subjects : DataFrame, shape (n_subjects, any)
        ``as_of``, ``sent_at`` or ``occurred_at``, ``labelled_at``, and ``label``, missing if there is none yet. A label
        without ``labelled_at``, and a subject without a cutoff time, carry no information on delays and are ignored.
        Without a column ``label`` no subject is waiting. If a sample has ``sampling_rate``, the shares are those of all
        subjects that it was drawn from.
    label : str, default=None
        The class; None for any.
    until : datetime, default=None
        Labels that became known at this time or later are ignored; None uses all.

    Returns
    -------
    DelayCurve
        A step for every age at which a label arrived.

    Raises
    ------
    SchemaError
        If there is no column of cutoff times, or no ``labelled_at``.

    Examples
    --------
    Labels arrive after one day and after three; one of the two waiting subjects is younger than three days:

    >>> sent = pd.to_datetime(pd.Series(["2026-05-01"] * 3 + ["2026-05-03"]))
    >>> labelled = pd.to_datetime(pd.Series(["2026-05-02", "2026-05-04", None, None]))
    >>> frame = pd.DataFrame({"sent_at": sent, "labelled_at": labelled, "label": ["spam", "spam", None, None]})
    >>> curve = delay_curve(frame)
    >>> curve.ages.tolist(), curve.shares.round(3).tolist()
    ([1.0, 3.0], [0.25, 0.625])
    """
    cutoffs, labelled = _cutoffs(subjects), _times(subjects, "labelled_at")
    waits = subjects["label"].isna().to_numpy() if "label" in subjects else np.zeros(len(subjects), bool)
    usable = cutoffs.notna().to_numpy() & (waits | labelled.notna().to_numpy())
    end = seen_until(subjects)
    if until is not None:
        end = pd.to_datetime(until, utc=True)
        usable &= (cutoffs < end).to_numpy()
        waits = waits | ~(labelled < end).to_numpy()
    of_class = usable & ~waits
    if label is not None:
        of_class &= (subjects["label"] == label).to_numpy()
    days = (labelled.where(~waits, end) - cutoffs).dt.total_seconds().to_numpy() / DAY
    stands_for = 1 / subjects[RATE].fillna(1.0).to_numpy(np.float64) if RATE in subjects else np.ones(len(subjects))
    ages, shares = _incidence(np.maximum(days[usable], 0.0), ~waits[usable], of_class[usable], stands_for[usable])
    return DelayCurve(ages, shares, int(of_class.sum()), int((usable & waits).sum()))


def _incidence(days: Array, labelled: Array, of_class: Array, weights: Array) -> tuple[Array, Array]:
    """Return the steps of the cumulative incidence; a subject is at risk up to the age at which it leaves."""
    ages, place = np.unique(days, return_inverse=True)
    leaving = np.bincount(place, weights, len(ages))
    at_risk = np.cumsum(leaving[::-1])[::-1]
    waiting = np.cumprod(1 - np.bincount(place, weights * labelled, len(ages)) / at_risk)
    counts = np.bincount(place, weights * of_class, len(ages))
    shares = np.cumsum(np.append(1.0, waiting)[:-1] * counts / at_risk)
    return ages[counts > 0], shares[counts > 0]


def maturity_gap(
    subjects: pd.DataFrame, *, label: str | None = None, share: float = MATURE, until: Any = None
) -> float:
    """Return the age at which labels are mature.

    Parameters
    ----------
    subjects : DataFrame, shape (n_subjects, any)
        As for `delay_curve`.
    label : str, default=None
        The class; None for any.
    share : float, default=0.95
        Share of the labels: the quantile of the delays.
    until : datetime, default=None
        As for `delay_curve`.

    Returns
    -------
    float
        In days; 0 if no label has a time.

    Examples
    --------
    >>> sent = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True))
    >>> maturity_gap(pd.DataFrame({"sent_at": sent, "labelled_at": sent + pd.Timedelta(days=3)}))
    3.0
    """
    return delay_curve(subjects, label=label, until=until).age_at(share)


def maturity_gaps(subjects: pd.DataFrame, *, share: float = MATURE, until: Any = None) -> dict[str, float]:
    """Return the age at which the labels of each class are mature; labels of fraud often arrive later.

    Parameters
    ----------
    subjects : DataFrame, shape (n_subjects, any)
        As for `delay_curve`, with ``label``.
    share : float, default=0.95
        Share of the labels.
    until : datetime, default=None
        As for `delay_curve`.

    Returns
    -------
    dict of str to float
        In days, by class, in sorted order.

    Examples
    --------
    >>> sent = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-01"], utc=True))
    >>> labelled = sent + pd.to_timedelta([30, 2], unit="D")
    >>> maturity_gaps(pd.DataFrame({"sent_at": sent, "labelled_at": labelled, "label": ["fraud", "legitimate"]}))
    {'fraud': 30.0, 'legitimate': 2.0}
    """
    classes = sorted(subjects["label"].dropna().unique().tolist())
    return {str(name): maturity_gap(subjects, label=name, share=share, until=until) for name in classes}


def kind_curves(subjects: pd.DataFrame, legitimate: str) -> tuple[DelayCurve, DelayCurve]:
    """Return the delay curves of all labels that mean fraud, and of those of legitimate subjects."""
    label = subjects["label"]
    kinds = subjects.assign(label=label.where(label.isna() | (label == legitimate), FRAUD))
    return delay_curve(kinds, label=FRAUD), delay_curve(kinds, label=legitimate)


def seen_until(subjects: pd.DataFrame) -> pd.Timestamp:
    """Return the end of the observation of subjects and labels: until then a waiting subject has had no label."""
    return cast(pd.Timestamp, pd.concat([_cutoffs(subjects), _times(subjects, "labelled_at")]).max())


def _cutoffs(subjects: pd.DataFrame) -> pd.Series:
    name = next((name for name in CUTOFF_COLUMNS if name in subjects), None)
    if name is None:
        problem = f"expected one of the columns {', '.join(CUTOFF_COLUMNS)}, got none of them"
        raise SchemaError("subjects", problem, "Add one.")
    return _times(subjects, name)


def _times(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        raise SchemaError("subjects", f"column {name!r} is missing", "Add it; times may be missing.")
    return pd.to_datetime(frame[name], utc=True)
