"""The benchmark of promised rates of shipped models, on few trainings."""

import numpy as np
import pytest
from benchmarks.evaluation import refits as module
from benchmarks.evaluation.__main__ import SETS
from benchmarks.evaluation.refits import World, refits


@pytest.mark.slow
def test_promises_hold_for_models_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORLDS", {"still": World()})
    report = refits(4)
    assert SETS["refits"] is refits
    assert [bar.name for bar in report.bars] == ["still.exceeded.low"]
    assert 0 < report.figures["still.false_positives"] < 0.01
    assert 0.7 < report.figures["still.observed_over_expected"] < 1.3
    assert set(report.peers["split"]) == set(report.figures)


def test_drift_moves_late_messages_alone() -> None:
    rng = np.random.default_rng(0)
    early, late = (module._campaigns(World(2.0), 3000, 1, np.full(3000, time), rng) for time in (0.0, 1.0))
    moved = late.X.mean(axis=0) - early.X.mean(axis=0)
    assert moved[4] == pytest.approx(2 * np.sqrt(0.7), abs=0.2)
    assert moved[5] == pytest.approx(4 * np.sqrt(0.7), abs=0.2)
    assert abs(moved[[0, 1, 2, 3, 6, 7]]).max() < 0.2
