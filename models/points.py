"""Operating points: thresholds with their metrics, and points that the calibration slice is too small for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fraudsieve._translation import tr

MAX_THRESHOLD = float(np.nextafter(1.0, 2.0))
"""The threshold of a point that flags nothing, if there is a probability of one."""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and its metrics on the calibration slice."""

    # Its target, such as `false_positive_rate_0.01`.
    name: str
    # A record is flagged when its probability is at least this.
    threshold: float
    # Share of the legitimate records that were flagged; None if labels are not known.
    false_positive_rate: float | None
    # Share of the fraud that was flagged; None if labels are not known.
    recall: float | None
    flagged: float
    # Share of the flagged records that were fraud; None if none was flagged, or labels are not known.
    precision: float | None = None
    # Flagged records per day; None if the number of days is unknown.
    alerts_a_day: float | None = None
    # The promised rate, if the target is a false positive rate. It is counted over legitimate campaigns or accounts,
    # each of which counts once.
    max_false_positive_rate: float | None = None
    # Probability, over calibration slices, that the true rate is at most the promised one.
    confidence: float | None = None
    # Number of campaigns or accounts that the promise is based on.
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
    """A false positive rate that cannot be promised, because there are too few legitimate groups."""

    # The name of the point, such as `false_positive_rate_0.001`.
    name: str
    max_false_positive_rate: float
    # The confidence with which it was to be promised.
    confidence: float
    # Legitimate campaigns or accounts of the calibration slice.
    legitimate_groups: int
    # The smallest number with which the rate can be promised.
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
    """The bounds of likelihood ratios that the calibration slice supports, and the counts behind its rates."""

    # The empirical lower and upper bound (ELUB) of a likelihood ratio, in powers of ten.
    log10_low: float
    log10_high: float
    # Share of fraud in the slice. Its odds are the prior odds.
    fraud_share: float
    frauds: int
    legitimate: int
    # Campaigns or accounts of each kind; the rows of one of them are not independent.
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
