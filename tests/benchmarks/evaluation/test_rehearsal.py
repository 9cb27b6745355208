"""The benchmark of rehearsals, on a few small quarters."""

import pytest
from benchmarks.evaluation import rehearsal as module
from benchmarks.evaluation.__main__ import SETS
from benchmarks.evaluation.rehearsal import World, rehearsal


def test_intervals_hold_the_truth_and_a_backtest_on_labels_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"CAMPAIGNS": 6_000, "FRAUDS": 300, "WEEKS": 2, "AUDITS": (0.2,), "WORLDS": {"known": World()}}
    for name, value in small.items():
        monkeypatch.setattr(module, name, value)
    report = rehearsal(8)
    assert SETS["rehearsal"] is rehearsal
    assert {bar.name for bar in report.bars} >= {"known.0.2.frauds.covered", "few.refused", "none.refused"}
    assert all(bar.value >= 0.8 for bar in report.bars)
    assert report.figures["none.refused"] == report.figures["few.refused"] == 1
    ours, naive = (of["known.0.2.frauds.rmse"] for of in (report.figures, report.peers["naive"]))
    assert ours < naive / 2
    assert report.peers["naive"]["known.0.2.frauds.error"] < 0
