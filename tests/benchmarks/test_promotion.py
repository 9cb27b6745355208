"""The benchmark of promotion: every gate works in one or two worlds."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from benchmarks import promotion

from fraudsieve.training.promotion.decision import Decision
from fraudsieve.training.promotion.gates import Gate
from fraudsieve.training.promotion.paired_comparison import Pair
from tests.shared import mlflow_uri


def decision(gain: float, *failed: str) -> Decision:
    gates = tuple(Gate(name, 0.0, 0.0, name not in failed, "") for name in ("average_precision", "attack"))
    comparison: Any = SimpleNamespace(figures={"average_precision": Pair(difference=gain)})
    outcome = "refused" if failed else "promoted"
    return Decision(outcome, "", "m", "2", "1", "1", (), gates, comparison)


def test_shares() -> None:
    outcomes = [decision(0.1, "attack"), decision(0.3, "attack", "average_precision"), decision(-0.1)]
    shares = promotion._shares(outcomes, ("attack",))
    expected = {"promoted": 1 / 3, "stopped": 2 / 3, "alone": 1 / 3, "gained": 2 / 3, "gain": 0.1}
    assert shares == pytest.approx(expected)
    assert promotion._shares(outcomes, ("attack", "average_precision"))["alone"] == pytest.approx(2 / 3)
    assert "stopped" not in promotion._shares(outcomes, ())


@pytest.mark.slow
def test_every_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(promotion.Lab, "uri", property(lambda lab: mlflow_uri(lab.folder)))
    try:
        report = promotion.run(seeds=1, n_refreshes=2, n_through_mlflow=1)
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]
    missed = [bar.name for bar in report.bars if not bar.holds]
    assert [name for name in missed if not name.startswith("refresh_")] == []  # two refreshes show nothing
    assert report.figures["better.promoted"] == 1.0
    refreshes = {"refresh_equal", "refresh_worse"}
    assert {name.partition(".")[0] for name in report.figures} == {*promotion.SCENARIOS, *refreshes}
    assert report.figures["loses_recall_at_capacity.alone"] == 1.0
    assert list(tmp_path.iterdir()) == []
