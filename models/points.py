"""Operating points: thresholds with their metrics, and what a false positive rate is: promised or estimated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np

from fraudsieve._translation import tr

MAX_THRESHOLD = float(np.nextafter(1.0, 2.0))
"""The threshold of a point that flags nothing, if there is a probability of one."""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and its metrics on the calibration slice."""

    name: Annotated[str, "Its target, such as false_positive_rate_0.01."]
    threshold: Annotated[float, "A record is flagged when its probability is at least this."]
    false_positive_rate: Annotated[
        float | None, "Share of the legitimate records that were flagged; null without labels."
    ]
    recall: Annotated[float | None, "Share of the fraud that was flagged; null without labels."]
    flagged: Annotated[float, "Share of all records that were flagged."]
    precision: Annotated[
        float | None, "Share of fraud in the flagged records; null without any, or without labels."
    ] = None
    alerts_a_day: Annotated[float | None, "Flagged records per day; null if the number of days is unknown."] = None
    # Each campaign or account counts once.
    max_false_positive_rate: Annotated[
        float | None, "The promised rate, over legitimate campaigns or accounts; null if none is promised."
    ] = None
    # Over calibration slices.
    confidence: Annotated[float | None, "Probability with which the promised rate is kept."] = None
    legitimate_groups: Annotated[int | None, "Number of campaigns or accounts that the rate is based on."] = None
    estimated_false_positive_rate: Annotated[
        float | None, "The rate that the point is estimated to have; null if the rate is promised, or not the target."
    ] = None
    interval: Annotated[tuple[float, float] | None, "Ends of the 95 % interval of an estimated rate."] = None
    min_recall: Annotated[
        float | None,
        "Lower bound of recall, over fraudulent campaigns or accounts; null if no rate is promised.",
    ] = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return the point of a manifest."""
        interval = content.get("interval")
        return cls(**{**content, "interval": tuple(interval) if isinstance(interval, list) else interval})

    @property
    def target_rate(self) -> float | None:
        """The false positive rate that the point is for, promised or estimated."""
        promised = self.max_false_positive_rate
        return self.estimated_false_positive_rate if promised is None else promised

    @property
    def basis(self) -> str | None:
        """Whether the rate is promised or estimated, and from what; None for another target."""
        if self.max_false_positive_rate is not None and self.confidence is not None:
            return tr(
                "at most {rate:.4g} % promised, from {groups:,} legitimate campaigns, accounts or groups "
                "({confidence:.4g} % confidence)",
                rate=100 * self.max_false_positive_rate,
                groups=self.legitimate_groups or 0,
                confidence=100 * self.confidence,
            )
        if self.estimated_false_positive_rate is None or self.interval is None:
            return None
        return tr(
            "{rate:.4g} % estimated, from {groups:,} legitimate campaigns, accounts or groups "
            "({low:.2g} to {high:.2g} %)",
            rate=100 * self.estimated_false_positive_rate,
            groups=self.legitimate_groups or 0,
            low=100 * self.interval[0],
            high=100 * self.interval[1],
        )

    @property
    def problem(self) -> str | None:
        """What is wrong with the name or a number; None if nothing is."""
        name: Any = self.name  # a manifest can hold any type
        rates = (self.false_positive_rate, self.recall, self.precision, self.target_rate, self.min_recall)
        ends: Any = self.interval or ()
        shares: list[Any] = [share for share in (self.flagged, self.confidence, *rates, *ends) if share is not None]
        alerts = 0.0 if self.alerts_a_day is None else self.alerts_a_day
        if not isinstance(name, str) or not name.isprintable():
            return "expected a printable string as name, got something else"
        if not all(isinstance(number, int | float) for number in (self.threshold, *shares, alerts)):
            return "expected numbers, got another type"
        if not 0 <= self.threshold <= MAX_THRESHOLD:
            return "expected a threshold from 0 to 1, got another value"
        if self.flagged is None or not all(0 <= share <= 1 for share in shares) or not 0 <= alerts < np.inf:
            return "expected rates from 0 to 1, and a finite number of alerts, got other values"
        groups: Any = self.legitimate_groups
        is_count = groups is None or (type(groups) is int and groups >= 0)
        return None if is_count else "expected a number of legitimate groups, got something else"


WHERE = " where "
"""Between a name and the value of a column that it is for."""


@dataclass(frozen=True)
class SourcePoints:
    """The points that decide the records of some values of a category, such as a channel."""

    # The category, which is a column of the model.
    column: str
    # By value, as the model keeps the category. Other records are decided by the first point of the model.
    points: Mapping[str, OperatingPoint]

    def named(self, name: str) -> dict[str, str]:
        """Return the name of something, such as a share of records, for each value."""
        shown = {value: value if value.isprintable() else repr(value) for value in self.points}
        return {value: f"{name}{WHERE}{self.column} is {text}" for value, text in shown.items()}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return those of a manifest."""
        return cls(content["column"], {value: OperatingPoint.of(point) for value, point in content["points"].items()})


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
