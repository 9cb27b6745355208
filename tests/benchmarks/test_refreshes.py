"""Simulated refreshes: their worlds, what is wrong with the worse ones, and the figures."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pytest
from benchmarks import refreshes
from benchmarks.refreshes import Refresh, flawed, payments, refresh_bars, refresh_figures, simulate_refreshes

from fraudsieve.training.promotion.gates import Gate
from fraudsieve.training.promotion.model_comparison import Pair


def test_worlds_are_reproducible_and_in_order_of_time() -> None:
    table = payments(3)
    assert table.equals(payments(3))
    assert not table.equals(payments(4))
    assert table["occurred_at"].is_monotonic_increasing
    assert (table["label"] == "fraud").mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(("seed", "column"), [(0, "label"), (1, "x0")])
def test_a_flaw_is_in_the_records_before_the_newest_slice(seed: int, column: str) -> None:
    table = payments(seed)
    worse = flawed(table, seed)
    earlier = len(table) * 4 // 5
    assert worse.drop(columns=column).equals(table.drop(columns=column))
    assert worse[column].iloc[earlier:].equals(table[column].iloc[earlier:])
    changed = (worse[column] != table[column]).iloc[:earlier]
    assert changed.mean() > 0.05
    assert np.sort(worse[column]).tolist() == np.sort(table[column]).tolist()


def outcome(kind: Any, gain: float, *failed: str, real: bool = False) -> Refresh:
    comparison: Any = SimpleNamespace(figures={"average_precision": Pair(difference=gain)})
    gates = tuple(Gate(name, 0.0, 0.0, name not in failed, "") for name in ("average_precision", "latency"))
    return Refresh(kind, real, comparison, gates)


def test_figures_and_bars() -> None:
    outcomes = [outcome("equal", 0.01, real=True), outcome("equal", -0.01, "latency")]
    outcomes += [outcome("worse", -0.06, "average_precision"), outcome("worse", -0.04, "average_precision", "latency")]
    figures = refresh_figures(outcomes)
    assert figures == pytest.approx(
        {
            "refresh_equal.promoted": 0.5,
            "refresh_equal.promoted_through_mlflow": 1.0,
            "refresh_equal.gain": 0.0,
            "refresh_equal.spread": 0.01,
            "refresh_equal.stopped_by.latency": 0.5,
            "refresh_worse.promoted": 0.0,
            "refresh_worse.gain": -0.05,
            "refresh_worse.spread": 0.01,
            "refresh_worse.stopped_by.average_precision": 1.0,
            "refresh_worse.stopped_by.latency": 0.5,
        }
    )
    assert [bar.holds for bar in refresh_bars(figures)] == [False, True, True]


@pytest.mark.slow
def test_a_worse_refresh_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(refreshes, "ROWS", 4000)
    try:
        equal, worse = simulate_refreshes(tmp_path, 1, real=False)
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]
    assert (equal.kind, worse.kind) == ("equal", "worse")
    assert equal.comparison.refresh
    assert equal.comparison.challenger.stand_in_for == "challenger"
    difference = equal.comparison.figures["average_precision"].difference
    assert difference is not None
    assert (worse.comparison.figures["average_precision"].difference or 0.0) < difference
