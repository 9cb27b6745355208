"""Operating points: thresholds with their metrics, and points that the calibration slice is too small for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fraudsieve._translation import tr

MAX_THRESHOLD = float(np.nextafter(1.0, 2.0))
"""The threshold of a point that flags nothing, if there is a probability of one."""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and its metrics on the calibration slice.

    Parameters
    ----------
    name : str
        Its target, such as ``false_positive_rate_0.01``.
    threshold : float
        A record is flagged when its probability is at least this.
    false_positive_rate : float or None
        Share of the legitimate records that were flagged; None if labels are not known.
    recall : float or None
        Share of the fraud that was flagged; None if labels are not known.
    flagged : float
        Share of all records that were flagged.
    precision : float, default=None
        Share of the flagged records that were fraud; None if none was flagged, or labels are not known.
    alerts_a_day : float, default=None
        Flagged records per day; None if the number of days is unknown.
    max_false_positive_rate : float, default=None
        The promised rate, if the target is a false positive rate. It is counted over legitimate campaigns or accounts,
        each of which counts once.
    confidence : float, default=None
        Probability, over calibration slices, that the true rate is at most the promised one.
    legitimate_groups : int, default=None
        Number of campaigns or accounts that the promise is based on.

    Examples
    --------
    >>> OperatingPoint("p", 0.9, 0.002, 0.5, 0.1, max_false_positive_rate=0.01, confidence=0.95).problem is None
    True
    """

    name: str
    threshold: float
    false_positive_rate: float | None
    recall: float | None
    flagged: float
    precision: float | None = None
    alerts_a_day: float | None = None
    max_false_positive_rate: float | None = None
    confidence: float | None = None
    legitimate_groups: int | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with the name or a number; None if nothing is."""
        name: Any = self.name  # a manifest can hold any type
        optional = (self.false_positive_rate, self.recall, self.precision, self.max_false_positive_rate)
        shares: list[Any] = [share for share in (self.flagged, *optional, self.confidence) if share is not None]
        alerts = 0.0 if self.alerts_a_day is None else self.alerts_a_day
        if not isinstance(name, str) or not name.isprintable():
            return "expected a printable string as name, got something else"
        if not all(isinstance(number, int | float) for number in (self.threshold, *shares, alerts)):
            return "expected numbers, got another type"
        if not 0 <= self.threshold <= MAX_THRESHOLD:
            return "expected a threshold from 0 to 1, got another value"
        if self.flagged is None or not all(0 <= share <= 1 for share in shares) or not 0 <= alerts < np.inf:
            return "expected rates from 0 to 1, and a finite number of alerts, got other values"
        return None if self.legitimate_groups is None else _count_problem(self.legitimate_groups)


@dataclass(frozen=True)
class AbsentPoint:
    """A false positive rate that cannot be promised, because there are too few legitimate groups.

        Parameters
        ----------
        name : str
            The name of the point, such as ``false_positive_rate_0.001``.
        max_false_positive_rate : float
            The rate that was to be promised.
        confidence : float
            The confidence with which it was to be promised.
        legitimate_groups : int
            Legitimate campaigns or accounts of the calibration slice.
        needed_groups : int
            The smallest number with which the rate can be promised.

        Examples
        --------
        >>> AbsentPoint("false_positive_rate_0.001", 0.001, 0.95, 800, 2995).reason
        'false_positive_rate_0.001 is absent: a rate of at most 0.1 % needs 2,995 legitimate campaigns or accounts to \
    calibrate on (95 % confidence), there are 800: label 2,195 more'
    """

    name: str
    max_false_positive_rate: float
    confidence: float
    legitimate_groups: int
    needed_groups: int

    @property
    def missing_groups(self) -> int:
        """Number of further legitimate groups that are needed."""
        return self.needed_groups - self.legitimate_groups

    @property
    def reason(self) -> str:
        """The reason why the point is absent, and what to do."""
        return tr(
            "{name} is absent: a rate of at most {rate:.4g} % needs {needed:,} legitimate campaigns or accounts to "
            "calibrate on ({confidence:.4g} % confidence), there are {found:,}: label {missing:,} more",
            name=self.name,
            rate=100 * self.max_false_positive_rate,
            needed=self.needed_groups,
            confidence=100 * self.confidence,
            found=self.legitimate_groups,
            missing=self.missing_groups,
        )

    @property
    def problem(self) -> str | None:
        """What is wrong with the name or a number; None if nothing is."""
        name: Any = self.name
        rates: tuple[Any, ...] = (self.max_false_positive_rate, self.confidence)
        if not isinstance(name, str) or not name.isprintable():
            return "expected a printable string as name, got something else"
        if not all(isinstance(rate, int | float) and 0 < rate < 1 for rate in rates):
            return "expected rates between 0 and 1, got other values"
        return _count_problem(self.legitimate_groups) or _count_problem(self.needed_groups)


@dataclass(frozen=True)
class RatioSupport:
    """The bounds of likelihood ratios that the calibration slice supports, and the counts behind its rates.

    Parameters
    ----------
    log10_low, log10_high : float
        The empirical lower and upper bound (ELUB) of a likelihood ratio, in powers of ten.
    fraud_share : float
        Share of fraud in the slice. Its odds are the prior odds.
    frauds, legitimate : int
        Rows of each kind.
    fraud_groups, legitimate_groups : int
        Campaigns or accounts of each kind; the rows of one of them are not independent.

    Examples
    --------
    >>> RatioSupport(-1.5, 2.0, 0.1, 100, 900, 40, 700).problem is None
    True
    """

    log10_low: float
    log10_high: float
    fraud_share: float
    frauds: int
    legitimate: int
    fraud_groups: int
    legitimate_groups: int

    @property
    def problem(self) -> str | None:
        """What is wrong with a number; None if nothing is."""
        numbers: tuple[Any, ...] = (self.log10_low, self.log10_high, self.fraud_share)
        if not all(isinstance(number, int | float) and np.isfinite(number) for number in numbers):
            return "expected finite bounds of likelihood ratios, got other values"
        if not self.log10_low <= 0 <= self.log10_high or not 0 < self.fraud_share < 1:
            return "expected bounds around 0 and a share between 0 and 1, got other values"
        counts = (self.frauds, self.legitimate, self.fraud_groups, self.legitimate_groups)
        if any(type(count) is not int or count < 1 for count in counts):
            return "expected numbers of records and groups of both kinds, got something else"
        return None


def _count_problem(count: Any) -> str | None:
    return "expected a number of legitimate groups, got something else" if type(count) is not int or count < 0 else None
