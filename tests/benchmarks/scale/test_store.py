"""The benchmark of the event store, with few events."""

import pytest
from benchmarks.scale import store

from tests.live.postgres import binaries


@pytest.mark.slow
def test_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "KILL_AFTER", 0.5)
    report = store.run(300, 0.2)
    kinds = ("sqlite", "postgresql") if binaries() else ("sqlite",)
    rates = {f"{kind}.{n}.events_per_second" for kind in kinds for n in (1, 8)}
    others = {"lost", "fdatasync_us", "bytes_per_event", "restart_s", "restart_with_snapshot_s"}
    assert {*report.figures} == rates | others
    assert all(report.figures[name] > 0 for name in rates | others - {"lost"})
    assert [bar.holds for bar in report.bars] == [True]
