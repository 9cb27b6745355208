"""Speed of reasons: Shapley values and named reasons of one record and of many, next to LightGBM's and SHAP's."""

import importlib
import time
from collections.abc import Callable

import lightgbm as lgb
import numpy as np

from benchmarks.machine import one_core
from benchmarks.runner import Bar, Report, progress
from benchmarks.speed.timing import medians_in_turn
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import Calibration
from fraudsieve.models.reasons.reason_codes import contributions, explain
from fraudsieve.models.trees.ensemble import Ensemble

__all__ = ["run"]

Call = Callable[[Array], object]

COLUMNS, TRAINED, TREES, LEAVES = 100, 20_000, 200, 31
BAR_US = 1000.0
_PROTOCOL = (
    "A binary LightGBM model of {trees} trees of {leaves} leaves over {columns} columns of synthetic rows, 5 % of the "
    "values missing. One record, {records:,} times in turn, on one core: reasons is from a feature row to the five "
    "strongest reasons, named; values is the Shapley values alone, and so are the peers' figures. Batch: {rows:,} "
    "rows in one call, median of {rounds}, on one core. seconds_to_ready: reading the trees, once per model. Kernels "
    "are compiled before."
)


def run(*, records: int = 1000, rows: int = 2000, rounds: int = 3, trees: int = TREES) -> Report:
    """Time reasons of one record and of a batch.

    Parameters
    ----------
    records : int, default=1000
        Single records that are timed.
    rows : int, default=2000
        Rows of the batch.
    rounds : int, default=3
        Times that the batch is timed.
    trees : int, default=200
        Trees of the model.

    Returns
    -------
    Report
        Percentiles of a record in microseconds, and rows per second.
    """
    X, booster = _make_rows(trees)
    model = _model(booster)
    start = time.perf_counter()
    _ = model.ensemble.trees
    ready = time.perf_counter() - start
    calls = _calls(model, booster)
    singles = _singles(calls, X, records)
    batch = medians_in_turn({name: _bind_rows(call, X[:rows]) for name, call in calls.items()}, rounds=rounds)
    figures = {"seconds_to_ready": ready}
    peers: dict[str, dict[str, float]] = {}
    for name, taken in singles.items():
        measured = {"p50_us": _percentile(taken, 50), "p99_us": _percentile(taken, 99)}
        measured["rows_per_second"] = rows / batch[name]
        progress(f"{name}: " + ", ".join(f"{key} {value:,.0f}" for key, value in measured.items()))
        if name in ("reasons", "values"):
            figures |= {f"{key}.{name}": value for key, value in measured.items()}
        else:
            peers[name] = {f"{key}.values": value for key, value in measured.items()}
    figures["ratio_to_lightgbm.record"] = figures["p50_us.values"] / peers["lightgbm"]["p50_us.values"]
    protocol = _PROTOCOL.format(trees=trees, leaves=LEAVES, columns=COLUMNS, records=records, rows=rows, rounds=rounds)
    bar = Bar.at_most("reasons.p50_us", figures["p50_us.reasons"], BAR_US)
    return Report("reasons", "made up", protocol, records + rows, figures, peers, [bar])


def _make_rows(trees: int) -> tuple[Array, lgb.Booster]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(TRAINED, COLUMNS))
    X[rng.random(X.shape) < 0.05] = np.nan
    filled = np.nan_to_num(X)
    y = filled[:, :10].sum(axis=1) + filled[:, 3] * filled[:, 4] + rng.normal(size=TRAINED) > 0
    settings = {"objective": "binary", "num_leaves": LEAVES, "feature_fraction": 0.5, "num_threads": 1, "verbosity": -1}
    booster = lgb.train(settings, lgb.Dataset(X, y.astype(int)), trees)
    return X, lgb.Booster(model_str=booster.model_to_string())


def _model(booster: lgb.Booster) -> Model:
    matrix = AccountMatrix(
        Subject.EVENT, (), custom=CustomColumns(tuple(f"n{index}" for index in range(COLUMNS))), timed=False
    )
    ensemble = Ensemble(booster, (), np.zeros(1))
    return Model("reasons", ("fraud", "legitimate"), "legitimate", matrix, ensemble, Calibration())


def _calls(model: Model, booster: lgb.Booster) -> dict[str, Call]:
    calls: dict[str, Call] = {
        "reasons": lambda rows: explain(model, rows, np.zeros((len(rows), 1))),
        "values": lambda rows: contributions(model.ensemble, rows),
        "lightgbm": lambda rows: booster.predict(rows, pred_contrib=True, num_threads=1),
    }
    try:
        shap = importlib.import_module("shap")
    except ImportError:
        return calls
    explainer = shap.TreeExplainer(booster)
    return {**calls, "shap": explainer.shap_values}


def _bind_rows(call: Call, rows: Array) -> Callable[[], object]:
    return lambda: call(rows)


def _singles(calls: dict[str, Call], X: Array, records: int) -> dict[str, list[float]]:
    """Time single records in turn, in microseconds, after a few for warm-up."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    with one_core():
        for at in range(-10, records):
            row = X[at % len(X)][None]
            for name, call in calls.items():
                start = time.perf_counter()
                call(row)
                if at >= 0:
                    taken[name].append((time.perf_counter() - start) * 1e6)
    return taken


def _percentile(taken: list[float], share: int) -> float:
    return float(np.percentile(taken, share))
