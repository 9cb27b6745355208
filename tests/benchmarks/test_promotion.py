"""The benchmark of promotion: every gate works in one or two worlds."""

from pathlib import Path

import mlflow
import pytest
from benchmarks import promotion

from tests.shared import mlflow_uri


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
