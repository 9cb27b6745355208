"""Weights of the rows of a report, and the main metrics without them.

The outcome of the operating point that decides, in numbers of records: frauds found, and reviews for them.

Rules on labelled records, counted separately: they do not change the metrics of the model.
from fraudsieve.models.scoring.scores import reached

Records that look like nothing in training: how many there are, and the metrics without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.rules.rule import Rule
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.models.scoring.scores import reached
from fraudsieve.models.unlike_training.shares import UNFAMILIAR
from fraudsieve.training.evaluation.bootstrap import Interval, effective_size
from fraudsieve.training.evaluation.fraud import fraud_metrics
from fraudsieve.training.evaluation.fraud_rows import FraudRows, TypeMetrics
from fraudsieve.training.evaluation.ranking import RANKING_METRICS
from fraudsieve.training.recipe.recipe import EvaluateRecipe


@dataclass(frozen=True, kw_only=True)
class DecisionMetrics:
    """Outcome of the decisions of a model."""

    point: str
    # A record is flagged when its probability is at least this, or when the policy of the model flags it because it
    # looks like nothing in training.
    threshold: float
    # Flagged records, frauds among them, and all frauds; of weighted records, estimates.
    reviews: int
    found: int
    frauds: int
    # Records that only the policy flags: their probability is below the threshold.
    unlike_training: int
    # Reviews per day of all records, from those records whose day is known; None without days.
    reviews_a_day: float | None
    # `found` over `frauds`, and over `reviews`, before they are rounded; None over none.
    recall: float | None
    # Over draws of accounts or campaigns; None if these are unknown.
    recall_interval: Interval | None
    precision: float | None
    precision_interval: Interval | None


def decision_metrics(rows: FraudRows, point: str, threshold: float, flagged: Array | None = None) -> DecisionMetrics:
    """Count what a model flags."""
    by_threshold = reached(rows.probability, threshold)
    flagged = by_threshold if flagged is None else flagged
    counted = flagged & rows.is_fraud, rows.is_fraud, flagged, flagged & ~by_threshold
    found, frauds, reviews, unlike = (round(float(rows.weights @ mask)) for mask in counted)
    recall, precision = rows.flagged_intervals(flagged)
    return DecisionMetrics(
        point=point,
        threshold=threshold,
        reviews=reviews,
        found=found,
        frauds=frauds,
        unlike_training=unlike,
        reviews_a_day=rows.alerts_a_day(flagged),
        recall=rows.share(flagged, rows.is_fraud),
        recall_interval=recall,
        precision=rows.share(rows.is_fraud, flagged),
        precision_interval=precision,
    )


PLAIN: Final = (
    *RANKING_METRICS,
    "recall_at_capacity",
    "precision_at_capacity",
    "log_loss",
)
"""Metrics that a weighted report has without weights too."""
UNWEIGHTED: Final = (
    "The score distribution, the largest errors and numbers of rows are of the labelled records as they are, without "
    "weights."
)


@dataclass(frozen=True, kw_only=True)
class RowWeights:
    """What weighted rows stand for."""

    # Rows that were drawn with a probability below 1.
    drawn: int
    records: float
    frauds: float
    effective_rows: float
    effective_frauds: float

    @classmethod
    def of(cls, weight: Array | None, is_fraud: Array) -> "RowWeights | None":
        """Count what rows stand for; None if they have no weights."""
        if weight is None:
            return None
        return RowWeights(
            drawn=int((weight > 1).sum()),
            records=float(weight.sum()),
            frauds=float(weight @ is_fraud),
            effective_rows=effective_size(weight),
            effective_frauds=effective_size(weight * is_fraud),
        )

    @property
    def sentence(self) -> str:
        """What the metrics are computed from."""
        return tr(
            "These figures are weighted by inclusion probabilities: {drawn:,} records were drawn, and with the other "
            "labelled ones they stand for {records} records, {frauds} of them fraud. They tell as much as {rows} "
            "records of equal weight, and the frauds as much as {effective} frauds.",
            drawn=self.drawn,
            records=f"{self.records:,.0f}",
            frauds=f"{self.frauds:,.0f}",
            rows=f"{self.effective_rows:,.0f}",
            effective=f"{self.effective_frauds:,.1f}",
        )


@dataclass(frozen=True, kw_only=True)
class Weighting(RowWeights):
    """The weights of the rows of a report, and its main metrics without them."""

    # The main metrics if each row stands for itself alone, and `recall` and `precision` of the decisions.
    plain: Mapping[str, float | None]
    plain_intervals: Mapping[str, Interval | None]

    @classmethod
    def of_report(
        cls,
        rows: FraudRows,
        settings: EvaluateRecipe,
        points: Sequence[OperatingPoint] = (),
        flagged: Array | None = None,
    ) -> Self | None:
        """Count what rows stand for, and compute the plain metrics; None if the rows have no weights.

        The settings, points and flags are those of `fraud_metrics` and `decision_metrics`.
        """
        weights = RowWeights.of(rows.weight, rows.is_fraud)
        if weights is None:
            return None
        metrics = fraud_metrics(replace(rows.plain, share_of_all=1.0), settings)
        plain = {name: getattr(metrics, name) for name in PLAIN}
        intervals = {name: metrics.intervals.get(name) for name in PLAIN}
        if points:
            decision = decision_metrics(rows.plain, points[0].name, points[0].threshold, flagged)
            plain |= {"recall": decision.recall, "precision": decision.precision}
            intervals |= {"recall": decision.recall_interval, "precision": decision.precision_interval}
        return cls(**vars(weights), plain=plain, plain_intervals=intervals)

    def with_types(self, plain: TypeMetrics) -> Self:
        """Add the plain metrics of types."""
        metrics = {**self.plain, "macro_f1": plain.macro_f1, "accuracy": plain.accuracy}
        return replace(self, plain=metrics, plain_intervals={**self.plain_intervals, **plain.intervals})


@dataclass(frozen=True, kw_only=True)
class RuleMetrics:
    """The records that a rule decides."""

    id: str
    action: str
    reason: str
    # Its last day, or the time at which it ends; None for no end.
    until: str | None
    # Whether it is expired, so that it decides nothing.
    expired: bool
    records: int
    # Fraudulent ones among them; None without a legitimate class.
    frauds: int | None
    # Records that it decides otherwise than the model; None without operating points.
    changed: int | None
    # Fraudulent ones among these: found by a rule that flags, missed by one that passes.
    changed_frauds: int | None

    @classmethod
    def of(cls, rule: Rule, decided: Array, is_fraud: Array | None, flagged: Array | None, *, expired: bool) -> Self:
        """Count the records that a rule decides."""
        changed = None if flagged is None else decided & (flagged != (rule.action == "flag"))
        return cls(
            id=rule.id,
            action=rule.action,
            reason=rule.reason,
            until=None if rule.until is None else rule.until.isoformat(),
            expired=expired,
            records=int(decided.sum()),
            frauds=None if is_fraud is None else int((decided & is_fraud).sum()),
            changed=None if changed is None else int(changed.sum()),
            changed_frauds=None if changed is None or is_fraud is None else int((changed & is_fraud).sum()),
        )


def rule_metrics(
    rules: RuleSet, columns: Mapping[str, Sequence[Any]], n: int, is_fraud: Array | None, flagged: Array | None
) -> tuple[RuleMetrics, ...]:
    """Return the metrics of the rules that are in force now, and those that are expired, in their order."""
    matched, expired = rules.match(columns, n), rules.expired()
    return tuple(
        RuleMetrics.of(rule, np.equal(matched, position), is_fraud, flagged, expired=rule.id in expired)
        for position, rule in enumerate(rules.rules)
    )


N_BINS = 20
EXPECTED = round(1 - UNFAMILIAR, 6)
"""Share of unfamiliar records among those like the records of training."""


@dataclass(frozen=True, kw_only=True)
class UnlikeMetrics:
    """Records that look like nothing in training, those with an ``unlike_training`` above .99."""

    rows: int
    # The frauds among them; None if all records are of one kind.
    frauds: int | None
    # Their share, and that of records like those of training: .01.
    share: float
    expected: float
    # Of the share, over draws of accounts or campaigns; None if these are unknown.
    interval: Interval | None
    # On all other records; None if they have one kind only.
    average_precision: float | None
    # Share of the records in each twentieth of `unlike_training`. Where records are like those of training, all are
    # about .05.
    distribution: tuple[float, ...]

    @property
    def is_clearly_more(self) -> bool:
        """Whether more records than twice the expected share are unfamiliar, with the whole interval."""
        return (self.share if self.interval is None else self.interval[0]) > 2 * self.expected

    @classmethod
    def of(cls, rows: FraudRows, unlike: Array) -> Self | None:
        """Count unfamiliar records; None if no record has an ``unlike_training``."""
        known = ~np.isnan(unlike)
        if not known.any():
            return None
        rows, unlike = rows.part(known), unlike[known]
        unfamiliar = unlike > UNFAMILIAR
        others = rows.part(~unfamiliar)
        counts = np.histogram(unlike, bins=N_BINS, range=(0.0, 1.0))[0]
        return cls(
            rows=int(unfamiliar.sum()),
            frauds=int(rows.is_fraud[unfamiliar].sum()) if rows.both else None,
            share=rows.share(unfamiliar) or 0.0,
            expected=EXPECTED,
            interval=rows.share_interval(unfamiliar),
            average_precision=others.average_precision(),
            distribution=tuple(float(count) / len(unlike) for count in counts),
        )
