"""The speed benchmark of the live network on a few accounts."""

import pytest
from benchmarks.speed.live_state import network as speed_network


def test_figures_of_every_size_and_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_network, "SIZES", (10, 50))
    monkeypatch.setattr(speed_network, "LOOKS", 20)
    monkeypatch.setattr(speed_network, "LINKS", 200)
    figures, bar = speed_network.measure_network()
    assert set(figures) == {f"network.{name}_us.{size}" for name in ("p50", "p99") for size in (10, 50)} | {
        "network.bytes_per_link"
    }
    assert 0 < figures["network.p50_us.50"] <= figures["network.p99_us.50"] == bar.value
    assert figures["network.bytes_per_link"] > 24
    assert (bar.name, bar.bound) == ("network.p99_us.50", 1000)
