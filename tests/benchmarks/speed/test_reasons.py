"""The speed benchmark of reasons, on a few trees."""

import numpy as np
import pytest
from benchmarks.speed import __main__ as speed
from benchmarks.speed import reasons as speed_reasons


def test_figures_peers_and_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_reasons, "TRAINED", 500)
    report = speed_reasons.run(records=20, rows=30, rounds=1, trees=3)
    measured = {"p50_us", "p99_us", "rows_per_second"}
    ours = {f"{name}.{what}" for name in measured for what in ("reasons", "values")}
    assert set(report.figures) == ours | {"seconds_to_ready", "ratio_to_lightgbm.record"}
    assert "lightgbm" in report.peers
    assert set(report.peers["lightgbm"]) == {f"{name}.values" for name in measured}
    assert 0 < report.figures["p50_us.values"] <= report.figures["p99_us.values"]
    (bar,) = report.bars
    assert (bar.name, bar.bound, bar.value) == ("reasons.p50_us", 1000.0, report.figures["p50_us.reasons"])
    assert "200" not in report.protocol
    assert "reasons" in speed.NAMES


def test_timed_values_equal_those_of_lightgbm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_reasons, "TRAINED", 500)
    X, booster = speed_reasons._make_rows(3)
    calls = speed_reasons._calls(speed_reasons._model(booster), booster)
    ours, theirs = np.asarray(calls["values"](X[:50])), np.asarray(calls["lightgbm"](X[:50]))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
