"""Curves of scores: precision and recall, ROC, gains, reliability, and the scores of each kind of record."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from fraudsieve._typing import Array
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.ranking import ECE_BINS, Ranking

CURVE_POINTS = 120
SCORE_BINS = 20
Pairs = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ReliabilityBin:
    """Mean probability and share of fraud of a bin of rows, all bins of equal size."""

    expected: float
    observed: float
    rows: int


@dataclass(frozen=True)
class ScoreBin:
    """Number of frauds and of legitimate records with a probability from `low` on, below that of the next bin."""

    low: float
    frauds: int
    legitimate: int


@dataclass(frozen=True)
class ScoreCurves:
    """Curves of the probability of fraud."""

    # Pairs of recall and precision; None if all rows are of one kind.
    precision_recall: Pairs | None
    # Pairs of false positive rate and recall; None if all rows are of one kind.
    roc: Pairs | None
    # Pairs of the share of the records that is reviewed, highest scores first, and recall; None without fraud.
    gains: Pairs | None
    reliability: tuple[ReliabilityBin, ...]
    histogram: tuple[ScoreBin, ...]


def score_curves(rows: FraudRows, ranking: Ranking) -> ScoreCurves:
    """Compute all curves of scored rows."""
    return ScoreCurves(
        precision_recall=_precision_recall(rows),
        roc=_roc(rows),
        gains=_gains(rows, ranking),
        reliability=_reliability(ranking),
        histogram=_histogram(rows),
    )


def _precision_recall(rows: FraudRows) -> Pairs | None:
    """Return recall and precision at points spread evenly over the recall."""
    if not rows.both:
        return None
    scores = rows.is_fraud, rows.probability
    precision, recall, _ = precision_recall_curve(*scores, sample_weight=rows.weight, drop_intermediate=True)
    precision, recall = precision[::-1], recall[::-1]
    places = np.unique(np.searchsorted(recall, np.linspace(0, 1, CURVE_POINTS + 1)).clip(max=len(recall) - 1))
    return tuple((float(recall[i]), float(precision[i])) for i in places)


def _roc(rows: FraudRows) -> Pairs | None:
    """Return false positive rate and recall where the threshold falls below a score, thinned out on both axes."""
    if not rows.both:
        return None
    rate, recall, _ = roc_curve(rows.is_fraud, rows.probability, sample_weight=rows.weight)
    # A step of the curve is kept if it moves by a visible distance along either axis.
    cell = np.floor(rate * CURVE_POINTS) * (CURVE_POINTS + 1) + np.floor(recall * CURVE_POINTS)
    places = np.unique(np.append(np.unique(cell, return_index=True)[1], len(rate) - 1))
    return tuple((float(rate[i]), float(recall[i])) for i in places)


def _gains(rows: FraudRows, ranking: Ranking) -> Pairs | None:
    if not rows.is_fraud.any():
        return None
    shares = np.linspace(0, 1, CURVE_POINTS + 1)[1:]
    recall = ranking.at_alerts(shares * rows.weights.sum())[0]
    return ((0.0, 0.0), *((float(share), float(found)) for share, found in zip(shares, recall, strict=True)))


def _reliability(ranking: Ranking) -> tuple[ReliabilityBin, ...]:
    """Return bins of equally many rows, from the lowest scores, with means over the records that these stand for."""
    weight, n = ranking.weight, len(ranking.score)
    bins = np.array_split(np.arange(n)[::-1], min(ECE_BINS, n))
    # Rows of one score count as their mean, as in the calibration error: their order means nothing.
    frauds, records = (np.add.reduceat(of, ranking.starts[:-1]) for of in (weight * ranking.is_fraud, weight))
    shares = np.divide(frauds, records, out=np.zeros(len(records)), where=records > 0)
    observed = np.repeat(shares, np.diff(ranking.starts))
    bins = [b for b in bins if weight[b].any()]

    def mean(values: Array, rows: Array) -> float:
        return float(np.average(values[rows], weights=weight[rows]))

    return tuple(ReliabilityBin(mean(ranking.score, b), mean(observed, b), len(b)) for b in bins)


def _histogram(rows: FraudRows) -> tuple[ScoreBin, ...]:
    place = np.minimum((rows.probability * SCORE_BINS).astype(np.int64), SCORE_BINS - 1)
    frauds, legitimate = (np.bincount(place[kind], minlength=SCORE_BINS) for kind in (rows.is_fraud, ~rows.is_fraud))
    return tuple(ScoreBin(i / SCORE_BINS, int(frauds[i]), int(legitimate[i])) for i in range(SCORE_BINS))
