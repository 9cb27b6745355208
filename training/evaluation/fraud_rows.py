"""Scored rows of two kinds, fraud and legitimate, and the metrics of a slice of them.

Metrics of types: whether fraud is assigned to the right type.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support, roc_auc_score, roc_curve

from fraudsieve._typing import Array
from fraudsieve.models.scoring.scores import reached

from .bootstrap import Interval, Replicates, bootstrap_f1, bootstrap_ranking, percentile_interval, share_intervals
from .capacity import Capacity, RowCosts, count_days
from .ranking import FIXED_RATE, Hidden, Ranking, UnseenFrauds


@dataclass(frozen=True, kw_only=True)
class SliceMetrics:
    """Metrics of a slice of the rows; recall, precision and false positive rate are at one threshold for all rows.

    ``interval`` is that of the average precision. None if a metric cannot be computed.
    """

    rows: int
    frauds: int
    base_rate: float
    average_precision: float | None
    interval: Interval | None
    roc_auc: float | None
    recall: float | None
    recall_interval: Interval | None
    precision: float | None
    precision_interval: Interval | None
    false_positive_rate: float | None
    false_positive_rate_interval: Interval | None
    mean_probability: float
    observed_over_expected: float | None
    observed_over_expected_interval: Interval | None


@dataclass(frozen=True, eq=False)
class FraudRows:
    """Scored rows and their truth."""

    # Shape (n_rows,). Calibrated probability of fraud.
    probability: Array
    # Shape (n_rows,). The truth.
    is_fraud: Array
    # Shape (n_rows,). The account or campaign of each row; None if unknown, and then there are no intervals.
    groups: Array | None = None
    replicates: int = 400
    # Shape (n_rows,). Number of records that each row stands for, from its inclusion probability; None for 1.
    weight: Array | None = None
    # Shape (n_rows,). When each row was scored, naive and UTC; None if unknown.
    cutoff_times: Array | None = None
    # Shape (n_rows,). Amounts at stake, for the costs.
    amounts: Array | None = None
    # Share of all records of the same period that the rows make up, for alerts per day.
    share_of_all: float = 1.0

    @property
    def weights(self) -> Array:
        """The number of records that each row stands for."""
        return np.ones(len(self.is_fraud)) if self.weight is None else self.weight

    @property
    def plain(self) -> "FraudRows":
        """The same rows, each of which stands for itself alone."""
        return replace(self, weight=None)

    def share(self, part: Array, whole: Array | None = None) -> float | None:
        """Return the share of the records of a whole that are in a part, both boolean masks; None of none."""
        inside = self.weights if whole is None else self.weights * whole
        total = float(inside.sum())
        return float(inside @ part) / total if total > 0 else None

    @property
    def all_records(self) -> Capacity | None:
        """The records that the rows stand for, to convert their alerts to alerts per day."""
        return Capacity.of(float(self.weights.sum()), count_days(self.cutoff_times), share=self.share_of_all)

    def alerts_a_day(self, flagged: Array) -> float | None:
        """Return the alerts per day of all records, from those rows whose day is known; None without days."""
        timed = True if self.cutoff_times is None else ~np.isnat(self.cutoff_times)
        return None if self.all_records is None else self.all_records.per_day(float(self.weights @ (flagged & timed)))

    def capacity(self, alerts_a_day: float | None) -> Capacity | None:
        """Return the review capacity, from the days and the frauds of the rows; see `Capacity.of`.

        Rows without a time are reviewed too, and count as if they came like the others: `share_of_all` is that of the
        rows with a time, and the share of all rows may exceed 1. Each row is as many records as its weight says.
        """
        n_rows, times = float(self.weights.sum()), self.cutoff_times
        n_timed = 0.0 if times is None else float(self.weights @ ~np.isnat(times))
        share, frauds = self.share_of_all * (n_rows / n_timed if n_timed else 1.0), float(self.weights @ self.is_fraud)
        return Capacity.of(n_rows, count_days(times), alerts_a_day, frauds=frauds, share=share)

    def costs(self, missed_cost: float) -> RowCosts:
        """Return the costs of the rows."""
        return RowCosts.of(self.probability, self.is_fraud, missed_cost, self.amounts, self.weight)

    def ranking(self, costs: RowCosts | None = None) -> Ranking:
        """Return the rows sorted by score."""
        loss, cost = (None, None) if costs is None else (costs.loss, costs.cost)
        return Ranking.of(self.probability, self.is_fraud, loss, cost, self.weight)

    @property
    def both(self) -> bool:
        """Whether the rows have both fraud and legitimate records."""
        return bool(self.is_fraud.any() and not self.is_fraud.all())

    def part(self, mask: Array) -> "FraudRows":
        """Return the rows that a boolean mask selects."""
        arrays: dict[str, Any] = {name: of[mask] for name, of in vars(self).items() if isinstance(of, np.ndarray)}
        return replace(self, **arrays)

    @property
    def sources(self) -> Array | None:
        """The groups to draw from; None if nothing is drawn, or there are fewer than two groups."""
        is_drawn = self.groups is not None and self.replicates and len(np.unique(self.groups)) > 1
        return self.groups if is_drawn else None

    def bootstrap(
        self, ranking: Ranking, alerts: Array | None = None, *, per_fraud: bool = False, later: bool = False
    ) -> Replicates | None:
        """Draw groups for the ranking of these rows; None if there are fewer than two groups."""
        groups = self.sources
        if groups is None:
            return None
        return bootstrap_ranking(
            ranking, groups, alerts=alerts, per_fraud=per_fraud, later=later, replicates=self.replicates
        )

    def flagged_intervals(self, flagged: Array) -> tuple[Interval | None, Interval | None]:
        """Return the intervals of recall and precision when the rows that a boolean mask selects are flagged.

        None if the groups are unknown; see `share_intervals`.
        """
        unseen, hidden = UnseenFrauds.of(self.weights, self.is_fraud), None
        if unseen is not None:
            of_unseen = flagged[unseen.places]
            hidden = Hidden(unseen, *_recall_and_precision(of_unseen, np.ones_like(of_unseen)))
        intervals = self._share_intervals(*_recall_and_precision(flagged, self.is_fraud), hidden)
        recall, precision = intervals or (None, None)
        return recall, precision

    def false_positive_intervals(self, flagged: Array) -> list[Interval | None]:
        """Return the intervals of the false positive rate of masks, of shape (n_rows, n_masks), like the above."""
        wholes = np.repeat(~self.is_fraud[:, None], flagged.shape[1], axis=1)
        return self._share_intervals(flagged, wholes) or [None] * flagged.shape[1]

    def share_interval(self, part: Array) -> Interval | None:
        """Return the interval of the share of the rows that a boolean mask selects; None if the groups are unknown."""
        intervals = self._share_intervals(part[:, None], np.ones((len(part), 1), np.bool_))
        return None if intervals is None else intervals[0]

    def _share_intervals(
        self, parts: Array, wholes: Array, hidden: Hidden | None = None
    ) -> list[Interval | None] | None:
        groups = self.sources
        if groups is None:
            return None
        return share_intervals(parts, wholes, groups, weight=self.weight, hidden=hidden, replicates=self.replicates)

    def average_precision(self) -> float | None:
        """Return the area under the precision-recall curve, as scikit-learn computes it; None of one kind of rows."""
        scores = self.is_fraud, self.probability
        return float(average_precision_score(*scores, sample_weight=self.weight)) if self.both else None

    def roc_auc(self) -> float | None:
        """Return the area under the ROC curve, as scikit-learn computes it; None of one kind of rows."""
        scores = self.is_fraud, self.probability
        return float(roc_auc_score(*scores, sample_weight=self.weight)) if self.both else None

    def slice_metrics(self, flagged: Array) -> SliceMetrics:
        """Compute the metrics of a slice, such as a month, if the rows that a boolean mask selects are flagged."""
        expected, frauds = float((self.weights * self.probability).sum()), float(self.weights @ self.is_fraud)
        replicates = self.bootstrap(self.ranking()) if self.both else None
        intervals = {} if replicates is None else replicates.intervals()
        recall_interval, precision_interval = self.flagged_intervals(flagged)
        return SliceMetrics(
            rows=len(self.is_fraud),
            frauds=int(self.is_fraud.sum()),
            base_rate=self.share(self.is_fraud) or 0.0,
            average_precision=self.average_precision(),
            interval=intervals.get("average_precision"),
            roc_auc=self.roc_auc(),
            recall=self.share(flagged, self.is_fraud),
            recall_interval=recall_interval,
            precision=self.share(self.is_fraud, flagged),
            precision_interval=precision_interval,
            false_positive_rate=self.share(flagged, ~self.is_fraud),
            false_positive_rate_interval=self.false_positive_intervals(flagged[:, None])[0],
            mean_probability=float(np.average(self.probability, weights=self.weight)),
            observed_over_expected=frauds / expected if expected > 0 else None,
            observed_over_expected_interval=intervals.get("observed_over_expected"),
        )


def _recall_and_precision(flagged: Array, is_fraud: Array) -> tuple[Array, Array]:
    """Return the parts and wholes of recall and precision."""
    return np.column_stack([flagged, is_fraud]), np.column_stack([is_fraud, flagged])


def threshold_at(
    probability: Array, is_fraud: Array, false_positive_rate: float = FIXED_RATE, *, weight: Array | None = None
) -> tuple[float, float]:
    """Return the lowest threshold that does not exceed a false positive rate, and its recall.

    Both kinds of rows must be present. A row is flagged when its score is at least the threshold, which is infinite
    where it flags nothing. Rows count alike if they have no weight.
    """
    rates, recalls, thresholds = roc_curve(is_fraud, probability, sample_weight=weight, drop_intermediate=False)
    place = int(np.flatnonzero(rates <= false_positive_rate)[-1])
    return float(thresholds[place]), float(recalls[place])


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """Metrics of one type. The interval is that of its F1.

    ``caught`` is the share that the threshold at 1 % false positives flags, whatever type is predicted; None without a
    legitimate class, and for a type without rows.
    """

    precision: float
    recall: float
    f1: float
    rows: int
    interval: Interval | None
    caught: float | None


@dataclass(frozen=True)
class ConfusionMatrix:
    """Numbers of records by label (rows) and by predicted class (columns), both in the order of ``classes``."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, labels: Array, predicted: Array, names: list[str]) -> Self:
        """Count the records of every pair of names; unlike scikit-learn's, this does not warn about a single one."""
        code = {name: i for i, name in enumerate(names)}
        cells = np.array(
            [code[truth] * len(names) + code[guess] for truth, guess in zip(labels, predicted, strict=True)]
        )
        counts = np.bincount(cells.astype(np.int64), minlength=len(names) ** 2).reshape(len(names), len(names))
        return cls(tuple(names), tuple(tuple(row) for row in counts.tolist()))


