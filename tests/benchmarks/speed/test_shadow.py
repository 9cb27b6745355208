"""The benchmark of rules and a shadow on a small simulated world: real servers, real processes."""

import pytest
from benchmarks.service import http_load
from benchmarks.speed import __main__ as speed
from benchmarks.speed import shadow

from fraudsieve.training.simulation.world import simulate


@pytest.mark.slow
def test_figures_and_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_load, "WARM_UP", 0.2)
    world = simulate(days=30, n_accounts=150)
    labels = world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
    labelled = world.messages[["message_id", "text"]].merge(labels, left_on="message_id", right_on="subject_id")
    report = shadow.run(messages=labelled[["message_id", "text", "label"]], clients=(1,), seconds=1.0, turns=1)
    figures = ("requests_per_second", "p50_ms", "p99_ms")
    assert {f"{name}.1.{figure}" for name in ("plain", "rules", "shadow") for figure in figures} < {*report.figures}
    assert [bar.name for bar in report.bars] == ["rules.1.ratio_to_plain", "shadow.1.ratio_to_plain"]
    assert 0 < report.figures["shadow.scored"] <= 1
    assert "shadow" in speed.NAMES
