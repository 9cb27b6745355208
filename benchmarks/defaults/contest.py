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

from benchmarks.defaults.plain_features import plain_features
from benchmarks.defaults.sets import DEFAULT_SETS, Task
from benchmarks.runner import Bar, Report, progress
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import groups_of, read_data, scores_of
from fraudsieve.training.fit import fit_model
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split

__all__ = ["run_defaults"]

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
CALIBRATION_SHARE = 0.15
NOT_COLUMNS = ("account_id", "counterparty_id", "event_id", "occurred_at", "as_of", "label", "labelled_at")
METRICS = {"average_precision": average_precision_score, "roc_auc": roc_auc_score}
_PROTOCOL = (
    "{protocol} ours: Recipe() and nothing else, seeds 0-{last}; its calibration rows (15 %) come out of the training "
    "rows. In turn on the same rows, all of the training rows, plain: LightGBM as it comes on counts, sums, means, "
    "gaps and distinct counterparties, of all and of the last 7 and 30 days, of both sides, the last five events "
    "flattened, and the columns of the record itself; plain_slow: the same with settings that suit rare fraud. Medians "
    "over seeds; .std is theirs. Bars: average precision not below the peers'."
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
    plain, truth = _plain_columns(task), task.rows["label"].to_numpy(np.float64, na_value=np.nan)
    contestants: dict[str, Callable[[int], NDArray[np.float64]]] = {"ours": partial(_ours, task)}
    contestants |= {peer: partial(_plain, task, plain, truth, settings) for peer, settings in PEERS.items()}
    runs: dict[str, list[list[float]]] = {contestant: [] for contestant in contestants}
    for seed in range(seeds):
        for contestant, run in contestants.items():
            start = time.perf_counter()
            scores = run(seed)
            seconds = time.perf_counter() - start
            values = [float(metric(truth[task.test], scores)) for metric in METRICS.values()]
            runs[contestant].append([*values, seconds])
            progress(
                f"seed {seed} {contestant}: average precision {values[0]:.4f}, AUC {values[1]:.4f}, {seconds:.1f} s"
            )
    figures = {contestant: _summary(np.array(values)) for contestant, values in runs.items()}
    own = figures.pop("ours")
    name_of = "average_precision"
    bars = [Bar.at_least(f"{name_of}.ahead_of_{peer}", own[name_of], figures[peer][name_of]) for peer in PEERS]
    protocol = _PROTOCOL.format(protocol=task.protocol, last=seeds - 1)
    return Report("detection", f"{name} by default", protocol, len(task.train) + len(task.test), own, figures, bars)


def _summary(values: NDArray[np.float64]) -> dict[str, float]:
    names = (*METRICS, "seconds")
    means, stds = np.median(values, axis=0), values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(len(names))
    figures = dict(zip(names, means.tolist(), strict=True))
    return figures | {f"{name}.std": float(std) for name, std in zip(METRICS, stds, strict=False)}


def _ours(task: Task, seed: int) -> NDArray[np.float64]:
    """Train as the ordinary call does, on the rows of the task, and score the test rows."""
    recipe = Recipe(seed=seed)
    named = task.rows.assign(label=task.rows["label"].map({0: "legitimate", 1: "fraud"}))
    if task.subject == "event":
        tables: dict[str, Any] = {"events": named}
    else:
        tables = {"accounts": named, "events": task.events}
    data = read_data(recipe, tables, min_label_rows=2)
    key = "event_id" if task.subject == "event" else "account_id"
    place = pd.Series(np.arange(len(data.rows)), data.rows[key].astype(str))
    train, test = (place.reindex(task.rows[key].iloc[rows].astype(str)).to_numpy() for rows in (task.train, task.test))
    train, calibration = _calibration(train, data.rows["as_of"], seed)
    split = Split("given", train, calibration, test, ())
    groups, _ = groups_of(data)
    model, builder, _ = fit_model(data, groups, split, recipe, lambda step: None)
    return np.asarray(scores_of(Scorer(model), data.rows.iloc[test], builder)["probability"], np.float64)


def _calibration(train: NDArray[np.int64], times: pd.Series, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the training rows: the latest are for calibration, or some at random without an order in time."""
    cut = len(train) - max(round(CALIBRATION_SHARE * len(train)), 2)
    order = times.iloc[train].to_numpy().argsort(kind="stable")
    if times.iloc[train].nunique() < 20 or len(train) < 2000:
        order = np.random.default_rng(seed).permutation(len(train))
    return np.sort(train[order[:cut]]), np.sort(train[order[cut:]])


def _plain_columns(task: Task) -> pd.DataFrame:
    """Return the peer's columns of all rows that are trained on or tested."""
    used = np.concatenate([task.train, task.test])
    rows = task.rows.iloc[used].reset_index(drop=True)
    columns = [_own_columns(rows)]
    events = task.rows if task.subject == "event" else task.events
    if events is not None:
        numbers = [str(name) for name in events.columns if name not in NOT_COLUMNS and events[name].dtype.kind in "if"]
        subjects = rows.assign(as_of=rows["occurred_at"]) if task.subject == "event" else rows
        columns.append(plain_features(events, subjects, numbers=numbers, of_events=task.subject == "event"))
    matrix = pd.concat(columns, axis=1)
    return matrix.set_axis(used)


def _own_columns(rows: pd.DataFrame) -> pd.DataFrame:
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
