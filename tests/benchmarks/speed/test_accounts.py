"""The speed benchmark of the builder of account features on a few events."""

import pytest
from benchmarks.speed import __main__ as speed
from benchmarks.speed import accounts as speed_accounts


def test_figures_bars_and_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_accounts, "SIZES", {"1m": 500, "4m": 2000})
    monkeypatch.setattr(speed_accounts, "ACCOUNTS", 60)
    report = speed_accounts.run(runs=1)
    seconds = {f"seconds.{name}" for name in ("1m", "4m", "history", "network")}
    rates = {"events_per_second", "events_per_second.1m", "events_per_second.4m"}
    assert set(report.figures) - {"peak_mb"} == seconds | rates | {"wall_seconds.1m", "wall_seconds.4m", "slope"}
    assert report.figures["events_per_second"] == pytest.approx(
        min(500 / report.figures["seconds.1m"], 2000 / report.figures["seconds.4m"])
    )
    assert [(bar.name, bar.bound) for bar in report.bars] == [
        ("accounts.events_per_second.1m", 400_000),
        ("accounts.events_per_second.4m", 400_000),
        ("accounts.slope", 1.1),
    ]
    assert report.bars[0].value == report.figures["events_per_second.1m"]
    assert report.protocol == speed_accounts.run(runs=1).protocol  # with the same digests
    assert "accounts" in speed.NAMES
