"""The benchmark of weighted intervals, on few draws of small traffic."""

import numpy as np
import pytest
from benchmarks.evaluation import weighted as module
from benchmarks.evaluation.__main__ import SETS
from benchmarks.evaluation.weighted import Traffic, weighted


def test_weighted_intervals_hold_the_truth_and_plain_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"CAMPAIGNS": 1500, "FRAUDS": 60, "REPLICATES": 50, "AUDITS": (0.2,), "TRAFFIC": {"known": Traffic()}}
    for name, value in small.items():
        monkeypatch.setattr(module, name, value)
    report = weighted(10)
    assert SETS["weighted"] is weighted
    assert [bar.name for bar in report.bars] == [
        "known.0.2.recall.covered",
        "known.0.2.average_precision.covered",
        "known.0.2.recall.width",
        "known.0.2.average_precision.width",
        "known.0.2.missed",
    ]
    assert all(bar.value >= 0.8 for bar in report.bars if "width" not in bar.name)
    assert report.figures["known.0.2.recall.width"] < report.peers["uniform"]["known.0.2.recall.width"]
    assert 0.7 < report.figures["known.0.2.recall.planned"] / report.figures["known.0.2.recall.width"] < 1.6
    assert report.peers["plain"]["known.0.2.recall.covered"] <= 0.2
    assert abs(report.figures["known.0.2.recall.error"]) < report.peers["plain"]["known.0.2.recall.error"]


@pytest.mark.parametrize("traffic", [Traffic(0.2), Traffic(power=2), Traffic(power=0.5)])
@pytest.mark.parametrize("draw", ["_labelled", "_uniform"])
def test_labelled_records_stand_for_all_records_as_a_mean(traffic: Traffic, draw: str) -> None:
    world = module._world(traffic, np.random.default_rng(0))
    drawn = [getattr(module, draw)(world, 0.1, number, 1) for number in range(100)]
    records = np.array([float(rows.weights.sum()) for rows, _ in drawn])
    frauds = np.array([float(rows.weights @ rows.is_fraud) for rows, _ in drawn])
    for totals, truth in ((records, len(world.flagged)), (frauds, world.rows.is_fraud.sum())):
        assert abs(totals.mean() - truth) < 3 * totals.std() / 10
    assert all(flagged.sum() == world.flagged.sum() for _, flagged in drawn)
