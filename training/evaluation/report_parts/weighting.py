"""Weights of the rows of a report, and the main metrics without them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.models.points import OperatingPoint
from fraudsieve.training.evaluation.bootstrap import Interval, effective_size
from fraudsieve.training.evaluation.fraud import fraud_metrics
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.ranking import RANKING_METRICS
from fraudsieve.training.evaluation.types import TypeMetrics
from fraudsieve.training.recipe.recipe import EvaluateRecipe

from .decision import decision_metrics

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
        *,
        flagged: Array | None = None,
        **context: Any,
    ) -> Self | None:
        """Count what rows stand for, and compute the plain metrics; None if the rows have no weights.

        The settings, points, flags and further arguments are those of `fraud_metrics` and `decision_metrics`.
        """
        weights = RowWeights.of(rows.weight, rows.is_fraud)
        if weights is None:
            return None
        metrics = fraud_metrics(rows.plain, settings, **context)
        plain = {name: getattr(metrics, name) for name in PLAIN}
        intervals = {name: metrics.intervals.get(name) for name in PLAIN}
        if points:
            decision = decision_metrics(rows.plain, points[0].name, points[0].threshold, flagged=flagged)
            plain |= {"recall": decision.recall, "precision": decision.precision}
            intervals |= {"recall": decision.recall_interval, "precision": decision.precision_interval}
        return cls(**vars(weights), plain=plain, plain_intervals=intervals)

    def with_types(self, plain: TypeMetrics) -> Self:
        """Add the plain metrics of types."""
        metrics = {**self.plain, "macro_f1": plain.macro_f1, "accuracy": plain.accuracy}
        return replace(self, plain=metrics, plain_intervals={**self.plain_intervals, **plain.intervals})
