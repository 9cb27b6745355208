"""Precision and recall before labels arrive, from the probabilities alone.

Confidence-based performance estimation (CBPE), as in NannyML (Kivimäki, Białek, Nurminen and Kuberski, Performance
estimation in binary classification using calibrated confidence, 2025, arXiv:2505.05295). A row with probability p
counts as p frauds and 1 - p legitimate rows, so the cells of the confusion matrix are sums of probabilities.

It assumes that the probabilities are still right: records may have changed, but what makes a record fraud has not (no
concept drift). A new trick that the model takes for legitimate is not seen here. Only labels show it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.stats import norm

from fraudsieve._typing import Array
from fraudsieve.training.evaluation.bootstrap import LEVEL


@dataclass(frozen=True)
class ExpectedPerformance:
    """Expected precision and recall of the rows that are flagged, if the probabilities are right."""

    alerts: int
    frauds: float
    # Share of the flagged rows that is fraud, and share of the fraud that is flagged; None if no row is flagged, or no
    # fraud is expected.
    precision: float | None
    recall: float | None
    # Contains the true value for these rows in 95 of 100 cases: which rows are fraud is chance, even if the
    # probabilities are right.
    precision_interval: list[float] | None
    recall_interval: list[float] | None

    @classmethod
    def of(cls, probability: Array, flagged: Array) -> Self:
        """Estimate precision and recall."""
        alerts, hits, missed = int(flagged.sum()), float(probability[flagged].sum()), float(probability[~flagged].sum())
        spread = probability * (1 - probability)
        of_hits, of_missed = float(spread[flagged].sum()), float(spread[~flagged].sum())
        frauds = hits + missed
        precision = hits / alerts if alerts else None
        recall = hits / frauds if frauds > 0 else None
        return cls(
            alerts,
            frauds,
            precision,
            recall,
            None if precision is None else _around(precision, np.sqrt(of_hits) / alerts),
            None
            if recall is None
            else _around(recall, np.sqrt((1 - recall) ** 2 * of_hits + recall**2 * of_missed) / frauds),
        )


def _around(share: float, deviation: float) -> list[float]:
    """Return the interval around a share, kept within 0 and 1."""
    reach = float(norm.isf((1 - LEVEL) / 2)) * float(deviation)
    return [max(share - reach, 0.0), min(share + reach, 1.0)]
