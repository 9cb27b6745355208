"""Metrics of types: whether fraud is assigned to the right type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.metrics import f1_score, precision_recall_fscore_support

from fraudsieve._typing import Array
from fraudsieve.models.scoring.decision import reached

from .bootstrap import Interval, bootstrap_f1, percentile_interval
from .fraud_rows import FraudRows, threshold_at


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


def type_metrics(
    labels: Array,
    predicted: Array,
    *,
    legitimate: str | None = None,
    probability: Array | None = None,
    groups: Array | None = None,
    replicates: int = 400,
    weight: Array | None = None,
) -> TypeMetrics:
    """Compute the metrics of types."""
    names = sorted(set(labels) | set(predicted))
    *columns, _ = precision_recall_fscore_support(
        labels, predicted, labels=names, zero_division=0.0, sample_weight=weight
    )
    confusion = ConfusionMatrix.of(labels, predicted, names)
    caught = _caught(labels, probability, legitimate, names, weight)
    drawn = _drawn_f1(labels, predicted, names, groups, replicates, weight)
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


def _drawn_f1(
    labels: Array, predicted: Array, names: list[str], groups: Array | None, replicates: int, weight: Array | None
) -> Array | None:
    if groups is None or not replicates or len(np.unique(groups)) < 2:
        return None
    code = {name: i for i, name in enumerate(names)}
    truth, prediction = (np.array([code[name] for name in column]) for column in (labels, predicted))
    return bootstrap_f1(truth, prediction, groups, weight=weight, replicates=replicates)


def _caught(
    labels: Array, probability: Array | None, legitimate: str | None, names: list[str], weight: Array | None
) -> dict[str, float]:
    is_fraud = labels != legitimate
    if legitimate is None or probability is None or is_fraud.all() or not is_fraud.any():
        return {}
    rows = FraudRows(probability, is_fraud, weight=weight)
    flagged = reached(probability, threshold_at(probability, is_fraud, weight=weight)[0])
    caught = {name: rows.share(flagged, labels == name) for name in names}
    return {name: share for name, share in caught.items() if share is not None}
