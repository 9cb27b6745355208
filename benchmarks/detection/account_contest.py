"""Fraudsieve and the peer on the same folds of an account set: metrics, figures and bars."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

from benchmarks.detection.account_folds import Fold
from benchmarks.detection.account_peer import PEER
from benchmarks.detection.paired_figures import paired_figures
from benchmarks.runner import Bar, progress

__all__ = ["METRICS", "Contestant", "Figures", "contest", "contest_bars"]

Scores: TypeAlias = NDArray[np.float64]
Figures: TypeAlias = dict[str, float]

METRICS: Mapping[str, Callable[[NDArray[Any], Scores], float]] = {
    "roc_auc": lambda y, scores: float(roc_auc_score(y, scores)),
    "average_precision": lambda y, scores: float(average_precision_score(y, scores)),
    "accuracy": lambda y, scores: float(accuracy_score(y, scores > 0.5)),
    "macro_f1": lambda y, scores: float(f1_score(y, scores > 0.5, average="macro")),
}
"""Metrics of labels and probabilities; the last two at a threshold of .5."""


Contestant: TypeAlias = Callable[[Fold], Sequence[Scores]]
"""Returns the probabilities of fraud of the test rows of a fold, once per seed."""


def contest(
    y: NDArray[Any],
    folds: Sequence[Fold],
    contestants: Mapping[str, Contestant],
    metrics: Sequence[str],
    *,
    scheme: str = "",
    test_share: float = 0.0,
) -> dict[str, Figures]:
    """Run the contestants on every fold in turn.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        1 for fraud.
    folds : sequence of Fold
        The folds.
    contestants : mapping of str to callable
        ``ours`` and the peer.
    metrics : sequence of str
        Names from `METRICS`.
    scheme : str, default=""
        First part of the figures' names.
    test_share : float, default=0.0
        Test rows over training rows, for the standard error of the difference over several folds; 0 for none.

    Returns
    -------
    dict of str to dict of str to float
        Means of each contestant, over folds first and then over repeats, and ``.std`` over repeats or seeds.
    """
    blocks_by_name: dict[str, list[Scores]] = {name: [] for name in contestants}
    for number, fold in enumerate(folds):
        for name, run in contestants.items():
            start = time.perf_counter()
            values = [[METRICS[metric](y[fold.test], scores) for metric in metrics] for scores in run(fold)]
            blocks_by_name[name].append(np.array(values))
            summary = ", ".join(
                f"{part} {value:.4f}" for part, value in zip(metrics, np.mean(values, axis=0), strict=True)
            )
            position = f"{scheme} fold {number + 1}/{len(folds)}".strip()
            progress(f"{position} {name}: {summary}, {time.perf_counter() - start:.1f} s")
    names = [f"{scheme}.{metric}" if scheme else metric for metric in metrics]
    figures = {name: _summary(names, folds, blocks) for name, blocks in blocks_by_name.items()}
    if test_share:
        own, theirs = (np.array([block.mean(axis=0) for block in blocks_by_name[name]]) for name in ("ours", PEER))
        for column, name in enumerate(names):
            pair = own[:, column], theirs[:, column]
            figures["ours"] |= paired_figures(name, PEER, *pair, folds=round(1 / test_share) + 1)
    return figures


def _summary(names: Sequence[str], folds: Sequence[Fold], blocks: Sequence[Scores]) -> Figures:
    """Average the folds of a repeat, seed by seed; then over repeats and seeds."""
    repeats = np.array([fold.repeat for fold in folds])
    runs = [
        np.mean([blocks[i] for i in np.flatnonzero(repeats == repeat).tolist()], axis=0)
        for repeat in np.unique(repeats)
    ]
    values = np.concatenate(runs)
    figures = dict(zip(names, values.mean(axis=0).tolist(), strict=True))
    if len(values) > 1:
        figures |= {f"{name}.std": float(std) for name, std in zip(names, values.std(axis=0, ddof=1), strict=True)}
    return figures


def contest_bars(figures: Mapping[str, Figures], published: Mapping[str, float], *, scheme: str = "") -> list[Bar]:
    """Check every metric against the peer's and the published one.

    Parameters
    ----------
    figures : mapping of str to mapping of str to float
        From `contest`.
    published : mapping of str to float
        Published values by metric, if the inputs were the same.
    scheme : str, default=""
        First part of the figures' names.

    Returns
    -------
    list of Bar
        ``<metric>.ahead_of_peer`` and ``<metric>.published``.

    Examples
    --------
    >>> bars = contest_bars({"ours": {"roc_auc": 0.9}, "lightgbm_counts": {"roc_auc": 0.8}}, {"roc_auc": 0.95})
    >>> [(bar.name, bar.holds) for bar in bars]
    [('roc_auc.ahead_of_peer', True), ('roc_auc.published', False)]
    """
    own, start = figures["ours"], f"{scheme}." if scheme else ""
    metrics = [name for name in figures[PEER] if name.removeprefix(start) in METRICS]
    bars = [Bar.at_least(f"{name}.ahead_of_peer", own[name], figures[PEER][name]) for name in metrics]
    of_others = {f"{start}{metric}": bound for metric, bound in published.items()}
    return bars + [Bar.at_least(f"{name}.published", own[name], bound) for name, bound in of_others.items()]
