"""The benchmark of the ordinary call's cost, with few payments."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.speed import payments


def test_figures_bars_and_peers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng, n = np.random.default_rng(3), 3000
    table = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(n)],
            "occurred_at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, 90, n)), "D"),
            "account_id": rng.integers(0, 100, n).astype(str),
            "counterparty_id": rng.integers(0, 50, n).astype(str),
            "amount": rng.gamma(2, 20, n),
            "label": rng.random(n) < 0.05,
            "fraud_scenario": 0,
        }
    )
    (tmp_path / "accounts" / "fdh_cards").mkdir(parents=True)
    table.to_parquet(tmp_path / "accounts" / "fdh_cards" / "events.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    for name, value in {
        "SIZES": (2000, 2500),
        "PEERS": ("lightgbm",),
        "CPU_SECONDS": {2000: 0.1},
        "MAX_MB": {2500: 50_000.0},
    }.items():
        monkeypatch.setattr(payments, name, value)
    report = payments.run()
    figures = {f"{n}.{what}" for n in (2000, 2500) for what in ("cpu_seconds", "seconds", "peak_mb")}
    assert set(report.figures) == set(report.peers["lightgbm raw"]) == figures
    assert set(report.peers["lightgbm features"]) == {name for name in figures if name.startswith("2000.")}
    assert min(report.figures.values()) > 0
    assert [(bar.name, bar.holds) for bar in report.bars] == [("2000.cpu_seconds", False), ("2500.peak_mb", True)]