@dataclass(frozen=True, kw_only=True)
class TypeMetrics:
    """Metrics over all types, and of each. See `EvaluationReport`."""

    macro_f1: float
    accuracy: float
    by_type: Mapping[str, ClassMetrics]
    confusion: ConfusionMatrix
    intervals: Mapping[str, Interval | None]


def type_metrics(labels: Array, predicted: Array, rows: FraudRows, *, legitimate: str | None = None) -> TypeMetrics:
    """Compute the metrics of types; what is fraud counts only with a legitimate class."""
    names, weight = sorted(set(labels) | set(predicted)), rows.weight
    *columns, _ = precision_recall_fscore_support(
        labels, predicted, labels=names, zero_division=0.0, sample_weight=weight
    )
    confusion = ConfusionMatrix.of(labels, predicted, names)
    caught = {} if legitimate is None else _caught(labels, names, rows)
    drawn = _drawn_f1(labels, predicted, names, rows)
    by_type = {
        name: ClassMetrics(
            precision=float(precision),
            recall=float(recall),
            f1=float(f1),
            rows=sum(counts),
            interval=None if drawn is None else percentile_interval(drawn[:, place]),
            caught=caught.get(name),
        )
        for place, (name, precision, recall, f1, counts) in enumerate(
            zip(names, *columns, confusion.counts, strict=True)
        )
    }
    return TypeMetrics(
        macro_f1=float(f1_score(labels, predicted, average="macro", zero_division=0.0, sample_weight=weight)),
        accuracy=float(np.average(labels == predicted, weights=weight)),
        by_type=by_type,
        confusion=confusion,
        intervals={"macro_f1": None if drawn is None else percentile_interval(np.nanmean(drawn, axis=1))},
    )


def _drawn_f1(labels: Array, predicted: Array, names: list[str], rows: FraudRows) -> Array | None:
    if rows.sources is None:
        return None
    code = {name: i for i, name in enumerate(names)}
    truth, prediction = (np.array([code[name] for name in column]) for column in (labels, predicted))
    return bootstrap_f1(truth, prediction, rows.sources, weight=rows.weight, replicates=rows.replicates)


def _caught(labels: Array, names: list[str], rows: FraudRows) -> dict[str, float]:
    if not rows.both:
        return {}
    flagged = reached(rows.probability, threshold_at(rows.probability, rows.is_fraud, weight=rows.weight)[0])
    caught = {name: rows.share(flagged, labels == name) for name in names}
    return {name: share for name, share in caught.items() if share is not None}
