"""The speed benchmark of the live state on a few synthetic events."""

import pytest
from benchmarks.runner import Bar
from benchmarks.speed import live as speed_live

NETWORK_BAR = Bar.at_most("network.p99_us.10", 5.0, 1000)


def test_figures_of_every_size_and_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_live, "SIZES", (10, 1000))
    monkeypatch.setattr(speed_live, "PAIRS", {10: 20, 1000: 20})
    monkeypatch.setattr(speed_live, "ACCOUNTS", 50)
    monkeypatch.setattr(speed_live, "measure_network", lambda: ({"network.p99_us.10": 5.0}, NETWORK_BAR))
    report = speed_live.run()
    sized = {f"{name}.{size}" for name in ("p50_us", "p99_us", "bytes") for size in (10, 1000)}
    assert set(report.figures) == sized | {"bytes.account", "network.p99_us.10"}
    assert 0 < report.figures["p50_us.1000"] <= report.figures["p99_us.1000"]
    assert 32 <= report.figures["bytes.1000"] < 100
    bar, network_bar = report.bars
    assert (bar.name, bar.bound) == ("live.p99_us.1000", 1000)
    assert network_bar == NETWORK_BAR
    assert "20 at 10, 20 at 1,000" in report.protocol


def test_a_state_has_the_requested_size() -> None:
    state = speed_live._filled_state(100)
    assert state.n_events == 100
    microseconds = speed_live._pairs(state, 5)
    assert len(microseconds) == 5
    assert 100 <= state.n_events <= 126  # events older than the longest window are dropped
