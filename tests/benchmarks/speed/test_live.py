"""The speed benchmark of the live state on a few synthetic events."""

import pytest
from benchmarks.runner import Bar
from benchmarks.speed import live as speed_live
from benchmarks.speed.live_state import columns, hot_entity

COLUMN_FIGURES = {
    f"columns.{name}" for name in ("events_per_second", "records_per_second", "bytes_per_event", "dump_s", "restore_s")
}
NETWORK_BAR = Bar.at_most("network.p99_us.10", 5.0, 1000)


def test_figures_of_every_size_and_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_live, "SIZES", (10, 1000))
    monkeypatch.setattr(speed_live, "PAIRS", 20)
    monkeypatch.setattr(speed_live, "ACCOUNTS", 50)
    monkeypatch.setattr(hot_entity, "SIZES", (1000,))
    monkeypatch.setattr(hot_entity, "CAMPAIGN_SIZE", 100)
    monkeypatch.setattr(hot_entity, "PAIRS", 20)
    monkeypatch.setattr(speed_live, "measure_network", lambda: ({"network.p99_us.10": 5.0}, NETWORK_BAR))
    monkeypatch.setattr(columns, "EVENTS", 2000)
    monkeypatch.setattr(columns, "RECORDS", 200)
    report = speed_live.run()
    sized = {f"{name}.{size}" for name in ("p50_us", "p99_us", "bytes") for size in (10, 1000)}
    names = {"hot.{}_us.1000", "same_time.{}_us.1000", "late.{}_us", "look_back.{}_us", "campaign.{}_us.100"}
    hot = {name.format(share) for name in names for share in ("p50", "p99")}
    assert set(report.figures) == sized | {"bytes.account", "network.p99_us.10"} | hot | COLUMN_FIGURES
    assert 0 < report.figures["p50_us.1000"] <= report.figures["p99_us.1000"]
    assert 32 <= report.figures["bytes.1000"] < 100
    *bars, network_bar, columns_bar = report.bars
    assert (columns_bar.name, columns_bar.bound) == ("columns.events_per_second", 300_000)
    assert columns_bar.value == report.figures["columns.events_per_second"] > 0
    of_sizes = {f"live.p99_us.{size}" for size in (10, 1000)}
    assert {bar.name for bar in bars} == {name.format("p99") for name in names} | of_sizes
    assert {bar.bound for bar in bars} == {1000}
    assert network_bar == NETWORK_BAR
    assert "20 times for every N" in report.protocol
