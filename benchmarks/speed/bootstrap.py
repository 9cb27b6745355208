"""Speed of the bootstrap over accounts, next to a plain loop over scikit-learn's metrics with weights."""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from benchmarks.machine import one_core
from benchmarks.runner import Bar, Report, progress
from fraudsieve.training.evaluation.bootstrap import bootstrap_ranking, draw_weights
from fraudsieve.training.evaluation.ranking import RANKING_METRICS, Ranking

__all__ = ["run"]

T = TypeVar("T")

ROWS = 1_000_000
ROWS_PER_GROUP = 10
REPLICATES = 200
PEER_REPLICATES = 3
POINTS = 20
SECONDS = 60.0
_PROTOCOL = (
    "{rows:,} synthetic scores, 2 % fraud, {groups:,} accounts; {replicates} replicates on one core. Ours: sorting, "
    "drawing accounts, {figures} figures and recall, precision and share of the loss at {points} numbers of alerts. "
    "sklearn: average precision, ROC AUC, ROC curve and Brier score with sample_weight of the same draws, "
    "{peer} replicates, and the time of {replicates} extrapolated. difference: the largest between the two in those "
    "four figures. Kernels are compiled before."
)


def run(*, rows: int = ROWS, replicates: int = REPLICATES) -> Report:
    """Time fraudsieve and scikit-learn on the same rows.

    Parameters
    ----------
    rows : int, default=1_000_000
        Number of rows.
    replicates : int, default=200
        Number of draws of accounts.

    Returns
    -------
    Report
        Seconds.
    """
    scores, truth, groups = _make_rows(rows)
    alerts = np.linspace(0, 0.02 * rows, POINTS + 1)[1:]
    with one_core():
        bootstrap_ranking(Ranking.of(scores[:100], truth[:100]), groups[:100], alerts=alerts, replicates=1)
        seconds, result = _timed(
            lambda: bootstrap_ranking(Ranking.of(scores, truth), groups, alerts=alerts, replicates=replicates)
        )
        progress(f"ours: {seconds:.1f} s")
        plain, expected = _timed(lambda: _plain_loop(scores, truth, groups, PEER_REPLICATES))
        plain *= replicates / PEER_REPLICATES
        progress(f"sklearn: {plain:.1f} s")
    positions = [
        RANKING_METRICS.index(name) for name in ("average_precision", "roc_auc", "recall_at_1pct_fpr", "brier")
    ]
    difference = float(np.abs(result.metrics[:PEER_REPLICATES, positions] - expected).max())
    figures = {"seconds": seconds, "ratio_to_sklearn": seconds / plain, "difference": difference}
    bars = [Bar.at_most("bootstrap.seconds", seconds, SECONDS), Bar.at_most("bootstrap.difference", difference, 1e-9)]
    protocol = _PROTOCOL.format(
        rows=rows,
        groups=len(np.unique(groups)),
        replicates=replicates,
        figures=len(RANKING_METRICS),
        points=POINTS,
        peer=PEER_REPLICATES,
    )
    return Report("bootstrap", "made up", protocol, rows, figures, {"sklearn": {"seconds": plain}}, bars)


def _make_rows(rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    truth = rng.random(rows) < 0.02
    scores = 1 / (1 + np.exp(-rng.normal(3 * truth - 4, 1.0)))
    return scores, truth, rng.integers(0, max(2, rows // ROWS_PER_GROUP), rows)


def _plain_loop(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], groups: NDArray[np.int64], replicates: int
) -> NDArray[np.float64]:
    figures = []
    for weights in draw_weights(groups, replicates):
        rates, recalls, _ = roc_curve(truth, scores, sample_weight=weights, drop_intermediate=False)
        figures.append(
            [
                average_precision_score(truth, scores, sample_weight=weights),
                roc_auc_score(truth, scores, sample_weight=weights),
                recalls[rates <= 0.01].max(),
                brier_score_loss(truth, scores, sample_weight=weights),
            ]
        )
    return np.array(figures)


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result
