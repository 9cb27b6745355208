"""The ordinary call without a recipe, beside LightGBM as it comes on plain columns of the same tables."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.defaults.ours import fit_ours
from benchmarks.defaults.plain_features import plain_features
from benchmarks.defaults.sets import DEFAULT_SETS, Task
from benchmarks.runner import Bar, Report, progress

__all__ = ["own_columns", "plain_columns", "run_defaults"]

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
NOT_COLUMNS = ("account_id", "counterparty_id", "event_id", "occurred_at", "as_of", "label", "labelled_at")
METRICS = {"average_precision": average_precision_score, "roc_auc": roc_auc_score}
_PROTOCOL = (
    "{protocol} ours: Recipe() and nothing else, seeds 0-{last}; its calibration rows (15 %) come out of the training "
    "rows. In turn on the same rows, all of the training rows, plain: LightGBM as it comes on counts, sums, means, "
    "gaps and distinct counterparties, of all and of the last 7 and 30 days, of both sides, the last five events "
    "flattened, and the columns of the record itself; plain_slow: the same with settings that suit rare fraud. Medians "
    "over seeds; .std is theirs. ahead_of: the difference in average precision, mean over seeds, with the 95 % "
    "interval of a bootstrap over test rows ({replicates} draws). Bars: level or ahead: the interval is not below 0."
)


def run_defaults(name: str, *, seeds: int = 3) -> Report:
    """Run both contestants on a set.

    Parameters
    ----------
    name : str
        One of `DEFAULT_SETS`.
    seeds : int, default=3
        How often each is fitted.

    Returns
    -------
    Report
    """
    task = DEFAULT_SETS[name]()
    plain, truth = plain_columns(task), task.rows["label"].to_numpy(np.float64, na_value=np.nan)
    contestants: dict[str, Callable[[int], NDArray[np.float64]]] = {"ours": lambda seed: fit_ours(task, seed)()}
    contestants |= {peer: partial(_plain, task, plain, truth, settings) for peer, settings in PEERS.items()}
    scores: dict[str, list[NDArray[np.float64]]] = {contestant: [] for contestant in contestants}
    seconds: dict[str, list[float]] = {contestant: [] for contestant in contestants}
    for seed in range(seeds):
        for contestant, run in contestants.items():
            start = time.perf_counter()
            scores[contestant].append(run(seed))
            seconds[contestant].append(time.perf_counter() - start)
            reached = average_precision_score(truth[task.test], scores[contestant][-1])
            progress(f"seed {seed} {contestant}: average precision {reached:.4f}, {seconds[contestant][-1]:.1f} s")
    figures = {name: _summary(truth[task.test], scores[name], seconds[name]) for name in contestants}
    own = figures.pop("ours")
    bars = []
    for peer in PEERS:
        own |= _differences(truth[task.test], scores["ours"], scores[peer], peer)
        bars.append(Bar.at_least(f"average_precision.level_with_{peer}", own[f"ahead_of_{peer}.high"], 0.0))
    protocol = _PROTOCOL.format(protocol=task.protocol, last=seeds - 1, replicates=REPLICATES)
    return Report("detection", f"{name} by default", protocol, len(task.train) + len(task.test), own, figures, bars)


def _summary(
    truth: NDArray[np.float64], scores: Sequence[NDArray[np.float64]], seconds: Sequence[float]
) -> dict[str, float]:
    """Return the medians of the metrics over seeds, and their standard deviations."""
    figures = {"seconds": float(np.median(seconds))}
    for name, metric in METRICS.items():
        values = [float(metric(truth, of_seed)) for of_seed in scores]
        figures[name] = float(np.median(values))
        figures[f"{name}.std"] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return figures


def _differences(
    truth: NDArray[np.float64],
    ours: Sequence[NDArray[np.float64]],
    theirs: Sequence[NDArray[np.float64]],
    peer: str,
) -> dict[str, float]:
    """Return how far ours is ahead in average precision, mean over seeds, with a bootstrap interval over test rows."""
    rng = np.random.default_rng(0)
    draws = [np.arange(len(truth)), *(rng.integers(0, len(truth), len(truth)) for _ in range(REPLICATES))]
    gains = []
    for rows in draws:
        if not 0 < truth[rows].sum() < len(rows):
            continue
        pairs = zip(ours, theirs, strict=True)
        gains.append(np.mean([_precision(truth, a, rows) - _precision(truth, b, rows) for a, b in pairs]))
    low, high = np.quantile(gains[1:], [0.025, 0.975])
    return {
        f"ahead_of_{peer}": float(gains[0]),
        f"ahead_of_{peer}.low": float(low),
        f"ahead_of_{peer}.high": float(high),
    }


def _precision(truth: NDArray[np.float64], scores: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
    return float(average_precision_score(truth[rows], scores[rows]))


def plain_columns(task: Task) -> pd.DataFrame:
    """Return the peer's columns of all rows that are trained on or tested."""
    used = np.concatenate([task.train, task.test])
    rows = task.rows.iloc[used].reset_index(drop=True)
    columns = [own_columns(rows)]
    events = task.rows if task.subject == "event" else task.events
    if events is not None:
        numbers = [str(name) for name in events.columns if name not in NOT_COLUMNS and events[name].dtype.kind in "if"]
        subjects = rows.assign(as_of=rows["occurred_at"]) if task.subject == "event" else rows
        columns.append(plain_features(events, subjects, numbers=numbers, of_events=task.subject == "event"))
    matrix = pd.concat(columns, axis=1)
    return matrix.set_axis(used)


def own_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the records themselves; words as codes."""
    names: Sequence[str] = [str(name) for name in rows.columns if name not in NOT_COLUMNS]
    own = {name: rows[name] if rows[name].dtype.kind in "ifub" else pd.factorize(rows[name])[0] for name in names}
    return pd.DataFrame(own, index=rows.index).astype("f8")


def _plain(
    task: Task, columns: pd.DataFrame, truth: NDArray[np.float64], settings: Mapping[str, Any], seed: int
) -> NDArray[np.float64]:
    train, test = (columns.loc[rows].to_numpy() for rows in (task.train, task.test))
    model = lgb.LGBMClassifier(n_jobs=1, random_state=seed, verbosity=-1, **settings).fit(
        train, truth[task.train].astype(int)
    )
    return np.asarray(model.predict_proba(test))[:, 1]
