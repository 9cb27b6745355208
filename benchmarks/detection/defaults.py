"""The ordinary call without a recipe, beside LightGBM as it comes on plain columns of the same tables."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.columns.plain import plain_columns
from benchmarks.contestants import lightgbm, ours
from benchmarks.contestants.contestant import OURS, Scores
from benchmarks.data.kinds import Matrices, Task
from benchmarks.measures.scores import METRICS
from benchmarks.runner import Bar, Report, progress

__all__ = ["compare_defaults"]

PEERS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "plain_slow": {
        "n_estimators": 300,
        "learning_rate": 0.03,
        "num_leaves": 15,
        "min_sum_hessian_in_leaf": 1.0,
        "colsample_bytree": 0.5,
        "subsample": 0.8,
        "subsample_freq": 1,
    },
}
"""LightGBM on the plain columns: as it comes, and with settings that suit rare fraud."""
REPLICATES = 100
NAMES = ("average_precision", "roc_auc")
_PROTOCOL = (
    "{protocol} ours: Recipe() and nothing else, seeds 0-{last}; its calibration rows (15 %) come out of the training "
    "rows. In turn on the same rows, all of the training rows, plain: LightGBM as it comes on counts, sums, means, "
    "gaps and distinct counterparties, of all and of the last 7 and 30 days, of both sides, the last five events "
    "flattened, and the columns of the record itself; plain_slow: the same with settings that suit rare fraud. Medians "
    "over seeds; .std is theirs. ahead_of: the difference in average precision, mean over seeds, with the 95 % "
    "interval of a bootstrap over test rows ({replicates} draws). Bars: level or ahead: the interval is not below 0."
)


def compare_defaults(name: str, task: Task, *, seeds: int = 3) -> Report:
    """Fit ours and the peers on the split of a task, once per seed, in turn."""
    truth = task.truth[task.test]
    runs = _runs(task, plain_columns(task))
    scores: dict[str, list[Scores]] = {contestant: [] for contestant in runs}
    seconds: dict[str, list[float]] = {contestant: [] for contestant in runs}
    for seed in range(seeds):
        for contestant, run in runs.items():
            start = time.perf_counter()
            scores[contestant].append(run(seed))
            seconds[contestant].append(time.perf_counter() - start)
            reached = METRICS["average_precision"](truth, scores[contestant][-1])
            progress(f"seed {seed} {contestant}: average precision {reached:.4f}, {seconds[contestant][-1]:.1f} s")
    figures = {contestant: _summary(truth, scores[contestant], seconds[contestant]) for contestant in runs}
    own = figures.pop(OURS)
    bars = []
    for peer in PEERS:
        own |= _differences(truth, scores[OURS], scores[peer], peer)
        bars.append(Bar.at_least(f"average_precision.level_with_{peer}", own[f"ahead_of_{peer}.high"], 0.0))
    protocol = _PROTOCOL.format(protocol=task.protocol, last=seeds - 1, replicates=REPLICATES)
    return Report("detection", f"{name} by default", protocol, len(task.train) + len(task.test), own, figures, bars)


def _runs(task: Task, columns: Matrices) -> dict[str, Callable[[int], Scores]]:
    train, test = (part.to_numpy() for part in columns)
    y = task.truth[task.train].astype(int)

    def run_peer(settings: Mapping[str, Any]) -> Callable[[int], Scores]:
        return lambda seed: lightgbm.fit_columns(train, y, seed=seed, **settings).score(test)

    peers = {peer: run_peer(settings) for peer, settings in PEERS.items()}
    return {OURS: lambda seed: ours.fit_task(task, seed)(), **peers}


def _summary(truth: NDArray[np.float64], scores: Sequence[Scores], seconds: Sequence[float]) -> dict[str, float]:
    """Return the medians of the metrics over seeds, and their standard deviations."""
    figures = {"seconds": float(np.median(seconds))}
    for name in NAMES:
        values = [METRICS[name](truth, of_seed) for of_seed in scores]
        figures[name] = float(np.median(values))
        figures[f"{name}.std"] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return figures


def _differences(
    truth: NDArray[np.float64], own: Sequence[Scores], theirs: Sequence[Scores], peer: str
) -> dict[str, float]:
    """Return how far ours is ahead in average precision, mean over seeds, with a bootstrap interval over test rows."""
    rng = np.random.default_rng(0)
    draws = [np.arange(len(truth)), *(rng.integers(0, len(truth), len(truth)) for _ in range(REPLICATES))]
    precision = METRICS["average_precision"]
    gains = []
    for rows in draws:
        if not 0 < truth[rows].sum() < len(rows):
            continue
        pairs = zip(own, theirs, strict=True)
        gains.append(np.mean([precision(truth[rows], a[rows]) - precision(truth[rows], b[rows]) for a, b in pairs]))
    low, high = np.quantile(gains[1:], [0.025, 0.975])
    return {
        f"ahead_of_{peer}": float(gains[0]),
        f"ahead_of_{peer}.low": float(low),
        f"ahead_of_{peer}.high": float(high),
    }
