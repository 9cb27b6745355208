"""The shares of records that a model expects to be unlike training, and to be flagged, on traffic like its own.

On the scale of the arcsine of its root, a share has a standard error that hardly depends on the share (Anscombe, 1948,
"The transformation of Poisson, binomial and negative-binomial data"). There, the variance of the share of ``n`` records
has two parts: that of independent records, which falls with ``n``, and the spread, which stays. So an interval for any
number of records follows from two numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, pi, sin, sqrt
from typing import Any, Final, NamedTuple

from fraudsieve.models.points import WHERE

UNLIKE: Final = "unlike_training"
FLAGGED: Final = "flagged"
WORDS: Final = {UNLIKE: "unlike training", FLAGGED: "flagged"}
MIN_RECORDS: Final = 200
"""With fewer records, a share says little about the traffic."""
ERRORS: Final = 3.3
"""Half the length of an interval in standard errors: one in a thousand shares of the same traffic lies outside."""
MAX_SPREAD: Final = 1e9


class ShareCount(NamedTuple):
    """How many of some records count for a share."""

    hits: int
    records: int


@dataclass(frozen=True)
class UnusualShare:
    """A share that lies outside the interval that the model expects."""

    name: str
    share: float
    records: int
    low: float
    high: float

    @property
    def kind(self) -> str:
        """The name without the value of a column."""
        return self.name.partition(WHERE)[0]

    @property
    def text(self) -> str:
        """What came, and what was expected."""
        bound = f"at most {_percent(self.high)}" if self.share > self.high else f"at least {_percent(self.low)}"
        records = f"{self.records:,} records{self.name.removeprefix(self.kind)}"
        return f"{_percent(self.share)} of {records} are {WORDS[self.kind]}; expected {bound}"


@dataclass(frozen=True)
class ExpectedShare:
    """A share of the records on which a model was calibrated, and how much it varies on the same traffic."""

    # Which records count: those whose `unlike_training` is above .99, or those that the deciding point flags; of all
    # records, or of those that have a value of the column of `SourcePoints`.
    name: str
    share: float
    # The part of the variance that does not fall with the number of records, divided by `share * (1 - share)`: between
    # campaigns or accounts, and over time.
    spread: float

    def interval(self, n: int) -> tuple[float, float]:
        """Return the interval of the share of `n` records of the same traffic.

        That fewer records than usual are unlike training is no warning.
        """
        center, half = asin(sqrt(self.share)), ERRORS / 2 * sqrt(1 / n + self.spread)
        low = 0.0 if self.name == UNLIKE else sin(max(center - half, 0.0)) ** 2
        return low, sin(min(center + half, pi / 2)) ** 2

    def check(self, count: ShareCount) -> UnusualShare | None:
        """Return the share of some records if it lies outside the interval; None if not, or for too few records."""
        if count.records < MIN_RECORDS:
            return None
        (low, high), share = self.interval(count.records), count.hits / count.records
        return None if low <= share <= high else UnusualShare(self.name, share, count.records, low, high)

    @property
    def problem(self) -> str | None:
        """What is wrong with the name or a number; None if nothing is."""
        name: Any = self.name  # a manifest can hold any type
        numbers: tuple[Any, ...] = (self.share, self.spread)
        if not isinstance(name, str) or name.partition(WHERE)[0] not in WORDS:
            return "expected unlike_training or flagged, got another name"
        if not all(isinstance(number, int | float) for number in numbers):
            return "expected numbers, got another type"
        if not 0 < self.share < 1 or not 0 <= self.spread <= MAX_SPREAD:
            return "expected a share between 0 and 1 and a spread of at least 0, got other values"
        return None


def expected_problem(shares: Sequence[ExpectedShare]) -> str | None:
    """Return what is wrong with the expected shares of a model; None if nothing is."""
    problem = next((share.problem for share in shares if share.problem is not None), None)
    if problem is None and len({share.name for share in shares}) < len(shares):
        return "expected each share once, got one several times"
    return problem


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
